"""Class raster to polygons: 4-connected, valid, with holes, each with its true area."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import shapes
from scipy import ndimage

from icepipe.classes import ClassCode
from icepipe.inputs.earth import Earth
from icepipe.inputs.grid import blocks
from icepipe.records import Block, Bool, Float64, GeoBox, Int64, UInt8

EDGE_M = 20_000.0
"""A map edge of this length is a geodesic to 1e-5 of its length up to 89 degrees of latitude."""

EQUATOR_M = 6_378_137.0
FOUR_CONNECTED = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])


@dataclass(frozen=True)
class PolygonLayer:
    """Polygons of one class of one observation, in raster order of their first pixel.

    Attributes
    ----------
    code
        The class.
    crs
        WKT of the coordinates.
    geometry
        Shapely polygons, shape (n,).
    area_m2
        Sum of the true areas of the pixels.
    perim_m
        Length of all rings on the ellipsoid.
    n_px
        Pixels.
    """

    code: ClassCode
    crs: str
    geometry: NDArray[Any]
    area_m2: Float64
    perim_m: Float64
    n_px: Int64


def _rings(labels: NDArray[np.int32], held: Bool, count: int) -> tuple[Float64, Int64, Int64]:
    """Corner points in pixels (columns, rows), ring offsets and polygon offsets, in the order of the labels."""
    by_label: list[list[Float64]] = [[] for _ in range(count)]
    for geometry, value in shapes(labels, mask=held, connectivity=4):
        by_label[int(value) - 1] = [np.asarray(ring, dtype=np.float64) for ring in geometry["coordinates"]]
    rings = [ring for piece in by_label for ring in piece]
    ring_offsets = np.cumsum([0, *(len(ring) for ring in rings)])
    piece_offsets = np.cumsum([0, *(len(piece) for piece in by_label)])
    points = np.concatenate(rings) if rings else np.zeros((0, 2))
    return points, ring_offsets, piece_offsets


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
    crs = Earth.of(crs_wkt).crs
    unit_m = crs.axis_info[0].unit_conversion_factor * (EQUATOR_M if crs.is_geographic else 1.0)
    geometry = shapely.segmentize(geometry, EDGE_M / unit_m)
    rings, owner = shapely.get_rings(geometry, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    length = Earth.of(crs_wkt).distances_m(points[:, 0], points[:, 1])
    same_ring = ring[1:] == ring[:-1]
    total = np.bincount(owner[ring[1:][same_ring]], weights=length[same_ring], minlength=len(geometry))
    return total.astype(np.float64)


def vectorize(
    classes: UInt8, code: ClassCode, grid: GeoBox, area: Callable[[Block], Int64], unit_m2: float
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
    """
    held = classes == code
    labels, count = ndimage.label(held, structure=FOUR_CONNECTED, output=np.int32)
    points, ring_offsets, piece_offsets = _rings(labels, held, count)
    del held
    n_px, units = _pieces(labels, count, grid, area)
    x, y = grid.to_map(points[:, 0], points[:, 1])
    geometry = shapely.from_ragged_array(
        shapely.GeometryType.POLYGON, np.column_stack([x, y]), (ring_offsets, piece_offsets)
    )
    area_m2 = units.astype(np.float64) * unit_m2
    return PolygonLayer(code, grid.crs, geometry, area_m2, perimeters_m(geometry, grid.crs), n_px)
