"""Compute the true area of pixels on the ellipsoid, for any CRS with a datum.

The area of a pixel is the integral, over the pixel, of the Jacobian of the transformation from the grid to the surface
of the ellipsoid. The Jacobian is evaluated on a coarse lattice and interpolated by bicubic Lagrange polynomials
averaged over the pixel, so the result is the mean of the pixel and not the value at its centre.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeVar

import numpy as np

from icepipe.arrays import Float64, Int64
from icepipe.errors import NoUsableInput
from icepipe.geo.ellipsoid import Ellipsoid
from icepipe.geo.geobox import Block, GeoBox

Real = TypeVar("Real", float, Float64)

ANCHOR_STEPS = 2**20
"""Grid origins are rounded to this fraction of a pixel, so that tiles of the same grid share exactly the same plane."""


class PixelPlane:
    """Plane of pixel coordinates (u, v), and its transformation onto the ellipsoid.

    Coordinates are columns and rows counted from the origin of the CRS, so all grids with the same pixel vectors share
    a plane, and a pixel has the same area in each of them.

    Parameters
    ----------
    geobox
        A grid of the plane.

    Attributes
    ----------
    ellipsoid
        Ellipsoid of its CRS.
    vectors
        Map coordinates per column and row, shape (2, 2).
    origin
        Coordinates of the upper left corner of the grid, shape (2,).
    middle
        Coordinates of the middle of the grid, shape (2,).
    """

    def __init__(self, geobox: GeoBox) -> None:
        self.ellipsoid = Ellipsoid.from_wkt(geobox.crs)
        t = geobox.transform
        self.vectors: Float64 = np.array([[t.a, t.b], [t.d, t.e]], dtype=np.float64)
        origin = np.linalg.solve(self.vectors, np.array([t.c, t.f]))
        self.origin: Float64 = np.rint(origin * ANCHOR_STEPS) / ANCHOR_STEPS
        self.middle: Float64 = self.origin + np.array([geobox.width, geobox.height]) / 2

    def cartesian(self, uv: Float64) -> tuple[Float64, Float64]:
        """Return geocentric coordinates in metres and outward unit normals of plane coordinates; shapes (..., 3)."""
        x = self.vectors[0, 0] * uv[..., 0] + self.vectors[0, 1] * uv[..., 1]
        y = self.vectors[1, 0] * uv[..., 0] + self.vectors[1, 1] * uv[..., 1]
        return self.ellipsoid.cartesian(*self.ellipsoid.lonlat(x, y))

    def lattice(self, first: Float64, last: Float64, steps: Float64) -> Float64:
        """Return geocentric coordinates in metres of the nodes of a lattice; shape (rows, columns, 3).

        Parameters
        ----------
        first, last
            Plane coordinates of the first and the last node, shape (2,).
        steps
            Pixels between nodes along u and v, shape (2,).
        """
        nodes_u, nodes_v = (np.arange(first[axis], last[axis] + steps[axis] / 2, steps[axis]) for axis in range(2))
        # Row by row, so that the intermediate arrays stay small.
        rows = [self.cartesian(np.stack([nodes_u, np.full_like(nodes_u, v)], axis=-1))[0] for v in nodes_v]
        return np.stack(rows)

    def steps(self, ground_m: float) -> Float64:
        """Return the pixels along u and v that are about ``ground_m`` long; shape (2,)."""
        # A power of two and at least one, so that nodes are at whole pixels.
        return np.asarray(2.0 ** np.maximum(0, np.rint(np.log2(ground_m / self.sides_m))))

    @cached_property
    def sides_m(self) -> Float64:
        """Ground length of the column and row vector of the middle pixel in metres; shape (2,)."""
        # Central differences over a 500th of a pixel.
        halves = np.eye(2) * 1e-3
        sides = [self.cartesian(self.middle + half)[0] - self.cartesian(self.middle - half)[0] for half in halves]
        return np.asarray(np.linalg.norm(sides, axis=-1) / 2e-3)


LATTICE_GROUND_M = 20_000.0
"""Lattice step on the ground; the relative error of cubic interpolation is below 1e-9 from 0 to 89 degrees latitude."""

DERIVATIVE_STEP_M = 2_000.0
"""Step of the five-point derivative on the ground: its truncation error is 1e-13, PROJ's rounding stays below 1e-9."""


def _derivative(plane: PixelPlane, uv: Float64, step: Float64) -> Float64:
    # Five-point stencil of the first derivative.
    near = plane.cartesian(uv + step)[0] - plane.cartesian(uv - step)[0]
    far = plane.cartesian(uv + 2 * step)[0] - plane.cartesian(uv - 2 * step)[0]
    return (8 * near - far) / 12


def area_density(plane: PixelPlane, uv: Float64, step_px: Float64) -> Float64:
    """Return the signed area of a unit pixel in m2 as a continuous function of plane coordinates.

    Parameters
    ----------
    plane
        The plane.
    uv
        Plane coordinates, shape (..., 2); the result has shape (...).
    step_px
        Steps of the derivatives along u and v in pixels, shape (2,).
    """
    # The Jacobian is the triple product of the normal and both tangents.
    _, normal = plane.cartesian(uv)
    along_u = _derivative(plane, uv, np.array([step_px[0], 0.0])) / step_px[0]
    along_v = _derivative(plane, uv, np.array([0.0, step_px[1]])) / step_px[1]
    return np.asarray(np.sum(normal * np.cross(along_u, along_v), axis=-1))


def cubic_weights(t: Real) -> tuple[Real, Real, Real, Real]:
    """Return the weights of the nodes at -1, 0, 1 and 2 for positions ``t``, by Lagrange's four-point formula.

    Source: Abramowitz and Stegun (1964), Handbook of Mathematical Functions, 25.2.13.
    """
    # Plain arithmetic, so that NumPy arrays and compiled scalars give the same bits.
    return (
        -t * (t - 1) * (t - 2) / 6,
        (t + 1) * (t - 1) * (t - 2) / 2,
        -(t + 1) * t * (t - 2) / 2,
        (t + 1) * t * (t - 1) / 6,
    )


def averaged_weights(position: Float64, step: float) -> tuple[Int64, Float64]:
    """Return the first lattice node of each pixel centre, and the four weights averaged over the width of the pixel.

    Shapes are (n,) and (4, n).
    """
    cell = np.floor(position / step).astype(np.int64)
    t = position / step - cell
    value = np.stack(cubic_weights(t))
    # The mean of a cubic over an interval of width w around t is exactly its value plus w^2 / 24 times its second
    # derivative. In units of the step, a pixel is 1 / step wide.
    second = np.stack([1 - t, 3 * t - 2, 1 - 3 * t, t])
    return cell - 1, value + second / (24 * step**2)


@dataclass(frozen=True)
class PixelArea:
    """True area of the pixels of a grid, as integer multiples of a unit.

    Attributes
    ----------
    geobox
        The grid.
    unit_m2
        The unit in m2, a power of two of about 2**-30 of a pixel, so that sums of areas are exact.
    """

    geobox: GeoBox
    unit_m2: float

    @classmethod
    def of(cls, geobox: GeoBox) -> PixelArea:
        """Return the areas of a grid, with a unit chosen by its middle pixel.

        Raises
        ------
        NoUsableInput
            If the middle of the grid is outside the domain of the CRS.
        """
        sides = PixelPlane(geobox).sides_m
        if not np.all(np.isfinite(sides)) or not np.all(sides > 0):
            raise NoUsableInput("the middle of the grid does not lie on the Earth", "check the CRS and the transform")
        return cls(geobox, float(2.0 ** (round(np.log2(sides[0] * sides[1])) - 30)))

    @cached_property
    def plane(self) -> PixelPlane:
        """Plane of the grid."""
        return PixelPlane(self.geobox)

    @cached_property
    def steps(self) -> tuple[Float64, Float64, float]:
        """Lattice steps in pixels, derivative steps in pixels, and the sign of the orientation of the grid."""
        derivative = 2.0 ** np.rint(np.log2(DERIVATIVE_STEP_M / self.plane.sides_m))
        # Negative for grids whose rows run south, which are most.
        sign = float(np.sign(area_density(self.plane, self.plane.middle, derivative)))
        return self.plane.steps(LATTICE_GROUND_M), derivative, sign

    @property
    def surface(self) -> str:
        """Name of the ellipsoid that areas are measured on."""
        return self.plane.ellipsoid.surface

    def units(self, block: Block) -> Int64:
        """Return the area of each pixel of a block in whole units; shape (rows, columns).

        Raises
        ------
        NoUsableInput
            If part of the block is outside the domain of the CRS.
        """
        from icepipe.geo._kernels import interpolate_units

        units = np.empty((block.height, block.width), dtype=np.int64)
        first, weight = column_weights(self, block.col, block.width)
        if not interpolate_units(row_areas(self, block), first - first.min(), weight, self.unit_m2, units):
            raise NoUsableInput(
                "part of the grid does not lie on the Earth in its coordinate system", "cut the tile or reproject it"
            )
        return units

    def m2(self, block: Block) -> Float64:
        """Return the area of each pixel of a block in m2, as a multiple of the unit; shape (rows, columns).

        Raises
        ------
        NoUsableInput
            If part of the block is outside the domain of the CRS.
        """
        return np.asarray(self.units(block) * self.unit_m2, dtype=np.float64)


# Every observation, pair of observations and polygon layer needs the areas of the same blocks.
@lru_cache(maxsize=8)
def column_weights(area: PixelArea, col: int, width: int) -> tuple[Int64, Float64]:
    """Return the first lattice column of each of ``width`` pixel columns, and its four weights."""
    return averaged_weights(area.plane.origin[0] + col + np.arange(width) + 0.5, area.steps[0][0])


@lru_cache(maxsize=256)
def row_areas(area: PixelArea, block: Block) -> Float64:
    """Return areas in m2, interpolated to the rows of a block, at the lattice columns around it.

    Shape (rows, lattice columns); not finite outside the domain of the CRS.
    """
    (step_u, step_v), derivative, sign = area.steps
    first_u, _ = column_weights(area, block.col, block.width)
    first_v, weight_v = averaged_weights(area.plane.origin[1] + block.row + np.arange(block.height) + 0.5, step_v)
    # Nodes are multiples of the step from the origin of the CRS, so that areas do not depend on the block.
    nodes_u = np.arange(first_u.min(), first_u.max() + 4)
    nodes_v = np.arange(first_v.min(), first_v.max() + 4)
    uv = np.stack(np.meshgrid(nodes_u * step_u, nodes_v * step_v), axis=-1)
    lattice = sign * area_density(area.plane, uv, derivative)
    return np.asarray(sum(weight_v[i][:, None] * lattice[first_v - nodes_v[0] + i] for i in range(4)))
