"""Nearest-neighbour resampling: find the source pixels under the pixels of a block."""

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
    """Window of a source grid under a block, and the source pixel of each target pixel.

    Attributes
    ----------
    target
        Rows and columns of the block that the source can reach.
    window
        Rectangle of the source to read.
    index
        Flat index into the window for each target pixel; None if window and target match pixel for pixel.
    reached
        True for target pixels on the source; None if all are.
    """

    target: tuple[slice, slice]
    window: Block
    index: Int64 | None = None
    reached: Bool | None = None

    def take(self, values: NDArray[Value]) -> NDArray[Value]:
        """Resample values of the window to the target pixels; the last two axes are rows and columns."""
        if self.index is None:
            return values
        return np.take(values.reshape(*values.shape[:-2], -1), self.index, axis=-1)


def pixel_index(position: NDArray[np.floating[Any]]) -> Int64:
    """Return the index of the pixel that each position falls into."""
    # Rounding first assigns a position on a border to the same side on every CPU.
    return np.floor(np.round(position, 6)).astype(np.int64)


def _span_inside(indices: Int64, size: int) -> slice:
    # The indices are monotone, so those within 0 .. size are contiguous.
    inside = np.flatnonzero((indices >= 0) & (indices < size))
    return slice(int(inside[0]), int(inside[-1]) + 1) if len(inside) else slice(0, 0)


def axis_aligned(source: GeoBox, grid: GeoBox) -> Affine | None:
    """Return the transform from a grid to the pixels of a source with parallel axes; None if they are not parallel."""
    # Shear moves the far end of a row or column by less than ALIGNED_PX.
    to_source = ~source.transform @ grid.transform
    return to_source if abs(to_source.b) + abs(to_source.d) < ALIGNED_PX / max(grid.width, grid.height) else None


class AxisLookup(NamedTuple):
    """Rows and columns of a block that a source reaches, as slices, and the source row or column under each."""

    target: tuple[slice, slice]
    rows: Int64
    cols: Int64


def axis_lookup(to_source: Affine, source: GeoBox, block: Block) -> AxisLookup:
    """Look up the source row and column of each row and column of a block on a grid with parallel axes.

    Parameters
    ----------
    to_source
        Result of :func:`axis_aligned`.
    source
        Grid of the source.
    block
        Block of the target grid.
    """
    cols = pixel_index(to_source.a * (block.col + np.arange(block.width) + 0.5) + to_source.c)
    rows = pixel_index(to_source.e * (block.row + np.arange(block.height) + 0.5) + to_source.f)
    down, across = _span_inside(rows, source.height), _span_inside(cols, source.width)
    return AxisLookup((down, across), rows[down], cols[across])


def locate_by_axis(to_source: Affine, source: GeoBox, block: Block) -> SourceWindow | None:
    """Find the source pixels under a block of a grid with parallel axes; None if the source does not reach it."""
    target, rows, cols = axis_lookup(to_source, source, block)
    if not len(rows) or not len(cols):
        return None
    top, left = int(rows.min()), int(cols.min())
    window = Block(top, left, int(rows.max()) - top + 1, int(cols.max()) - left + 1)
    # Same pixel size and orientation: the window can be used as it is.
    if np.all(np.diff(rows) == 1) and np.all(np.diff(cols) == 1):
        return SourceWindow(target, window)
    return SourceWindow(target, window, (rows - top)[:, None] * window.width + (cols - left))


def locate_by_pixel(source: GeoBox, grid: GeoBox, block: Block) -> SourceWindow | None:
    """Find the source pixels under a block of any grid; None if the source does not reach it."""
    if same_crs(source.crs, grid.crs):
        cols, rows = source.to_pixels(*grid.to_map(*block.centres))
    else:
        cols, rows = source_positions(source, grid, block)
    reached = (rows >= 0) & (rows < source.height) & (cols >= 0) & (cols < source.width)
    if not reached.any():
        return None
    # Rounding in pixel_index can push a position just inside the border one pixel out.
    row_cells = np.clip(pixel_index(np.where(reached, rows, 0)), 0, source.height - 1)
    col_cells = np.clip(pixel_index(np.where(reached, cols, 0)), 0, source.width - 1)
    top, left = int(row_cells[reached].min()), int(col_cells[reached].min())
    height, width = int(row_cells[reached].max()) - top + 1, int(col_cells[reached].max()) - left + 1
    index = np.where(reached, (row_cells - top) * width + (col_cells - left), 0)
    whole_block = slice(0, block.height), slice(0, block.width)
    return SourceWindow(whole_block, Block(top, left, height, width), index, reached)


def locate_source(source: GeoBox, grid: GeoBox, block: Block) -> SourceWindow | None:
    """Find the source pixel under the centre of each pixel of a block; None if the source does not reach the block."""
    source = unwrap_grid(source, grid)
    if same_crs(source.crs, grid.crs) and (to_source := axis_aligned(source, grid)):
        return locate_by_axis(to_source, source, block)
    return locate_by_pixel(source, grid, block)
