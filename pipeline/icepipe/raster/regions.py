"""Where the regions of a run lie on its grid."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyproj
import shapely
from affine import Affine
from shapely.affinity import translate
from shapely.geometry import Point, box
from shapely.geometry.base import BaseGeometry

from icepipe.arrays import Bool, Float64, UInt16, UInt32
from icepipe.errors import NoUsableInput
from icepipe.geo.crs import same_crs
from icepipe.geo.ellipsoid import Ellipsoid
from icepipe.geo.geobox import Block, GeoBox, Region
from icepipe.geo.longitude import TURN_DEGREES, shift_longitudes, unwrap_longitude
from icepipe.raster.blocks import blocks
from icepipe.raster.rasterize import BlockMask, block_mask, rasterize_polygon, shape_to_pixels
from icepipe.raster.rasterize_reprojected import ReprojectedCentres, TargetCrs
from icepipe.raster.run_length import RunLengthRaster, RunLengthWriter, border_code
from icepipe.runtime.parallel import prefetch

Set = tuple[int, ...]
"""Numbers of the regions that some pixels lie in."""

EMPTY: Set = ()

FEW_SETS = 1024
"""With fewer it is not asked which of them no pixel has any more."""

Places = dict[str, ReprojectedCentres]
"""Centres of a block's pixels, by the WKT of a coordinate system."""

OUTLINE_PARTS = 256
"""An outline is cut into at least so many pieces before it is bent by another projection."""


@dataclass(frozen=True)
class RegionMap:
    """Which regions every pixel of a grid belongs to.

    Attributes
    ----------
    outlines
        The regions.
    grid
        The run grid.
    from_scenes
        Whether they are what the scenes cover, on the map of the grid, and not outlines that were named.
    """

    outlines: tuple[Region, ...]
    grid: GeoBox
    from_scenes: bool

    @cached_property
    def _alone(self) -> BaseGeometry | None:
        """What the scenes cover, in pixels, for which nothing needs to be remembered."""
        return shape_to_pixels(shapely.from_wkt(self.outlines[0].wkt), self.grid) if self.from_scenes else None

    @cached_property
    def _sets(self) -> tuple[RunLengthRaster[np.uint16], tuple[Set, ...]]:
        """Number of the set of regions of each pixel, and the regions of each set."""
        numbers = {EMPTY: 0}
        writer = RunLengthWriter(self.grid.width, np.dtype(np.uint16))
        others = {
            crs: TargetCrs.from_grid(self.grid, pyproj.CRS.from_wkt(crs)) for crs in {one.crs for one in self.outlines}
        }
        holders = [self._holder(outline, others[outline.crs]) for outline in self.outlines]

        def parts(block: Block) -> tuple[Block, list[BlockMask | None]]:
            places: Places = {}
            return block, [holder(block, places) for holder in holders]

        with closing(prefetch(parts, blocks(self.grid))) as found:
            for block, holding in found:
                writer.write(block, _numbered(holding, block, numbers))
        return writer.finish(), tuple(numbers)

    def _holder(self, outline: Region, other: TargetCrs) -> Callable[[Block, Places], BlockMask | None]:
        """What tells which pixels of a block have their centre in a region, if any can have."""
        shape = shapely.from_wkt(outline.wkt)
        if same_crs(outline.crs, self.grid.crs):
            turned = [shape_to_pixels(translate(shape, turn), self.grid) for turn in other.turns]
            return lambda block, _: block_mask(turned, block)

        def holds(block: Block, places: Places) -> BlockMask | None:
            if outline.crs not in places:
                places[outline.crs] = ReprojectedCentres(self.grid, block, other)
            return places[outline.crs].block_mask(shape)

        return holds

    @property
    def members(self) -> tuple[Set, ...]:
        """Numbers of the regions of each set; set 0 is outside all of them."""
        return ((), (0,)) if self.from_scenes else self._sets[1]

    def set_numbers(self, block: Block) -> UInt16:
        """Number of the set of regions that each pixel of a block belongs to, 0 outside all; shape (rows, columns)."""
        if self._alone is not None:
            return rasterize_polygon(self._alone, block).astype(np.uint16)
        return self._sets[0].block(block)

    def mask(self, block: Block) -> Bool:
        """True for pixels of a block that lie in any region; shape (rows, columns)."""
        return (
            rasterize_polygon(self._alone, block)
            if self._alone is not None
            else np.asarray(self.set_numbers(block) > 0)
        )

    def window(self, number: int) -> Block | None:
        """Smallest rectangle of the grid that holds a region's pixels; None where it has none."""
        if self.from_scenes:
            return Block(0, 0, self.grid.height, self.grid.width)
        return self._sets[0].window([key for key, members in enumerate(self.members) if number in members])

    def region_mask(self, number: int) -> RunLengthRaster[np.uint8]:
        """1 for pixels that lie in a named region, else 0."""
        sets, members = self._sets
        holds = np.zeros(2**16, dtype=np.uint8)
        holds[: len(members)], holds[border_code(np.uint16)] = [number in one for one in members], border_code(np.uint8)
        return sets.relabel(holds[sets.codes])

    def outline_km2(self, number: int) -> float:
        """Geodesic area of a region's outline."""
        outline = self.outlines[number]
        shape = shapely.from_wkt(outline.wkt)
        return Ellipsoid.of(outline.crs).area_m2(_in_pieces(shape, OUTLINE_PARTS)) / 1e6


def _numbered(holding: Iterable[BlockMask | None], block: Block, numbers: dict[Set, int]) -> UInt16:
    """Number of the set of regions of each pixel of a block, shape (rows, columns); new sets are added to ``numbers``.

    Parameters
    ----------
    holding
        For each region, which pixels it holds.

    Raises
    ------
    NoUsableInput
        If there are more sets than can be numbered.
    """
    from icepipe.raster._kernels import split_labels

    keys, sets, most = np.zeros((block.height, block.width), dtype=np.uint32), [EMPTY], FEW_SETS
    for number, part in enumerate(holding):
        if part:
            fresh = np.full(len(sets), -1, dtype=np.int64)
            split_labels(keys[part.window.slices], part.holds, fresh)
            sets += [(*sets[old], number) for old in np.argsort(fresh)[np.count_nonzero(fresh < 0) :].tolist()]
        if len(sets) > most:
            keys, sets = _without_empty(keys, sets)
            most = 2 * len(sets) + FEW_SETS
    known = np.zeros(len(sets), dtype=np.uint16)
    for key in np.flatnonzero(np.bincount(keys.ravel())).tolist():
        number = numbers.setdefault(sets[key], len(numbers))
        if number >= border_code(np.uint16):
            raise NoUsableInput("the regions overlap in too many ways to be told apart", "name fewer regions")
        known[key] = number
    return known[keys]


def _without_empty(keys: UInt32, sets: list[Set]) -> tuple[UInt32, list[Set]]:
    """Keys of pixels and their sets, less those that no pixel has any more."""
    there = np.bincount(keys.ravel(), minlength=len(sets)) > 0
    place = (np.cumsum(there) - 1).astype(np.uint32)
    return place[keys], [one for one, is_there in zip(sets, there.tolist(), strict=True) if is_there]


def _in_pieces(shape: BaseGeometry, parts: int) -> BaseGeometry:
    west, south, east, north = shape.bounds
    return shapely.segmentize(shape, max(east - west, north - south) / parts)


def region_bounds(outline: Region, grid: GeoBox) -> tuple[float, float, float, float] | None:
    """Bounds of a region in pixels of a grid (left, top, right, bottom); None where it has no place on its map."""
    shape, ours = shapely.from_wkt(outline.wkt), pyproj.CRS.from_wkt(grid.crs)
    points = shapely.get_coordinates(_in_pieces(shape, OUTLINE_PARTS))
    x, y = pyproj.Transformer.from_crs(outline.crs, grid.crs, always_xy=True).transform(*points.T)
    if not np.all(np.isfinite(x)) or not np.all(np.isfinite(y)):
        return None
    if ours.is_geographic:
        x, y = _turned(x, y, outline, grid)
    col, row = grid.to_pixels(x, y)
    return float(col.min()), float(row.min()), float(col.max()), float(row.max())


def _turned(x: Float64, y: Float64, outline: Region, grid: GeoBox) -> tuple[Float64, Float64]:
    """Longitudes next to those of a grid, and all of them with the pole where the region holds it."""
    middle = (grid.transform @ (grid.width / 2, grid.height / 2))[0]
    each, whole = unwrap_longitude(x, middle, TURN_DEGREES), shift_longitudes(x, middle, TURN_DEGREES)
    x = min(each, whole, key=np.ptp)
    theirs = pyproj.CRS.from_wkt(outline.crs)
    for pole in (-90.0, 90.0):
        at = pyproj.Transformer.from_crs(grid.crs, outline.crs, always_xy=True).transform(0.0, pole)
        if not theirs.is_geographic and np.all(np.isfinite(at)) and shapely.from_wkt(outline.wkt).contains(Point(at)):
            x, y = np.append(x, [middle - TURN_DEGREES / 2, middle + TURN_DEGREES / 2]), np.append(y, [pole, pole])
    return x, y


def regions_on_grid(outlines: Sequence[Region], grid: GeoBox) -> list[tuple[float, float, float, float]]:
    """Bounds, in pixels, of the regions that reach a grid.

    Raises
    ------
    NoUsableInput
        If none does.
    """
    found = [region_bounds(outline, grid) for outline in outlines]
    frame = box(0, 0, grid.width, grid.height)
    reached = [bounds for bounds in found if bounds and box(*bounds).intersects(frame)]
    if not reached:
        raise NoUsableInput("no scene touches any of the regions", "check inputs.regions against inputs.scenes")
    return reached


def region_grid(outlines: Sequence[Region], grid: GeoBox) -> GeoBox:
    """The grid cut, or grown, to the regions that reach it; its pixels stay where they are."""
    bounds = np.array(regions_on_grid(outlines, grid))
    left, top = (int(value) for value in np.floor(bounds[:, :2].min(axis=0)))
    right, bottom = (int(value) for value in np.ceil(bounds[:, 2:].max(axis=0)))
    return GeoBox(grid.crs, grid.transform @ Affine.translation(left, top), max(1, right - left), max(1, bottom - top))
