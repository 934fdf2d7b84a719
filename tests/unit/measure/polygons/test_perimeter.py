"""Perimeters of polygons against geodesics of pyproj."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
import shapely
import shapely.affinity
from affine import Affine

from icepipe.errors import NoUsableInput
from icepipe.geo.geobox import GeoBox
from icepipe.geo.pixel_area import PixelPlane
from icepipe.measure.polygons import perimeter
from icepipe.measure.polygons.geometry import RaggedPolygons
from icepipe.measure.polygons.perimeter import EDGE_M, perimeter_function

GEOD = pyproj.Geod(ellps="WGS84")
CRS = {
    "north pole": ("EPSG:3413", 0.0, 0.0, 1e-8),
    "south polar": ("EPSG:3031", 900_000.0, -1_400_000.0, 1e-8),
    "UTM": ("EPSG:32633", 500_000.0, 8_600_000.0, 1e-8),
    "equal area": ("EPSG:6933", 2_000_000.0, 7_000_000.0, 1e-7),
}
"""EPSG code, a position, and the accuracy there: equal-area pixels near the pole stretch edges threefold."""


def geodesic_m(polygon, crs):
    """Length of all rings of a polygon whose edges are divided at ``EDGE_M``."""
    to_lonlat = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform
    cut = shapely.transform(shapely.segmentize(polygon, EDGE_M), to_lonlat, interleaved=False)
    return sum(GEOD.line_length(*shapely.get_coordinates(ring).T) for ring in shapely.get_rings(cut))


def lattice_of(grid):
    return perimeter.ground_lattice(PixelPlane(grid), grid)


def ragged(polygons):
    _, points, (ring_offsets, piece_offsets) = shapely.to_ragged_array(polygons)
    return RaggedPolygons(points, ring_offsets, piece_offsets, clockwise=True)


def measured_m(polygons, crs, pixel=10.0, turn=0.0):
    """Perimeters on a grid around polygons, with pixels of a size, rotated by some degrees."""
    west, south, east, north = shapely.total_bounds(polygons)
    transform = Affine.translation(west, north) @ Affine.rotation(turn) @ Affine.scale(pixel, -pixel)
    width, height = int(np.ceil((east - west) / pixel)), int(np.ceil((north - south) / pixel))
    grid = GeoBox(pyproj.CRS(crs).to_wkt(), transform, width, height)
    perimeter_function.cache_clear()
    return perimeter_function(grid)(ragged(shapely.transform(polygons, grid.to_pixels, interleaved=False)))


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
def test_polygons_of_25_km_pixels_as_of_sea_ice_series_are_measured(name):
    crs, x, y, accuracy = CRS[name]
    boxes = [(0, 0, 1, 1), (3, 2, 5, 3), (0, 0, 12, 10)]
    polygons = shapely.transform(shapely.box(*np.array(boxes).T), lambda xy: xy * 25_000 + (x, y))
    expected = [geodesic_m(polygon, crs) for polygon in polygons]
    np.testing.assert_allclose(measured_m(polygons, crs, 25_000), expected, rtol=accuracy)


def test_a_grid_can_be_rotated():
    crs, x, y, _ = CRS["UTM"]
    polygons = np.array([shapely.affinity.rotate(with_hole(x, y, side), 30) for side in (30.0, 3_000.0)])
    expected = [geodesic_m(polygon, crs) for polygon in polygons]
    np.testing.assert_allclose(measured_m(polygons, crs, turn=30), expected, rtol=1e-8)


@pytest.mark.parametrize("south", [0.0, -60.2, 45.3, 80.1, 89.5, -90.0])
def test_polygons_in_degrees_are_measured_up_to_the_poles(south):
    """Half a degree of each; beyond 89 degrees an edge along a parallel is no geodesic."""
    polygons = np.array([shapely.box(179.8, south, 180.3, south + 0.5), shapely.box(179.9, south, 179.95, south + 0.1)])
    degrees = EDGE_M / np.radians(1) / 6_378_137
    expected = [GEOD.line_length(*shapely.segmentize(p.exterior, degrees).coords.xy) for p in polygons]
    np.testing.assert_allclose(measured_m(polygons, "EPSG:4326", 0.001), expected, rtol=1e-8)


ODD = {
    "pixels of ten degrees": ("EPSG:4326", -180.0, 90.0, 10.0),
    "torn next to the grid": ("+proj=igh +datum=WGS84", -4_453_900.0, 21_500.0, 30.0),
}
"""Grids that no lattice is accurate enough for; CRS, upper left corner, and pixel size."""


@pytest.mark.parametrize("name", ODD)
def test_every_point_is_projected_where_a_lattice_would_be_too_coarse(name):
    crs, x, y, pixel = ODD[name]
    boxes = np.array([(0, 0, 1, 1), (0, 0, 18, 12), (3, 2, 5, 3)])
    transform = Affine.translation(x, y) @ Affine.scale(pixel, -pixel)
    polygons = shapely.transform(shapely.box(*boxes.T), lambda xy: np.column_stack(transform @ (xy[:, 0], xy[:, 1])))
    parts = EDGE_M / (np.radians(1) * 6_378_137 if crs == "EPSG:4326" else 1)
    to_lonlat = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform
    cut = shapely.transform(
        shapely.segmentize(shapely.get_exterior_ring(polygons), parts), to_lonlat, interleaved=False
    )
    expected = [GEOD.line_length(*shapely.get_coordinates(ring).T) for ring in cut]
    np.testing.assert_allclose(measured_m(polygons, crs, pixel), expected, rtol=3e-7)
    assert lattice_of(GeoBox(pyproj.CRS(crs).to_wkt(), transform, 18, 12)) is None


def test_a_lattice_has_few_nodes_or_is_not_made():
    grid = GeoBox(pyproj.CRS(32633).to_wkt(), Affine(10, 0, 5e5, 0, -10, 8.7e6), 10_980, 10_980)
    _, nodes, *_ = lattice_of(grid)
    assert nodes.size < 3000
    whole_earth = GeoBox(pyproj.CRS(4326).to_wkt(), Affine(0.01, 0, -180, 0, -0.01, 90), 36_000, 18_000)
    assert lattice_of(whole_earth) is None


def test_an_outline_off_the_earth_is_refused():
    grid = GeoBox(
        pyproj.CRS("+proj=igh +datum=WGS84").to_wkt(), Affine(3000, 0, -4_603_000, 0, -3000, 170_000), 100, 100
    )
    whole, torn = (ragged([shapely.box(0, 0, col, 9)]) for col in (9, 50))
    assert np.isfinite(perimeter_function(grid)(whole)).all()
    with pytest.raises(NoUsableInput, match="outline does not lie on the Earth"):
        perimeter_function(grid)(torn)


@pytest.mark.parametrize("name", CRS)
def test_projected_and_interpolated_perimeters_agree_and_chunks_change_nothing(name, monkeypatch):
    crs, x, y, _ = CRS[name]
    polygons = np.array([with_hole(x + 1e5 * n, y, 10.0 ** (n + 1)) for n in range(5)])
    interpolated = measured_m(polygons, crs)
    monkeypatch.setattr(perimeter, "MAX_NODES", 0)
    projected = measured_m(polygons, crs)
    assert not np.array_equal(projected, interpolated)
    np.testing.assert_allclose(projected, interpolated, rtol=3e-9)
    monkeypatch.setattr(perimeter, "CHUNK_POINTS", 3)
    np.testing.assert_array_equal(measured_m(polygons, crs), projected)


@pytest.mark.parametrize("max_nodes", [perimeter.MAX_NODES, 0])
def test_the_perimeter_of_a_polygon_does_not_depend_on_the_others_of_its_batch(monkeypatch, max_nodes):
    monkeypatch.setattr(perimeter, "MAX_NODES", max_nodes)
    grid = GeoBox(pyproj.CRS(32633).to_wkt(), Affine(10, 0, 5e5, 0, -10, 8.6e6), 50_000, 10_000)
    polygons = np.array([with_hole(1e4 * n, 7, 10.0 ** (n + 1)) for n in range(4)])
    perimeter_function.cache_clear()
    perimeters = perimeter_function(grid)
    alone = np.concatenate([perimeters(ragged(polygons[n : n + 1])) for n in range(4)])
    np.testing.assert_array_equal(perimeters(ragged(polygons)), alone)
