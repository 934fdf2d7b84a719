"""Part of the run grid that the input files can reach; blocks beyond it are not read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np

from icepipe.arrays import Float64
from icepipe.geo.coordinate_lattice import NODE_STEP, QUARTER_M, pixel_side_m, second_differences, transform_exact
from icepipe.geo.crs import same_crs, unwrap_grid
from icepipe.geo.geobox import Block, GeoBox
from icepipe.geo.resampling import axis_aligned, axis_lookup

NEAR_PX = 0.01
"""Tolerance for rounding: a pixel centre this near to the border of a file may be on it."""

MOST_CELLS = 128
"""Cells per side that a grid is cut into to find the extent of a file in another coordinate system."""


def covered_window(source: GeoBox, grid: GeoBox) -> Block | None:
    """Return a rectangle of a grid that holds every pixel whose centre is on a source; None if no centre is."""
    if not same_crs(source.crs, grid.crs):
        return reprojected_window(source, grid)
    source = unwrap_grid(source, grid)
    if to_source := axis_aligned(source, grid):
        down, across = axis_lookup(to_source, source, Block(0, 0, *grid.shape)).target
        top, bottom, left, right = down.start, down.stop, across.start, across.stop
    else:
        cols, rows = grid.to_pixels(*np.transpose(source.corners))
        left, right = _pixel_span(cols.tolist(), grid.width)
        top, bottom = _pixel_span(rows.tolist(), grid.height)
    return Block(top, left, bottom - top, right - left) if top < bottom and left < right else None


def _pixel_span(positions: Sequence[float], size: int) -> tuple[int, int]:
    # Half-open range of the pixels 0 .. size whose centres (at half pixels) are between the outermost positions.
    first, end = math.ceil(min(positions) - 0.5 - NEAR_PX), math.floor(max(positions) + 0.5 + NEAR_PX)
    return max(0, first), min(size, end)


@lru_cache(maxsize=1024)
def reprojected_window(source: GeoBox, grid: GeoBox) -> Block | None:
    """Return a rectangle of a grid that holds every pixel on a source in another coordinate system, or None.

    The grid is searched in cells; the rectangle holds all cells that the source could reach, and their neighbours.
    """
    step = max(NODE_STEP, -(-max(grid.shape) // MOST_CELLS))
    if step * pixel_side_m(grid) > QUARTER_M:
        return Block(0, 0, *grid.shape)
    cols, rows = (step * np.arange(-1, -(-size // step) + 2, dtype=np.float64) for size in (grid.width, grid.height))
    nodes = np.stack(transform_exact(source, grid, *np.meshgrid(cols, rows)))
    # Positions within a cell are between those of its corners, but for an eighth of the second differences there.
    # Sixteen times as much is allowed for.
    low, high = _cell_minimum(nodes[:, 1:-1, 1:-1]), -_cell_minimum(-nodes[:, 1:-1, 1:-1])
    bend = -_cell_minimum(-second_differences(nodes))
    sizes = np.array([source.width, source.height])[:, None, None]
    # Comparisons with NaN are False: a cell with a corner outside the domain of the CRS counts as reached.
    with np.errstate(invalid="ignore"):
        misses = (high + 2 * bend + 1 < 0) | (low - 2 * bend - 1 > sizes)
    down, across = np.nonzero(~misses.any(axis=0))
    if not len(down):
        return None
    (top, bottom), (left, right) = (
        (max(0, index.min() - 1) * step, (index.max() + 2) * step) for index in (down, across)
    )
    bottom, right = min(bottom, grid.height), min(right, grid.width)
    return Block(int(top), int(left), int(bottom - top), int(right - left))


def _cell_minimum(nodes: Float64) -> Float64:
    # Minimum of the four corners of each cell, NaN if a corner is NaN; the last two axes get one shorter.
    sides = np.minimum(nodes[..., :-1], nodes[..., 1:])
    return np.minimum(sides[:, :-1], sides[:, 1:])


def bounding_block(blocks: Iterable[Block]) -> Block:
    """Return the smallest block that holds all given blocks; of size 0 if none is given."""
    parts = list(blocks)
    if not parts:
        return Block(0, 0, 0, 0)
    top, left = min(part.row for part in parts), min(part.col for part in parts)
    bottom, right = max(part.row + part.height for part in parts), max(part.col + part.width for part in parts)
    return Block(top, left, bottom - top, right - left)


def intersects(block1: Block, block2: Block) -> bool:
    """Return whether two blocks share a pixel."""
    in_rows = max(block1.row, block2.row) < min(block1.row + block1.height, block2.row + block2.height)
    in_columns = max(block1.col, block2.col) < min(block1.col + block1.width, block2.col + block2.width)
    return in_rows and in_columns


def covered_columns(block: Block, rectangles: Iterable[Block]) -> Block:
    """Return a block narrowed to the columns that rectangles touch, from the first to the last; width 0 if none."""
    bounds = bounding_block(rectangle for rectangle in rectangles if intersects(rectangle, block))
    if not bounds.width:
        return Block(block.row, block.col, block.height, 0)
    left, right = max(block.col, bounds.col), min(block.col + block.width, bounds.col + bounds.width)
    return Block(block.row, left, block.height, right - left)
