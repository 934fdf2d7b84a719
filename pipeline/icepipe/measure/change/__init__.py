"""What became what between two class rasters."""
