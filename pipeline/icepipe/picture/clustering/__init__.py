"""Cluster the colours of a picture."""
