"""Class raster to polygons: 4-connected, valid, with holes, each with its true area."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from icepipe.classes import ClassCode
from icepipe.inputs.earth import Earth
from icepipe.inputs.grid import blocks
from icepipe.measure.rings import nodes, rings
from icepipe.records import Block, Float64, GeoBox, Int64, UInt8

EDGE_M = 20_000.0
"""A map edge of this length is a geodesic to 1e-5 of its length up to 89 degrees of latitude."""

EQUATOR_M = 6_378_137.0
FOUR_CONNECTED = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])


@dataclass(frozen=True)
class PolygonLayer:
    """Polygons of one class of one observation, in raster order of their first pixel.

    Neighbours share every point of their border, in one layer and between the layers of an observation.

    Attributes
    ----------
    code
        The class.
    crs
        WKT of the coordinates.
    geometry
        Shapely polygons, shape (n,); or multipolygons, where a coordinate system may cut them.
    area_m2
        Sum of the true areas of the pixels, whatever happens to the outline afterwards.
    perim_m
        Length of all rings on the ellipsoid.
    n_px
        Pixels.
    multi
        Whether the geometry is multipolygons.
    """

    code: ClassCode
    crs: str
    geometry: NDArray[Any]
    area_m2: Float64
    perim_m: Float64
    n_px: Int64
    multi: bool = False


def _pieces(labels: NDArray[np.int32], count: int, grid: GeoBox, area: Callable[[Block], Int64]) -> tuple[Int64, Int64]:
    """Pixels and area units of every piece, strip by strip so that sums stay exact."""
    pixels = np.zeros(count + 1, dtype=np.int64)
    units = np.zeros(count + 1, dtype=np.int64)
    for block in blocks(grid):
        flat = labels[block.slices].ravel()
        pixels += np.bincount(flat, minlength=count + 1)
        weights = area(block).ravel().astype(np.float64)
        units += np.bincount(flat, weights=weights, minlength=count + 1).astype(np.int64)
    return pixels[1:], units[1:]


def perimeters_m(geometry: NDArray[Any], crs_wkt: str) -> Float64:
    """Length of all rings of each polygon on the ellipsoid, in metres.

    Straight map edges are measured as geodesics between points at most ``EDGE_M`` apart at the equator.
    """
    if not len(geometry):
        return np.zeros(0)
    earth = Earth.of(crs_wkt)
    crs = earth.crs
    unit_m = crs.axis_info[0].unit_conversion_factor * (EQUATOR_M if crs.is_geographic else 1.0)
    geometry = shapely.segmentize(geometry, EDGE_M / unit_m)
    rings, owner = shapely.get_rings(geometry, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    length = earth.distances_m(points[:, 0], points[:, 1])
    same_ring = ring[1:] == ring[:-1]
    total = np.bincount(owner[ring[1:][same_ring]], weights=length[same_ring], minlength=len(geometry))
    return total.astype(np.float64)


def vectorize(
    classes: UInt8,
    code: ClassCode,
    grid: GeoBox,
    area: Callable[[Block], Int64],
    unit_m2: float,
    corners: Int64 | None = None,
) -> PolygonLayer:
    """Polygons of one class.

    Parameters
    ----------
    classes
        Class raster of the whole grid.
    code
        The class.
    grid
        Its grid.
    area
        Gives the true area of the pixels of a block, in units.
    unit_m2
        The unit.
    corners
        From :func:`icepipe.measure.rings.nodes` of the raster, where they are known already.
    """
    from scipy import ndimage

    labels, count = ndimage.label(classes == code, structure=FOUR_CONNECTED, output=np.int32)
    outlines = rings(labels, count, nodes(classes) if corners is None else corners)
    n_px, units = _pieces(labels, count, grid, area)
    x, y = grid.to_map(outlines.points[:, 0], outlines.points[:, 1])
    geometry = shapely.from_ragged_array(
        shapely.GeometryType.POLYGON, np.column_stack([x, y]), (outlines.ring_offsets, outlines.piece_offsets)
    )
    area_m2 = units.astype(np.float64) * unit_m2
    return PolygonLayer(code, grid.crs, geometry, area_m2, perimeters_m(geometry, grid.crs), n_px)
