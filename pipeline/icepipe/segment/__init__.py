"""Segment pixels into named clusters and class codes."""
