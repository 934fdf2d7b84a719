"""Fewer corners: all classes at once, so that what two polygons share stays shared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from icepipe.arrays import Float64
from icepipe.errors import IntegrityError
from icepipe.geo.geobox import GeoBox
from icepipe.measure.polygons.geometry import RaggedPolygons
from icepipe.measure.polygons.perimeter import perimeter_function
from icepipe.measure.polygons.polygonize import PolygonLayer


def start_at_top_left(geometry: NDArray[Any]) -> NDArray[Any]:
    """Polygons in pixels with rings as they are traced: clockwise in the raster, from the topmost then leftmost point.

    Holes run the other way.
    """
    kind, points, offsets = shapely.to_ragged_array(shapely.orient_polygons(geometry))
    starts, sizes = offsets[0][:-1], np.diff(offsets[0])
    ring = np.repeat(np.arange(len(starts)), sizes)
    top_left = np.lexsort((points[:, 0], points[:, 1], ring))[starts] - starts
    along = np.arange(len(points)) - starts[ring]
    turned = points[starts[ring] + (top_left[ring] + along) % (sizes[ring] - 1)]
    return np.asarray(shapely.from_ragged_array(kind, turned, offsets))


def simplify_layers(layers: Sequence[PolygonLayer], grid: GeoBox, tolerance_px: float) -> tuple[PolygonLayer, ...]:
    """The layers with fewer corners; areas and numbers of pixels stay those of the pixels.

    Visvalingam and Whyatt's method on the borders of a coverage (GEOS): a corner goes whose triangle with the next ones
    is smaller than the square of the tolerance, as long as no border would touch another. Nodes stay, and so does the
    frame of the raster. A piece never vanishes: the smallest keeps three corners.

    Parameters
    ----------
    layers
        All classes of the raster, so that the result for one does not depend on which others are published.
    grid
        The raster's grid.
    tolerance_px
        Root of the area of the largest triangle that goes, in pixel sides.

    Raises
    ------
    IntegrityError
        If a polygon would vanish after all.
    """
    geometries = [layer.geometry for layer in layers]
    whole = np.concatenate(geometries)
    pixels = shapely.transform(whole, lambda xy: _pixels(grid, xy))
    drawn = shapely.coverage_simplify(pixels, tolerance_px, simplify_boundary=False)
    if gone := int((shapely.area(drawn) == 0).sum()):
        raise IntegrityError(f"{gone} polygons would vanish", "make publish.polygons.simplify_m smaller")
    parts = np.split(start_at_top_left(drawn), np.cumsum([len(geometry) for geometry in geometries])[:-1])
    return tuple(_simplified_layer(layer, part, grid) for layer, part in zip(layers, parts, strict=True))


def _simplified_layer(layer: PolygonLayer, polygons: NDArray[Any], grid: GeoBox) -> PolygonLayer:
    """A layer with other polygons, in pixels, whose rings run as they are traced."""
    if not len(polygons):
        return replace(layer, batches=(), perim_m=np.zeros(0))
    _, points, (ring_offsets, piece_offsets) = shapely.to_ragged_array(polygons)
    pixels = RaggedPolygons(points, ring_offsets, piece_offsets, clockwise=True)
    on_map = np.column_stack(grid.to_map(points[:, 0], points[:, 1]))
    outlines = replace(pixels, points=on_map, clockwise=grid.transform.determinant < 0)
    return replace(layer, batches=(outlines,), perim_m=perimeter_function(grid)(pixels))


def _pixels(grid: GeoBox, points: Float64) -> Float64:
    """Whole columns and rows of map points that are corners of pixels; shape (n, 2)."""
    return np.rint(np.column_stack(grid.to_pixels(points[:, 0], points[:, 1])))
