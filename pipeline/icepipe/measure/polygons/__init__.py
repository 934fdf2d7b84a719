"""Convert class rasters to polygons that form a coverage."""
