"""Outlines of the regions on the map of the report, as SVG paths along the sides of pixels."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from affine import Affine

from icepipe.arrays import Bool
from icepipe.classes import ClassCode
from icepipe.geo.geobox import Block, GeoBox
from icepipe.measure.polygons.geometry import RaggedPolygons
from icepipe.measure.polygons.rings import RingIndex
from icepipe.publish.report.images import size_within
from icepipe.publish.run_folder.basis import Basis
from icepipe.raster.components import find_components
from icepipe.raster.regions import RegionMap, region_bounds
from icepipe.raster.run_length import RunLengthRaster

SIDE_PX = 320
"""Longer side in pixels of the small map on which outlines are traced."""


def resize_grid(grid: GeoBox, size: tuple[int, int]) -> GeoBox:
    """Return a grid with the extent of another one and a size of (columns, rows)."""
    scaled = grid.transform @ grid.transform.scale(grid.width / size[0], grid.height / size[1])
    return replace(grid, transform=scaled, width=size[0], height=size[1])


def svg_path(outlines: RaggedPolygons) -> str:
    """Return outlines along the sides of pixels as relative horizontal and vertical lines."""
    points = outlines.points.astype(np.int64)
    rings = []
    for first, end in zip(outlines.ring_offsets[:-1], outlines.ring_offsets[1:], strict=True):
        ring = points[first:end]
        # "z" closes the ring, so that its last step is left out.
        steps = np.diff(ring, axis=0)[:-1].tolist()
        lines = "".join(f"h{right}" if right else f"v{down}" for right, down in steps)
        rings.append(f"M{ring[0, 0]} {ring[0, 1]}{lines}z")
    return "".join(rings)


def trace_mask(mask: Bool) -> str:
    """Return the outline of the pixels of a mask as an SVG path; empty if it has none."""
    # The polygonizer traces components of classes; the mask becomes a raster of one class.
    classes = np.where(mask, ClassCode.ICE, ClassCode.OUTSIDE).astype(np.uint8)
    components = find_components(RunLengthRaster.from_array(classes), [ClassCode.ICE])
    numbers = np.arange(len(components.codes))
    return svg_path(RingIndex.from_components(components).trace(numbers, Affine.identity()))


def small_mask(regions: RegionMap, number: int) -> Bool:
    """Return the pixels of a small map whose centres are in a region; those of its bounding box if there is none."""
    grid = regions.grid
    # The mask holds bytes of 0 and 1, so a view as booleans needs no copy.
    mask: Bool = regions.region_mask(number).block(Block(0, 0, *grid.shape)).view(bool)
    if mask.any():
        return mask
    box = np.zeros(grid.shape, dtype=bool)
    if bounds := region_bounds(regions.outlines[number], grid):
        left, top, right, bottom = bounds
        rows = slice(max(0, math.floor(top)), max(0, math.ceil(bottom)))
        cols = slice(max(0, math.floor(left)), max(0, math.ceil(right)))
        box[rows, cols] = True
    return box


def region_paths(basis: Basis, named: bool) -> dict[str, object] | None:
    """Return the outlines of the regions on a small map; None if the config names no region.

    Returns
    -------
    dict
        ``width`` and ``height`` of the small map, and in ``paths`` the SVG path of each region, by its name. A path is
        empty if the grid does not reach the region. Parts of a region smaller than a pixel of the small map are left
        out.
    """
    if not named:
        return None
    width, height = size_within(basis.grid, SIDE_PX)
    regions = RegionMap(basis.regions, resize_grid(basis.grid, (width, height)), from_scenes=False)
    paths = {region.name: trace_mask(small_mask(regions, number)) for number, region in enumerate(basis.regions)}
    return {"width": width, "height": height, "paths": paths}
