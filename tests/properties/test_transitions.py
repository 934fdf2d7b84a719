"""Whatever two rasters hold, the table closes, and the way back is the way there turned around."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyproj
import pytest
from affine import Affine
from hypothesis import given
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


@given(pairs())
def test_the_table_closes_to_the_last_unit(pair):
    before, after, units = pair
    change = changed(*pair)
    for code in BUDGET:
        shown = change.units([code], SEEN), change.units(SEEN, [code])
        hidden = change.units([code], HIDDEN), change.units(HIDDEN, [code])
        assert shown[0] + hidden[0] == int(units[before == code].sum())
        assert shown[1] + hidden[1] == int(units[after == code].sum())
    region = int(units[before != ClassCode.OUTSIDE].sum())
    assert change.units(BUDGET, BUDGET) == region
    parts = change.compared_km2 + change.not_compared_km2 + change.land_km2
    assert parts == pytest.approx(region, rel=1e-12)


@given(pairs())
def test_swapped_days_swap_gain_and_loss(pair):
    before, after, units = pair
    there, back = changed(before, after, units), changed(after, before, units)
    for code in SEEN:
        assert there.gained_km2(code) == back.lost_km2(code)
        assert there.lost_km2(code) == back.gained_km2(code)
        net = there.net_km2(code)
        assert back.net_km2(code) == (None if net is None else -net)
    assert there.not_compared_km2 == back.not_compared_km2


@given(pairs())
def test_the_same_raster_twice_is_no_change(pair):
    before, _, units = pair
    change = changed(before, before, units)
    assert all(change.gained_km2(code) in {0, None} and change.lost_km2(code) in {0, None} for code in SEEN)
    assert not any(raster.any() for raster in gain_loss(before, before))


@given(pairs())
def test_an_independent_count_says_the_same(pair):
    """Pixel by pixel in plain Python, on the definition alone."""
    before, after, units = pair
    pixels, area = Counter(), Counter()
    for one, other, unit in zip(before.flat, after.flat, units.flat, strict=True):
        if one != 255:
            pixels[int(one), int(other)] += 1
            area[int(one), int(other)] += int(unit)
    change = changed(*pair)
    assert {(t.before, t.after): (t.n_pixels, t.units) for t in change.transitions if t.n_pixels} == {
        key: (count, area[key]) for key, count in pixels.items()
    }
    if change.compared_km2:
        ice = sum(value for (a, b), value in area.items() if b == 2 and a in {1, 3})
        assert change.gained_km2(ClassCode.ICE) == ice


@given(pairs())
def test_polygons_of_gain_and_loss_give_their_pixels_back(pair):
    before, after, _ = pair
    grid = GeoBox(CRS, TRANSFORM, before.shape[1], before.shape[0])
    area = PixelArea.of(grid)
    seen = np.isin(before, SEEN) & np.isin(after, SEEN)
    gained, lost = gain_loss(before, after)
    for code in (ClassCode.ICE, ClassCode.WATER):
        for raster, there, gone in ((gained, after, before), (lost, before, after)):
            wanted = seen & (there == code) & (gone != code)
            layer = layer_of(raster, code, grid, area)
            shapes = list(layer.geometry)
            back = rasterize(shapes, out_shape=grid.shape, transform=TRANSFORM) if shapes else np.zeros(grid.shape)
            assert np.array_equal(back.astype(bool), wanted)
            assert int(layer.n_px.sum()) == int(wanted.sum())
