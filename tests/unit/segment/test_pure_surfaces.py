"""Pure water and pure ice of a sample: the ends of the line on which mixed pixels lie."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from icepipe.classes import ClassCode
from icepipe.inputs.products.sensors import with_roles
from icepipe.segment.clustering.kmeans import DistinctValues
from icepipe.segment.features import compute_features
from icepipe.segment.model import Cluster
from icepipe.segment.pure_surfaces import (
    BEYOND_TAIL,
    OPEN_WATER,
    SNOW,
    pure_ice,
    pure_surfaces,
    pure_surfaces_of,
    pure_water,
)
from icepipe.segment.rules import RULE_SETS
from icepipe.sensors.sensor import BANDS
from icepipe.sensors.table import SENSORS
from tests.mixtures import BROWN, DARK, WHITE, cluster, level, model, spectrum

SIX = with_roles(SENSORS[BANDS], ("blue", "green", "red", "nir", "swir1", "swir2"))
RGB, RULES = SENSORS["rgb"], RULE_SETS["rgb"]


def sample(*colours):
    """Colours, given as bytes of a grey or as three, each with a number of pixels."""
    values = np.array([spectrum(colour) if np.isscalar(colour) else colour for colour, _ in colours], dtype=float)
    return DistinctValues(values, values, np.array([float(count) for _, count in colours]))


def found(*colours, sensor=RGB):
    return pure_surfaces(sample(*colours), sensor, RULE_SETS[sensor.rule_set])


@pytest.mark.parametrize("key", [key for key, sensor in SENSORS.items() if sensor.stretch])
def test_stored_values_are_the_inverse_of_reflectance(key):
    stored = np.arange(256.0)
    reflectance = SENSORS[key].reflectance(stored)
    np.testing.assert_allclose(SENSORS[key].stored(reflectance), stored, atol=1e-9)
    assert SIX.stored(np.array([0.25])) == pytest.approx(2500)


def test_pure_water_is_the_mean_of_the_darkest_three_tenths_of_the_water():
    rng = np.random.default_rng(1)
    reflectance, counts = rng.uniform(0, 0.1, (40, 3)), rng.integers(1, 9, 40)
    is_water = np.arange(40) % 2 == 0
    pixels = np.repeat(reflectance[is_water], counts[is_water], axis=0)
    darkest = pixels[np.argsort(pixels.mean(axis=1), kind="stable")]
    # All pixels of the colour at the quantile belong to the darkest.
    limit = darkest.mean(axis=1)[int(np.ceil(0.3 * len(pixels))) - 1]
    expected = darkest[darkest.mean(axis=1) <= limit].mean(axis=0)
    np.testing.assert_allclose(pure_water(reflectance, counts.astype(float), is_water, RGB), expected)


def test_without_water_it_is_open_water_as_published_in_the_order_of_the_roles():
    none = np.zeros(1, dtype=bool)
    assert pure_water(np.ones((1, 6)), np.ones(1), none, SIX).tolist() == list(OPEN_WATER.values())
    expected = [OPEN_WATER[role] for role in ("swir2", "nir", "red")]
    assert pure_water(np.ones((1, 3)), np.ones(1), none, SENSORS["modis-721"]).tolist() == expected


def test_much_white_ice_is_pure_and_little_is_the_tail_of_mixtures():
    many, brightest = pure_ice(np.array([[0.3] * 3, [0.75] * 3, [0.8] * 3]), np.array([50.0, 30.0, 20.0]))
    assert many == pytest.approx([0.77] * 3)
    assert brightest == pytest.approx(0.8 / 0.77)
    few, brightest = pure_ice(np.array([[0.3] * 3, [0.8] * 3]), np.array([95.0, 5.0]))
    # Half as many as make it pure: halfway from their mean to an end a tenth beyond the brightest.
    assert few == pytest.approx([0.5 * 0.8 + 0.5 * BEYOND_TAIL * 0.8] * 3)
    assert brightest == pytest.approx(1)


def test_a_speck_does_not_move_pure_ice():
    ice = np.array([[0.6] * 3, [2.0] * 3])
    assert pure_ice(ice, np.array([99_999.0, 1.0]))[0] == pytest.approx([0.6] * 3, abs=1e-4)


def test_the_line_runs_from_the_water_of_the_sample_to_its_ice():
    pure = found((DARK, 500), (WHITE, 500))
    assert pure.water == pytest.approx([level(DARK)] * 3, rel=1e-5)
    assert pure.ice == pytest.approx([level(WHITE)] * 3, rel=1e-5)
    assert pure.has_water
    assert pure.brightest == pytest.approx(max(1, (SNOW - level(DARK)) / (level(WHITE) - level(DARK))), rel=1e-5)


def test_snow_may_be_brighter_than_the_ice_of_the_sample():
    pure = found((DARK, 500), (150, 500))
    assert pure.brightest == pytest.approx((SNOW - level(DARK)) / (level(150) - level(DARK)), rel=1e-5)


@pytest.mark.parametrize("sensor", [RGB, SENSORS["modis-truecolor"], SENSORS["modis-721"]])
def test_on_the_line_the_darkest_ice_is_the_first_that_can_be_ice_and_the_last_that_can_be_water_is_known(sensor):
    rules = RULE_SETS[sensor.rule_set]
    # Ice is dark in the shortwave infrared.
    white = (60, 240, 240) if "swir2" in sensor.roles else (240, 240, 240)
    pure = found(((40, 60, 75), 500), (white, 500), sensor=sensor)
    water, ice = np.array(pure.water), np.array(pure.ice)

    def can_be(code, share):
        features = compute_features(sensor.stored(water + share * (ice - water))[None], sensor)
        return bool(rules.could_be(features)[0] >> code & 1)

    assert 0 < pure.darkest < pure.surest < 0.3
    # A step is a two hundredth of the line.
    assert can_be(ClassCode.ICE, pure.darkest)
    assert not can_be(ClassCode.ICE, pure.darkest - 0.005)
    assert can_be(ClassCode.WATER, pure.surest)
    assert not can_be(ClassCode.WATER, pure.surest + 0.005)


def test_a_sample_without_ice_has_no_line():
    assert found((DARK, 500), (BROWN, 500)) is None


def test_a_sample_without_water_has_open_water_and_says_so():
    pure = found((WHITE, 500), (BROWN, 500))
    assert not pure.has_water
    assert pure.water == tuple(OPEN_WATER[role] for role in RGB.roles)


def test_ice_that_is_darker_than_water_makes_no_line():
    rules = replace(RULES, decide=lambda conditions: np.where(conditions[0], ClassCode.WATER, ClassCode.ICE))
    assert pure_surfaces(sample((DARK, 500), (WHITE, 500)), RGB, rules) is None


def test_a_model_keeps_the_ends_of_its_sample_and_an_older_one_gets_those_of_its_clusters():
    clusters = tuple(
        Cluster(spectrum(byte), spectrum(byte), code, code, (code,), None, "", 0.5, 0)
        for byte, code in ((DARK, ClassCode.WATER), (WHITE, ClassCode.ICE))
    )
    newer = model(clusters)
    assert pure_surfaces_of(newer, RGB) is newer.pure
    older = pure_surfaces_of(replace(newer, pure=None), RGB)
    assert older == found((DARK, 0.5), (WHITE, 0.5))
    assert pure_surfaces_of(model([cluster(ClassCode.WATER, colour=spectrum(DARK))], pure=None), RGB) is None
    assert pure_surfaces_of(model([], pure=None), RGB) is None
