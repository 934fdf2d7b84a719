"""Rasters as run lengths, connected components, outlines on a grid."""
