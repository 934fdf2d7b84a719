"""Resampling: each pixel of the run grid gets the scene pixel under its centre, or none."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyproj
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from icepipe.geo.crs import unwrap_grid
from icepipe.geo.geobox import Block, GeoBox
from icepipe.geo.pixel_area import PixelArea
from icepipe.geo.resampling import locate_source
from icepipe.inputs.run_grid import configured_grid, footprint_polygon, outside_km2, run_grid, union_of_footprints
from icepipe.inputs.scenes import Scene
from icepipe.raster.rasterize import rasterize_polygon, shape_to_pixels

POLAR = pyproj.CRS(3413).to_wkt()
LONLAT = pyproj.CRS(4326).to_wkt()
T = Affine(250, 0, -650_000, 0, -250, -1_350_000)


def box(transform=T, width=8, height=6, crs=POLAR):
    return GeoBox(crs, transform, width, height)


def scene(geobox, day=1):
    return Scene(None, dt.date(2024, 7, day), None, "", "rgb", ("red", "green", "blue"), "rgb", geobox, ())


def taken(source, grid, block=None):
    """Source pixel (row * 1000 + column) under each pixel of the block, -1 outside the source."""
    block = block or Block(0, 0, grid.height, grid.width)
    result = np.full((block.height, block.width), -1)
    placement = locate_source(source, grid, block)
    if placement is None:
        return result
    numbers = np.arange(source.height)[:, None] * 1000 + np.arange(source.width)
    w = placement.window
    part = placement.take(numbers[w.row : w.row + w.height, w.col : w.col + w.width])
    result[placement.target] = np.where(True if placement.reached is None else placement.reached, part, -1)
    return result


def slow(source, grid):
    """The same, computed pixel by pixel."""
    result = np.full((grid.height, grid.width), -1)
    transformer = pyproj.Transformer.from_crs(grid.crs, source.crs, always_xy=True)
    for row in range(grid.height):
        for col in range(grid.width):
            x, y = grid.transform @ (col + 0.5, row + 0.5)
            c, r = ~source.transform @ transformer.transform(x, y)
            if 0 <= c < source.width and 0 <= r < source.height:
                result[row, col] = int(r) * 1000 + int(c)
    return result


def test_a_scene_on_the_grid_is_taken_as_it_is():
    placement = locate_source(box(), box(), Block(0, 0, 6, 8))
    assert placement.index is None
    assert placement.window == Block(0, 0, 6, 8)


@pytest.mark.parametrize(
    "source",
    [
        box(T @ Affine.translation(2, 1)),
        box(T @ Affine.translation(-3, -2)),
        box(T @ Affine.translation(0.3, 0.4)),
        box(T @ Affine.scale(0.5), 16, 12),
        box(T @ Affine.scale(3), 3, 2),
        box(T @ Affine.translation(1, 5) @ Affine.scale(1, -1)),
        box(T @ Affine.rotation(28)),
        box(Affine.translation(-45, 76.3) @ Affine.scale(0.002, -0.002), 900, 900, LONLAT),
        box(T @ Affine.translation(100, 0)),
    ],
    ids=["inside", "around", "fraction", "finer", "coarser", "south-up", "rotated", "lon/lat", "elsewhere"],
)
def test_placement_equals_the_slow_way(source):
    grid = box()
    assert np.array_equal(taken(source, grid), slow(source, grid))
    for block in (Block(1, 2, 3, 4), Block(5, 7, 1, 1)):
        assert np.array_equal(taken(source, grid, block), taken(source, grid)[block.slices])


def off_borders(source, grid):
    """True for grid pixels whose centre is not on a border between source pixels."""
    col, row = np.meshgrid(np.arange(grid.width) + 0.5, np.arange(grid.height) + 0.5)
    t = ~source.transform @ grid.transform
    places = np.stack([t.a * col + t.b * row + t.c, t.d * col + t.e * row + t.f])
    return np.all(np.abs(places - np.rint(places)) > 1e-4, axis=0)


@settings(max_examples=60, deadline=None)
@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(0.4, 2.5), st.sampled_from([0, 17, 90]))
def test_random_grids(dx, dy, scale, angle):
    """On a border either neighbour is correct; all other pixels have a single answer."""
    grid = box()
    source = box(T @ Affine.translation(dx, dy) @ Affine.rotation(angle) @ Affine.scale(scale))
    mine, clear = taken(source, grid), off_borders(source, grid)
    assert np.array_equal(mine[clear], slow(source, grid)[clear])
    inner = mine[mine >= 0]
    assert np.all((inner // 1000 < source.height) & (inner % 1000 < source.width))


def test_longitudes_beyond_180_meet_those_before():
    east = box(Affine(0.1, 0, 179.5, 0, -0.1, 70), 5, 5, LONLAT)
    west = box(Affine(0.1, 0, -180, 0, -0.1, 70), 5, 5, LONLAT)
    grid = run_grid([scene(east), scene(west)])
    assert (grid.width, grid.height) == (10, 5)
    assert unwrap_grid(west, east).transform.c == 180
    assert (taken(west, grid)[:, 5:] >= 0).all()
    area = PixelArea.of(grid).m2(Block(0, 0, 5, 10))
    assert np.ptp(area, axis=1).max() < 1e-3 * area.min()


def test_the_run_grid_covers_shifted_scenes_on_the_first_ones_pixels():
    grid = run_grid([scene(box()), scene(box(T @ Affine.translation(-0.2, 0.1)))])
    assert grid == box(T @ Affine.translation(-1, 0), 9, 7)


def test_the_finest_pixels_win_and_mixed_systems_give_an_equal_area_grid():
    assert run_grid([scene(box()), scene(box(T @ Affine.scale(0.5), 16, 12))]).transform.a == 125
    lonlat = box(Affine.translation(-45, 76.3) @ Affine.scale(0.02, -0.005), 40, 40, LONLAT)
    grid = run_grid([scene(box()), scene(lonlat)])
    assert "Lambert Azimuthal Equal Area" in grid.crs
    areas = PixelArea.of(grid).m2(Block(0, 0, grid.height, grid.width))
    assert np.ptp(areas) < 1e-6 * areas.mean()
    both = union_of_footprints([scene(box()), scene(lonlat)], grid)
    covered = rasterize_polygon(shape_to_pixels(both, grid), Block(0, 0, grid.height, grid.width))
    assert np.array_equal(covered, (taken(box(), grid) >= 0) | (taken(lonlat, grid) >= 0))


def test_a_grid_of_ones_own_stands_on_whole_multiples():
    grid = configured_grid([scene(box())], "EPSG:6931", 300)
    assert grid.transform.a == 300
    assert grid.transform.c % 300 == 0


def test_a_region_does_not_depend_on_how_a_scene_is_cut():
    whole = scene(box())
    tiles = [scene(box(T @ Affine.translation(c, r), 4, 3)) for r in (0, 3) for c in (0, 4)]
    assert run_grid(tiles) == box()
    assert union_of_footprints(tiles, box()).wkb == union_of_footprints([whole], box()).wkb


def test_what_lies_outside_the_region_is_told_in_true_km2():
    grid, late = box(), scene(box(T @ Affine.translation(4, 0)))
    region = union_of_footprints([scene(grid)], grid)
    truth = PixelArea.of(late.geobox).m2(Block(0, 4, 6, 4)).sum() / 1e6
    assert outside_km2(late, region, grid) == pytest.approx(truth, rel=1e-5)
    assert outside_km2(scene(grid), region, grid) == 0
    assert footprint_polygon(grid, LONLAT).is_valid
