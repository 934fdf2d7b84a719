"""Lengths of outlines against geodesics of pyproj."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
import shapely
import shapely.affinity
from affine import Affine

from icepipe.measure.lengths import EDGE_M, perimeters_m
from icepipe.measure.shapes import Outlines
from icepipe.records import GeoBox

GEOD = pyproj.Geod(ellps="WGS84")
CRS = {
    "north pole": ("EPSG:3413", 0.0, 0.0, 1e-8),
    "south polar": ("EPSG:3031", 900_000.0, -1_400_000.0, 1e-8),
    "UTM": ("EPSG:32633", 500_000.0, 8_600_000.0, 1e-8),
    "equal area": ("EPSG:6933", 2_000_000.0, 7_000_000.0, 1e-7),
}
"""Code, a place, and the accuracy there: equal areas near the pole stretch edges threefold."""


def geodesic_m(polygon, crs):
    """All rings of a polygon, its edges cut as densely as the rules say."""
    to_lonlat = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform
    cut = shapely.transform(shapely.segmentize(polygon, EDGE_M), to_lonlat, interleaved=False)
    return sum(GEOD.line_length(*shapely.get_coordinates(ring).T) for ring in shapely.get_rings(cut))


def measured_m(polygons, crs, pixel=10.0, turn=0.0):
    """On a grid of such pixels around them, turned by so many degrees."""
    west, south, east, north = shapely.total_bounds(polygons)
    transform = Affine.translation(west, north) @ Affine.rotation(turn) @ Affine.scale(pixel, -pixel)
    _, points, (ring_offsets, piece_offsets) = shapely.to_ragged_array(polygons)
    width, height = int(np.ceil((east - west) / pixel)), int(np.ceil((north - south) / pixel))
    grid = GeoBox(pyproj.CRS(crs).to_wkt(), transform, width, height)
    pixels = np.column_stack(grid.to_pixels(points[:, 0], points[:, 1]))
    return perimeters_m(Outlines(pixels, ring_offsets, piece_offsets, clockwise=True), grid)


def with_hole(x, y, side):
    """A square of map metres with a hole whose edges are a tenth as long."""
    hole = shapely.box(x + side / 4, y + side / 4, x + side / 4 + side / 10, y + side / 4 + side / 10)
    return shapely.box(x, y, x + side, y + side) - hole


@pytest.mark.parametrize("name", CRS)
def test_every_ring_is_measured_on_the_ellipsoid(name):
    crs, x, y, accuracy = CRS[name]
    polygons = np.array([with_hole(x, y, side) for side in (30.0, 19_999.0, 20_001.0, 250_000.0)])
    expected = [geodesic_m(polygon, crs) for polygon in polygons]
    np.testing.assert_allclose(measured_m(polygons, crs), expected, rtol=accuracy)


@pytest.mark.parametrize("name", CRS)
def test_pixels_of_25_km_as_sea_ice_series_have_them(name):
    crs, x, y, accuracy = CRS[name]
    boxes = [(0, 0, 1, 1), (3, 2, 5, 3), (0, 0, 12, 10)]
    polygons = shapely.transform(shapely.box(*np.array(boxes).T), lambda xy: xy * 25_000 + (x, y))
    expected = [geodesic_m(polygon, crs) for polygon in polygons]
    np.testing.assert_allclose(measured_m(polygons, crs, 25_000), expected, rtol=accuracy)


def test_a_grid_can_be_turned():
    crs, x, y, _ = CRS["UTM"]
    polygons = np.array([shapely.affinity.rotate(with_hole(x, y, side), 30) for side in (30.0, 3_000.0)])
    expected = [geodesic_m(polygon, crs) for polygon in polygons]
    np.testing.assert_allclose(measured_m(polygons, crs, turn=30), expected, rtol=1e-8)


@pytest.mark.parametrize("south", [0.0, -60.2, 45.3, 80.1, 89.5, -90.0])
def test_longitudes_and_latitudes_up_to_the_poles(south):
    """Half a degree of each; beyond 89 degrees an edge along a parallel is no geodesic."""
    polygons = np.array([shapely.box(179.8, south, 180.3, south + 0.5), shapely.box(179.9, south, 179.95, south + 0.1)])
    degrees = EDGE_M / np.radians(1) / 6_378_137
    expected = [GEOD.line_length(*shapely.segmentize(p.exterior, degrees).coords.xy) for p in polygons]
    np.testing.assert_allclose(measured_m(polygons, "EPSG:4326", 0.001), expected, rtol=1e-8)


def test_neighbours_change_nothing():
    crs, x, y, _ = CRS["UTM"]
    polygons = np.array([with_hole(x + 1e5 * n, y, 10.0 ** (n + 1)) for n in range(5)])
    whole = measured_m(polygons, crs)
    alone = np.concatenate([measured_m(polygons[n : n + 1], crs) for n in range(5)])
    np.testing.assert_allclose(whole, alone, rtol=1e-9)
