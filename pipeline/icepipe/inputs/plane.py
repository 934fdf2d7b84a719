"""The plane that the pixels of a grid lie on, and where its points are on the Earth."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from icepipe.inputs.earth import Earth
from icepipe.records import Float64, GeoBox

ANCHOR_STEPS = 2**20
"""Grid origins are rounded to this part of a pixel, so that tiles of one grid share one plane exactly."""


class Plane:
    """A plane of pixels.

    Positions are (u, v): pixel columns and rows counted from the origin of the CRS, so every grid with the same pixel
    vectors shares one plane.

    Parameters
    ----------
    geobox
        A grid.

    Attributes
    ----------
    earth
        The Earth as its CRS sees it.
    vectors
        Map coordinates by column and row, shape (2, 2).
    origin
        Position of the upper left corner of the grid, shape (2,).
    middle
        Position of the middle of the grid, shape (2,).
    """

    def __init__(self, geobox: GeoBox) -> None:
        self.earth = Earth.of(geobox.crs)
        t = geobox.transform
        self.vectors: Float64 = np.array([[t.a, t.b], [t.d, t.e]], dtype=np.float64)
        origin = np.linalg.solve(self.vectors, np.array([t.c, t.f]))
        self.origin: Float64 = np.rint(origin * ANCHOR_STEPS) / ANCHOR_STEPS
        self.middle: Float64 = self.origin + np.array([geobox.width, geobox.height]) / 2

    def place(self, uv: Float64) -> tuple[Float64, Float64]:
        """Geocentric coordinates in metres and outward unit normals of positions; shapes (..., 3)."""
        x = self.vectors[0, 0] * uv[..., 0] + self.vectors[0, 1] * uv[..., 1]
        y = self.vectors[1, 0] * uv[..., 0] + self.vectors[1, 1] * uv[..., 1]
        return self.earth.cartesian(*self.earth.lonlat(x, y))

    def lattice(self, first: Float64, last: Float64, steps: Float64) -> Float64:
        """Geocentric coordinates in metres of nodes from the first position to the last; shape (rows, columns, 3).

        All arguments are pixels along columns and rows, shape (2,).
        """
        nodes_u, nodes_v = (np.arange(first[axis], last[axis] + steps[axis] / 2, steps[axis]) for axis in range(2))
        rows = [self.place(np.stack([nodes_u, np.full_like(nodes_u, v)], axis=-1))[0] for v in nodes_v]
        return np.stack(rows)

    def steps(self, ground_m: float) -> Float64:
        """Pixels along columns and rows, one or a power of two, that are about so long on the ground; shape (2,)."""
        return np.asarray(2.0 ** np.maximum(0, np.rint(np.log2(ground_m / self.sides_m))))

    @cached_property
    def sides_m(self) -> Float64:
        """Ground length of the column and row vector of the pixel in the middle; shape (2,)."""
        halves = np.eye(2) * 1e-3
        sides = [self.place(self.middle + half)[0] - self.place(self.middle - half)[0] for half in halves]
        return np.asarray(np.linalg.norm(sides, axis=-1) / 2e-3)
