"""From pixels to named clusters and class codes."""
