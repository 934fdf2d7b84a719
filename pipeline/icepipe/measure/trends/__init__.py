"""Trends, step changes, extremes, quality flags and alerts of a series."""
