"""Which part of a run's grid files can reach: the rest needs no look."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np

from icepipe.arrays import Float64
from icepipe.geo.coordinate_lattice import NODE_STEP, QUARTER_M, second_differences, side_m, transform_exact
from icepipe.geo.crs import same_crs, unwrap_grid
from icepipe.geo.geobox import Block, GeoBox
from icepipe.geo.resampling import axis_aligned, axis_lookup

NEAR_PX = 0.01
"""A pixel's centre that lies so near to a file's border may lie on it, as places are rounded."""

MOST_CELLS = 128
"""Into so many cells a side of a grid is cut, to find where a file on another map lies."""


def covered_window(source: GeoBox, grid: GeoBox) -> Block | None:
    """Rectangle of a grid that holds every pixel whose centre lies on a source; None where none does."""
    if not same_crs(source.crs, grid.crs):
        return _elsewhere(source, grid)
    source = unwrap_grid(source, grid)
    if to_source := axis_aligned(source, grid):
        down, across = axis_lookup(to_source, source, Block(0, 0, *grid.shape)).target
        return _block(down.start, down.stop, across.start, across.stop)
    cols, rows = grid.to_pixels(*np.transpose(source.corners))
    left, right = _span(cols.tolist(), grid.width)
    top, bottom = _span(rows.tolist(), grid.height)
    return _block(top, bottom, left, right)


def _block(top: int, bottom: int, left: int, right: int) -> Block | None:
    return Block(top, left, bottom - top, right - left) if top < bottom and left < right else None


def _span(positions: Sequence[float], size: int) -> tuple[int, int]:
    """First pixel of 0 .. size whose centre lies between some positions, and the one after the last."""
    first, end = math.ceil(min(positions) - 0.5 - NEAR_PX), math.floor(max(positions) + 0.5 + NEAR_PX)
    return max(0, first), min(size, end)


@lru_cache(maxsize=1024)
def _elsewhere(source: GeoBox, grid: GeoBox) -> Block | None:
    """The same of a source on another map, in cells: all that could reach it, and those beside them.

    A place in a cell lies between those of its corners, but for an eighth of the second differences there. Sixteen
    times as much is allowed for, and where that cannot be told the cell is held.
    """
    step = max(NODE_STEP, -(-max(grid.shape) // MOST_CELLS))
    if step * side_m(grid) > QUARTER_M:
        return Block(0, 0, *grid.shape)
    cols, rows = (step * np.arange(-1, -(-size // step) + 2, dtype=np.float64) for size in (grid.width, grid.height))
    nodes = np.stack(transform_exact(source, grid, *np.meshgrid(cols, rows)))
    low, high, bend = _least(nodes[:, 1:-1, 1:-1]), -_least(-nodes[:, 1:-1, 1:-1]), -_least(-second_differences(nodes))
    ends = np.array([source.width, source.height])[:, None, None]
    with np.errstate(invalid="ignore"):
        misses = (high + 2 * bend + 1 < 0) | (low - 2 * bend - 1 > ends)
    down, across = np.nonzero(~misses.any(axis=0))
    if not len(down):
        return None
    (top, bottom), (left, right) = ((max(0, at.min() - 1) * step, (at.max() + 2) * step) for at in (down, across))
    bottom, right = min(bottom, grid.height), min(right, grid.width)
    return Block(int(top), int(left), int(bottom - top), int(right - left))


def _least(nodes: Float64) -> Float64:
    """Least of the four corners of every cell, not a number where one is none; the last two axes are one shorter."""
    sides = np.minimum(nodes[..., :-1], nodes[..., 1:])
    return np.minimum(sides[:, :-1], sides[:, 1:])


def bounding_block(rectangles: Iterable[Block]) -> Block:
    """Smallest rectangle that holds some others; of no width for none."""
    held = list(rectangles)
    if not held:
        return Block(0, 0, 0, 0)
    top, left = min(one.row for one in held), min(one.col for one in held)
    bottom, right = max(one.row + one.height for one in held), max(one.col + one.width for one in held)
    return Block(top, left, bottom - top, right - left)


def intersects(one: Block, other: Block) -> bool:
    """Whether two rectangles share a pixel."""
    in_rows = max(one.row, other.row) < min(one.row + one.height, other.row + other.height)
    in_columns = max(one.col, other.col) < min(one.col + one.width, other.col + other.width)
    return in_rows and in_columns


def columns_of(block: Block, rectangles: Iterable[Block]) -> Block:
    """The columns of a block that some rectangles touch, from the first to the last; of width 0 where none does."""
    found = bounding_block(one for one in rectangles if intersects(one, block))
    if not found.width:
        return Block(block.row, block.col, block.height, 0)
    left, right = max(block.col, found.col), min(block.col + block.width, found.col + found.width)
    return Block(block.row, left, block.height, right - left)
