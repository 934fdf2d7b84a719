"""Pixels inside a polygon are those whose centre is, tested one by one; tiles only save tests."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from icepipe.geo.geobox import Block, GeoBox
from icepipe.raster import rasterize as same_crs
from icepipe.raster import rasterize_reprojected as other_crs
from icepipe.raster.rasterize import rasterize_polygon, shape_to_pixels
from icepipe.raster.rasterize_reprojected import ReprojectedCentres, TargetCrs

SINUSOIDAL = "+proj=sinu +R=6371007.181 +units=m"
GRIDS = {
    "around the north pole": ("EPSG:3413", Affine(25_000, 0, -1_500_000, 0, -25_000, 1_500_000)),
    "pole on a corner of pixels": ("EPSG:3413", Affine(10_000, 0, 0, 0, -10_000, 600_000)),
    "on both sides of 180 degrees": ("EPSG:32601", Affine(3_000, 0, 300_000, 0, -3_000, 7_700_000)),
    "tens of metres": ("EPSG:32633", Affine(10, 0, 500_000, 0, -10, 8_700_000)),
    "rotated": ("EPSG:32633", Affine(9, 3, 500_000, 3, -9, 8_700_000)),
    "degrees": ("EPSG:4326", Affine(1.5, 0, -30, 0, -1, 89.5)),
    "south": ("EPSG:3031", Affine(40_000, 0, -2_400_000, 0, -40_000, 2_400_000)),
    "all of the Earth": (SINUSOIDAL, Affine(350_000, 0, -20_000_000, 0, -170_000, 10_000_000)),
}
SYSTEMS = ("EPSG:4326", "EPSG:3413", "EPSG:3031", "EPSG:32633", SINUSOIDAL)
BLOCK = Block(0, 0, 61, 117)
THIN = (Block(3, 5, 1, 1), Block(60, 0, 1, 117), Block(0, 70, 33, 17), Block(20, 30, 17, 1))
AT_THE_POLE = tuple(Block(60 - size // 2, 60 - size // 2, size, size) for size in (2, 3, 9, 17))
BLOCKS = (BLOCK, *THIN, BLOCK, *AT_THE_POLE, BLOCK)


def grid_of(name):
    crs, transform = GRIDS[name]
    return GeoBox(pyproj.CRS(crs).to_wkt(), transform, BLOCK.width, BLOCK.height)


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    """Make tiles small, so that a small block has many inside, outside and on the border."""
    monkeypatch.setattr(same_crs, "SIDE_PX", 16)
    monkeypatch.setattr(other_crs, "RIM_STEP", 4)
    for cached in (same_crs.tile_block, other_crs.tile_rims):
        cached.cache_clear()
    yield
    for cached in (same_crs.tile_block, other_crs.tile_rims):
        cached.cache_clear()


@st.composite
def outlines_around(draw, x, y, step):
    """Stars around some points, some with holes, some of them slivers."""
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(x) - 1))
        size = step * draw(st.sampled_from([0.3, 3, 20, 60]))
        flat = draw(st.sampled_from([1, 1, 0.02]))
        angle = np.sort(draw(st.lists(st.floats(0, 6.28), min_size=3, max_size=12, unique=True)))
        far = np.array(draw(st.lists(st.floats(0.2, 1), min_size=len(angle), max_size=len(angle))))
        ring = np.column_stack([x[at] + size * far * np.cos(angle), y[at] + size * flat * far * np.sin(angle)])
        star = shapely.make_valid(shapely.Polygon(ring))
        parts.append(star.difference(shapely.affinity.scale(star, 0.4, 0.4)) if draw(st.booleans()) else star)
    areas = [part for part in shapely.get_parts(shapely.union_all(parts)) if part.geom_type == "Polygon"]
    return shapely.MultiPolygon(areas)


def one_by_one(shape, crs, x, y):
    turns = (0, -360, 360) if crs.is_geographic else (0,)
    return np.any([shapely.intersects_xy(shape, x + turn, y) for turn in turns], axis=0)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("name", GRIDS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_polygons_in_another_crs_contain_the_centres_they_contain_one_by_one(name, system, data):
    grid, crs, block = grid_of(name), pyproj.CRS(system), data.draw(st.sampled_from(BLOCKS))
    target = TargetCrs.from_grid(grid, crs)
    x, y = target.transformer.transform(*grid.to_map(*block.centres))
    finite = np.isfinite(x) & np.isfinite(y)
    if not finite.any():
        return
    span = np.ptp(x[finite]) + np.ptp(y[finite])
    shape = data.draw(outlines_around(x[finite], y[finite], span / 200))
    if shape.is_empty:
        return
    mask = ReprojectedCentres(grid, block, target).rasterize(shape)
    np.testing.assert_array_equal(mask, one_by_one(shape, crs, x, y))


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_polygons_in_the_crs_of_the_grid_contain_the_centres_they_contain_one_by_one(data):
    """In any block of the grid; a centre on an edge belongs to the polygon on its right or below."""
    grid = grid_of("tens of metres")
    col, row = (positions.ravel() for positions in BLOCK.centres)
    shape = shape_to_pixels(
        shapely.transform(data.draw(outlines_around(col, row, 1.0)), grid.to_map, interleaved=False), grid
    )
    expected = shapely.contains_xy(shape, *(positions + 2.0**-12 for positions in BLOCK.centres))
    np.testing.assert_array_equal(rasterize_polygon(shape, BLOCK), expected)
    part = Block(data.draw(st.integers(0, 40)), data.draw(st.integers(0, 90)), 20, 27)
    np.testing.assert_array_equal(rasterize_polygon(shape, part), expected[part.slices])


def test_most_tiles_are_not_tested_pixel_by_pixel(monkeypatch):
    """Otherwise regions would take longer than the rest of a run."""
    grid, tested = grid_of("tens of metres"), []
    contains_points = other_crs.contains_points
    monkeypatch.setattr(
        other_crs,
        "contains_points",
        lambda shape, shifts, x, y: tested.append(x.size) or contains_points(shape, shifts, x, y),
    )
    target = TargetCrs.from_grid(grid, pyproj.CRS(4326))
    lon, lat = target.transformer.transform(*grid.to_map(40.0, 20.0))
    circle = shapely.Point(lon, lat).buffer(0.004)
    mask = ReprojectedCentres(grid, BLOCK, target).rasterize(circle)
    assert 500 < mask.sum() < 6000
    assert sum(tested) < mask.size / 2
