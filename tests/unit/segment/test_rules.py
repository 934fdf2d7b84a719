"""Classes of spectra by absolute thresholds, with a margin and a reason."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from icepipe.classes import ClassCode
from icepipe.inputs.products.sensors import with_roles
from icepipe.segment.clustering.splitting import Fit
from icepipe.segment.features import FeatureSpace, compute_features
from icepipe.segment.model import FitRecord
from icepipe.segment.naming import name_clusters, name_spectrum
from icepipe.segment.rules import RULE_SETS, RuleSet
from icepipe.sensors.table import MODIS_CORRECTED_REFLECTANCE, SENSORS, SRGB

RGB = SENSORS["rgb"]
COLOURS = {
    "snow": ((240, 242, 245), ClassCode.ICE),
    "young grey ice": ((128, 130, 134), ClassCode.ICE),
    "melt pond": ((95, 140, 165), ClassCode.ICE),
    "ocean": ((25, 45, 70), ClassCode.WATER),
    "black": ((0, 0, 0), ClassCode.WATER),
    "grass": ((75, 110, 55), ClassCode.OTHER),
    "sand": ((205, 180, 140), ClassCode.OTHER),
    "soil": ((120, 95, 70), ClassCode.OTHER),
}


@pytest.mark.parametrize("name", COLOURS)
def test_typical_colours(name):
    colour, expected = COLOURS[name]
    naming = name_spectrum(np.array(colour), RGB, RULE_SETS["rgb"])
    assert naming.code is expected
    assert naming.could_be == (expected,)
    assert naming.reason.startswith(expected.label)


def shift_threshold(rule_set: RuleSet, index: int, sign: int) -> RuleSet:
    threshold = rule_set.thresholds[index]
    step = 0.05 if threshold.unit == "index" else 0.1 * threshold.mid
    shifted = replace(threshold, mid=threshold.mid + sign * step)
    return replace(rule_set, thresholds=tuple(shifted if i == index else t for i, t in enumerate(rule_set.thresholds)))


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("index", range(4))
def test_names_of_typical_colours_survive_shifted_thresholds(index, sign):
    rules = shift_threshold(RULE_SETS["rgb"], index, sign)
    for colour, expected in COLOURS.values():
        assert name_spectrum(np.array(colour), RGB, rules).code is expected


def test_every_threshold_has_an_ordered_range_and_a_source():
    for rule_set in RULE_SETS.values():
        for threshold in rule_set.thresholds:
            assert threshold.low < threshold.mid < threshold.high
            assert len(threshold.source) > 20


def test_thin_ice_between_the_ends_of_the_range_could_be_either():
    naming = name_spectrum(np.array((95, 97, 99)), RGB, RULE_SETS["rgb"])
    assert naming.could_be == (ClassCode.WATER, ClassCode.ICE)
    assert "could be water or ice" in naming.reason


def test_the_margin_is_the_distance_to_the_deciding_threshold():
    grey = np.array((128.0, 128.0, 128.0))
    reflectance = ((128 / 255 + 0.055) / 1.055) ** 2.4
    naming = name_spectrum(grey, RGB, RULE_SETS["rgb"])
    assert naming.margin == pytest.approx(0.10) or naming.margin == pytest.approx(reflectance - 0.11)
    dark = name_spectrum(np.array((80.0, 80.0, 80.0)), RGB, RULE_SETS["rgb"])
    assert dark.margin == pytest.approx(0.11 - ((80 / 255 + 0.055) / 1.055) ** 2.4)
    assert "nearest other name: ice" in dark.reason


def test_the_stretches_decode_published_points():
    assert SRGB.reflectance(np.array([0.0, 255.0])) == pytest.approx([0, 1])
    assert SRGB.reflectance(np.array([118.0])) == pytest.approx([0.181], abs=2e-3)  # middle grey of photography
    knots = MODIS_CORRECTED_REFLECTANCE.reflectance(np.array([0.0, 110.0, 255.0]))
    assert knots == pytest.approx([-0.01, 30 / 255 * 1.11 - 0.01, 1.10])


def name_centroids(centroids) -> list[ClassCode]:
    centroids = np.array(centroids, dtype=float)
    n = len(centroids)
    record = FitRecord(0, 100, 1, 1, 100, 1e-4, True, 0.0)
    nothing = np.zeros(n)
    fit = Fit(centroids, centroids, np.arange(n), nothing, n, record, (0.0, 0.0, 0.0), 0.0, nothing, 0.0, 0.0)
    return [cluster.code for cluster in name_clusters(fit, n, FeatureSpace(RGB), RULE_SETS["rgb"]).clusters]


def test_a_centroid_decides_and_nothing_else():
    """The class is a function of the centroid: moving a centroid can change it, moving a pixel cannot."""
    assert name_centroids([(30, 45, 70), (225, 228, 230)]) == [ClassCode.WATER, ClassCode.ICE]
    assert name_centroids([(30, 45, 70), (30, 46, 70)]) == [ClassCode.WATER, ClassCode.WATER]


@pytest.mark.parametrize("key", RULE_SETS)
def test_possible_classes_cover_every_combination_of_thresholds(key):
    rng = np.random.default_rng(1)
    sensor = next(sensor for sensor in (*SENSORS.values(), *MEASURED.values()) if sensor.rule_set == key)
    values = rng.integers(0, 256 if sensor.stretch else 5000, (2000, len(sensor.roles))).astype(float)
    rule_set = RULE_SETS[key]
    features = compute_features(values, sensor)
    possible = rule_set.could_be(features)
    for _ in range(40):
        drawn = [replace(t, mid=rng.uniform(t.low, t.high)) for t in rule_set.thresholds]
        codes = replace(rule_set, thresholds=tuple(drawn)).codes(features)
        assert np.all(possible >> codes & 1)


def test_every_possible_class_is_one_of_some_combination_of_thresholds():
    """Against all 3**5 combinations of low, middle and high values."""
    rule_set, sensor = RULE_SETS["modis-721"], SENSORS["modis-721"]
    features = compute_features(np.random.default_rng(2).integers(0, 256, (3000, 3)).astype(float), sensor)
    reached = np.zeros(3000, np.uint8)
    for mids in itertools.product(*(t.levels for t in rule_set.thresholds)):
        drawn = tuple(replace(t, mid=mid) for t, mid in zip(rule_set.thresholds, mids, strict=True))
        reached |= np.uint8(1) << replace(rule_set, thresholds=drawn).codes(features)
    np.testing.assert_array_equal(rule_set.could_be(features), reached)


SIX = ("blue", "green", "red", "nir", "swir1", "swir2")
MEASURED = {
    "six": with_roles(SENSORS["bands"], SIX),
    "five": with_roles(SENSORS["bands"], SIX[:5]),
    "four": with_roles(SENSORS["bands"], SIX[:4]),
    "no-red": with_roles(SENSORS["bands"], ("green", "nir", "swir1")),
    "visible": with_roles(SENSORS["bands"], SIX[:3]),
}
WATER, ICE, OTHER = ClassCode.WATER, ClassCode.ICE, ClassCode.OTHER
SPECTRA = {
    # Reflectance of the six bands, and the class with six bands.
    "clear water": ((0.045, 0.035, 0.020, 0.008, 0.004, 0.003), WATER),
    "muddy water": ((0.080, 0.120, 0.150, 0.070, 0.020, 0.015), WATER),
    "muddier water": ((0.095, 0.155, 0.210, 0.145, 0.060, 0.045), WATER),
    "flood water with a few plants": ((0.040, 0.060, 0.045, 0.085, 0.035, 0.020), WATER),
    "flooded plants": ((0.035, 0.050, 0.035, 0.150, 0.060, 0.030), OTHER),
    "cloud shadow over grass": ((0.025, 0.033, 0.021, 0.060, 0.027, 0.014), OTHER),
    "shadow on a dense forest": ((0.018, 0.025, 0.014, 0.080, 0.022, 0.010), OTHER),
    "dense forest": ((0.020, 0.040, 0.020, 0.300, 0.120, 0.050), OTHER),
    "burn scar": ((0.040, 0.050, 0.060, 0.090, 0.160, 0.150), OTHER),
    "asphalt": ((0.070, 0.080, 0.090, 0.105, 0.125, 0.120), OTHER),
    "wet soil": ((0.040, 0.060, 0.080, 0.110, 0.140, 0.110), OTHER),
    "snow": ((0.850, 0.850, 0.840, 0.750, 0.090, 0.070), ICE),
    "shaded snow": ((0.250, 0.220, 0.190, 0.160, 0.030, 0.020), ICE),
    "blue ice": ((0.600, 0.580, 0.480, 0.250, 0.020, 0.015), ICE),
    "melt pond": ((0.400, 0.380, 0.220, 0.060, 0.010, 0.008), ICE),
    "dusty snow": ((0.370, 0.500, 0.550, 0.450, 0.080, 0.060), OTHER),
}
"""Spectra of the kind that the sources of the thresholds show; none is of a scene of the tests."""

FEWER_BANDS = {
    # What fewer bands cannot name: mud, dust and dark plants without red, shores and ponds without shortwave infrared.
    "no-red": {
        "muddier water": ICE,
        "cloud shadow over grass": WATER,
        "shadow on a dense forest": WATER,
        "dusty snow": ICE,
    },
    "four": {"flood water with a few plants": OTHER, "melt pond": WATER},
    "five": {},
}


def name_measured(bands, name):
    sensor = MEASURED[bands]
    spectrum = dict(zip(SIX, SPECTRA[name][0], strict=True))
    values = np.array([spectrum[role] for role in sensor.roles]) * 1e4
    return name_spectrum(values, sensor, RULE_SETS[sensor.rule_set])


@pytest.mark.parametrize("name", SPECTRA)
def test_measured_spectra_have_the_name_of_what_they_are_of(name):
    naming, expected = name_measured("six", name), SPECTRA[name][1]
    assert naming.code is expected, naming.reason


@pytest.mark.parametrize("bands", FEWER_BANDS)
@pytest.mark.parametrize("name", SPECTRA)
def test_fewer_bands_name_the_same_but_for_what_they_cannot_see(name, bands):
    naming = name_measured(bands, name)
    assert naming.code is FEWER_BANDS[bands].get(name, SPECTRA[name][1]), naming.reason


@pytest.mark.parametrize("name", ["muddy water", "muddier water"])
@pytest.mark.parametrize("bands", [bands for bands in MEASURED if bands != "visible"])
def test_muddy_water_could_be_water_whatever_the_bands(name, bands):
    assert WATER in name_measured(bands, name).could_be


FIELDS = {
    "ripe wheat": (0.10, 0.14, 0.17),
    "pale dry soil": (0.22, 0.25, 0.28),
    "concrete": (0.26, 0.28, 0.30),
    "grey gravel": (0.20, 0.21, 0.22),
}


@pytest.mark.parametrize("name", FIELDS)
def test_colourless_ground_in_visible_bands_is_no_ice_but_could_be(name):
    sensor = MEASURED["visible"]
    naming = name_spectrum(np.array(FIELDS[name]) * 1e4, sensor, RULE_SETS["visible"])
    assert naming.code is OTHER
    assert OTHER in naming.could_be


@pytest.mark.parametrize(
    ("brightness", "could_be"), [(0.06, (WATER,)), (0.20, (ICE, OTHER)), (0.40, (ICE, OTHER)), (0.50, (ICE,))]
)
def test_grey_of_visible_bands_between_water_and_firn_could_be_ice_or_ground(brightness, could_be):
    naming = name_spectrum(np.full(3, brightness) * 1e4, MEASURED["visible"], RULE_SETS["visible"])
    assert naming.could_be == could_be
