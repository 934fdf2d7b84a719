"""Changes between the observations of a run."""
