"""Classify pixels into strata: nearest cluster, and the classes of their own colour."""
