"""Which pixels lie in an outline on the map of their grid, by their centres.

A block is looked at square by square: most squares lie wholly in the outline or outside, and only those on its border
are looked at pixel by pixel.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import shapely
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from icepipe.arrays import Bool
from icepipe.geo.crs import ALIGNED_PX
from icepipe.geo.geobox import Block, GeoBox

SIDE_PX = 64
"""Side of a square."""

SNAP = 2.0**20
"""Outlines are put on this part of a pixel, which doubles hold exactly."""

EDGE_PX = 2.0**-12
"""How far a centre is moved to the right and down before it is tested, so that an edge has one side."""


@dataclass(frozen=True)
class BlockMask:
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


def shape_to_pixels(shape: BaseGeometry, grid: GeoBox) -> BaseGeometry:
    """A shape given in the grid's CRS, in columns and rows of the grid."""
    pixels = shapely.transform(shape, grid.to_pixels, interleaved=False)
    return shapely.transform(pixels, lambda xy: np.rint(xy * SNAP) / SNAP)


@lru_cache(maxsize=8)
def tile_block(height: int, width: int) -> tuple[Block, ...]:
    """A block of so many pixels cut into squares, whose rows and columns count from its first."""
    return tuple(
        Block(row, col, min(SIDE_PX, height - row), min(SIDE_PX, width - col))
        for row in range(0, height, SIDE_PX)
        for col in range(0, width, SIDE_PX)
    )


def rasterize_polygon(pixels: BaseGeometry, block: Block) -> Bool:
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
    squares = tile_block(block.height, block.width)
    left, top = (block.col + np.array([s.col for s in squares]), block.row + np.array([s.row for s in squares]))
    right, bottom = left + [s.width for s in squares], top + [s.height for s in squares]
    frames = shapely.box(left + ALIGNED_PX, top + ALIGNED_PX, right - ALIGNED_PX, bottom - ALIGNED_PX)
    whole, reached = shapely.covers(mine, frames), shapely.intersects(mine, frames)
    found = _painted(size, squares, whole)
    for square in select(squares, reached & ~whole):
        col, row = Block(block.row + square.row, block.col + square.col, square.height, square.width).centres
        found[square.slices] = shapely.contains_xy(mine, col + EDGE_PX, row + EDGE_PX)
    return found


def block_mask(shapes: Sequence[BaseGeometry], block: Block) -> BlockMask | None:
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
    holds = np.any([rasterize_polygon(shapes[number], window) for number in near.tolist()], axis=0)
    return BlockMask(replace(window, row=row - block.row, col=col - block.col), holds)


def select(squares: Sequence[Block], which: Bool) -> Iterable[Block]:
    """Some of the squares, in their order."""
    return (squares[number] for number in np.flatnonzero(which).tolist())


def _painted(size: tuple[int, int], squares: Sequence[Block], whole: Bool) -> Bool:
    """True in some squares."""
    found = np.zeros(size, dtype=bool)
    for square in select(squares, whole):
        found[square.slices] = True
    return found
