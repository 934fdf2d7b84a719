"""Grids on the Earth: coordinate systems, true pixel area, resampling, the antimeridian."""
