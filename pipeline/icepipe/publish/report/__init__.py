"""The report of a run: an HTML page, plots of the series and an animation, made from the published files."""
