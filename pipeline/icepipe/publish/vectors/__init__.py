"""Vector files: Shapefile, GeoPackage, GeoParquet, FlatGeobuf, and their styles."""
