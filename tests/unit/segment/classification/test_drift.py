"""Outliers of a model, and the flags that follow from shares of all pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from icepipe.classes import ClassCode
from icepipe.segment.classification.classifier import ClusterClassifier, DirectLookup
from icepipe.segment.classification.drift import has_drifted, is_noisy, is_unfit, outlier_limits
from icepipe.segment.classification.strata import ClusterStrata
from icepipe.segment.clustering.sampling import PixelSample
from icepipe.segment.clustering.splitting import fit
from icepipe.segment.features import FeatureSpace
from icepipe.segment.model import Model
from icepipe.segment.naming import name_clusters
from icepipe.segment.rules import RULE_SETS
from icepipe.sensors.table import SENSORS
from tests.rasters import ICE, WATER

RGB = SENSORS["rgb"]
RULES = RULE_SETS["rgb"]
SPACE = FeatureSpace(RGB)


def model_of(values) -> Model:
    return name_clusters(fit(PixelSample.of(values), 2, 0, SPACE, RULES), 2, SPACE, RULES)


def scattered(colours, scatter, n=4000, seed=0):
    """``n`` pixels around each colour; ``scatter`` draws the deviations."""
    rng = np.random.default_rng(seed)
    return np.vstack([np.clip(np.rint(colour + scatter(rng, (n, 3))), 0, 255) for colour in colours]).astype(np.uint8)


NORMAL = scattered([WATER, ICE], lambda rng, shape: rng.normal(0, 2, shape))
WINTER = model_of(NORMAL)


def outliers(model, values):
    table = ClusterStrata([model])
    return np.isin(
        DirectLookup(model, RGB, 0, table.n).strata_for_spectra(np.asarray(values, np.uint8)), table.outlying
    )


@pytest.mark.parametrize(
    "scatter",
    [
        lambda rng, shape: rng.normal(0, 2, shape),
        lambda rng, shape: rng.uniform(-6, 6, shape),
        lambda rng, shape: rng.exponential(2, (shape[0], 1)).repeat(3, axis=1),
        lambda rng, shape: np.where(rng.random((shape[0], 1)) < 0.5, -6, 6).repeat(3, axis=1),
    ],
    ids=["normal", "uniform", "exponential, one axis", "two modes"],
)
def test_the_sample_of_a_model_has_hardly_any_outliers_whatever_its_distribution(scatter):
    values = scattered([WATER, ICE], scatter)
    again = scattered([WATER, ICE], scatter, seed=1)
    assert outliers(model_of(values), again).mean() < 0.001


def test_a_pixel_is_an_outlier_beyond_twice_the_reach_of_its_cluster():
    cluster = WINTER.clusters[0]
    assert cluster.code is ClassCode.WATER
    assert cluster.reach is not None
    red, green, blue = cluster.centroid
    values = np.rint([(red, green, blue + 2 * cluster.reach + step) for step in (-1, 1)])
    assert outliers(WINTER, values).tolist() == [False, True]


def test_a_reach_holds_99_percent_of_the_sample_of_its_cluster():
    for cluster in WINTER.clusters:
        distances = np.sqrt(np.sum((NORMAL - np.array(cluster.centroid)) ** 2, axis=1))
        own = distances[distances < 100]
        assert np.mean(own <= cluster.reach * (1 + 1e-5)) == pytest.approx(0.99, abs=0.001)


def test_a_cluster_of_few_colours_reaches_as_far_as_the_sample_scatters():
    clusters = tuple(replace(cluster, reach=0.0) for cluster in WINTER.clusters)
    np.testing.assert_allclose(outlier_limits(replace(WINTER, clusters=clusters), RGB), 4 * WINTER.spread)
    flat = replace(WINTER, clusters=clusters, spread=0.0)
    np.testing.assert_allclose(outlier_limits(flat, RGB), 4.0)  # one byte of rounding


def test_a_model_of_an_earlier_version_reaches_three_times_its_spread():
    clusters = tuple(replace(cluster, reach=None) for cluster in WINTER.clusters)
    np.testing.assert_allclose(outlier_limits(replace(WINTER, clusters=clusters), RGB), 36 * WINTER.spread)


def test_outliers_are_in_no_class_for_certain_and_stay_in_the_class_of_their_cluster():
    """Colours far below the water of the sample: by the rules water, and unlike anything that the model has seen."""
    classifier = ClusterClassifier([WINTER], RGB)
    table = classifier.table
    near, far = (
        DirectLookup(WINTER, RGB, 0, table.n).strata_for_spectra(np.array([WATER, (5, 8, 12)], np.uint8)).tolist()
    )
    assert [table.codes[stratum] for stratum in (near, far)] == [ClassCode.WATER] * 2
    assert near in table.certain(ClassCode.WATER)
    assert far not in table.certain(ClassCode.WATER)
    assert far in table.possible(ClassCode.WATER)
    assert far in table.outlying
    assert far not in table.misnamed


def test_a_far_pixel_is_possible_in_every_class_that_its_own_colour_could_be():
    table = ClusterStrata([WINTER])
    (nilas,) = DirectLookup(WINTER, RGB, 0, table.n).strata_for_spectra(np.full((1, 3), 97, np.uint8)).tolist()
    assert nilas in table.outlying
    assert nilas in table.possible(ClassCode.ICE)
    assert nilas in table.possible(ClassCode.WATER)
    assert not any(nilas in table.certain(code) for code in (ClassCode.ICE, ClassCode.WATER, ClassCode.OTHER))


def test_an_observation_has_drifted_with_more_outliers_or_misnamed_pixels_than_the_sample_explains():
    own = replace(WINTER, own_misnamed=0.04, own_strays=0.02)
    assert [has_drifted(share, 0.0, [WINTER]) for share in (0.005, 0.006)] == [False, True]
    assert [has_drifted(0.0, share, [WINTER]) for share in (0.01, 0.011)] == [False, True]
    assert [has_drifted(0.0, share, [own]) for share in (0.05, 0.051)] == [False, True]
    assert [is_noisy(share, [own]) for share in (0.01, 0.011, 0.05, 0.051)] == [False, True, True, False]
    assert [is_unfit(share, [WINTER]) for share in (0.01, 0.011)] == [False, True]
    assert [is_unfit(share, [own]) for share in (0.03, 0.031)] == [False, True]


def test_class_rasters_cannot_drift():
    assert not has_drifted(0.0, 0.0, ())
    assert not is_noisy(0.0, ())
    assert not is_unfit(0.0, ())
