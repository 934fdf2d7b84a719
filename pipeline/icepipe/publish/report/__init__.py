"""The report of a run: a page for people, and pictures of the series, made from what stands in the run's folder."""
