"""Polygons give the raster back, pixel for pixel, and their areas add up."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from rasterio.features import rasterize

from icepipe.classes import ClassCode
from icepipe.inputs.pixel_area import PixelArea
from icepipe.measure.vectorize import vectorize
from icepipe.records import Block, GeoBox

CRS = pyproj.CRS(3413).to_wkt()
NORTH_UP = Affine(250, 0, -650_000, 0, -250, -1_350_000)
TRANSFORMS = st.sampled_from([NORTH_UP, NORTH_UP @ Affine.rotation(28), NORTH_UP @ Affine.scale(1, -1)])
PATTERNS = {
    "checkerboard": np.indices((9, 9)).sum(axis=0) % 2 + 1,
    "diagonal": np.eye(8, dtype=int) + 1,
    "nested rings": np.minimum.reduce([*np.indices((11, 11)), *(10 - np.indices((11, 11)))]) % 2 + 1,
    "full": np.full((5, 7), 2),
    "empty": np.zeros((5, 7), dtype=int),
    "one pixel": np.full((1, 1), 2),
}


def assert_round_trip(classes, transform):
    grid = GeoBox(CRS, transform, classes.shape[1], classes.shape[0])
    area = PixelArea.of(grid)
    units = area.units(Block(0, 0, *classes.shape))
    for code in (ClassCode.WATER, ClassCode.ICE):
        layer = vectorize(classes, code, grid, area.units, area.unit_m2)
        held = classes == code
        assert shapely.is_valid(layer.geometry).all()
        assert layer.n_px.sum() == held.sum()
        assert layer.area_m2.sum() == pytest.approx(units[held].sum() * area.unit_m2, rel=1e-12)
        back = np.zeros(classes.shape, dtype=np.int32)
        if held.any():
            pairs = zip(layer.geometry, range(1, len(layer.geometry) + 1), strict=True)
            back = rasterize(pairs, classes.shape, transform=transform, dtype="int32")
        assert np.array_equal(back > 0, held)
        assert np.array_equal(np.bincount(back.ravel(), minlength=1)[1:], layer.n_px)


@pytest.mark.parametrize("name", PATTERNS)
def test_patterns(name):
    assert_round_trip(PATTERNS[name].astype(np.uint8), NORTH_UP)


@settings(max_examples=150, deadline=None)
@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=14), elements=st.integers(0, 3)), TRANSFORMS)
def test_random_rasters(classes, transform):
    assert_round_trip(classes, transform)


def test_pieces_touching_at_a_corner_are_two_and_rings_are_holes():
    grid = GeoBox(CRS, NORTH_UP, 5, 5)
    area = PixelArea.of(grid)
    corner = np.zeros((5, 5), np.uint8)
    corner[0, 0] = corner[1, 1] = 2
    assert len(vectorize(corner, ClassCode.ICE, grid, area.units, area.unit_m2).geometry) == 2
    ring = np.full((5, 5), 2, np.uint8)
    ring[2, 2] = 1
    (polygon,) = vectorize(ring, ClassCode.ICE, grid, area.units, area.unit_m2).geometry
    assert len(polygon.interiors) == 1
    assert polygon.area == 24 * 250**2


def test_polygons_stand_in_raster_order_and_start_at_their_top_left():
    classes = np.array([[0, 0, 2], [2, 0, 2], [2, 0, 0]], np.uint8)
    grid = GeoBox(CRS, NORTH_UP, 3, 3)
    area = PixelArea.of(grid)
    first, second = vectorize(classes, ClassCode.ICE, grid, area.units, area.unit_m2).geometry
    assert first.exterior.coords[0] == NORTH_UP @ (2, 0)
    assert second.exterior.coords[0] == NORTH_UP @ (0, 1)


def test_perimeter_is_a_length_on_the_ground():
    """At 78 N a Web Mercator pixel of 240 m has sides of about 50 m."""
    grid = GeoBox(pyproj.CRS(3857).to_wkt(), Affine(240, 0, 1_800_000, 0, -240, 14_400_000), 1, 1)
    area = PixelArea.of(grid)
    layer = vectorize(np.full((1, 1), 2, np.uint8), ClassCode.ICE, grid, area.units, area.unit_m2)
    assert layer.perim_m[0] == pytest.approx(4 * np.sqrt(layer.area_m2[0]), rel=0.01)


def test_exact_sums_survive_strips(monkeypatch):
    classes = np.full((40, 30), 2, np.uint8)
    grid = GeoBox(CRS, NORTH_UP, 30, 40)
    area = PixelArea.of(grid)
    whole = vectorize(classes, ClassCode.ICE, grid, area.units, area.unit_m2).area_m2
    monkeypatch.setattr("icepipe.inputs.grid.BLOCK_PIXELS", 60)
    assert np.array_equal(vectorize(classes, ClassCode.ICE, grid, area.units, area.unit_m2).area_m2, whole)


@pytest.mark.parametrize("lat", [45.0, 80.0, 88.9])
def test_the_perimeter_along_parallels_is_their_length(lat):
    """Radius of a parallel: a cos(lat) / sqrt(1 - e2 sin2(lat)) on WGS 84."""
    grid = GeoBox(pyproj.CRS(4326).to_wkt(), Affine(1, 0, -80, 0, -0.1, lat), 160, 1)
    area = PixelArea.of(grid)
    layer = vectorize(np.full((1, 160), 2, np.uint8), ClassCode.ICE, grid, area.units, area.unit_m2)
    geod, phi = pyproj.Geod(ellps="WGS84"), np.radians([lat, lat - 0.1])
    parallels = geod.a * np.cos(phi) / np.sqrt(1 - geod.es * np.sin(phi) ** 2) * np.radians(160)
    meridian = geod.inv(0, lat, 0, lat - 0.1)[2]
    assert layer.perim_m[0] == pytest.approx(parallels.sum() + 2 * meridian, rel=1e-5)
