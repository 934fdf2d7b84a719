"""Drawings and copies of a segmented picture."""
