"""Recognition of satellite products: names, dates, bands, scaling, quality rasters."""
