"""From pixels to strata: the nearest cluster, and what its own colour says."""
