"""Measure change between class rasters of two observations."""
