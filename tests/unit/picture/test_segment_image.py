"""k-means of a picture's pixels against scikit-learn and against the same steps written down plainly."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_sample_image

import icepipe
from icepipe.errors import ConfigError
from icepipe.picture.clustering.colours import COARSE, count_colours
from icepipe.picture.clustering.elbow import find_elbow
from icepipe.picture.clustering.palette import percentages
from tests.pictures import FLAT, article_by_hand, patches

CHINA = load_sample_image("china.jpg")
FLOWER = load_sample_image("flower.jpg")


def everywhere(pixels):
    return np.ones(pixels.shape[:2], dtype=bool)


def mean_distance(pixels, centroids):
    flat = pixels.reshape(-1, 3).astype(float)
    return np.min([np.linalg.norm(flat - centroid, axis=1) for centroid in centroids], axis=0).mean()


@pytest.mark.parametrize(
    "pixels", [CHINA[::2, ::2], FLOWER[::2, ::2], patches(FLAT, 9)], ids=["china", "flower", "flat"]
)
def test_the_error_is_that_of_full_iterations_on_all_pixels(pixels):
    found = icepipe.segment_image(pixels, 5)
    theirs = KMeans(5, n_init=10, random_state=0).fit(pixels.reshape(-1, 3).astype(float))
    assert found.inertia <= theirs.inertia_ * 1.001
    assert mean_distance(pixels, found.centroids) <= mean_distance(pixels, theirs.cluster_centers_) * 1.01


def test_many_colours_settle_as_well_from_cells():
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 256, (500, 700, 3)).astype(np.uint8)
    assert count_colours(pixels, everywhere(pixels)).colours.count > 2**18
    found = icepipe.segment_image(pixels, 6)
    theirs = KMeans(6, n_init=3, random_state=0).fit(pixels.reshape(-1, 3).astype(float))
    assert found.inertia <= theirs.inertia_ * 1.005
    assert found.converged


def test_labels_counts_and_inertia_are_those_of_the_centroids():
    pixels = CHINA[100:300, 50:400]
    found = icepipe.segment_image(pixels, 7, seed=4)
    squared = ((pixels[..., None, :].astype(float) - found.centroids) ** 2).sum(axis=-1)
    assert np.array_equal(found.labels, squared.argmin(axis=-1))
    assert found.counts.tolist() == np.bincount(found.labels.ravel()).tolist()
    assert found.inertia == pytest.approx(squared.min(axis=-1).sum())
    assert found.shares.sum() == pytest.approx(1)
    means = [pixels[found.labels == number].mean(axis=0) for number in range(7)]
    assert found.centroids == pytest.approx(np.array(means), abs=0.06)
    assert len(found.history) > 1
    assert found.history[-1].centroids.tolist() == found.centroids.tolist()
    assert dataclasses.is_dataclass(found)


@pytest.mark.parametrize(
    ("pixels", "k", "seed"),
    [(CHINA[::4, ::4], 5, 1), (FLOWER[::4, ::4], 4, 7), (patches(FLAT, 12), 6, 2)],
    ids=["china", "flower", "flat"],
)
def test_the_articles_algorithm_ends_where_plain_steps_end(pixels, k, seed):
    for iterations in (3, 10):
        ours = icepipe.segment_image(pixels, k, method="article", seed=seed, iterations=iterations)
        theirs = article_by_hand(pixels, k, seed, iterations)
        assert sorted(ours.centroids.tolist()) == sorted(theirs.tolist())
        start = np.random.default_rng(seed).integers(0, 256, size=(k, 3))
        assert sorted(ours.start.tolist()) == sorted(start.tolist())
        assert len(ours.history) <= iterations


def test_an_empty_cluster_of_the_article_keeps_its_colour():
    pixels = np.full((5, 5, 3), 10, dtype=np.uint8)
    found = icepipe.segment_image(pixels, 3, method="article")
    assert sorted(found.counts.tolist()) == [0, 0, 25]
    assert [10.0, 10.0, 10.0] in found.centroids.tolist()
    assert found.converged
    assert found.history[-1].moved == 0


def test_minibatches_come_near():
    found = icepipe.segment_image(CHINA, 5, method="minibatch")
    assert found.inertia <= icepipe.segment_image(CHINA, 5).inertia * 1.05
    assert len(found.history) == 100
    assert all(one.counts.sum() == 4096 for one in found.history)


def test_grey_and_sixteen_bits():
    rng = np.random.default_rng(0)
    grey = np.where(rng.random((60, 60)) < 0.25, 9_000, 41_000) + rng.integers(0, 50, (60, 60))
    found = icepipe.segment_image(grey.astype(np.uint16), 2)
    assert found.centroids[:, 0] == pytest.approx([grey[grey < 20_000].mean(), grey[grey > 20_000].mean()])
    colour = np.stack([grey, grey // 2, grey // 3], axis=-1).astype(np.uint16)
    assert np.array_equal(icepipe.segment_image(colour, 2).labels, found.labels)


def test_pixels_that_take_no_part_move_nothing():
    pixels = patches(FLAT[:3], 4)
    valid = everywhere(pixels)
    valid[:, -40:] = False
    other = pixels.copy()
    other[:, -40:] = 255
    ours, theirs = (icepipe.segment_image(one, 3, valid=valid) for one in (pixels, other))
    assert ours.centroids.tolist() == theirs.centroids.tolist()
    assert np.all(ours.labels[~valid] == 255)
    assert ours.counts.sum() == valid.sum()


def test_more_clusters_than_colours_are_not_made():
    pixels = patches(FLAT[:3], 0)
    found = icepipe.segment_image(pixels, 8)
    assert found.centroids.tolist() == FLAT[:3].astype(float).tolist()
    assert found.inertia == 0


@pytest.mark.parametrize("spread", [0, 2, 6, 10])
@pytest.mark.parametrize("count", [3, 5])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_elbow_of_flat_colours_with_noise_is_their_number(count, spread, seed):
    colours = FLAT if count == 5 else FLAT[[0, 2, 4]]
    pixels = patches(colours, spread, seed=seed)
    found = find_elbow(count_colours(pixels, everywhere(pixels)).colours, seed)
    assert found.k == count
    assert f"{count} colours leave" in found.reason
    assert list(found.mean_squared) == sorted(found.mean_squared, reverse=True)


def test_cells_keep_what_they_stand_for():
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (300, 400, 3)).astype(np.uint8)
    colours = count_colours(pixels, everywhere(pixels)).colours
    few = colours.gathered(COARSE, 5)
    assert few.count <= COARSE < colours.count
    assert few.total == colours.total == 120_000
    mean = pixels.reshape(-1, 3).mean(axis=0)
    assert (few.places * few.weights).sum(axis=1) / few.total == pytest.approx(mean)
    spread = ((pixels.reshape(-1, 3) - mean) ** 2).sum()
    between = (((few.places.T - mean) ** 2).sum(axis=1) * few.weights).sum()
    assert between + few.within == pytest.approx(spread)


@pytest.mark.parametrize("counts", [[1, 1, 1], [1, 2, 4, 6], [10_000_000, 1, 1], [3] * 7, [0, 5]])
def test_percentages_add_up_to_a_hundred(counts):
    found = percentages(np.array(counts))
    assert np.rint(found * 100).sum() == 10_000
    assert np.abs(found - 100 * np.array(counts) / sum(counts)).max() < 0.01


@pytest.mark.parametrize(
    ("array", "options"),
    [
        (np.zeros((4, 4), dtype=float), {}),
        (np.zeros((4, 4, 2), dtype=np.uint8), {}),
        (np.zeros((4, 4), dtype=np.uint8), {"k": 0}),
        (np.zeros((4, 4), dtype=np.uint8), {"k": 65}),
        (np.zeros((4, 4), dtype=np.uint8), {"method": "magic"}),
        (np.zeros((4, 4), dtype=np.uint8), {"iterations": 0}),
        (np.zeros((4, 4), dtype=np.uint16), {"method": "article"}),
        (np.zeros((4, 4), dtype=np.uint8), {"valid": np.zeros((4, 4), dtype=bool)}),
        (np.zeros((4, 4), dtype=np.uint8), {"valid": np.ones((3, 4), dtype=bool)}),
    ],
)
def test_what_cannot_be_is_refused(array, options):
    with pytest.raises(ConfigError):
        icepipe.segment_image(array, **options)
