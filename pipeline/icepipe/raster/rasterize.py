"""Rasterize polygons that are given in the CRS of the grid: a pixel is inside where its centre is.

A block is divided into square tiles. Most tiles lie wholly inside or outside a polygon; only those on its border are
tested pixel by pixel.
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
"""Side of a tile of a block."""

SNAP = 2.0**20
"""Vertices are rounded to this part of a pixel, which doubles represent exactly."""

EDGE_PX = 2.0**-12
"""Offset of pixel centres to the right and down before they are tested, which decides for centres on an edge."""


@dataclass(frozen=True)
class BlockMask:
    """Mask of a part of a block; all other pixels of the block are False.

    Attributes
    ----------
    window
        The part, with row and column relative to the block.
    mask
        Shape of the window.
    """

    window: Block
    mask: Bool


def shape_to_pixels(shape: BaseGeometry, grid: GeoBox) -> BaseGeometry:
    """Transform a shape from the CRS of a grid to its columns and rows, rounded to 1 / ``SNAP`` pixels."""
    pixels = shapely.transform(shape, grid.to_pixels, interleaved=False)
    # Without the errors of the transform, a border that two shapes share has the same coordinates in both.
    return shapely.transform(pixels, lambda xy: np.rint(xy * SNAP) / SNAP)


@lru_cache(maxsize=8)
def tile_block(height: int, width: int) -> tuple[Block, ...]:
    """Divide a block of a size into tiles in raster order, with rows and columns relative to the block."""
    return tuple(
        Block(row, col, min(SIDE_PX, height - row), min(SIDE_PX, width - col))
        for row in range(0, height, SIDE_PX)
        for col in range(0, width, SIDE_PX)
    )


def rasterize_polygon(pixels: BaseGeometry, block: Block) -> Bool:
    """Return the mask of a block, True where a centre is inside a shape from :func:`shape_to_pixels`.

    Centres are tested in pixels of the whole grid, so that the result for a pixel does not depend on the block. A
    centre on an edge belongs to the shape on its right or below. The mask has the shape (rows, columns).
    """
    frame = box(block.col, block.row, block.col + block.width, block.row + block.height)
    size = (block.height, block.width)
    # Centres are half a pixel inside the frame, so it may be shrunk: a shape that follows it is off by rounding only.
    if pixels.covers(frame.buffer(-ALIGNED_PX)):
        return np.ones(size, dtype=bool)
    mask = np.zeros(size, dtype=bool)
    if not pixels.intersects(frame):
        return mask
    # GEOS builds the index of a prepared geometry on first use without a lock: each thread prepares its own copy.
    shape = shapely.from_wkb(shapely.to_wkb(pixels))
    shapely.prepare(shape)
    tiles = tile_block(block.height, block.width)
    left, top = (block.col + np.array([tile.col for tile in tiles]), block.row + np.array([tile.row for tile in tiles]))
    right, bottom = left + [tile.width for tile in tiles], top + [tile.height for tile in tiles]
    frames = shapely.box(left + ALIGNED_PX, top + ALIGNED_PX, right - ALIGNED_PX, bottom - ALIGNED_PX)
    covered, touched = shapely.covers(shape, frames), shapely.intersects(shape, frames)
    for tile in select(tiles, covered):
        mask[tile.slices] = True
    for tile in select(tiles, touched & ~covered):
        col, row = Block(block.row + tile.row, block.col + tile.col, tile.height, tile.width).centres
        mask[tile.slices] = shapely.contains_xy(shape, col + EDGE_PX, row + EDGE_PX)
    return mask


def block_mask(shapes: Sequence[BaseGeometry], block: Block) -> BlockMask | None:
    """Rasterize the union of shapes from :func:`shape_to_pixels` in a block; None if the bounds of none reach it."""
    bounds = shapely.bounds(shapes)
    left, top = (np.clip(np.floor(bounds[:, axis]), first, None) for axis, first in enumerate((block.col, block.row)))
    ends = block.col + block.width, block.row + block.height
    # One pixel more, as a bound on a whole pixel may touch the next one.
    right, bottom = (np.clip(np.ceil(bounds[:, 2 + axis]) + 1, None, end) for axis, end in enumerate(ends))
    near = np.flatnonzero((left < right) & (top < bottom))
    if not len(near):
        return None
    row, col = int(top[near].min()), int(left[near].min())
    window = Block(row, col, int(bottom[near].max()) - row, int(right[near].max()) - col)
    mask = np.any([rasterize_polygon(shapes[number], window) for number in near.tolist()], axis=0)
    return BlockMask(replace(window, row=row - block.row, col=col - block.col), mask)


def select(tiles: Sequence[Block], mask: Bool) -> Iterable[Block]:
    """Return the tiles where a mask is True, in their order."""
    return (tiles[number] for number in np.flatnonzero(mask).tolist())
