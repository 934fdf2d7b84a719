"""Rasterize polygons that are given in another CRS than the grid's: a pixel is inside where its centre is.

Most tiles of a block lie wholly inside or outside a polygon, which the centres along their rims decide.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from icepipe.arrays import Bool, Float64, Int64
from icepipe.geo.geobox import Block, GeoBox
from icepipe.geo.longitude import CIRCLE_DEGREES
from icepipe.raster.rasterize import BlockMask, select, tile_block

RIM_STEP = 8
"""Largest distance, in pixels, between the centres on the rim of a tile that are transformed."""

SEGMENTS = 8
"""Least number of segments of a side of a tile, where it has as many pixels."""

NEAR_POLE = 89.9
"""Latitude in degrees beyond which longitudes change with every step."""

FLAT = 0.01
"""Least margin around a rim as a part of a step, also where the rim has no extent along an axis."""

EVEN = 1.5
"""Largest ratio of the scales along the rim of a tile whose bounds are trusted."""


def contains_points(shape: BaseGeometry, shifts: Iterable[float], x: Float64, y: Float64) -> Bool:
    """Return whether a prepared shape contains points, under any of the shifts of x."""
    inside = np.zeros(x.shape, dtype=bool)
    west, south, east, north = shape.bounds
    for shift in shifts:
        # Points outside the bounds, and those found already, need no exact test.
        near = (x + shift >= west) & (x + shift <= east) & (y >= south) & (y <= north) & ~inside
        inside[near] = shapely.intersects_xy(shape, x[near] + shift, y[near])
    return inside


@dataclass(frozen=True)
class TargetCrs:
    """CRS of polygons, as reached from the CRS of a grid.

    Attributes
    ----------
    transformer
        From the grid's CRS to this one.
    is_geographic
        Whether coordinates are longitude and latitude.
    """

    transformer: pyproj.Transformer
    is_geographic: bool

    @classmethod
    def from_grid(cls, grid: GeoBox, crs: pyproj.CRS) -> TargetCrs:
        """Return a CRS with the transformer from a grid's CRS to it."""
        transformer = pyproj.Transformer.from_crs(grid.crs, crs, always_xy=True)
        return cls(transformer, bool(crs.is_geographic))

    @property
    def shifts(self) -> tuple[float, ...]:
        """By how much x of a polygon and of a pixel at the same place may differ: a full circle of longitude."""
        return (0.0, -CIRCLE_DEGREES, CIRCLE_DEGREES) if self.is_geographic else (0.0,)


class ReprojectedCentres:
    """Pixel centres of a block in another CRS.

    Centres are transformed to the CRS of polygons, and not polygons to the CRS of the grid: edges bend, and they break
    at the poles and at 180 degrees; points do not.

    Parameters
    ----------
    grid, block
        The grid and its block.
    target
        CRS of the polygons.
    """

    def __init__(self, grid: GeoBox, block: Block, target: TargetCrs) -> None:
        self._grid, self._block, self._target = grid, block, target
        self._tiles = tile_block(block.height, block.width)
        # Several polygons of one CRS are tested: each tile is transformed once.
        self._centres: dict[Block, tuple[Float64, Float64]] = {}

    def rasterize(self, shape: BaseGeometry) -> Bool:
        """Return the mask of pixels whose centre is inside a shape; shape (rows, columns)."""
        mask = np.zeros((self._block.height, self._block.width), dtype=bool)
        if part := self.block_mask(shape):
            mask[part.window.slices] = part.mask
        return mask

    def block_mask(self, shape: BaseGeometry) -> BlockMask | None:
        """Return the mask of pixels whose centre is inside a shape; None where it reaches no tile."""
        shapely.prepare(shape)
        covered, touched = self.classify_tiles(shape)
        tiles = list(select(self._tiles, covered | touched))
        if not tiles:
            return None
        row, col = min(tile.row for tile in tiles), min(tile.col for tile in tiles)
        height = max(tile.row + tile.height for tile in tiles) - row
        width = max(tile.col + tile.width for tile in tiles) - col
        mask = np.zeros((height, width), dtype=bool)
        for tile, is_covered in zip(tiles, covered[covered | touched].tolist(), strict=True):
            part = replace(tile, row=tile.row - row, col=tile.col - col).slices
            mask[part] = is_covered or contains_points(shape, self._target.shifts, *self.tile_centres(tile))
        return BlockMask(Block(row, col, height, width), mask)

    def classify_tiles(self, shape: BaseGeometry) -> tuple[Bool, Bool]:
        """Return which tiles a prepared shape covers, and which others it may touch; shape (tiles,) each."""
        low_x, low_y, high_x, high_y, is_bounded = self.tile_bounds
        west, south, east, north = shape.bounds
        # Tiles without reliable bounds are tested pixel by pixel.
        covered, touched = np.zeros_like(is_bounded), ~is_bounded
        for shift in self._target.shifts:
            near = (low_x + shift <= east) & (high_x + shift >= west) & (low_y <= north) & (high_y >= south)
            near &= is_bounded
            frames = shapely.box(low_x[near] + shift, low_y[near], high_x[near] + shift, high_y[near])
            covered[near] |= shapely.covers(shape, frames)
            touched[near] |= shapely.intersects(shape, frames)
        return covered, touched & ~covered

    @cached_property
    def tile_bounds(self) -> tuple[Float64, Float64, Float64, Float64, Bool]:
        """Least x and y, largest x and y of the centres of each tile, and whether they hold; shape (tiles,) each.

        A smooth map takes its extremes on the rim of a tile. Bounds hold where the rim shows that the map is smooth;
        between two of its centres the rim bends out by far less than their distance.
        """
        row, col, firsts = tile_rims(self._block.height, self._block.width)
        x, y = self._target.transformer.transform(
            *self._grid.to_map(self._block.col + col + 0.5, self._block.row + row + 0.5)
        )
        sides = np.array([(tile.height, tile.width) for tile in self._tiles])
        is_bounded = sides.max(axis=1) > 1
        with np.errstate(invalid="ignore"):
            step_x, step_y = rim_steps(x, firsts), rim_steps(y, firsts)
            step = np.hypot(step_x, step_y)
            low_x, high_x = rim_range(x, np.maximum(step_x, step * FLAT), firsts)
            low_y, high_y = rim_range(y, np.maximum(step_y, step * FLAT), firsts)
            is_bounded &= np.isfinite([low_x, low_y, high_x, high_y]).all(axis=0)
            if self._target.is_geographic:
                # A pole inside is no extreme of the rim, and a rim over the antimeridian spans half a circle or more.
                is_bounded &= (high_x - low_x < CIRCLE_DEGREES / 2) & (np.maximum(-low_y, high_y) < NEAR_POLE)
            else:
                # With a point at infinity inside, the scale along the rim varies twofold or more. Only sides of enough
                # segments show it.
                px = np.hypot(rim_steps(row, firsts), rim_steps(col, firsts))
                scale = step / np.where(px > 0, px, 1)
                least = np.minimum.reduceat(np.where(px > 0, scale, np.inf), firsts)
                is_bounded &= np.maximum.reduceat(scale, firsts) < EVEN * least
                is_bounded &= (sides.min(axis=1) == 1) | (sides.min(axis=1) > SEGMENTS)
        return low_x, low_y, high_x, high_y, is_bounded

    def tile_centres(self, tile: Block) -> tuple[Float64, Float64]:
        """Return x and y of the pixel centres of a tile; shape (rows, columns) each."""
        if tile not in self._centres:
            block = Block(self._block.row + tile.row, self._block.col + tile.col, tile.height, tile.width)
            self._centres[tile] = self._target.transformer.transform(*self._grid.to_map(*block.centres))
        return self._centres[tile]


def rim_range(values: Float64, margins: Float64, firsts: Int64) -> tuple[Float64, Float64]:
    """Return the range of the values on each rim, extended by the largest of its margins; shape (rims,) each."""
    margin = np.maximum.reduceat(margins, firsts)
    return np.minimum.reduceat(values, firsts) - margin, np.maximum.reduceat(values, firsts) + margin


def rim_steps(values: Float64, firsts: Int64) -> Float64:
    """Return the absolute difference of each value on a rim to the next one, 0 for its last; shape (n,)."""
    steps = np.abs(np.diff(values, append=values[-1]))
    # The difference to the first value of the next rim is no step.
    steps[firsts[1:] - 1] = 0
    return steps


@lru_cache(maxsize=8)
def tile_rims(height: int, width: int) -> tuple[Float64, Float64, Int64]:
    """Return rows and columns of pixels around the tiles of a block, shape (n,), and the index of the first of each."""
    rims = []
    for tile in tile_block(height, width):
        rows, cols = side_positions(tile.row, tile.height), side_positions(tile.col, tile.width)
        sides = [(rows[:1], cols), (rows, cols[-1:]), (rows[-1:], cols[::-1]), (rows[::-1], cols[:1])]
        rims.append(np.concatenate([np.stack(np.broadcast_arrays(*side), axis=-1) for side in sides]))
    row, col = np.concatenate(rims).T
    return row, col, np.cumsum([0, *(len(rim) for rim in rims)])[:-1]


def side_positions(first: int, count: int) -> Float64:
    """Return evenly spaced pixels of a side of a tile, its first and last among them."""
    step = max(1, min(RIM_STEP, (count - 1) // SEGMENTS))
    return np.append(np.arange(first, first + count - 1, step, dtype=np.float64), first + count - 1)
