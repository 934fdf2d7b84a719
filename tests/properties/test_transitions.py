"""For any two rasters the table of transitions closes, and swapped days swap gain and loss."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyproj
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from rasterio.features import rasterize

from icepipe.classes import BUDGET, SEEN, ClassCode
from icepipe.geo.geobox import GeoBox
from icepipe.geo.pixel_area import PixelArea
from icepipe.measure.change.transitions import gain_loss
from tests.classrasters import changed
from tests.polygons import layer_of

CRS = pyproj.CRS(3413).to_wkt()
TRANSFORM = Affine(250, 0, -650_000, 0, -250, -1_350_000)
HIDDEN = (ClassCode.CLOUD, ClassCode.UNOBSERVED, ClassCode.LAND)


@st.composite
def pairs(draw):
    """Two class rasters of one region, and true areas of the pixels in units."""
    shape = draw(array_shapes(min_dims=2, max_dims=2, max_side=9))
    codes = st.sampled_from([int(code) for code in BUDGET])
    before, after = (draw(arrays(np.uint8, shape, elements=codes)) for _ in range(2))
    outside = draw(arrays(np.bool_, shape))
    before[outside] = after[outside] = ClassCode.OUTSIDE
    return before, after, draw(arrays(np.int64, shape, elements=st.integers(2**29, 2**31)))


@settings(deadline=None)
@given(pairs())
def test_the_table_closes_to_the_last_unit(pair):
    before, after, units = pair
    change = changed(*pair)
    for code in BUDGET:
        seen = change.units([code], SEEN), change.units(SEEN, [code])
        hidden = change.units([code], HIDDEN), change.units(HIDDEN, [code])
        assert seen[0] + hidden[0] == int(units[before == code].sum())
        assert seen[1] + hidden[1] == int(units[after == code].sum())
    region = int(units[before != ClassCode.OUTSIDE].sum())
    assert change.units(BUDGET, BUDGET) == region
    parts = change.compared_km2 + change.not_compared_km2 + change.land_km2
    assert parts == pytest.approx(region, rel=1e-12)


@settings(deadline=None)
@given(pairs())
def test_swapped_days_swap_gain_and_loss(pair):
    before, after, units = pair
    forward, backward = changed(before, after, units), changed(after, before, units)
    for code in SEEN:
        assert forward.gained_km2(code) == backward.lost_km2(code)
        assert forward.lost_km2(code) == backward.gained_km2(code)
        net = forward.net_km2(code)
        assert backward.net_km2(code) == (None if net is None else -net)
    assert forward.not_compared_km2 == backward.not_compared_km2


@settings(deadline=None)
@given(pairs())
def test_the_same_raster_twice_is_no_change(pair):
    before, _, units = pair
    change = changed(before, before, units)
    assert all(change.gained_km2(code) in {0, None} and change.lost_km2(code) in {0, None} for code in SEEN)
    assert not any(raster.any() for raster in gain_loss(before, before))


@settings(deadline=None)
@given(pairs())
def test_an_independent_count_agrees(pair):
    """The count is by the definition, pixel by pixel in plain Python."""
    before, after, units = pair
    pixels, area = Counter(), Counter()
    for first, second, unit in zip(before.flat, after.flat, units.flat, strict=True):
        if first != 255:
            pixels[int(first), int(second)] += 1
            area[int(first), int(second)] += int(unit)
    change = changed(*pair)
    assert {(t.before, t.after): (t.n_pixels, t.units) for t in change.transitions if t.n_pixels} == {
        key: (count, area[key]) for key, count in pixels.items()
    }
    if change.compared_km2:
        ice = sum(value for (a, b), value in area.items() if b == 2 and a in {1, 3})
        assert change.gained_km2(ClassCode.ICE) == ice


@settings(deadline=None)
@given(pairs())
def test_polygons_of_gain_and_loss_rasterize_to_their_pixels(pair):
    before, after, _ = pair
    grid = GeoBox(CRS, TRANSFORM, before.shape[1], before.shape[0])
    area = PixelArea.of(grid)
    seen = np.isin(before, SEEN) & np.isin(after, SEEN)
    gained, lost = gain_loss(before, after)
    for code in (ClassCode.ICE, ClassCode.WATER):
        for raster, has, had in ((gained, after, before), (lost, before, after)):
            expected = seen & (has == code) & (had != code)
            layer = layer_of(raster, code, grid, area)
            shapes = list(layer.geometry)
            rasterized = (
                rasterize(shapes, out_shape=grid.shape, transform=TRANSFORM) if shapes else np.zeros(grid.shape)
            )
            assert np.array_equal(rasterized.astype(bool), expected)
            assert int(layer.n_px.sum()) == int(expected.sum())
