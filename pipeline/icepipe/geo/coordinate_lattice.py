"""Transformation of pixel centres between coordinate systems, interpolated on a lattice where that is exact enough.

Positions between the nodes of a lattice are interpolated bilinearly. PROJ transforms the nodes, the positions so near
to a pixel border that the interpolation error could matter, and the cells in which the map is not smooth enough.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyproj

from icepipe.arrays import Float64
from icepipe.geo.ellipsoid import EQUATOR_M
from icepipe.geo.geobox import Block, GeoBox

NODE_STEP = 32
"""Pixels between neighbouring nodes."""

NEAR_PX = 1e-3
"""Positions nearer to a pixel border than this are transformed exactly. The interpolation error is less than a quarter
of this, as bounded by the second differences of the nodes; cells with larger differences are transformed exactly."""

QUARTER_M = 1e7
"""Distance from the equator to a pole. Between nodes this far apart, the map could go around the Earth."""


@lru_cache(maxsize=32)
def pixel_side_m(grid: GeoBox) -> float:
    """Return the longer side of a pixel in metres, by the scale of the map units."""
    crs, t = pyproj.CRS.from_wkt(grid.crs), grid.transform
    side = max(np.hypot(t.a, t.d), np.hypot(t.b, t.e)) * crs.axis_info[0].unit_conversion_factor
    return float(side * (EQUATOR_M if crs.is_geographic else 1.0))


# Creating a transformer takes PROJ milliseconds, and it is needed once per block.
@lru_cache(maxsize=32)
def _transformer(source_crs: str, target_crs: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source_crs, target_crs, always_xy=True)


def transform_exact(source: GeoBox, grid: GeoBox, col: Float64, row: Float64) -> tuple[Float64, Float64]:
    """Transform positions on a grid to columns and rows of a source; not finite outside the domain of its CRS."""
    x, y = _transformer(grid.crs, source.crs).transform(*grid.to_map(col, row))
    with np.errstate(invalid="ignore"):
        return source.to_pixels(x, y)


def source_positions(source: GeoBox, grid: GeoBox, block: Block) -> tuple[Float64, Float64]:
    """Return the columns and rows on a source of the pixel centres of a block; shape (rows, columns) each.

    Positions are off by less than ``NEAR_PX`` and fall into the same pixels as exactly transformed ones.
    """
    from icepipe.geo._kernels import interpolate_positions

    cols, rows = np.empty((2, block.height, block.width))
    near = np.empty((block.height, block.width), dtype=bool)
    nodes = np.stack(transform_exact(source, grid, *lattice_nodes(block)))
    # The error of bilinear interpolation is at most an eighth of the second differences along both axes, at any of the
    # four nodes of a cell.
    smooth = np.maximum(*second_differences(nodes)) / 8 <= NEAR_PX / 4
    smooth = smooth[:-1, :-1] & smooth[:-1, 1:] & smooth[1:, :-1] & smooth[1:, 1:]
    smooth &= NODE_STEP * pixel_side_m(grid) < QUARTER_M
    interpolate_positions(
        nodes, smooth, NODE_STEP, NEAR_PX, block.row % NODE_STEP, block.col % NODE_STEP, cols, rows, near
    )
    exact = np.nonzero(near)
    row, col = (index.astype(np.float64) + 0.5 for index in exact)
    cols[exact], rows[exact] = transform_exact(source, grid, block.col + col, block.row + row)
    return cols, rows


def lattice_nodes(block: Block) -> tuple[Float64, Float64]:
    """Return columns and rows of the nodes around a block, with an extra ring of nodes; shape (rows, columns) each."""
    # Nodes are multiples of the step on the whole grid, so that positions do not depend on how it is cut into blocks.
    sides = (block.col, block.width), (block.row, block.height)
    col, row = (
        NODE_STEP * np.arange(start // NODE_STEP - 1, -(-(start + size) // NODE_STEP) + 2) + 0.5
        for start, size in sides
    )
    cols, rows = np.meshgrid(col, row)
    return cols, rows


def second_differences(nodes: Float64) -> Float64:
    """Return the sum of absolute second differences along both axes; not finite next to a node without a position.

    Parameters
    ----------
    nodes
        Columns and rows of the nodes, shape (2, rows, columns); the result is one shorter at each side.
    """
    with np.errstate(invalid="ignore"):
        along_row = np.abs(np.diff(nodes, 2, axis=2))[:, 1:-1]
        along_column = np.abs(np.diff(nodes, 2, axis=1))[:, :, 1:-1]
        return np.asarray(along_row + along_column)
