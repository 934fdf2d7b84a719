"""Interpolated positions fall into the same source pixels as exactly transformed ones."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from icepipe.geo import coordinate_lattice
from icepipe.geo.geobox import Block, GeoBox
from icepipe.geo.resampling import locate_source

SINUSOIDAL = "+proj=sinu +R=6371007.181 +units=m"
PLACES = {
    "EPSG:32633": (500_000, 8_700_000),
    "EPSG:32601": (320_000, 7_700_000),
    "EPSG:3413": (0, 0),
    "EPSG:3031": (0, 0),
    "EPSG:3035": (4_321_000, 5_500_000),
    "EPSG:4326": (179.0, 72.0),
    SINUSOIDAL: (0, 7_900_000),
}
"""Coordinate systems, and a point of each; some are near a pole, the antimeridian or the edge of the projection."""


def metres_in(crs):
    return 1 / 111_000 if pyproj.CRS(crs).is_geographic else 1.0


def one_by_one(source, grid, block):
    transformer = pyproj.Transformer.from_crs(grid.crs, source.crs, always_xy=True)
    with np.errstate(invalid="ignore"):
        cols, rows = source.to_pixels(*transformer.transform(*grid.to_map(*block.centres)))
    reached = (rows >= 0) & (rows < source.height) & (cols >= 0) & (cols < source.width)
    cells = (np.floor(np.round(np.where(reached, at, 0), 6)).astype(int) for at in (rows, cols))
    return *(np.minimum(at, size - 1) for at, size in zip(cells, (source.height, source.width), strict=True)), reached


@pytest.mark.parametrize("ours", PLACES)
@pytest.mark.parametrize("theirs", PLACES)
@settings(max_examples=15, deadline=None)
@given(
    pixel_m=st.sampled_from([10, 500, 5_000, 60_000]),
    coarser=st.sampled_from([0.3, 1.0, 2.0, 7.0]),
    angle=st.sampled_from([0, 0, 30]),
    shift=st.tuples(st.floats(-60, 60), st.floats(-60, 60)),
)
def test_placements_are_those_of_every_centre(ours, theirs, pixel_m, coarser, angle, shift):
    side = pixel_m * metres_in(ours)
    transform = Affine.translation(*PLACES[ours]) @ Affine.scale(side, -side) @ Affine.translation(*shift)
    grid = GeoBox(pyproj.CRS(ours).to_wkt(), transform @ Affine.translation(-50, -40), 100, 80)
    middle = pyproj.Transformer.from_crs(ours, theirs, always_xy=True).transform(*grid.to_map(50.0, 40.0))
    if not np.isfinite(middle).all():
        return
    other_side = pixel_m * coarser * metres_in(theirs)
    corner = Affine.translation(*middle) @ Affine.rotation(angle) @ Affine.scale(other_side, -other_side)
    source = GeoBox(pyproj.CRS(theirs).to_wkt(), corner @ Affine.translation(-30, -25), 61, 47)
    block = Block(7, 3, 70, 95)
    window = locate_source(source, grid, block)
    if ours == theirs:
        return
    rows, cols, reached = one_by_one(source, grid, block)
    if window is None:
        assert not reached.any()
        return
    np.testing.assert_array_equal(window.reached, reached)
    read = window.window
    np.testing.assert_array_equal(window.index[reached] // read.width + read.row, rows[reached])
    np.testing.assert_array_equal(window.index[reached] % read.width + read.col, cols[reached])


def test_a_place_does_not_depend_on_the_block_it_is_asked_with():
    grid = GeoBox(pyproj.CRS(3413).to_wkt(), Affine(300, 0, -700_000, 0, -300, 100_000), 200, 150)
    source = GeoBox(pyproj.CRS(32633).to_wkt(), Affine(500, 0, 100_000, 0, -500, 9_400_000), 1000, 900)
    whole = coordinate_lattice.source_positions(source, grid, Block(0, 0, 150, 200))
    for block in (Block(33, 64, 1, 1), Block(31, 63, 34, 2), Block(0, 0, 150, 200), Block(149, 5, 1, 195)):
        np.testing.assert_array_equal(
            coordinate_lattice.source_positions(source, grid, block), [at[block.slices] for at in whole]
        )


def test_most_places_are_not_asked_for(monkeypatch):
    """Exact transformations take ten times as long."""
    sizes, exact_transform = [], coordinate_lattice.transform_exact
    monkeypatch.setattr(
        coordinate_lattice, "transform_exact", lambda *args: sizes.append(args[2].size) or exact_transform(*args)
    )
    grid = GeoBox(pyproj.CRS(3035).to_wkt(), Affine(10, 0, 4_321_000, 0, -10, 5_500_000), 1000, 300)
    source = GeoBox(pyproj.CRS(32633).to_wkt(), Affine(10, 0, 100_000, 0, -10, 9_000_000), 50_000, 50_000)
    cols, rows = coordinate_lattice.source_positions(source, grid, Block(0, 0, 300, 1000))
    assert sum(sizes) < 300 * 1000 / 20
    exact = exact_transform(source, grid, *Block(0, 0, 300, 1000).centres)
    np.testing.assert_allclose((cols, rows), exact, atol=coordinate_lattice.NEAR_PX / 4)
