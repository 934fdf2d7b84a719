"""The fit: seeded, in physical order, split until classes are stable."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import KMeans

from icepipe.classes import ClassCode
from icepipe.errors import NoUsableInput
from icepipe.geo.geobox import Block
from icepipe.inputs.reading.pixels import Pixels
from icepipe.segment.classification.classifier import ClusterClassifier
from icepipe.segment.classification.strata import mask_stratum
from icepipe.segment.clustering.assignment import MAX_CENTROIDS, nearest
from icepipe.segment.clustering.sampling import PixelSample, hash_sample
from icepipe.segment.clustering.splitting import MAX_CERTAIN_STRAYS, MAX_CLUSTERS, MAX_STRADDLE, fit
from icepipe.segment.features import FeatureSpace, compute_features
from icepipe.segment.naming import name_clusters
from icepipe.segment.rules import RULE_SETS
from icepipe.sensors.table import SENSORS
from tests.rasters import ICE, WATER

RGB = SENSORS["rgb"]
RULES = RULE_SETS["rgb"]
SPACE = FeatureSpace(RGB)


def fitted(values, k, seed):
    return fit(PixelSample.of(values), k, seed, SPACE, RULES)


def cloud(*parts, seed=0):
    """Pixels around colours: (colour, spread, count), clipped to bytes."""
    rng = np.random.default_rng(seed)
    drawn = [rng.normal(colour, spread, (count, 3)) for colour, spread, count in parts]
    return np.clip(np.rint(np.concatenate(drawn)), 0, 255).astype(np.uint8)


MIXED = cloud(
    ((40, 55, 75), 4, 6000), ((100, 102, 104), 9, 3000), ((225, 228, 230), 6, 6000), ((140, 115, 85), 5, 2000)
)


def test_the_same_seed_gives_the_same_centroids_in_physical_order():
    first, second = (fitted(MIXED, 6, 3) for _ in range(2))
    assert np.array_equal(first.centroids, second.centroids)
    brightness = compute_features(first.centroids, RGB)["brightness"]
    assert np.all(np.diff(brightness) >= 0)
    assert first.shares.sum() == pytest.approx(1)


@pytest.mark.parametrize("k", [2, 4, 6, 9])
def test_no_cluster_straddles_a_threshold(k):
    result = fitted(MIXED, k, 0)
    assert result.remaining[0] <= MAX_STRADDLE
    member = nearest(MIXED, result.centroids)
    features, centres = compute_features(MIXED.astype(float), RGB), compute_features(result.centroids, RGB)
    differ = RULES.could_be(features) != RULES.could_be(centres)[member]
    differ |= RULES.codes(features) != RULES.codes(centres)[member]
    strays = np.bincount(member, weights=differ) / len(MIXED)
    assert strays.max() <= MAX_STRADDLE


def test_ice_fraction_hardly_moves_with_k_and_seed():
    """A tenth of the pixels are thin ice of every grey between water and snow."""
    grey = np.linspace(60, 215, 2000)[:, None] + np.random.default_rng(5).normal(0, 3, (2000, 3))
    sample = np.concatenate([MIXED[:6000], np.rint(grey).astype(np.uint8), MIXED[9000:]])
    fractions = []
    for k in (2, 3, 4, 6, 8, 12):
        for seed in (0, 1, 2):
            result = fitted(sample, k, seed)
            codes = name_clusters(result, k, SPACE, RULES).codes
            fractions.append(result.shares[codes == ClassCode.ICE].sum())
    assert max(fractions) - min(fractions) < 0.01


def test_assignment_equals_scikit_learn():
    result = fitted(MIXED, 6, 0)
    model = KMeans(len(result.centroids), init=result.centroids, n_init=1, max_iter=1).fit(result.centroids)
    model.cluster_centers_ = result.centroids
    assert np.array_equal(nearest(MIXED, result.centroids), model.predict(MIXED.astype(np.float64)))


def test_one_colour_gives_one_cluster():
    result = fitted(np.full((500, 3), 200, dtype=np.uint8), 6, 0)
    assert result.k_fitted == 1
    assert result.centroids.tolist() == [[200, 200, 200]]


def test_an_empty_sample_is_refused():
    with pytest.raises(NoUsableInput, match="no valid pixel"):
        fitted(np.zeros((0, 3), dtype=np.uint8), 6, 0)


def drawn_mask(seed, day, block, rate):
    """Mask of the pixels of a block that are drawn."""
    mask = np.zeros((block.height, block.width), dtype=bool)
    rows, cols, _ = hash_sample(seed, day, block, ~mask, rate)
    mask[rows, cols] = True
    return mask


def test_the_sample_depends_on_the_place_and_not_on_the_block():
    block = Block(0, 0, 200, 300)
    whole = drawn_mask(7, 739000, block, 0.2)
    assert np.array_equal(drawn_mask(7, 739000, Block(50, 30, 40, 40), 0.2), whole[50:90, 30:70])
    assert whole.mean() == pytest.approx(0.2, abs=0.01)
    assert not np.array_equal(drawn_mask(8, 739000, block, 0.2), whole)
    assert not np.array_equal(drawn_mask(7, 739001, block, 0.2), whole)
    assert drawn_mask(7, 739000, block, 5.0).all()


def test_the_sample_has_no_stripes():
    """Rows, columns and diagonals are drawn alike (chi-square of 64 bins stays near its mean)."""
    row, col = np.nonzero(drawn_mask(0, 739000, Block(0, 0, 512, 512), 0.25))
    for line in (row, col, row + col, row - col):
        counts = np.bincount(line % 64, minlength=64)
        chi2 = ((counts - counts.mean()) ** 2 / counts.mean()).sum()
        assert chi2 < 110


def test_the_colour_table_equals_the_direct_lookup():
    model = name_clusters(fitted(MIXED, 6, 0), 6, SPACE, RULES)
    classifier = ClusterClassifier([model], RGB)
    bands = np.random.default_rng(2).integers(0, 256, (3, 40, 50), dtype=np.uint8)
    valid = np.random.default_rng(3).random((40, 50)) < 0.8
    expected = nearest(bands.reshape(3, -1).T, model.centroids).reshape(40, 50)
    for _ in range(2):
        strata = classifier.classify(Pixels(bands, valid, np.zeros((40, 50), np.uint8)))
        assert np.array_equal(strata[valid] % len(model.clusters), expected[valid])
        assert np.all(strata[~valid] == mask_stratum(ClassCode.UNOBSERVED))
    codes = classifier.table.codes
    assert codes[mask_stratum(ClassCode.UNOBSERVED)] == ClassCode.UNOBSERVED
    assert codes[mask_stratum(ClassCode.OUTSIDE)] == ClassCode.OUTSIDE


def test_pixels_of_certainly_another_class_have_strata_of_their_own():
    """A model of water alone classifies snow as water; the bounds include that it may be ice."""
    model = name_clusters(fitted(MIXED[:6000], 2, 0), 2, SPACE, RULES)
    assert {cluster.code for cluster in model.clusters} == {ClassCode.WATER}
    classifier = ClusterClassifier([model], RGB)
    bands = np.array([[[40, 240]], [[55, 240]], [[75, 240]]], dtype=np.uint8)
    (fits, stray), *_ = classifier.classify(Pixels(bands, np.ones((1, 2), bool), np.zeros((1, 2), np.uint8)))
    table = classifier.table
    assert table.codes[stray] == ClassCode.WATER
    assert stray in table.strays
    assert stray in table.possible(ClassCode.ICE)
    assert stray in table.misnamed
    assert stray not in table.certain(ClassCode.WATER)
    assert fits in table.certain(ClassCode.WATER)
    assert fits not in table.possible(ClassCode.ICE)


def test_a_cluster_without_members_restarts():
    """Two distant colours among many of one: k-means leaves no centroid without members."""
    values = np.array([[10, 10, 10]] * 5000 + [[250, 250, 250], [250, 10, 10]], dtype=np.uint8)
    result = fitted(values, 3, 0)
    assert sorted(map(tuple, result.centroids)) == [(10, 10, 10), (250, 10, 10), (250, 250, 250)]
    assert result.shares.min() > 0
    assert result.record.converged


def test_splitting_goes_on_until_hardly_any_colour_is_certainly_of_another_class():
    """Noise spreads two classes over the colours of the third; 72 clusters leave over 1 % of them misnamed."""
    noise = np.random.default_rng(0).normal(0, 25, (57_600, 3))
    values = np.clip(np.repeat([WATER, ICE], 28_800, axis=0) + noise, 0, 255).astype(np.uint8)
    result = fitted(values, 6, 0)
    assert MAX_CLUSTERS < len(result.centroids) <= MAX_CENTROIDS
    assert result.remaining[2] <= MAX_CERTAIN_STRAYS
    assert result.own_strays < 0.01
    assert result.own_strays < result.own_misnamed
