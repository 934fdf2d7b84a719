"""The run grid: one pixel grid for all dates, its blocks, and the region that areas are reported for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyproj
import shapely
from affine import Affine
from rasterio.features import geometry_mask
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from icepipe.errors import InputError
from icepipe.records import Block, Bool, GeoBox, Scene

BLOCK_PIXELS = 2**21
"""Pixels of a block: large enough to be fast, small enough that sums of areas stay exact in 53 bits."""

ALIGNED_PX = 1e-3
"""Two grids are one where their origins differ by whole pixels to this part of a pixel."""


def same_crs(one: str, other: str) -> bool:
    """Whether two WKT strings mean one coordinate system."""
    return one == other or bool(pyproj.CRS.from_wkt(one) == pyproj.CRS.from_wkt(other))


def offset(inner: GeoBox, outer: GeoBox) -> tuple[int, int] | None:
    """Row and column of ``inner``'s corner on ``outer``'s grid; None where the grids do not line up."""
    if not same_crs(inner.crs, outer.crs):
        return None
    to_pixels = ~outer.transform @ inner.transform
    far_col, far_row = to_pixels @ (inner.width, inner.height)
    col, row = to_pixels.c, to_pixels.f
    exact = (round(col), round(row), round(col) + inner.width, round(row) + inner.height)
    if max(abs(a - b) for a, b in zip(exact, (col, row, far_col, far_row), strict=True)) > ALIGNED_PX:
        return None
    return round(row), round(col)


def run_grid(scenes: Sequence[Scene]) -> GeoBox:
    """Smallest grid that holds every scene, on the pixels of the first.

    Raises
    ------
    InputError
        If a scene's pixels do not line up with the first one's.
    """
    first = scenes[0].geobox
    rows, cols, ends_row, ends_col = [], [], [], []
    for scene in scenes:
        place = offset(scene.geobox, first)
        if place is None:
            raise InputError(
                scene.path,
                f"its pixels do not line up with those of {scenes[0].path.name}",
                "bring both to one grid",
            )
        rows.append(place[0])
        cols.append(place[1])
        ends_row.append(place[0] + scene.geobox.height)
        ends_col.append(place[1] + scene.geobox.width)
    row, col = min(rows), min(cols)
    transform = first.transform @ Affine.translation(col, row)
    return GeoBox(first.crs, transform, max(ends_col) - col, max(ends_row) - row)


def blocks(grid: GeoBox) -> Iterator[Block]:
    """Full-width strips of a grid, top to bottom."""
    height = max(1, BLOCK_PIXELS // grid.width)
    for row in range(0, grid.height, height):
        yield Block(row, 0, min(height, grid.height - row), grid.width)


def union_of_footprints(scenes: Sequence[Scene]) -> BaseGeometry:
    """Outline of everything the scenes cover, seen or not, in their CRS."""
    return shapely.union_all([Polygon(scene.geobox.corners) for scene in scenes])


def inside(region: BaseGeometry, grid: GeoBox, block: Block) -> Bool:
    """True for pixels of a block whose centre lies in the region; shape (rows, columns)."""
    transform = grid.transform @ Affine.translation(block.col, block.row)
    outline = Polygon(GeoBox(grid.crs, transform, block.width, block.height).corners)
    tolerance = ALIGNED_PX * np.sqrt(grid.planar_pixel_area)
    shape = (block.height, block.width)
    if region.buffer(tolerance).covers(outline):
        return np.ones(shape, dtype=bool)
    if not region.intersects(outline):
        return np.zeros(shape, dtype=bool)
    return np.asarray(geometry_mask([region], shape, transform, invert=True))
