"""Which pixels lie in an outline, by their centres.

A block is looked at square by square: most squares lie wholly in the outline or outside, and only those on its border
are looked at pixel by pixel.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
import pyproj
import shapely
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from icepipe.inputs.place import ALIGNED_PX
from icepipe.records import Block, Bool, Float64, GeoBox, Int64

SIDE_PX = 64
"""Side of a square."""

SNAP = 2.0**20
"""Outlines are put on this part of a pixel, which doubles hold exactly."""

EDGE_PX = 2.0**-12
"""How far a centre is moved to the right and down before it is tested, so that an edge has one side."""

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


@dataclass(frozen=True)
class Part:
    """Some pixels of a block.

    Attributes
    ----------
    window
        Rectangle with all of them, whose row and column count from the block's first.
    holds
        True for them; shape of the window.
    """

    window: Block
    holds: Bool


def turns_of(crs: pyproj.CRS) -> tuple[float, ...]:
    """By how much the first coordinate of an outline and of a pixel may differ: longitudes may be of any turn."""
    return (0.0, -360.0, 360.0) if crs.is_geographic else (0.0,)


def in_pixels(shape: BaseGeometry, grid: GeoBox) -> BaseGeometry:
    """A shape given in the grid's CRS, in columns and rows of the grid."""
    pixels = shapely.transform(shape, grid.to_pixels, interleaved=False)
    return shapely.transform(pixels, lambda xy: np.rint(xy * SNAP) / SNAP)


@lru_cache(maxsize=8)
def _squares(height: int, width: int) -> tuple[Block, ...]:
    """A block of so many pixels cut into squares, whose rows and columns count from its first."""
    return tuple(
        Block(row, col, min(SIDE_PX, height - row), min(SIDE_PX, width - col))
        for row in range(0, height, SIDE_PX)
        for col in range(0, width, SIDE_PX)
    )


def inside(pixels: BaseGeometry, block: Block) -> Bool:
    """True for pixels of a block whose centre lies in a shape, from :func:`in_pixels`; shape (rows, columns).

    Tested in pixels of the whole grid, so that a pixel's answer does not depend on the block it is asked with. A centre
    on an edge belongs to the right and lower side, as a scene's pixels do.
    """
    frame = box(block.col, block.row, block.col + block.width, block.row + block.height)
    size = (block.height, block.width)
    if pixels.covers(frame.buffer(-ALIGNED_PX)):
        return np.ones(size, dtype=bool)
    if not pixels.intersects(frame):
        return np.zeros(size, dtype=bool)
    mine = shapely.from_wkb(shapely.to_wkb(pixels))  # what is prepared is for one thread
    shapely.prepare(mine)
    squares = _squares(block.height, block.width)
    left, top = (block.col + np.array([s.col for s in squares]), block.row + np.array([s.row for s in squares]))
    right, bottom = left + [s.width for s in squares], top + [s.height for s in squares]
    frames = shapely.box(left + ALIGNED_PX, top + ALIGNED_PX, right - ALIGNED_PX, bottom - ALIGNED_PX)
    whole, reached = shapely.covers(mine, frames), shapely.intersects(mine, frames)
    found = _painted(size, squares, whole)
    for square in _chosen(squares, reached & ~whole):
        col, row = Block(block.row + square.row, block.col + square.col, square.height, square.width).centres
        found[square.slices] = shapely.contains_xy(mine, col + EDGE_PX, row + EDGE_PX)
    return found


def part_inside(shapes: Sequence[BaseGeometry], block: Block) -> Part | None:
    """Pixels of a block whose centre lies in any of some shapes, from :func:`in_pixels`; None where none reaches it."""
    bounds = shapely.bounds(shapes)
    left, top = (np.clip(np.floor(bounds[:, axis]), first, None) for axis, first in enumerate((block.col, block.row)))
    ends = block.col + block.width, block.row + block.height
    right, bottom = (np.clip(np.ceil(bounds[:, 2 + axis]) + 1, None, end) for axis, end in enumerate(ends))
    near = np.flatnonzero((left < right) & (top < bottom))
    if not len(near):
        return None
    row, col = int(top[near].min()), int(left[near].min())
    window = Block(row, col, int(bottom[near].max()) - row, int(right[near].max()) - col)
    holds = np.any([inside(shapes[number], window) for number in near.tolist()], axis=0)
    return Part(replace(window, row=row - block.row, col=col - block.col), holds)


def _chosen(squares: Sequence[Block], chosen: Bool) -> Iterable[Block]:
    return (squares[number] for number in np.flatnonzero(chosen).tolist())


def _painted(size: tuple[int, int], squares: Sequence[Block], whole: Bool) -> Bool:
    """True in some squares."""
    found = np.zeros(size, dtype=bool)
    for square in _chosen(squares, whole):
        found[square.slices] = True
    return found


def _points_in(shape: BaseGeometry, turns: Iterable[float], x: Float64, y: Float64) -> Bool:
    """Whether points lie in a prepared shape, at any turn."""
    found = np.zeros(x.shape, dtype=bool)
    west, south, east, north = shape.bounds
    for turn in turns:
        near = (x + turn >= west) & (x + turn <= east) & (y >= south) & (y <= north) & ~found
        found[near] = shapely.intersects_xy(shape, x[near] + turn, y[near])
    return found


@dataclass(frozen=True)
class Other:
    """Another coordinate system than a grid's.

    Attributes
    ----------
    way
        From the grid's to it.
    is_geographic
        Whether its coordinates are longitude and latitude.
    turns
        See :func:`turns_of`.
    """

    way: pyproj.Transformer
    is_geographic: bool
    turns: tuple[float, ...]

    @classmethod
    def of(cls, grid: GeoBox, crs: pyproj.CRS) -> Other:
        """The system, seen from a grid."""
        way = pyproj.Transformer.from_crs(grid.crs, crs, always_xy=True)
        return cls(way, bool(crs.is_geographic), turns_of(crs))


class Centres:
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

    def __init__(self, grid: GeoBox, block: Block, other: Other) -> None:
        self._grid, self._block, self._other = grid, block, other
        self._squares = _squares(block.height, block.width)
        self._held: dict[Block, tuple[Float64, Float64]] = {}

    def inside(self, shape: BaseGeometry) -> Bool:
        """True for pixels whose centre lies in a shape of that system; shape (rows, columns)."""
        size = self._block.height, self._block.width
        part = self.part_inside(shape)
        found = np.zeros(size, dtype=bool)
        if part:
            found[part.window.slices] = part.holds
        return found

    def part_inside(self, shape: BaseGeometry) -> Part | None:
        """Pixels whose centre lies in a shape of that system; None where it reaches none of their squares."""
        shapely.prepare(shape)
        whole, border = self._reached(shape)
        squares = list(_chosen(self._squares, whole | border))
        if not squares:
            return None
        row, col = min(square.row for square in squares), min(square.col for square in squares)
        height = max(square.row + square.height for square in squares) - row
        width = max(square.col + square.width for square in squares) - col
        holds = np.zeros((height, width), dtype=bool)
        for square, is_whole in zip(squares, whole[whole | border].tolist(), strict=True):
            here = replace(square, row=square.row - row, col=square.col - col).slices
            holds[here] = is_whole or _points_in(shape, self._other.turns, *self._places(square))
        return Part(Block(row, col, height, width), holds)

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
                sure &= (high_x - low_x < 180) & (np.maximum(-low_y, high_y) < NEAR_POLE)
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
    rims = [_rim(square) for square in _squares(height, width)]
    row, col = np.concatenate(rims).T
    return row, col, np.cumsum([0, *(len(rim) for rim in rims)])[:-1]


def _rim(square: Block) -> Float64:
    rows, cols = _along(square.row, square.height), _along(square.col, square.width)
    sides = [(rows[:1], cols), (rows, cols[-1:]), (rows[-1:], cols[::-1]), (rows[::-1], cols[:1])]
    return np.concatenate([np.stack(np.broadcast_arrays(row, col), axis=-1) for row, col in sides])


def _along(first: int, count: int) -> Float64:
    step = max(1, min(RIM_STEP, (count - 1) // SEGMENTS))
    return np.append(np.arange(first, first + count - 1, step, dtype=np.float64), first + count - 1)
