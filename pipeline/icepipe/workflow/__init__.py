"""The order of a run: plan, fit, update observations, publish."""
