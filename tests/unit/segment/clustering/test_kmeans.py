"""k-means against scikit-learn, and against its steps written out in NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.datasets import load_sample_image

from icepipe.segment.clustering.assignment import Assignment, WeightedPoints
from icepipe.segment.clustering.kmeans import BATCH_SIZE, initialise, kmeans_plus_plus, lloyd, mini_batches


def blobs(seed, axes=3, n=4000):
    """Weighted points in blobs of different size and width."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform(0, 9000, (5, axes))
    places = centres[rng.integers(0, 5, n)] + rng.normal(0, 1, (n, axes)) * rng.uniform(50, 900, (n, 1))
    return WeightedPoints(np.ascontiguousarray(np.rint(places).T), rng.integers(1, 20, n).astype(float))


CHINA = WeightedPoints(
    np.ascontiguousarray(load_sample_image("china.jpg")[::3, ::3].reshape(-1, 3).T, dtype=float), np.ones(143 * 214)
)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(1, 9))
def test_members_are_nearest_and_add_up(seed, axes, k):
    items = blobs(seed, axes, 3000)
    centroids = np.random.default_rng(seed).uniform(0, 9000, (k, axes))
    assignment = Assignment.of(items, centroids)
    squared = ((items.places.T[:, None] - centroids) ** 2).sum(axis=2)
    assert np.array_equal(assignment.member, squared.argmin(axis=1))
    assert assignment.distances == pytest.approx(squared.min(axis=1))
    assert assignment.counts.tolist() == np.bincount(assignment.member, weights=items.weights, minlength=k).tolist()
    for axis, sums in zip(items.places, assignment.sums.T, strict=True):
        assert sums == pytest.approx(np.bincount(assignment.member, weights=items.weights * axis, minlength=k))
    assert assignment.inertia(items) == pytest.approx((items.weights * squared.min(axis=1)).sum())


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("axes", [2, 4])
def test_full_iterations_converge_to_those_of_scikit_learn(seed, axes):
    items = blobs(seed, axes)
    start = kmeans_plus_plus(items, 5, np.random.default_rng(seed))
    ours = lloyd(items, start, 100)
    theirs = KMeans(5, init=start, n_init=1, max_iter=100, tol=1e-4).fit(items.places.T, sample_weight=items.weights)
    assert ours.converged
    assert ours.centroids == pytest.approx(theirs.cluster_centers_, rel=1e-9)
    assert len(ours.history) == theirs.n_iter_
    assert ours.inertia == pytest.approx(theirs.inertia_)


@pytest.mark.parametrize("items", [CHINA, blobs(1, 4), blobs(2, 6)], ids=["china", "four", "six"])
@pytest.mark.parametrize("k", [2, 6, 12])
def test_the_fit_is_as_good_as_the_best_of_ten_of_scikit_learn(items, k):
    theirs = KMeans(k, n_init=10, random_state=0).fit(items.places.T, sample_weight=items.weights)
    for seed in range(4):
        start, batches = initialise(items, k, seed)
        assert batches > 10
        assert lloyd(items, start, 100).inertia <= 1.01 * theirs.inertia_


def test_a_weight_counts_as_so_many_items():
    items = blobs(3, n=500)
    each = np.repeat(items.places, items.weights.astype(int), axis=1)
    start = kmeans_plus_plus(items, 4, np.random.default_rng(0))
    weighted, repeated = lloyd(items, start, 50), lloyd(WeightedPoints(each, np.ones(each.shape[1])), start, 50)
    assert weighted.centroids == pytest.approx(repeated.centroids)
    assert weighted.inertia == pytest.approx(repeated.inertia)


def test_mini_batches_move_centroids_to_the_mean_of_all_their_members():
    """Draws the same batches again and averages the members of each centroid."""
    items, rng, again = blobs(4), np.random.default_rng(9), np.random.default_rng(9)
    centroids = kmeans_plus_plus(items, 4, np.random.default_rng(0))
    members = [np.zeros((0, 3)) for _ in centroids]
    for batch in itertools.islice(mini_batches(items, centroids, rng), 8):
        drawn = items.draw(BATCH_SIZE, again).places.T
        nearest = ((drawn[:, None] - centroids) ** 2).sum(axis=2).argmin(axis=1)
        members = [np.concatenate([had, drawn[nearest == i]]) for i, had in enumerate(members)]
        centroids = np.array([had.mean(axis=0) for had in members])
        assert batch.centroids == pytest.approx(centroids)
        assert batch.counts.tolist() == np.bincount(nearest, minlength=4).tolist()
        assert batch.counts.sum() == BATCH_SIZE


def test_draws_are_in_proportion_to_the_weights():
    items = WeightedPoints(np.arange(4.0)[None], np.array([1.0, 0.0, 2.0, 5.0]))
    drawn = items.draw(80_000, np.random.default_rng(0)).places[0]
    assert np.bincount(drawn.astype(int), minlength=4) / 80_000 == pytest.approx(items.weights / 8, abs=0.01)


def test_a_centroid_without_members_starts_again_at_the_farthest_place():
    items = WeightedPoints(np.array([[0.0, 1.0, 2.0, 90.0]]), np.ones(4))
    centroids = np.array([[1.0], [-500.0], [-900.0]])
    assert Assignment.of(items, centroids).update_centroids(items, centroids).ravel().tolist() == [23.25, 90.0, 0.0]


def test_starts_are_in_different_blobs():
    centres = np.array([[0.0, 0], [1000, 0], [0, 1000], [1000, 1000]])
    rng = np.random.default_rng(0)
    places = np.repeat(centres, 100, axis=0) + rng.normal(0, 5, (400, 2))
    items = WeightedPoints(np.ascontiguousarray(places.T), np.ones(400))
    for seed in range(20):
        start = kmeans_plus_plus(items, 4, np.random.default_rng(seed))
        assert sorted(map(tuple, np.rint(start / 1000) + 0)) == sorted(map(tuple, centres / 1000))
