"""Rasterize the regions of a run on its grid."""

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
from icepipe.geo.longitude import CIRCLE_DEGREES, shift_longitudes, unwrap_longitude
from icepipe.raster.blocks import blocks
from icepipe.raster.rasterize import BlockMask, block_mask, rasterize_polygon, shape_to_pixels
from icepipe.raster.rasterize_reprojected import ReprojectedCentres, TargetCrs
from icepipe.raster.run_length import RunLengthRaster, RunLengthWriter, border_code
from icepipe.runtime.parallel import prefetch

RegionSet = tuple[int, ...]
"""Indices of the regions that some pixels belong to."""

EMPTY: RegionSet = ()

FEW_SETS = 1024
"""Number of sets of a block up to which those without pixels are kept, as looking for them would take longer."""

CentresByCrs = dict[str, ReprojectedCentres]
"""Pixel centres of a block, by WKT of a CRS."""

OUTLINE_PARTS = 256
"""Least number of segments along the longer side of an outline that is reprojected."""


@dataclass(frozen=True)
class RegionMap:
    """Which regions every pixel of a grid belongs to.

    Regions may overlap. Pixels that belong to the same regions have the same *set number*; set 0 is outside all.

    Attributes
    ----------
    outlines
        Regions, whose index is their number.
    grid
        Run grid.
    from_scenes
        Whether the only region is the footprint of the scenes, in the CRS of the grid, and not a named outline.
    """

    outlines: tuple[Region, ...]
    grid: GeoBox
    from_scenes: bool

    @cached_property
    def footprint(self) -> BaseGeometry | None:
        """Footprint of the scenes in pixels of the grid; None for named regions."""
        return shape_to_pixels(shapely.from_wkt(self.outlines[0].wkt), self.grid) if self.from_scenes else None

    @cached_property
    def region_sets(self) -> tuple[RunLengthRaster[np.uint16], tuple[RegionSet, ...]]:
        """Set number of each pixel, and the regions of each set."""
        numbers = {EMPTY: 0}
        writer = RunLengthWriter(self.grid.width, np.dtype(np.uint16))
        codes = {region.crs for region in self.outlines}
        targets = {crs: TargetCrs.from_grid(self.grid, pyproj.CRS.from_wkt(crs)) for crs in codes}
        maskers = [region_masker(region, self.grid, targets[region.crs]) for region in self.outlines]

        def rasterize(block: Block) -> tuple[Block, list[BlockMask | None]]:
            centres: CentresByCrs = {}
            return block, [masker(block, centres) for masker in maskers]

        # Blocks are rasterized in parallel; sets are numbered here, in raster order, so that numbers are reproducible.
        with closing(prefetch(rasterize, blocks(self.grid))) as rasterized:
            for block, masks in rasterized:
                writer.write(block, number_sets(masks, block, numbers))
        return writer.finish(), tuple(numbers)

    @property
    def members(self) -> tuple[RegionSet, ...]:
        """Regions of each set, by set number."""
        return ((), (0,)) if self.from_scenes else self.region_sets[1]

    def set_numbers(self, block: Block) -> UInt16:
        """Return the set number of each pixel of a block; shape (rows, columns)."""
        # A footprint is rasterized block by block: a raster of it would only take memory.
        if self.footprint is not None:
            return rasterize_polygon(self.footprint, block).astype(np.uint16)
        return self.region_sets[0].block(block)

    def mask(self, block: Block) -> Bool:
        """Return True for pixels of a block that belong to any region; shape (rows, columns)."""
        if self.footprint is not None:
            return rasterize_polygon(self.footprint, block)
        return np.asarray(self.set_numbers(block) > 0)

    def window(self, number: int) -> Block | None:
        """Return the smallest window of the grid with all pixels of a region; None where it has none."""
        if self.from_scenes:
            return Block(0, 0, self.grid.height, self.grid.width)
        return self.region_sets[0].window([key for key, members in enumerate(self.members) if number in members])

    def region_mask(self, number: int) -> RunLengthRaster[np.uint8]:
        """Return a raster of 1 for pixels of a named region and 0 for others."""
        sets, members = self.region_sets
        codes = np.zeros(2**16, dtype=np.uint8)
        codes[: len(members)] = [number in regions for regions in members]
        codes[border_code(np.uint16)] = border_code(np.uint8)
        return sets.relabel(codes[sets.codes])

    def outline_km2(self, number: int) -> float:
        """Compute the geodesic area of a region's outline."""
        region = self.outlines[number]
        return Ellipsoid.from_wkt(region.crs).area_m2(segmentize_outline(shapely.from_wkt(region.wkt))) / 1e6


def region_masker(region: Region, grid: GeoBox, target: TargetCrs) -> Callable[[Block, CentresByCrs], BlockMask | None]:
    """Return a function that rasterizes a region in a block, given the centres of the block in other CRSs so far."""
    shape = shapely.from_wkt(region.wkt)
    if same_crs(region.crs, grid.crs):
        shapes = [shape_to_pixels(translate(shape, shift), grid) for shift in target.shifts]
        return lambda block, _: block_mask(shapes, block)

    def rasterize(block: Block, centres: CentresByCrs) -> BlockMask | None:
        if region.crs not in centres:
            centres[region.crs] = ReprojectedCentres(grid, block, target)
        return centres[region.crs].block_mask(shape)

    return rasterize


def number_sets(masks: Iterable[BlockMask | None], block: Block, numbers: dict[RegionSet, int]) -> UInt16:
    """Compute the set number of each pixel of a block; shape (rows, columns).

    Parameters
    ----------
    masks
        Pixels of each region in the block.
    block
        The block.
    numbers
        Number of every set that is known; new sets are added.

    Raises
    ------
    NoUsableInput
        If there are more sets than 16-bit numbers.
    """
    from icepipe.raster._kernels import split_labels

    # Labels are local to the block; its regions refine them one after the other. Set numbers are the run's.
    labels, sets, limit = np.zeros((block.height, block.width), dtype=np.uint32), [EMPTY], FEW_SETS
    for region, part in enumerate(masks):
        if part:
            new_labels = np.full(len(sets), -1, dtype=np.int64)
            split_labels(labels[part.window.slices], part.mask, new_labels)
            # Old labels that were split, in the order of their new ones.
            split = np.argsort(new_labels)[np.count_nonzero(new_labels < 0) :]
            sets += [(*sets[label], region) for label in split.tolist()]
        if len(sets) > limit:
            # A label that a region covers wholly is left without pixels. Growing limits keep the search rare.
            labels, sets = drop_unused_sets(labels, sets)
            limit = 2 * len(sets) + FEW_SETS
    set_numbers = np.zeros(len(sets), dtype=np.uint16)
    for label in np.flatnonzero(np.bincount(labels.ravel())).tolist():
        number = numbers.setdefault(sets[label], len(numbers))
        if number >= border_code(np.uint16):
            raise NoUsableInput("the regions overlap in too many combinations", "name fewer regions")
        set_numbers[label] = number
    return set_numbers[labels]


def drop_unused_sets(labels: UInt32, sets: list[RegionSet]) -> tuple[UInt32, list[RegionSet]]:
    """Drop the sets that no pixel is labelled with, and renumber the labels."""
    is_used = np.bincount(labels.ravel(), minlength=len(sets)) > 0
    new_labels = (np.cumsum(is_used) - 1).astype(np.uint32)
    return new_labels[labels], [regions for regions, used in zip(sets, is_used.tolist(), strict=True) if used]


def segmentize_outline(shape: BaseGeometry) -> BaseGeometry:
    """Add vertices to an outline, at least ``OUTLINE_PARTS`` along its longer side, before its edges are bent."""
    west, south, east, north = shape.bounds
    return shapely.segmentize(shape, max(east - west, north - south) / OUTLINE_PARTS)


def region_bounds(region: Region, grid: GeoBox) -> tuple[float, float, float, float] | None:
    """Compute the bounds of a region in pixels of a grid (left, top, right, bottom).

    None where its CRS cannot be transformed to the grid's.
    """
    points = shapely.get_coordinates(segmentize_outline(shapely.from_wkt(region.wkt)))
    x, y = pyproj.Transformer.from_crs(region.crs, grid.crs, always_xy=True).transform(*points.T)
    if not np.all(np.isfinite(x)) or not np.all(np.isfinite(y)):
        return None
    if pyproj.CRS.from_wkt(grid.crs).is_geographic:
        x, y = unwrap_outline(x, y, region, grid)
    col, row = grid.to_pixels(x, y)
    return float(col.min()), float(row.min()), float(col.max()), float(row.max())


def unwrap_outline(x: Float64, y: Float64, region: Region, grid: GeoBox) -> tuple[Float64, Float64]:
    """Shift longitudes of an outline by full circles next to the grid; a pole inside adds a full circle at the pole."""
    middle = (grid.transform @ (grid.width / 2, grid.height / 2))[0]
    # Longitudes are shifted each by itself, or together, whichever keeps the outline narrower: the first mends outlines
    # over the antimeridian, the second keeps those whole that reach half a circle away from the grid.
    x = min(unwrap_longitude(x, middle, CIRCLE_DEGREES), shift_longitudes(x, middle, CIRCLE_DEGREES), key=np.ptp)
    is_geographic = pyproj.CRS.from_wkt(region.crs).is_geographic
    for latitude in (-90.0, 90.0):
        pole = pyproj.Transformer.from_crs(grid.crs, region.crs, always_xy=True).transform(0.0, latitude)
        if not is_geographic and np.all(np.isfinite(pole)) and shapely.from_wkt(region.wkt).contains(Point(pole)):
            x = np.append(x, [middle - CIRCLE_DEGREES / 2, middle + CIRCLE_DEGREES / 2])
            y = np.append(y, [latitude, latitude])
    return x, y


def regions_on_grid(regions: Sequence[Region], grid: GeoBox) -> list[tuple[float, float, float, float]]:
    """Return the bounds, in pixels, of the regions that intersect a grid.

    Raises
    ------
    NoUsableInput
        If no region does.
    """
    frame = box(0, 0, grid.width, grid.height)
    candidates = [region_bounds(region, grid) for region in regions]
    on_grid = [bounds for bounds in candidates if bounds and box(*bounds).intersects(frame)]
    if not on_grid:
        raise NoUsableInput("no scene touches any of the regions", "check inputs.regions against inputs.scenes")
    return on_grid


def region_grid(regions: Sequence[Region], grid: GeoBox) -> GeoBox:
    """Crop or extend a grid to the regions that intersect it, by whole pixels."""
    bounds = np.array(regions_on_grid(regions, grid))
    left, top = (int(value) for value in np.floor(bounds[:, :2].min(axis=0)))
    right, bottom = (int(value) for value in np.ceil(bounds[:, 2:].max(axis=0)))
    return GeoBox(grid.crs, grid.transform @ Affine.translation(left, top), max(1, right - left), max(1, bottom - top))
