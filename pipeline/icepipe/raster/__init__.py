"""Run-length rasters, connected components, and rasterized regions."""
