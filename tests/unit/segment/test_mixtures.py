"""Shares of mixed pixels: the kernels equal their definitions in NumPy, and small rasters are checked by eye."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from icepipe.inputs.products.sensors import with_roles
from icepipe.segment.classification.class_rasters import ClassRasterStrata
from icepipe.segment.classification.strata import ClusterStrata
from icepipe.segment.mixtures import _kernels as kernels
from icepipe.segment.mixtures.mixed_pixels import MixedPixelScanner, MixingLine, combine, grey_ice, surfaces_of
from icepipe.segment.mixtures.shares import HALO, Bound, Mixtures
from icepipe.segment.which_ice import rules_for
from icepipe.sensors.sensor import BANDS, REFLECTANCE_UNIT
from icepipe.sensors.table import SENSORS
from tests.mixtures import (
    BROWN,
    DARK,
    ICE,
    OTHER,
    PURE,
    RGB,
    UNSEEN,
    WATER,
    WHITE,
    cluster,
    grey,
    level,
    model,
    scan,
    spectrum,
    whole,
)
from tests.unit.segment import mixtures_oracle as oracle

ENDS = np.array([4500, 184, 900, 1, 1], dtype=np.int64)


def random_surfaces(rng, shape, kinds):
    """Surfaces with any bits, of the class codes ``kinds``; 0 is unseen."""
    code = rng.choice(kinds, shape)
    may_be = rng.integers(0, 8, shape) | 1 << np.maximum(code, 1) - 1
    alone = rng.random(shape) < 0.5
    bits = np.where(alone, 1 << np.maximum(code, 1) - 1, may_be) * oracle.MAY_BE
    off = np.where(rng.random(shape) < 0.2, oracle.OFF_LINE, 0)
    grey_bit = np.where((code == 3) & (rng.random(shape) < 0.3), oracle.GREY_ICE, 0)
    outlier = np.where(rng.random(shape) < 0.1, oracle.OUTLIER, 0)
    return np.where(code == 0, 0, code + bits + off + grey_bit + outlier).astype(np.uint8)


def random_places(rng, shape, spread):
    """Positions and brightness of a few surfaces, by columns, with some spread; and any number in unseen pixels."""
    surface = rng.choice([100, 400, 900, 3000, 4096, 4700], (1, shape[1])) + rng.integers(-30, 31, shape)
    position = np.clip(surface + rng.normal(0, spread, shape), -8000, 16_000).astype(np.int16)
    brightness = np.clip(100 + 0.4 * position + rng.normal(0, spread / 8, shape), 0, 16_000).astype(np.int16)
    return position, brightness


def unmixed(surface, position, brightness, ends=ENDS):
    out, between = np.full((4, *surface.shape), 77, np.uint8), np.zeros(5, np.int64)
    kernels.unmix(surface, position, brightness, 0, len(surface), ends, out, between)
    raster = (array.astype(np.int64) for array in (surface, position, brightness))
    np.testing.assert_array_equal(between, oracle.between(*raster, ends))
    return out[0], out[1:]


SHAPES = [(1, 1), (1, 2), (2, 1), (3, 3), (1, 40), (40, 1), (2, 9), (5, 5), (7, 4), (20, 30), (6, 1100)]
KINDS = {
    "all": (0, 1, 2, 3),
    "ice and water": (1, 2),
    "mostly ice": (2, 2, 2, 2, 2, 2, 0, 1),
    "ice alone": (2,),
    "shore": (1, 1, 1, 1, 3),
}


@pytest.mark.parametrize("spread", [0, 20, 200, 2000])
@pytest.mark.parametrize("kinds", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_shares_are_those_of_the_definitions(shape, kinds, spread):
    rng = np.random.default_rng([len(kinds), spread, *shape])
    for has_water, has_ice in ((1, 1), (1, 1), (0, 1), (0, 0)):
        surface = random_surfaces(rng, shape, KINDS[kinds])
        if spread == 20 and shape[0] > 4:
            # Pieces of the classes instead of single pixels.
            surface = np.repeat(surface[::5], 5, axis=0)[: shape[0]]
        position, brightness = random_places(rng, shape, spread)
        ends = np.array([4500, 184, 900, has_water, has_ice], dtype=np.int64)
        pairs, shares = unmixed(surface, position, brightness, ends)
        expected = oracle.unmix(*(array.astype(np.int64) for array in (surface, position, brightness)), ends)
        np.testing.assert_array_equal(pairs, expected[0])
        np.testing.assert_array_equal(shares, expected[1])
        assert (shares[Bound.LOW] <= shares[Bound.BEST]).all()
        assert (shares[Bound.BEST] <= shares[Bound.HIGH]).all()


def test_extreme_positions_and_brightness_do_not_overflow():
    rng = np.random.default_rng(0)
    shape = (30, 40)
    surface = random_surfaces(rng, shape, (0, 1, 2, 3))
    position = rng.choice([-8000, -1, 0, 4096, 16_000], shape).astype(np.int16)
    brightness = rng.choice([0, 1, 2048, 16_000], shape).astype(np.int16)
    pairs, shares = unmixed(surface, position, brightness)
    expected = oracle.unmix(*(array.astype(np.int64) for array in (surface, position, brightness)), ENDS)
    np.testing.assert_array_equal(pairs, expected[0])
    np.testing.assert_array_equal(shares, expected[1])


def test_what_unseen_pixels_hold_changes_nothing():
    rng = np.random.default_rng(1)
    surface = random_surfaces(rng, (25, 35), (0, 0, 1, 2, 3))
    first, second = random_places(rng, surface.shape, 200), random_places(rng, surface.shape, 2000)
    hidden = [np.where(surface == 0, other, own) for own, other in zip(first, second, strict=True)]
    for ours, theirs in zip(unmixed(surface, *first), unmixed(surface, *hidden), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_rows_with_a_halo_have_the_shares_of_the_whole_raster():
    rng = np.random.default_rng(2)
    surface = random_surfaces(rng, (30, 60), (0, 1, 2, 2, 3))
    position, brightness = random_places(rng, surface.shape, 200)
    pairs, shares = unmixed(surface, position, brightness)
    for first, last in ((0, 1), (3, 9), (10, 11), (29, 30)):
        top, bottom = max(first - HALO, 0), min(last + HALO, 30)
        out, between = np.empty((4, last - first, 60), np.uint8), np.zeros(5, np.int64)
        rows = surface[top:bottom], position[top:bottom], brightness[top:bottom]
        kernels.unmix(*rows, first - top, last - top, ENDS, out, between)
        np.testing.assert_array_equal(out[0], pairs[first:last])
        np.testing.assert_array_equal(out[1:], shares[:, first:last])


@pytest.mark.parametrize(("difference", "is_mixed"), [(40, True), (41, False)])
def test_a_shore_is_unmixed_from_a_difference_of_two_hundredths_of_reflectance(difference, is_mixed):
    surface = np.tile(np.array([5, 5, 5, 19, 19, 19], np.uint8), (6, 1))
    brightness = np.where(surface == 5, 100, 100 + difference).astype(np.int16)
    pairs, shares = unmixed(surface, brightness, brightness)
    # Pure to both sides: no pixel is mixed, unless the two cannot be told from each other.
    assert (pairs[:, 2:4] > 0).all() == is_mixed
    assert (shares[Bound.BEST][pairs > 0] == 255).all()
    assert (shares[Bound.LOW] == 0).all()


def noisy_rows(seed, height):
    """Strata and stored values of patches of water and ice, some single pixels, with noise."""
    rng = np.random.default_rng(seed)
    strata = np.repeat(np.repeat(rng.integers(0, 3, (9, 4)), 3, axis=0), 4, axis=1)[:height]
    strata = np.where(rng.random(strata.shape) < 0.1, rng.integers(0, 3, strata.shape), strata).astype(np.uint16)
    levels = np.array([70, 230, 120])[strata] + rng.normal(0, rng.choice([1, 10, 40]), strata.shape)
    return strata, np.repeat(np.clip(levels, 0, 255).astype(np.uint8)[None], 3, axis=0)


@pytest.mark.parametrize("gap", range(7))
@pytest.mark.parametrize("height", [1, 2, 3, 5, 9])
def test_mixtures_do_not_depend_on_the_height_of_blocks_or_on_rows_that_no_scene_reaches(height, gap):
    for seed in range(30):
        strata, bands = noisy_rows(seed, 26)
        strata[height : height + gap] = UNSEEN
        tops = [*range(0, height, height), *range(height + gap, 26, height)]
        parts = [replace(whole((min(height, 26 - top), 16)), row=top) for top in tops]
        for ours, theirs in zip(scan(EYE, strata, bands, parts), scan(EYE, strata, bands), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_the_halo_is_that_of_the_kernels():
    assert HALO == kernels.HALO


FOUR = with_roles(SENSORS[BANDS], ("blue", "green", "red", "nir"))


@pytest.mark.parametrize("name", ["rgb", "modis-721", "four bands"])
def test_positions_are_those_of_the_definitions(name):
    rng = np.random.default_rng(3)
    sensor = FOUR if name == "four bands" else SENSORS[name]
    bands, n = len(sensor.roles), 20_000
    if sensor.stretch:
        stored = rng.integers(0, 256, (bands, n), dtype=np.uint8)
        reflectance = np.clip(sensor.reflectance(np.arange(256.0)), 0, None)
        values = reflectance[stored]
    else:
        stored = rng.integers(-2000, 32_768, (bands, n)).astype(np.int16)
        reflectance, values = np.array([REFLECTANCE_UNIT]), np.clip(stored * REFLECTANCE_UNIT, 0, None)
    # Half of them near the line: most random colours are far from it.
    water, line = rng.uniform(0.01, 0.08, bands), rng.uniform(0.3, 0.8, bands)
    strata = rng.integers(0, 40, n).astype(np.uint16)
    surface_of = np.zeros(65536, np.uint8)
    surface_of[:40] = rng.choice([0, 5, 10, 19, 26, 83], 40)
    surface, position, brightness = np.full(n, 9, np.uint8), np.full(n, 9, np.int16), np.full(n, 9, np.int16)
    kernels.locate_pixels(stored, strata, surface_of, reflectance, water, line, surface, position, brightness)
    off, place, light = oracle.locate(values, water, line)
    assert off.any()
    assert not off.all()
    kind = surface_of[strata]
    np.testing.assert_array_equal(surface, np.where(kind > 0, kind + oracle.OFF_LINE * off, 0))
    np.testing.assert_array_equal(position, place)
    np.testing.assert_array_equal(brightness, light)


def test_a_surface_of_a_stratum_holds_its_class_its_possible_classes_and_nothing_of_pinned_clusters():
    clusters = [cluster(WATER), cluster(ICE, WATER, ICE), cluster(OTHER), cluster(ICE, pinned=True)]
    table = ClusterStrata([model(clusters)])
    surfaces = surfaces_of(table, RGB)
    assert surfaces[:4].tolist() == [WATER + 4, ICE + 4 + 8, OTHER + 16, 0]
    # The set of classes that a pixel's own colour adds to those of its cluster.
    adds_ice = table.n * 2
    assert surfaces[adds_ice : adds_ice + 4].tolist() == [WATER + 4 + 8, ICE + 4 + 8, OTHER + 8 + 16, 0]
    far = table.outlying[0]
    assert surfaces[far : far + 4].tolist() == [128 + WATER + 4, 128 + ICE + 4 + 8, 128 + OTHER + 16, 0]
    assert not surfaces[table.clustered[-1] + 1 :].any()
    assert surfaces[UNSEEN] == 0


def test_grey_ice_is_marked_where_white_ice_alone_counts():
    colours = [spectrum(byte) for byte in (60, 110, 240)]
    codes = WATER, OTHER, ICE
    clusters = [cluster(code, colour=colour) for code, colour in zip(codes, colours, strict=True)]
    clusters.append(cluster(OTHER, colour=BROWN))
    white = replace(model(clusters), ice="white", thresholds=rules_for("rgb", "white").thresholds)
    assert grey_ice(white, RGB).tolist() == [False, True, False, False]
    assert grey_ice(model(clusters), RGB).tolist() == [False] * 4
    assert surfaces_of(ClusterStrata([white]), RGB)[:4].tolist() == [5, 3 + 16 + 64, 10, 19]


def test_a_scene_without_a_valid_pixel_beside_one_with_white_ice_has_no_surfaces():
    clusters = [cluster(code, colour=spectrum(byte)) for code, byte in ((WATER, 60), (OTHER, 110), (ICE, 240))]
    white = replace(model(clusters), ice="white", thresholds=rules_for("rgb", "white").thresholds)
    line = MixingLine.of(ClusterStrata([replace(white, clusters=(), pure=None), white]), RGB)
    assert line is not None
    assert line.surfaces[:3].tolist() == [5, 3 + 16 + 64, 10]


def test_models_of_one_observation_share_a_line():
    darker = replace(PURE, water=(0.03,) * 3, brightest=1.2, darkest=0.1, surest=0.2, has_water=False)
    both = combine([PURE, darker])
    assert both.water == pytest.approx(((level(DARK) + 0.03) / 2,) * 3)
    assert both.ice == pytest.approx(PURE.ice)
    assert (both.brightest, both.darkest, both.surest, both.has_water) == (1.2, PURE.darkest, 0.2, True)
    assert combine([darker]) is darker


def test_class_rasters_and_models_with_neither_ice_nor_a_shore_have_no_mixed_pixels():
    noise = np.random.default_rng(0).integers(0, 256, (3, 5, 5), dtype=np.uint8)
    strata = np.zeros((5, 5), np.uint16)
    for table in (
        ClassRasterStrata(False),
        ClusterStrata([model([cluster(WATER)], pure=None)]),
        ClusterStrata([model([cluster(OTHER)], pure=None)]),
        ClusterStrata([model([cluster(WATER), cluster(OTHER, pinned=True)], pure=None)]),
    ):
        scanner = MixedPixelScanner(table, RGB, 5)
        assert [*scanner.add(whole((5, 5)), strata, noise), *scanner.finish()] == []


def test_a_model_without_ice_unmixes_its_shores_and_nothing_else():
    table = ClusterStrata([model([cluster(WATER), cluster(OTHER)], pure=None)])
    strata = np.tile(np.array([0, 0, 0, 0, 1, 1, 1], np.uint16), (9, 1))
    levels = np.tile(np.array([60, 60, 60, 87, 110, 110, 110], np.uint8), (3, 9, 1))
    # A bright pixel in open water is no ice where the sample shows none.
    levels[:, 4, 0] = 200
    pairs, shares, _ = scan(table, strata, levels)
    assert set(pairs[:, 3]) == {4 * WATER + OTHER}
    half = (level(110) - level(87)) / (level(110) - level(60))
    assert shares[Bound.BEST][:, 3] / 255 == pytest.approx(np.full(9, half), abs=0.01)
    assert not pairs[:, :3].any()
    assert not pairs[:, 5:].any()


# Rasters that a reader checks by eye. Letters are the class that a pixel is named, numbers its share of pure ice in
# hundredths; "--" is not seen.

EYE = ClusterStrata([model([cluster(WATER), cluster(ICE), cluster(OTHER)])])
LETTERS = {"w": 0, "i": 1, "g": 2, "-": UNSEEN}


def by_eye(rows):
    """Shares of water, ice and ground, in hundredths, of pixels such as w0, i100, i50 and g; by bound and class."""
    words = [row.split() for row in rows]
    strata = np.array([[LETTERS[word[0]] for word in row] for row in words], dtype=np.uint16)
    colours = [
        [BROWN if word[0] == "g" else (grey(int(word[1:] or 0) / 100) if word[0] != "-" else 200,) * 3 for word in row]
        for row in words
    ]
    bands = np.array(colours, dtype=np.uint8).transpose(2, 0, 1)
    pairs, shares, _ = scan(EYE, strata, bands)
    code = np.select([strata == 0, strata == 1, strata == 2], [WATER, ICE, OTHER], 0)
    found = {}
    for bound in Bound:
        for held in (WATER, ICE, OTHER):
            first, second = pairs >> 2 & 3, pairs & 3
            share = np.where(code == held, 255, 0)
            share = np.where((pairs > 0) & (first != held) & (second != held), 0, share)
            share = np.where((pairs > 0) & (first == held), shares[bound], share)
            share = np.where((pairs > 0) & (second == held), 255 - shares[2 - bound], share)
            found[bound.name.lower(), held] = np.rint(share / 2.55).astype(int)
    return found


STEP = 1
"""A byte of a picture is up to a hundredth of the way from water to ice."""


def test_the_pixel_of_a_step_edge_that_is_half_ice_has_the_share_one_half():
    found = by_eye(["w0 i50 i100"] * 3)
    assert abs(found["best", ICE][:, 1] - 50).max() <= STEP
    assert (found["best", ICE][:, [0, 2]] == [0, 100]).all()
    assert (found["high", ICE][:, 1] == 100).all()
    assert abs(found["low", ICE][:, 1] - 50).max() <= STEP
    assert (found["best", ICE] + found["best", WATER] == 100).all()


@pytest.mark.parametrize("share", [10, 25, 50, 75, 90])
def test_an_edge_between_wide_surfaces_is_unmixed_between_them(share):
    row = f"w0 w0 w0 i{share} i100 i100 i100"
    found = by_eye([row] * 7)
    assert abs(found["best", ICE][:, 3] - share).max() <= STEP
    assert (found["best", ICE][:, [0, 1, 2, 4, 5, 6]] == [0, 0, 0, 100, 100, 100]).all()
    assert (found["low", ICE][:, 3] <= found["best", ICE][:, 3]).all()


def test_a_smooth_grey_area_is_grey_ice_and_without_doubt():
    found = by_eye(["i20 i21 i20 i21 i20"] * 5)
    assert (found["low", ICE] == 100).all()
    assert (found["best", WATER] == 0).all()
    assert (found["high", WATER] == 0).all()


def test_a_grey_pixel_between_water_and_white_ice_is_a_mixture_and_one_amid_grey_ice_is_none():
    between = by_eye(["w0 w0 i20 i100 i100"] * 5)
    assert abs(between["best", ICE][:, 2] - 20).max() <= STEP
    amid = by_eye(["i20 i20 i20 i100 i100"] * 5)
    assert (amid["best", ICE] == 100).all()


def test_two_flat_levels_have_no_doubt_within_each_and_full_shares_at_their_border():
    rows = ["w0 w0 w0 w0 w0 i100 i100 i100 i100 i100"] * 9
    found = by_eye(rows)
    truth = np.array([0] * 5 + [100] * 5)
    for bound in ("low", "best", "high"):
        assert (found[bound, ICE] == truth).all()
        assert (found[bound, WATER] == 100 - truth).all()


def test_a_lone_bright_pixel_in_water_holds_its_share_of_ice():
    flat = "w0 w0 w0 w0 w0"
    found = by_eye([flat, flat, "w0 w0 i30 w0 w0", flat, flat])
    ice = found["best", ICE]
    assert abs(ice[2, 2] - 30) <= STEP
    assert ice.sum() == ice[2, 2]
    assert found["high", ICE][2, 2] == 100
    # The brightest ice of the model is a little brighter than pure ice.
    assert 28 <= found["low", ICE][2, 2] <= 30


def test_a_dark_pixel_in_white_ice_is_a_mixture_with_water_that_no_pixel_shows():
    flat = "i100 i100 i100 i100 i100"
    found = by_eye([flat, flat, "i100 i100 i30 i100 i100", flat, flat])
    assert abs(found["best", ICE][2, 2] - 30) <= STEP
    assert (np.delete(found["best", ICE].ravel(), 12) == 100).all()


def test_a_shore_of_ground_mixes_each_class_with_ground_and_never_with_the_third():
    found = by_eye(["w0 w0 w0 g g g"] * 6)
    assert (found["best", WATER] + found["best", OTHER] == 100).all()
    assert (found["high", ICE] == 0).all()
    assert (found["best", WATER][:, :3] == 100).all()
    assert (found["best", OTHER][:, 3:] == 100).all()


def test_a_pixel_of_a_shore_is_unmixed_between_the_levels_of_water_and_ground():
    ground = float(np.mean([level(byte) for byte in BROWN]))
    half = round((level(DARK) + ground) / 2 * 1000)
    share = (half / 1000 - level(DARK)) / (level(WHITE) - level(DARK))
    found = by_eye([f"w0 w0 w0 w{round(100 * share)} g g g"] * 6)
    assert abs(found["best", OTHER][:, 3] - 50).max() <= 3
    assert abs(found["best", WATER][:, 3] - 50).max() <= 3
    assert (found["high", WATER][:, 3] == 100).all()
    assert (found["low", WATER][:, 3] <= found["best", WATER][:, 3]).all()


def test_a_shore_without_pure_neighbours_keeps_its_class_and_may_be_none_of_it():
    found = by_eye(["w0 g w0", "g w0 g", "w0 g w0"])
    assert set(found["best", WATER].ravel()) == {0, 100}
    assert (found["low", WATER] == 0).all()
    assert (found["low", OTHER] == 0).all()
    assert (found["high", WATER] == 100).all()


def test_pixels_that_are_not_seen_are_no_surface_and_hide_none():
    found = by_eye(["w0 i50 i100 -- --"] * 3)
    assert abs(found["best", ICE][:, 1] - 50).max() <= STEP
    assert all((found[bound, code][:, 3:] == 0).all() for bound, code in found)


def test_strips_hold_every_mixed_pixel_once_and_nothing_where_there_is_none():
    rng = np.random.default_rng(4)
    pairs = np.where(rng.random((9, 7)) < 0.3, rng.integers(1, 16, (9, 7)), 0).astype(np.uint8)
    pairs[:, :2], pairs[4:6] = 0, 0
    shares, strata = rng.integers(0, 256, (3, 9, 7), dtype=np.uint8), rng.integers(0, 9, (9, 7)).astype(np.uint16)
    mixtures = Mixtures(replace(whole((9, 7)), row=11), pairs, shares, strata)
    for most in (5, 7, 14, 1000):
        found = np.zeros((5, 20, 7), np.int64)
        for strip in mixtures.strips(most):
            assert strip.pairs.any()
            assert strip.block.height == 1 or strip.pairs.size <= most
            assert strip.pairs.shape == (strip.block.height, strip.block.width)
            found[:, *strip.block.slices] += np.stack([strip.pairs, *strip.shares, strip.strata])
        mixed = pairs > 0
        np.testing.assert_array_equal(found[:, 11:][:, mixed], np.stack([pairs, *shares, strata])[:, mixed])
        assert not found[0, 11:][~mixed].any()
        assert not found[:, :11].any()
