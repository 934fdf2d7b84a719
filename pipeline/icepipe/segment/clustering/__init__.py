"""Cluster the sample of a run: sampling, k-means, splitting, choice of k."""
