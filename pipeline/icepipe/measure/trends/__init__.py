"""Trends, steps, extremes and alerts of a series."""
