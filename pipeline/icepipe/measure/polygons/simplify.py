"""Simplify polygons of all classes together, so that neighbours still share their borders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from icepipe.errors import IntegrityError
from icepipe.geo.geobox import GeoBox
from icepipe.measure.polygons.geometry import RaggedPolygons
from icepipe.measure.polygons.perimeter import perimeter_function
from icepipe.measure.polygons.polygonize import PolygonLayer


def start_at_top_left(geometry: NDArray[Any]) -> NDArray[Any]:
    """Orient and rotate the rings of polygons, in pixels, as they are traced.

    Exteriors run clockwise in the raster and holes the other way, from their topmost then leftmost point on.
    """
    kind, points, offsets = shapely.to_ragged_array(shapely.orient_polygons(geometry))
    starts = offsets[0][:-1]
    sizes = np.diff(offsets[0])
    ring = np.repeat(np.arange(len(starts)), sizes)
    # Points are sorted by ring, row and column, so the first of each ring is its top left one; this is its index in the
    # ring.
    top_left = np.lexsort((points[:, 0], points[:, 1], ring))[starts] - starts
    along = np.arange(len(points)) - starts[ring]
    # The modulus is the size less one, as the closing point repeats the first and closes the rotated ring again.
    rotated = points[starts[ring] + (top_left[ring] + along) % (sizes[ring] - 1)]
    return np.asarray(shapely.from_ragged_array(kind, rotated, offsets))


def simplify_layers(layers: Sequence[PolygonLayer], grid: GeoBox, tolerance_px: float) -> tuple[PolygonLayer, ...]:
    """Simplify polygon layers; areas and numbers of pixels stay those of the pixels.

    The method of Visvalingam and Whyatt on the borders of a coverage (GEOS) removes a point whose triangle with its
    neighbours is smaller than the square of the tolerance, unless borders would touch. Nodes stay, and so does the
    frame of the raster. Polygons do not vanish: the smallest keep three points.

    Parameters
    ----------
    layers
        All classes of the raster, so that the result for a class does not depend on which others are published.
    grid
        Grid of the raster.
    tolerance_px
        Root of the area of the largest triangle that is cut off, in pixel sides.

    Raises
    ------
    IntegrityError
        If a polygon would vanish nevertheless.
    """
    geometries = [layer.geometry for layer in layers]
    # GEOS finds shared borders by equal coordinates. Those of pixel corners are whole numbers, after rounding exactly.
    corners = shapely.transform(
        np.concatenate(geometries),
        lambda xy: np.rint(np.column_stack(grid.to_pixels(xy[:, 0], xy[:, 1]))),
    )
    simplified = shapely.coverage_simplify(corners, tolerance_px, simplify_boundary=False)
    if n := int((shapely.area(simplified) == 0).sum()):
        raise IntegrityError(f"simplification would remove {n} polygons", "make publish.polygons.simplify_m smaller")
    parts = np.split(start_at_top_left(simplified), np.cumsum([len(geometry) for geometry in geometries])[:-1])
    return tuple(replace_polygons(layer, part, grid) for layer, part in zip(layers, parts, strict=True))


def replace_polygons(layer: PolygonLayer, polygons: NDArray[Any], grid: GeoBox) -> PolygonLayer:
    """Return a layer with other polygons, in pixels, from :func:`start_at_top_left`, and with their perimeters."""
    if not len(polygons):
        return replace(layer, batches=(), perim_m=np.zeros(0))
    _, points, (ring_offsets, polygon_offsets) = shapely.to_ragged_array(polygons)
    pixels = RaggedPolygons(points, ring_offsets, polygon_offsets, clockwise=True)
    on_map = np.column_stack(grid.to_map(points[:, 0], points[:, 1]))
    batch = replace(pixels, points=on_map, clockwise=grid.transform.determinant < 0)
    return replace(layer, batches=(batch,), perim_m=perimeter_function(grid)(pixels))
