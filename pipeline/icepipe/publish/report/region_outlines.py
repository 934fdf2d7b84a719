"""Where the regions lie on the map of the page: the sides of the pixels that belong to each, as paths of SVG."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from affine import Affine

from icepipe.arrays import Bool, Int64
from icepipe.classes import ClassCode
from icepipe.geo.geobox import Block, GeoBox, Region
from icepipe.measure.polygons.geometry import RaggedPolygons
from icepipe.measure.polygons.rings import RingIndex
from icepipe.publish.report.images import size_within
from icepipe.publish.run_folder.basis import Basis
from icepipe.raster.components import find_components
from icepipe.raster.regions import RegionMap, region_bounds
from icepipe.raster.run_length import RunLengthRaster

SIDE_PX = 320
"""Longer side of the map that outlines are traced on."""


def resize_grid(grid: GeoBox, size: tuple[int, int]) -> GeoBox:
    """The place of a grid in so many columns and rows."""
    scaled = grid.transform @ grid.transform.scale(grid.width / size[0], grid.height / size[1])
    return replace(grid, transform=scaled, width=size[0], height=size[1])


def _along(steps: Int64) -> str:
    """Steps to the right and down as relative lines; every one goes along a side."""
    return "".join(f"h{right}" if right else f"v{down}" for right, down in steps.tolist())


def _path(outlines: RaggedPolygons) -> Iterator[str]:
    points = outlines.points.astype(np.int64)
    for first, end in zip(outlines.ring_offsets[:-1], outlines.ring_offsets[1:], strict=True):
        ring = points[first:end]
        yield f"M{ring[0, 0]} {ring[0, 1]}{_along(np.diff(ring, axis=0)[:-1])}z"


def _traced(holds: Bool) -> str:
    """The outline of the pixels that hold, or nothing where none does."""
    classes = np.where(holds, ClassCode.ICE, ClassCode.OUTSIDE).astype(np.uint8)
    pieces = find_components(RunLengthRaster.from_array(classes), [ClassCode.ICE])
    return "".join(_path(RingIndex.from_components(pieces).trace(np.arange(len(pieces.codes)), Affine.identity())))


def _held(regions: RegionMap, number: int) -> Bool:
    """Cells of the small map whose centre a region holds; of one too small for that, those that it reaches into."""
    grid = regions.grid
    holds = regions.region_mask(number).block(Block(0, 0, *grid.shape)).view(bool)
    return holds if holds.any() else _reached(regions.outlines[number], grid)


def _reached(outline: Region, grid: GeoBox) -> Bool:
    """Cells within the bounds of an outline."""
    reached, bounds = np.zeros(grid.shape, dtype=bool), region_bounds(outline, grid)
    if bounds:
        left, top, right, bottom = bounds
        rows = slice(max(0, math.floor(top)), max(0, math.ceil(bottom)))
        cols = slice(max(0, math.floor(left)), max(0, math.ceil(right)))
        reached[rows, cols] = True
    return reached


def region_paths(basis: Basis, named: bool) -> dict[str, object] | None:
    """Outlines of the named regions on a small map; None where the region is all that the scenes cover.

    Returns
    -------
    dict
        ``width`` and ``height`` of the map they are traced on, and a path for every region by its name; an empty one
        where the grid does not reach a region. Parts of a region that are smaller than a cell of that map are left out.
    """
    if not named:
        return None
    width, height = size_within(basis.grid, SIDE_PX)
    regions = RegionMap(basis.regions, resize_grid(basis.grid, (width, height)), from_scenes=False)
    paths = {outline.name: _traced(_held(regions, number)) for number, outline in enumerate(basis.regions)}
    return {"width": width, "height": height, "paths": paths}
