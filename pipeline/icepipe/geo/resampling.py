"""Where the pixels of one grid lie on another: nearest neighbour, by block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from icepipe.arrays import Bool, Int64
from icepipe.geo.coordinate_lattice import source_positions
from icepipe.geo.crs import ALIGNED_PX, same_crs, unwrap_grid
from icepipe.geo.geobox import Block, GeoBox

Value = TypeVar("Value", bound=np.generic)


@dataclass(frozen=True)
class SourceWindow:
    """Pixels of a source grid under the pixels of a block.

    Attributes
    ----------
    target
        Rows and columns of the block that the source can reach.
    window
        Rectangle of the source to read.
    index
        For each target pixel its place among the window's, counted row by row; None where the window is the target
        pixel for pixel.
    reached
        True for target pixels that lie on the source; None where all do.
    """

    target: tuple[slice, slice]
    window: Block
    index: Int64 | None = None
    reached: Bool | None = None

    def take(self, values: NDArray[Value]) -> NDArray[Value]:
        """Values of the target pixels from values of the window; the last two axes are rows and columns."""
        if self.index is None:
            return values
        return np.take(values.reshape(*values.shape[:-2], -1), self.index, axis=-1)


def _cells(position: NDArray[np.floating[Any]]) -> Int64:
    """Whole pixels that positions fall into; rounded first, so that a border belongs to one side on every machine."""
    return np.floor(np.round(position, 6)).astype(np.int64)


def _span(cells: Int64, size: int) -> slice:
    """Range of a monotone list of cells that lies within 0 .. size."""
    held = np.flatnonzero((cells >= 0) & (cells < size))
    return slice(int(held[0]), int(held[-1]) + 1) if len(held) else slice(0, 0)


def axis_aligned(source: GeoBox, grid: GeoBox) -> Affine | None:
    """The way to the pixels of a source whose rows and columns are a grid's, to a thousandth of a pixel; or None."""
    to_source = ~source.transform @ grid.transform
    return to_source if abs(to_source.b) + abs(to_source.d) < ALIGNED_PX / max(grid.width, grid.height) else None


class AxisLookup(NamedTuple):
    """Rows and columns of a block that a source reaches, as slices, and the source's under each of them."""

    target: tuple[slice, slice]
    rows: Int64
    cols: Int64


def axis_lookup(to_source: Affine, source: GeoBox, block: Block) -> AxisLookup:
    """Rows and columns of a block on a source that has the same; ``to_source`` is of :func:`separable`."""
    cols = _cells(to_source.a * (block.col + np.arange(block.width) + 0.5) + to_source.c)
    rows = _cells(to_source.e * (block.row + np.arange(block.height) + 0.5) + to_source.f)
    down, across = _span(rows, source.height), _span(cols, source.width)
    return AxisLookup((down, across), rows[down], cols[across])


def _separable(to_source: Affine, source: GeoBox, block: Block) -> SourceWindow | None:
    target, rows, cols = axis_lookup(to_source, source, block)
    if not len(rows) or not len(cols):
        return None
    top, left = int(rows.min()), int(cols.min())
    window = Block(top, left, int(rows.max()) - top + 1, int(cols.max()) - left + 1)
    if np.all(np.diff(rows) == 1) and np.all(np.diff(cols) == 1):
        return SourceWindow(target, window)
    return SourceWindow(target, window, (rows - top)[:, None] * window.width + (cols - left))


def _general(source: GeoBox, grid: GeoBox, block: Block) -> SourceWindow | None:
    if same_crs(source.crs, grid.crs):
        cols, rows = source.to_pixels(*grid.to_map(*block.centres))
    else:
        cols, rows = source_positions(source, grid, block)
    reached = (rows >= 0) & (rows < source.height) & (cols >= 0) & (cols < source.width)
    if not reached.any():
        return None
    row_cells = np.clip(_cells(np.where(reached, rows, 0)), 0, source.height - 1)
    col_cells = np.clip(_cells(np.where(reached, cols, 0)), 0, source.width - 1)
    top, left = int(row_cells[reached].min()), int(col_cells[reached].min())
    height, width = int(row_cells[reached].max()) - top + 1, int(col_cells[reached].max()) - left + 1
    index = np.where(reached, (row_cells - top) * width + (col_cells - left), 0)
    everything = slice(0, block.height), slice(0, block.width)
    return SourceWindow(everything, Block(top, left, height, width), index, reached)


def locate_source(source: GeoBox, grid: GeoBox, block: Block) -> SourceWindow | None:
    """Find the source pixel under the centre of each pixel of a block; None where the source is elsewhere."""
    source = unwrap_grid(source, grid)
    if same_crs(source.crs, grid.crs) and (to_source := axis_aligned(source, grid)):
        return _separable(to_source, source, block)
    return _general(source, grid, block)
