"""Segment a single picture into a few colours: read it, cluster its colours, draw and write the results."""
