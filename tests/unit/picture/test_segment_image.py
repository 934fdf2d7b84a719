"""k-means of a picture's pixels against scikit-learn and against a plain implementation of the same steps."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_sample_image

import icepipe
from icepipe.errors import ConfigError
from icepipe.picture.clustering.colours import COARSE_BINS, count_colours
from icepipe.picture.clustering.elbow import find_elbow
from icepipe.picture.clustering.palette import percentages
from tests.pictures import FLAT, article_by_hand, patches

CHINA = load_sample_image("china.jpg")
FLOWER = load_sample_image("flower.jpg")


def all_valid(pixels):
    return np.ones(pixels.shape[:2], dtype=bool)


def mean_distance(pixels, centroids):
    flat = pixels.reshape(-1, 3).astype(float)
    return np.min([np.linalg.norm(flat - centroid, axis=1) for centroid in centroids], axis=0).mean()


@pytest.mark.parametrize(
    "pixels", [CHINA[::2, ::2], FLOWER[::2, ::2], patches(FLAT, 9)], ids=["china", "flower", "flat"]
)
def test_the_error_is_that_of_full_iterations_on_all_pixels(pixels):
    result = icepipe.segment_image(pixels, 5)
    reference = KMeans(5, n_init=10, random_state=0).fit(pixels.reshape(-1, 3).astype(float))
    assert result.inertia <= reference.inertia_ * 1.001
    assert mean_distance(pixels, result.centroids) <= mean_distance(pixels, reference.cluster_centers_) * 1.01


def test_many_colours_converge_as_well_from_binned_colours():
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 256, (500, 700, 3)).astype(np.uint8)
    assert count_colours(pixels, all_valid(pixels)).colours.count > 2**18
    result = icepipe.segment_image(pixels, 6)
    reference = KMeans(6, n_init=3, random_state=0).fit(pixels.reshape(-1, 3).astype(float))
    assert result.inertia <= reference.inertia_ * 1.005
    assert result.converged


def test_labels_counts_and_inertia_are_those_of_the_centroids():
    pixels = CHINA[100:300, 50:400]
    result = icepipe.segment_image(pixels, 7, seed=4)
    squared = ((pixels[..., None, :].astype(float) - result.centroids) ** 2).sum(axis=-1)
    assert np.array_equal(result.labels, squared.argmin(axis=-1))
    assert result.counts.tolist() == np.bincount(result.labels.ravel()).tolist()
    assert result.inertia == pytest.approx(squared.min(axis=-1).sum())
    assert result.shares.sum() == pytest.approx(1)
    means = [pixels[result.labels == number].mean(axis=0) for number in range(7)]
    assert result.centroids == pytest.approx(np.array(means), abs=0.06)
    assert len(result.history) > 1
    assert result.history[-1].centroids.tolist() == result.centroids.tolist()
    assert dataclasses.is_dataclass(result)


@pytest.mark.parametrize(
    ("pixels", "k", "seed"),
    [(CHINA[::4, ::4], 5, 1), (FLOWER[::4, ::4], 4, 7), (patches(FLAT, 12), 6, 2)],
    ids=["china", "flower", "flat"],
)
def test_the_articles_method_ends_where_a_plain_implementation_ends(pixels, k, seed):
    for iterations in (3, 10):
        result = icepipe.segment_image(pixels, k, method="article", seed=seed, iterations=iterations)
        reference = article_by_hand(pixels, k, seed, iterations)
        assert sorted(result.centroids.tolist()) == sorted(reference.tolist())
        start = np.random.default_rng(seed).integers(0, 256, size=(k, 3))
        assert sorted(result.start.tolist()) == sorted(start.tolist())
        assert len(result.history) <= iterations


def test_an_empty_cluster_of_the_articles_method_keeps_its_colour():
    pixels = np.full((5, 5, 3), 10, dtype=np.uint8)
    result = icepipe.segment_image(pixels, 3, method="article")
    assert sorted(result.counts.tolist()) == [0, 0, 25]
    assert [10.0, 10.0, 10.0] in result.centroids.tolist()
    assert result.converged
    assert result.history[-1].moved == 0


def test_minibatches_come_within_five_percent_of_the_inertia():
    result = icepipe.segment_image(CHINA, 5, method="minibatch")
    assert result.inertia <= icepipe.segment_image(CHINA, 5).inertia * 1.05
    assert len(result.history) == 100
    assert all(iteration.counts.sum() == 4096 for iteration in result.history)


def test_grey_and_sixteen_bits():
    rng = np.random.default_rng(0)
    grey = np.where(rng.random((60, 60)) < 0.25, 9_000, 41_000) + rng.integers(0, 50, (60, 60))
    result = icepipe.segment_image(grey.astype(np.uint16), 2)
    assert result.centroids[:, 0] == pytest.approx([grey[grey < 20_000].mean(), grey[grey > 20_000].mean()])
    colour = np.stack([grey, grey // 2, grey // 3], axis=-1).astype(np.uint16)
    assert np.array_equal(icepipe.segment_image(colour, 2).labels, result.labels)


def test_pixels_that_are_not_valid_do_not_move_centroids():
    pixels = patches(FLAT[:3], 4)
    valid = all_valid(pixels)
    valid[:, -40:] = False
    changed = pixels.copy()
    changed[:, -40:] = 255
    result, reference = (icepipe.segment_image(array, 3, valid=valid) for array in (pixels, changed))
    assert result.centroids.tolist() == reference.centroids.tolist()
    assert np.all(result.labels[~valid] == 255)
    assert result.counts.sum() == valid.sum()


def test_there_are_no_more_clusters_than_colours():
    pixels = patches(FLAT[:3], 0)
    result = icepipe.segment_image(pixels, 8)
    assert result.centroids.tolist() == FLAT[:3].astype(float).tolist()
    assert result.inertia == 0


@pytest.mark.parametrize("spread", [0, 2, 6, 10])
@pytest.mark.parametrize("count", [3, 5])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_elbow_of_flat_colours_with_noise_is_their_number(count, spread, seed):
    colours = FLAT if count == 5 else FLAT[[0, 2, 4]]
    pixels = patches(colours, spread, seed=seed)
    elbow = find_elbow(count_colours(pixels, all_valid(pixels)).colours, seed)
    assert elbow.k == count
    assert f"{count} colours leave" in elbow.reason
    assert list(elbow.mean_squared) == sorted(elbow.mean_squared, reverse=True)


def test_binned_colours_preserve_count_mean_and_inertia():
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (300, 400, 3)).astype(np.uint8)
    colours = count_colours(pixels, all_valid(pixels)).colours
    few = colours.binned(COARSE_BINS, 5)
    assert few.count <= COARSE_BINS < colours.count
    assert few.total == colours.total == 120_000
    mean = pixels.reshape(-1, 3).mean(axis=0)
    assert (few.places * few.weights).sum(axis=1) / few.total == pytest.approx(mean)
    spread = ((pixels.reshape(-1, 3) - mean) ** 2).sum()
    between = (((few.places.T - mean) ** 2).sum(axis=1) * few.weights).sum()
    assert between + few.within_inertia == pytest.approx(spread)


@pytest.mark.parametrize("counts", [[1, 1, 1], [1, 2, 4, 6], [10_000_000, 1, 1], [3] * 7, [0, 5]])
def test_percentages_add_up_to_a_hundred(counts):
    result = percentages(np.array(counts))
    assert np.rint(result * 100).sum() == 10_000
    assert np.abs(result - 100 * np.array(counts) / sum(counts)).max() < 0.01


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
def test_invalid_arrays_and_options_are_refused(array, options):
    with pytest.raises(ConfigError):
        icepipe.segment_image(array, **options)
