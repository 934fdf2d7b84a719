"""Polygons rasterize to the raster they were made of, pixel for pixel, and their areas add up."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from icepipe.classes import ClassCode
from icepipe.geo.geobox import Block, GeoBox
from icepipe.geo.pixel_area import PixelArea
from tests.conftest import ROOT
from tests.polygons import CRS, NORTH_UP, assert_faithful, drawn, grid_of, layer_of

TRANSFORMS = st.sampled_from([NORTH_UP, NORTH_UP @ Affine.rotation(28), NORTH_UP @ Affine.scale(1, -1)])


def spiral(side):
    """A band of ice, one pixel wide, that spirals in water."""
    classes, row, col, (down, right) = np.ones((side, side), np.uint8), 0, 0, (0, 1)
    classes[0, 0] = 2
    for length in [side - 1, *(n for n in range(side - 1, 1, -2) for _ in range(2))]:
        for _ in range(length):
            row, col = row + down, col + right
            classes[row, col] = 2
        down, right = right, -down
    return classes


def nested_rings(height, width):
    rows, cols = np.indices((height, width))
    return (np.minimum.reduce([rows, cols, height - 1 - rows, width - 1 - cols]) % 3 + 1).astype(np.uint8)


PATTERNS = {
    "checkerboard": (np.indices((9, 9)).sum(axis=0) % 2 + 1).astype(np.uint8),
    "three colours": (np.indices((7, 8)).sum(axis=0) % 3 + 1).astype(np.uint8),
    "diagonal": np.eye(8, dtype=np.uint8) + 1,
    "both diagonals": np.eye(9, dtype=np.uint8) | np.eye(9, dtype=np.uint8)[::-1] * 2,
    "spiral": spiral(13),
    "nested rings": nested_rings(11, 14),
    "full": np.full((5, 7), 2, np.uint8),
    "nothing seen": np.zeros((5, 7), np.uint8),
    "one pixel": np.full((1, 1), 2, np.uint8),
    "one row": np.array([[1, 2, 2, 1, 3]], np.uint8),
    "a hole that touches the outside": np.array([[1, 2, 2], [2, 1, 2], [2, 2, 2]], np.uint8),
}


@pytest.mark.parametrize("name", PATTERNS)
def test_polygons_of_a_pattern_are_faithful(name):
    assert_faithful(PATTERNS[name])


SHAPES = array_shapes(min_dims=2, max_dims=2, max_side=14)


@st.composite
def rasters(draw):
    """Noise of a few or of all classes, or a pattern with noise added."""
    pattern = draw(st.sampled_from([None, *PATTERNS]))
    if pattern is None:
        codes = draw(st.sampled_from([[1, 2], [0, 1, 2, 3], [0, 1, 2, 3, 4, 5, 255]]))
        return draw(arrays(np.uint8, SHAPES, elements=st.sampled_from(codes)))
    classes = PATTERNS[pattern].copy()
    change = draw(arrays(np.uint8, classes.shape, elements=st.sampled_from([0, 0, 0, 0, 1, 2, 3])))
    return np.where(change, change, classes).astype(np.uint8)


@settings(max_examples=500, deadline=None)
@given(rasters(), TRANSFORMS)
def test_polygons_of_random_rasters_are_faithful(classes, transform):
    assert_faithful(classes, transform)


def test_a_long_border_keeps_its_nodes_whatever_is_published():
    """Ice borders on two components, one of them not seen: its border has a point where they meet."""
    classes = np.array([[1, 1, 0, 0], [2, 2, 2, 2]], np.uint8)
    (ice,) = drawn(classes, grid_of(classes), (ClassCode.ICE,))
    columns = {(x - NORTH_UP.c) / NORTH_UP.a for x, y in ice.geometry[0].exterior.coords if y == NORTH_UP.f - 250}
    assert columns == {0, 2, 4}


def test_simplified_borders_do_not_depend_on_what_is_published():
    rng = np.random.default_rng(3)
    classes = (ndimage.gaussian_filter(rng.normal(size=(60, 60)), 3) > 0).astype(np.uint8) + 1
    classes[20:40, 30:] = 4
    grid = grid_of(classes)
    (ice_only,) = drawn(classes, grid, (ClassCode.ICE,), 1000.0)
    ice_of_all = drawn(classes, grid, simplify_m=1000.0)[1]
    (plain,) = drawn(classes, grid, (ClassCode.ICE,))
    assert shapely.equals_exact(ice_only.geometry, ice_of_all.geometry).all()
    assert shapely.get_num_coordinates(ice_only.geometry).sum() < shapely.get_num_coordinates(plain.geometry).sum() / 3
    assert (ice_only.perim_m < plain.perim_m).all()


def test_a_simplified_corner_is_smaller_than_the_tolerance():
    """The corner at column 3 forms a triangle of 3 x 1 / 2 pixels with its neighbours; the root is 1.2247."""
    classes = np.ones((8, 8), np.uint8)
    classes[4:, :] = 2
    classes[3, 3:] = 2
    grid = grid_of(classes)
    side_m = np.sqrt(PixelArea.of(grid).units(Block(4, 4, 1, 1))[0, 0] * PixelArea.of(grid).unit_m2)
    counts = [
        shapely.get_num_coordinates(drawn(classes, grid, (ClassCode.ICE,), side_m * part)[0].geometry)[0]
        for part in (1.22, 1.23)
    ]
    assert counts[0] == counts[1] + 1


def modis_scenes():
    folder = ROOT.parent / "shared/data"
    return sorted(folder.glob("modis-*/**/*truecolor.tif*")) + sorted(folder.glob("modis-*/**/*falsecolor.tif*"))


@pytest.mark.parametrize("path", modis_scenes(), ids=lambda path: "-".join(path.parts[-2:]))
def test_polygons_of_modis_scenes_are_faithful(path, run_scenes):
    result = run_scenes(path, segment={"sample": 20_000})
    (raster,) = result.folder.glob("observations/*/*_classes.tif")
    with rasterio.open(raster) as dataset:
        assert_faithful(dataset.read(1), dataset.transform, dataset.crs.to_wkt())


def test_pixels_that_touch_at_a_corner_are_two_polygons_and_enclosed_pixels_are_a_hole():
    grid = GeoBox(CRS, NORTH_UP, 5, 5)
    area = PixelArea.of(grid)
    corner = np.zeros((5, 5), np.uint8)
    corner[0, 0] = corner[1, 1] = 2
    assert len(layer_of(corner, ClassCode.ICE, grid, area).geometry) == 2
    ring = np.full((5, 5), 2, np.uint8)
    ring[2, 2] = 1
    (polygon,) = layer_of(ring, ClassCode.ICE, grid, area).geometry
    assert len(polygon.interiors) == 1
    assert polygon.area == 24 * 250**2


def test_polygons_are_in_raster_order_and_start_at_their_top_left():
    classes = np.array([[0, 0, 2], [2, 0, 2], [2, 0, 0]], np.uint8)
    grid = GeoBox(CRS, NORTH_UP, 3, 3)
    area = PixelArea.of(grid)
    first, second = layer_of(classes, ClassCode.ICE, grid, area).geometry
    assert first.exterior.coords[0] == NORTH_UP @ (2, 0)
    assert second.exterior.coords[0] == NORTH_UP @ (0, 1)


def test_perimeter_is_a_length_on_the_ground():
    """At 78 N a Web Mercator pixel of 240 m has sides of about 50 m."""
    grid = GeoBox(pyproj.CRS(3857).to_wkt(), Affine(240, 0, 1_800_000, 0, -240, 14_400_000), 1, 1)
    area = PixelArea.of(grid)
    layer = layer_of(np.full((1, 1), 2, np.uint8), ClassCode.ICE, grid, area)
    assert layer.perim_m[0] == pytest.approx(4 * np.sqrt(layer.area_m2[0]), rel=0.01)


def test_areas_do_not_depend_on_the_size_of_strips(monkeypatch):
    classes = np.full((40, 30), 2, np.uint8)
    grid = GeoBox(CRS, NORTH_UP, 30, 40)
    area = PixelArea.of(grid)
    whole = layer_of(classes, ClassCode.ICE, grid, area).area_m2
    monkeypatch.setattr("icepipe.raster.blocks.BLOCK_PIXELS", 60)
    assert np.array_equal(layer_of(classes, ClassCode.ICE, grid, area).area_m2, whole)


@pytest.mark.parametrize("lat", [45.0, 80.0, 88.9])
def test_the_perimeter_along_parallels_is_their_length(lat):
    """Radius of a parallel: a cos(lat) / sqrt(1 - e2 sin2(lat)) on WGS 84."""
    grid = GeoBox(pyproj.CRS(4326).to_wkt(), Affine(1, 0, -80, 0, -0.1, lat), 160, 1)
    area = PixelArea.of(grid)
    layer = layer_of(np.full((1, 160), 2, np.uint8), ClassCode.ICE, grid, area)
    geod, phi = pyproj.Geod(ellps="WGS84"), np.radians([lat, lat - 0.1])
    parallels = geod.a * np.cos(phi) / np.sqrt(1 - geod.es * np.sin(phi) ** 2) * np.radians(160)
    meridian = geod.inv(0, lat, 0, lat - 0.1)[2]
    assert layer.perim_m[0] == pytest.approx(parallels.sum() + 2 * meridian, rel=1e-5)
