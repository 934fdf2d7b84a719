"""Classes of spectra by absolute thresholds, with a margin and a reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from icepipe.classes import ClassCode
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
    fit = Fit(centroids, centroids, np.arange(n), np.full(n, 1 / n), n, record, (0.0, 0.0, 0.0), 0.0)
    return [cluster.code for cluster in name_clusters(fit, n, FeatureSpace(RGB), RULE_SETS["rgb"]).clusters]


def test_a_centroid_decides_and_nothing_else():
    """The class is a function of the centroid: moving a centroid can change it, moving a pixel cannot."""
    assert name_centroids([(30, 45, 70), (225, 228, 230)]) == [ClassCode.WATER, ClassCode.ICE]
    assert name_centroids([(30, 45, 70), (30, 46, 70)]) == [ClassCode.WATER, ClassCode.WATER]


def test_possible_classes_cover_every_combination_of_thresholds():
    rng = np.random.default_rng(1)
    values = rng.integers(0, 256, (2000, 3)).astype(float)
    rule_set = RULE_SETS["rgb"]
    features = compute_features(values, RGB)
    possible = rule_set.could_be(features)
    for _ in range(40):
        drawn = [replace(t, mid=rng.uniform(t.low, t.high)) for t in rule_set.thresholds]
        codes = replace(rule_set, thresholds=tuple(drawn)).codes(features)
        assert np.all(possible >> codes & 1)
