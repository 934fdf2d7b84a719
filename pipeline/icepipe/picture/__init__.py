"""One picture in a few colours: read, cluster, draw, write."""
