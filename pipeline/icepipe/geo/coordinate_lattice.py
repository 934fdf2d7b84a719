"""Where the centres of pixels lie on a grid of another coordinate system.

Places between the nodes of a lattice are worked out from those of the nodes. Where they are so near to a border of
pixels that it could matter, and where the map is not smooth enough, the coordinate system is asked, as for the nodes.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyproj

from icepipe.arrays import Bool, Float64
from icepipe.geo.ellipsoid import EQUATOR_M
from icepipe.geo.geobox import Block, GeoBox

NODE_STEP = 32
"""Pixels from one node to the next."""

NEAR_PX = 1e-3
"""Nearer to a border of pixels a place is asked for. Between nodes it is off by less than a quarter of this, by the
second differences of the nodes, or asked for too."""

QUARTER_M = 1e7
"""From the equator to a pole. Where nodes are as far apart, the map could have gone around the Earth between them."""


@lru_cache(maxsize=32)
def side_m(grid: GeoBox) -> float:
    """The larger side of a pixel, by the units of the map."""
    crs, t = pyproj.CRS.from_wkt(grid.crs), grid.transform
    side = max(np.hypot(t.a, t.d), np.hypot(t.b, t.e)) * crs.axis_info[0].unit_conversion_factor
    return float(side * (EQUATOR_M if crs.is_geographic else 1.0))


@lru_cache(maxsize=32)
def _way(crs: str, other: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(crs, other, always_xy=True)


def transform_exact(source: GeoBox, grid: GeoBox, col: Float64, row: Float64) -> tuple[Float64, Float64]:
    """Columns and rows on the source of places given by column and row on a grid; not finite where it has none."""
    x, y = _way(grid.crs, source.crs).transform(*grid.to_map(col, row))
    with np.errstate(invalid="ignore"):
        return source.to_pixels(x, y)


def source_positions(source: GeoBox, grid: GeoBox, block: Block) -> tuple[Float64, Float64]:
    """Columns and rows on a source of the centres of a block's pixels; shape (rows, columns) each.

    They fall into the pixels that they would if each was asked for, and are off by less than ``NEAR_PX``. Nodes are
    those of the whole grid, so that a pixel's place does not depend on the block it is asked with.
    """
    from icepipe.geo._kernels import interpolate_positions

    cols, rows = np.empty((2, block.height, block.width))
    near = np.empty((block.height, block.width), dtype=bool)
    nodes = np.stack(transform_exact(source, grid, *_lattice(block)))
    smooth = _is_smooth(nodes) & (NODE_STEP * side_m(grid) < QUARTER_M)
    interpolate_positions(
        nodes, smooth, NODE_STEP, NEAR_PX, block.row % NODE_STEP, block.col % NODE_STEP, cols, rows, near
    )
    here = np.nonzero(near)
    row, col = (at.astype(np.float64) + 0.5 for at in here)
    cols[here], rows[here] = transform_exact(source, grid, block.col + col, block.row + row)
    return cols, rows


def _lattice(block: Block) -> tuple[Float64, Float64]:
    """Columns and rows on the whole grid of nodes around a block, with one more on each side; shape (rows, columns)."""
    sides = (block.col, block.width), (block.row, block.height)
    col, row = (
        NODE_STEP * np.arange(at // NODE_STEP - 1, -(-(at + size) // NODE_STEP) + 2) + 0.5 for at, size in sides
    )
    cols, rows = np.meshgrid(col, row)
    return cols, rows


def _is_smooth(both: Float64) -> Bool:
    """Whether places between four nodes are as near as they have to be; shape (rows, columns) of the cells within.

    ``both`` are the columns and rows of the nodes, shape (2, rows, columns). A bilinear place strays by an eighth of
    the second differences along both sides at most.
    """
    smooth = np.maximum(*second_differences(both)) / 8 <= NEAR_PX / 4
    return np.asarray(smooth[:-1, :-1] & smooth[:-1, 1:] & smooth[1:, :-1] & smooth[1:, 1:])


def second_differences(both: Float64) -> Float64:
    """Second differences of nodes along both sides together, not finite where one has no place; one less on each side.

    Shape (2, rows, columns) each.
    """
    with np.errstate(invalid="ignore"):
        along, down = np.abs(np.diff(both, 2, axis=2))[:, 1:-1], np.abs(np.diff(both, 2, axis=1))[:, :, 1:-1]
        return np.asarray(along + down)
