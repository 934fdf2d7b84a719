"""From class codes to square kilometres and polygons."""
