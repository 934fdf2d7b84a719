"""k-means: sampling, fitting, splitting, choosing k."""
