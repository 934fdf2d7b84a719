"""Which pixels lie in an outline of another coordinate system than their grid's, by their centres.

Most squares of a block lie wholly in the outline or outside, by what the centres of the pixels on their rim say.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from icepipe.arrays import Bool, Float64, Int64
from icepipe.geo.geobox import Block, GeoBox
from icepipe.geo.longitude import TURN_DEGREES
from icepipe.raster.rasterize import BlockMask, select, tile_block

RIM_STEP = 8
"""Every how many pixels the sides of a square are looked at."""

SEGMENTS = 8
"""Into how many parts a side is cut at least, where it has so many pixels."""

NEAR_POLE = 89.9
"""Degrees of latitude from which on longitudes change with every step."""

FLAT = 0.01
"""Part of a step that is kept free on both sides of a rim, also where it has no width."""

EVEN = 1.5
"""How many times the least scale on the rim of a square its largest may be."""


def _points_in(shape: BaseGeometry, turns: Iterable[float], x: Float64, y: Float64) -> Bool:
    """Whether points lie in a prepared shape, at any turn."""
    found = np.zeros(x.shape, dtype=bool)
    west, south, east, north = shape.bounds
    for turn in turns:
        near = (x + turn >= west) & (x + turn <= east) & (y >= south) & (y <= north) & ~found
        found[near] = shapely.intersects_xy(shape, x[near] + turn, y[near])
    return found


@dataclass(frozen=True)
class TargetCrs:
    """Another coordinate system than a grid's.

    Attributes
    ----------
    way
        From the grid's to it.
    is_geographic
        Whether its coordinates are longitude and latitude.
    """

    way: pyproj.Transformer
    is_geographic: bool

    @classmethod
    def from_grid(cls, grid: GeoBox, crs: pyproj.CRS) -> TargetCrs:
        """The system, seen from a grid."""
        way = pyproj.Transformer.from_crs(grid.crs, crs, always_xy=True)
        return cls(way, bool(crs.is_geographic))

    @property
    def turns(self) -> tuple[float, ...]:
        """By how much the first coordinate of an outline and of a pixel may differ: longitudes may be of any turn."""
        return (0.0, -TURN_DEGREES, TURN_DEGREES) if self.is_geographic else (0.0,)


class ReprojectedCentres:
    """Centres of the pixels of a block in another coordinate system than the grid's.

    They are brought to that system, and not outlines to the grid's: outlines bend, and break at the poles and at 180
    degrees, points do not.

    Parameters
    ----------
    grid, block
        Whose centres.
    other
        The other system.
    """

    def __init__(self, grid: GeoBox, block: Block, other: TargetCrs) -> None:
        self._grid, self._block, self._other = grid, block, other
        self._squares = tile_block(block.height, block.width)
        self._held: dict[Block, tuple[Float64, Float64]] = {}

    def rasterize(self, shape: BaseGeometry) -> Bool:
        """True for pixels whose centre lies in a shape of that system; shape (rows, columns)."""
        size = self._block.height, self._block.width
        part = self.block_mask(shape)
        found = np.zeros(size, dtype=bool)
        if part:
            found[part.window.slices] = part.holds
        return found

    def block_mask(self, shape: BaseGeometry) -> BlockMask | None:
        """Pixels whose centre lies in a shape of that system; None where it reaches none of their squares."""
        shapely.prepare(shape)
        whole, border = self._reached(shape)
        squares = list(select(self._squares, whole | border))
        if not squares:
            return None
        row, col = min(square.row for square in squares), min(square.col for square in squares)
        height = max(square.row + square.height for square in squares) - row
        width = max(square.col + square.width for square in squares) - col
        holds = np.zeros((height, width), dtype=bool)
        for square, is_whole in zip(squares, whole[whole | border].tolist(), strict=True):
            here = replace(square, row=square.row - row, col=square.col - col).slices
            holds[here] = is_whole or _points_in(shape, self._other.turns, *self._places(square))
        return BlockMask(Block(row, col, height, width), holds)

    def _reached(self, shape: BaseGeometry) -> tuple[Bool, Bool]:
        """Which squares lie wholly in a prepared shape, and which may have a part in it; shapes (n,)."""
        low_x, low_y, high_x, high_y, sure = self._frames
        west, south, east, north = shape.bounds
        whole, border = np.zeros_like(sure), ~sure
        for turn in self._other.turns:
            near = sure & (low_x + turn <= east) & (high_x + turn >= west) & (low_y <= north) & (high_y >= south)
            frames = shapely.box(low_x[near] + turn, low_y[near], high_x[near] + turn, high_y[near])
            whole[near] |= shapely.covers(shape, frames)
            border[near] |= shapely.intersects(shape, frames)
        return whole, border & ~whole

    @cached_property
    def _frames(self) -> tuple[Float64, Float64, Float64, Float64, Bool]:
        """What holds all centres of each square: least x and y, largest x and y, and whether it does; shapes (n,).

        Their rim holds them, where the map is smooth: nothing is the largest within that is not at a pole. Where
        longitudes jump, the rim spans half a turn or more. Where a map has a point at infinity within, the scale
        on the rim is twice as large in one place as in another, or more, which is seen where a side has pixels enough.
        Between its centres the rim bends out by far less than from one to the next.
        """
        row, col, firsts = _rims(self._block.height, self._block.width)
        places = self._block.col + col + 0.5, self._block.row + row + 0.5
        x, y = self._other.way.transform(*self._grid.to_map(*places))
        sides = np.array([(square.height, square.width) for square in self._squares])
        sure = sides.max(axis=1) > 1
        with np.errstate(invalid="ignore"):
            step_x, step_y = _steps(x, firsts), _steps(y, firsts)
            step = np.hypot(step_x, step_y)
            low_x, high_x = _reach(x, np.maximum(step_x, step * FLAT), firsts)
            low_y, high_y = _reach(y, np.maximum(step_y, step * FLAT), firsts)
            sure &= np.isfinite([low_x, low_y, high_x, high_y]).all(axis=0)
            if self._other.is_geographic:
                sure &= (high_x - low_x < TURN_DEGREES / 2) & (np.maximum(-low_y, high_y) < NEAR_POLE)
            else:
                px = np.hypot(_steps(row, firsts), _steps(col, firsts))
                scale = step / np.where(px > 0, px, 1)
                least = np.minimum.reduceat(np.where(px > 0, scale, np.inf), firsts)
                sure &= np.maximum.reduceat(scale, firsts) < EVEN * least
                sure &= (sides.min(axis=1) == 1) | (sides.min(axis=1) > SEGMENTS)
        return low_x, low_y, high_x, high_y, sure

    def _places(self, square: Block) -> tuple[Float64, Float64]:
        """Coordinates of the centres of a square; shape (rows, columns) each."""
        if square not in self._held:
            block = Block(self._block.row + square.row, self._block.col + square.col, square.height, square.width)
            self._held[square] = self._other.way.transform(*self._grid.to_map(*block.centres))
        return self._held[square]


def _reach(values: Float64, margin: Float64, firsts: Int64) -> tuple[Float64, Float64]:
    """From the least of each rim to its largest, and its largest margin beyond."""
    beyond = np.maximum.reduceat(margin, firsts)
    return np.minimum.reduceat(values, firsts) - beyond, np.maximum.reduceat(values, firsts) + beyond


def _steps(values: Float64, firsts: Int64) -> Float64:
    """How far it is along each rim from one to the next, 0 from its last."""
    steps = np.abs(np.diff(values, append=values[-1]))
    steps[firsts[1:] - 1] = 0
    return steps


@lru_cache(maxsize=8)
def _rims(height: int, width: int) -> tuple[Float64, Float64, Int64]:
    """Rows and columns of pixels on the sides of the squares of a block, and where those of each square begin.

    They go around each square, by so many pixels at most; its corners are among them.
    """
    rims = [_rim(square) for square in tile_block(height, width)]
    row, col = np.concatenate(rims).T
    return row, col, np.cumsum([0, *(len(rim) for rim in rims)])[:-1]


def _rim(square: Block) -> Float64:
    rows, cols = _along(square.row, square.height), _along(square.col, square.width)
    sides = [(rows[:1], cols), (rows, cols[-1:]), (rows[-1:], cols[::-1]), (rows[::-1], cols[:1])]
    return np.concatenate([np.stack(np.broadcast_arrays(row, col), axis=-1) for row, col in sides])


def _along(first: int, count: int) -> Float64:
    step = max(1, min(RIM_STEP, (count - 1) // SEGMENTS))
    return np.append(np.arange(first, first + count - 1, step, dtype=np.float64), first + count - 1)
