"""Sensors, products and quality rasters that icepipe knows: data, not code."""
