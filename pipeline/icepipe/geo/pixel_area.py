"""True area of pixels on the ellipsoid, for any CRS that knows where on the Earth it is.

A pixel's area is the integral over the pixel of the Jacobian of the map from the grid to the ellipsoid's
surface. The Jacobian is evaluated on a coarse lattice and interpolated by bicubic Lagrange polynomials that
are averaged over the pixel, so the result is the pixel's mean and not the value at its centre.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from icepipe.arrays import Float64, Int64
from icepipe.errors import NoUsableInput
from icepipe.geo.ellipsoid import Ellipsoid
from icepipe.geo.geobox import Block, GeoBox
from icepipe.geo.lagrange import cubic_weights

ANCHOR_STEPS = 2**20
"""Grid origins are rounded to this part of a pixel, so that tiles of one grid share one plane exactly."""


class PixelPlane:
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
        self.earth = Ellipsoid.of(geobox.crs)
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


LATTICE_GROUND_M = 20_000.0
"""Lattice step on the ground; cubic interpolation is then better than 1e-9 between 0 and 89 degrees."""

DERIVATIVE_STEP_M = 2_000.0
"""Step of the five-point derivative: truncation 1e-13, and PROJ's rounding stays under 1e-9."""


def _derivative(plane: PixelPlane, uv: Float64, step: Float64) -> Float64:
    near = plane.place(uv + step)[0] - plane.place(uv - step)[0]
    far = plane.place(uv + 2 * step)[0] - plane.place(uv - 2 * step)[0]
    return (8 * near - far) / 12


def area_density(plane: PixelPlane, uv: Float64, step_px: Float64) -> Float64:
    """Signed area of a unit pixel in m2 as a continuous function of the position, shape (..., 2).

    By derivatives over ``step_px``, of columns and rows.
    """
    _, normal = plane.place(uv)
    along_u = _derivative(plane, uv, np.array([step_px[0], 0.0])) / step_px[0]
    along_v = _derivative(plane, uv, np.array([0.0, step_px[1]])) / step_px[1]
    return np.asarray(np.sum(normal * np.cross(along_u, along_v), axis=-1))


def _averaged_weights(position: Float64, step: float) -> tuple[Int64, Float64]:
    """First lattice node and the four weights of each pixel centre, averaged over the pixel's width.

    The mean of a cubic over an interval of width w about t is its value plus w^2 / 24 times its second
    derivative, exactly.
    """
    cell = np.floor(position / step).astype(np.int64)
    t = position / step - cell
    value = np.stack(cubic_weights(t))
    second = np.stack([1 - t, 3 * t - 2, 1 - 3 * t, t])
    return cell - 1, value + second / (24 * step**2)


@dataclass(frozen=True)
class PixelArea:
    """True area of every pixel of a grid, as whole numbers of a unit.

    Attributes
    ----------
    geobox
        The grid.
    unit_m2
        The unit, a power of two of a square metre, about 2**-30 of a pixel: sums of it are exact.
    """

    geobox: GeoBox
    unit_m2: float

    @classmethod
    def of(cls, geobox: GeoBox) -> PixelArea:
        """Choose the unit for a grid from the pixel at its middle."""
        sides = PixelPlane(geobox).sides_m
        if not np.all(np.isfinite(sides)) or not np.all(sides > 0):
            raise NoUsableInput("the middle of the grid does not lie on the Earth", "check the CRS and the transform")
        return cls(geobox, float(2.0 ** (round(np.log2(sides[0] * sides[1])) - 30)))

    @cached_property
    def _plane(self) -> PixelPlane:
        return PixelPlane(self.geobox)

    @cached_property
    def _steps(self) -> tuple[Float64, Float64, float]:
        """Lattice steps in pixels, derivative steps in pixels, and the sign of the orientation."""
        derivative = 2.0 ** np.rint(np.log2(DERIVATIVE_STEP_M / self._plane.sides_m))
        sign = float(np.sign(area_density(self._plane, self._plane.middle, derivative)))
        return self._plane.steps(LATTICE_GROUND_M), derivative, sign

    @property
    def surface(self) -> str:
        """Name of the ellipsoid that areas are measured on."""
        return self._plane.earth.surface

    def across(self, col: int, width: int) -> tuple[Int64, Float64]:
        """First column of the lattice and four weights of each of some columns."""
        return _averaged_weights(self._plane.origin[0] + col + np.arange(width) + 0.5, self._steps[0][0])

    def down(self, block: Block) -> Float64:
        """Areas in m2 of each row of a block at the lattice's columns that it needs."""
        (step_u, step_v), derivative, sign = self._steps
        first_u, _ = _across(self, block.col, block.width)
        first_v, weight_v = _averaged_weights(self._plane.origin[1] + block.row + np.arange(block.height) + 0.5, step_v)
        nodes_u = np.arange(first_u.min(), first_u.max() + 4)
        nodes_v = np.arange(first_v.min(), first_v.max() + 4)
        uv = np.stack(np.meshgrid(nodes_u * step_u, nodes_v * step_v), axis=-1)
        lattice = sign * area_density(self._plane, uv, derivative)
        return np.asarray(sum(weight_v[i][:, None] * lattice[first_v - nodes_v[0] + i] for i in range(4)))

    def units(self, block: Block) -> Int64:
        """Area of each pixel of a block in whole units; shape (rows, columns).

        The value of a pixel does not depend on the block it is asked for with.

        Raises
        ------
        NoUsableInput
            If part of the block has no place on the Earth.
        """
        from icepipe.geo._kernels import interpolate_units

        units = np.empty((block.height, block.width), dtype=np.int64)
        first, weight = _across(self, block.col, block.width)
        if not interpolate_units(_down(self, block), first - first.min(), weight, self.unit_m2, units):
            raise NoUsableInput(
                "part of the grid does not lie on the Earth in its coordinate system", "cut the tile or reproject it"
            )
        return units

    def m2(self, block: Block) -> Float64:
        """True area in m2 of each pixel of a block, to the unit; shape (rows, columns).

        Raises
        ------
        NoUsableInput
            If part of the block has no place on the Earth.
        """
        return np.asarray(self.units(block) * self.unit_m2, dtype=np.float64)


@lru_cache(maxsize=8)
def _across(area: PixelArea, col: int, width: int) -> tuple[Int64, Float64]:
    return area.across(col, width)


@lru_cache(maxsize=256)
def _down(area: PixelArea, block: Block) -> Float64:
    """Kept, as every observation, every pair of them and every layer of polygons asks for the same blocks."""
    return area.down(block)
