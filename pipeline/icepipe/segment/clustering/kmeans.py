"""Cluster weighted points by k-means: k-means++ starts, mini-batches, Lloyd iterations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from icepipe.arrays import Float64, Int64
from icepipe.errors import NoUsableInput
from icepipe.segment.clustering.assignment import Assignment, WeightedPoints, weighted_points
from icepipe.segment.clustering.sampling import PixelSample
from icepipe.segment.features import FeatureSpace
from icepipe.segment.model import FitRecord

STARTS = 10
START_PLACES = 12_288
START_ITERATIONS = 20
"""Number of starts, the points that they are drawn from, and the full iterations after which they are compared."""

TOLERANCE = 1e-4
"""Full iterations end when the squared shift of the centroids is at most this share of the variance."""

BATCH_SIZE = 4_096
"""Points of a mini-batch."""

SMOOTHING = 0.2
"""Weight of the newest mini-batch in the smoothed distance to the centroids."""

PATIENCE = 10
"""Mini-batches end after this many without a smaller smoothed distance."""

MAX_MINIBATCHES = 1_000

MAX_ITERATIONS = 100
"""Largest number of full iterations after the mini-batches."""

SIGNIFICANT_DIGITS = 6
"""Centroids are rounded to this many digits, so that they read and hash the same on every machine."""

Number = TypeVar("Number", bound=np.number[Any])


def kmeans_plus_plus(items: WeightedPoints, k: int, rng: np.random.Generator) -> Float64:
    """Return k starting centroids that are far from each other, by greedy k-means++.

    Arthur and Vassilvitskii (2007), k-means++: the advantages of careful seeding, SODA; greedy as in their section 5.
    """
    places, weights, tries = items.places.T, items.weights, 2 + int(np.log(k))
    first = int(np.searchsorted(np.cumsum(weights), rng.random() * weights.sum(), side="right"))
    chosen = [min(first, items.count - 1)]
    distances = np.sum((places - places[chosen[0]]) ** 2, axis=1)
    while len(chosen) < k:
        # Candidates are drawn in proportion to weight times squared distance; the one that leaves least inertia wins.
        ends = np.cumsum(weights * distances)
        candidates = np.searchsorted(ends, rng.random(tries) * ends[-1], side="right").clip(max=items.count - 1)
        remaining = [np.minimum(distances, np.sum((places - places[c]) ** 2, axis=1)) for c in candidates]
        best = int(np.argmin([np.sum(weights * squared) for squared in remaining]))
        chosen.append(int(candidates[best]))
        distances = remaining[best]
    return np.ascontiguousarray(places[chosen])


@dataclass(frozen=True)
class MiniBatch:
    """Centroids after a mini-batch.

    Attributes
    ----------
    centroids
        Shape (k, axes).
    counts
        Members of each centroid in the batch; shape (k,).
    distance
        Mean squared distance of the batch to the nearest centroid before the update.
    """

    centroids: Float64
    counts: Float64
    distance: float


def mini_batches(items: WeightedPoints, start: Float64, rng: np.random.Generator) -> Iterator[MiniBatch]:
    """Yield centroids after each mini-batch, without end: the means of all members that they ever had.

    Sculley (2010), Web-scale k-means clustering, WWW.
    """
    centroids, total_counts = start, np.zeros(len(start))
    while True:
        batch = items.draw(BATCH_SIZE, rng)
        assignment = Assignment.of(batch, centroids)
        total_counts = total_counts + assignment.counts
        # The learning rate of a centroid falls with its members: the update is then the running mean of all of them.
        rate = np.divide(assignment.counts, total_counts, out=np.zeros_like(total_counts), where=total_counts > 0)[
            :, None
        ]
        centroids = centroids + rate * (assignment.means(centroids) - centroids)
        yield MiniBatch(centroids, assignment.counts, assignment.inertia(batch) / BATCH_SIZE)


def initialise(items: WeightedPoints, k: int, seed: int) -> tuple[Float64, int]:
    """Return the centroids of mini-batches from the best of several starts, and the number of mini-batches.

    Mini-batches end when the smoothed distance has not fallen for a while.
    """
    rng = np.random.default_rng(seed)
    few = items.draw(START_PLACES, rng)
    starts = [lloyd(few, kmeans_plus_plus(few, k, rng), START_ITERATIONS) for _ in range(STARTS)]
    best = min(starts, key=lambda start: start.inertia).centroids
    # Single batches scatter too much to compare; their exponential mean shows whether they still improve.
    smoothed = least = np.inf
    waited = 0
    for number, batch in enumerate(mini_batches(items, best, rng), start=1):
        smoothed = batch.distance if number == 1 else smoothed + SMOOTHING * (batch.distance - smoothed)
        waited, least = (0, smoothed) if smoothed < least else (waited + 1, least)
        if waited == PATIENCE or number == MAX_MINIBATCHES:
            return batch.centroids, number
    raise AssertionError("mini_batches is endless")


@dataclass(frozen=True)
class Iteration:
    """Step of k-means.

    Attributes
    ----------
    centroids
        After the step; shape (k, axes).
    moved
        Sum of the Euclidean distances that the centroids moved.
    counts
        Weight of the members of each centroid before the step; of a mini-batch, its points. Shape (k,).
    """

    centroids: Float64
    moved: float
    counts: Float64 | Int64

    @classmethod
    def of(cls, before: Float64, centroids: Float64, counts: Float64) -> Iteration:
        """Return the step from the centroids ``before`` to ``centroids``."""
        return cls(centroids, total_shift(before, centroids), counts)


def total_shift(before: Float64, centroids: Float64) -> float:
    """Return the sum of the Euclidean distances that centroids moved."""
    return float(np.sqrt(((centroids - before) ** 2).sum(axis=1)).sum())


@dataclass(frozen=True)
class LloydResult:
    """Result of full iterations.

    Attributes
    ----------
    centroids
        Shape (k, axes).
    members
        Assignment of the points to them.
    history
        Every iteration, in order.
    converged
        Whether the convergence test ended the iterations, and not their number.
    inertia
        Weighted sum of squared distances to the nearest centroid.
    """

    centroids: Float64
    members: Assignment
    history: tuple[Iteration, ...]
    converged: bool
    inertia: float


ConvergenceTest = Callable[[Float64, Float64], bool]
"""Whether the centroids before and after an iteration, shapes (k, axes), are close enough to end."""


def converged_by_variance(items: WeightedPoints) -> ConvergenceTest:
    """Return the test of scikit-learn: the squared shift is at most a share of the mean variance of the axes."""
    limit = TOLERANCE * float(np.mean(np.var(items.places, axis=1)))
    return lambda before, centroids: bool(np.sum((centroids - before) ** 2) <= limit)


def lloyd(
    items: WeightedPoints,
    start: Float64,
    max_iterations: int,
    has_converged: ConvergenceTest | None = None,
    update: Callable[[Assignment, WeightedPoints, Float64], Float64] = Assignment.update_centroids,
) -> LloydResult:
    """Iterate over all points until the centroids converge.

    Lloyd (1982), Least squares quantization in PCM, IEEE Transactions on Information Theory 28.

    Parameters
    ----------
    items
        The points.
    start
        Centroids to start from; shape (k, axes).
    max_iterations
        Largest number of iterations.
    has_converged
        Convergence test; :func:`converged_by_variance` by default.
    update
        Function from the assignment, the points and the centroids to the next centroids; the means of the members by
        default.
    """
    has_converged = has_converged or converged_by_variance(items)
    centroids, converged = start, False
    history: list[Iteration] = []
    members = Assignment.of(items, centroids)
    while len(history) < max_iterations and not converged:
        updated = update(members, items, centroids)
        history.append(Iteration.of(centroids, updated, members.counts))
        converged = has_converged(centroids, updated)
        # Centroids that did not move keep their members: the last pass over all points is spared.
        members = members if np.array_equal(updated, centroids) else Assignment.of(items, updated)
        centroids = updated
    return LloydResult(centroids, members, tuple(history), converged, members.inertia(items))


def round_significant(values: Float64) -> Float64:
    """Round to six significant digits."""
    return np.array([float(f"{value:.{SIGNIFICANT_DIGITS}g}") for value in values.ravel()]).reshape(values.shape)


@dataclass(frozen=True)
class DistinctValues:
    """Distinct colours of a sample.

    Attributes
    ----------
    colours
        Stored values, shape (n, bands).
    places
        Coordinates in the feature space, shape (n, axes).
    weights
        Pixels of each colour, shape (n,).
    """

    colours: Float64
    places: Float64
    weights: Float64


def unique_rows(values: NDArray[Number]) -> tuple[NDArray[Number], Int64]:
    """Return the distinct rows in ascending order, and the index of each row among them."""
    # np.unique(axis=0) sorts rows as opaque records, which is several times slower.
    order = np.lexsort(values.T[::-1])
    ascending = values[order]
    is_new = np.append(True, np.any(ascending[1:] != ascending[:-1], axis=1))
    index = np.empty(len(values), dtype=np.int64)
    index[order] = np.cumsum(is_new) - 1
    return ascending[is_new], index


def distinct_values(sample: PixelSample, space: FeatureSpace) -> DistinctValues:
    """Return the distinct colours of a sample, in ascending order.

    Raises
    ------
    NoUsableInput
        If the sample is empty.
    """
    if len(sample.values) == 0:
        raise NoUsableInput("no valid pixel in any tile", "check nodata, alpha and masks of the files")
    colours, index = unique_rows(sample.values)
    weights = np.bincount(index, weights=sample.weights, minlength=len(colours))
    places = space.coordinates(colours).astype(np.float64)
    return DistinctValues(colours.astype(np.float64), places, weights.astype(np.float64))


def k_means(palette: DistinctValues, n_sample: int, k: int, seed: int) -> tuple[Float64, FitRecord]:
    """Fit k centroids to the colours of a sample: mini-batches first, then full iterations.

    Returns
    -------
    Float64
        Centroids before any split, rounded; shape (k, axes), fewer where the sample has fewer colours.
    FitRecord
        Settings and convergence.
    """
    items = weighted_points(palette.places, palette.weights)
    # Several colours can have the same coordinates; centroids cannot outnumber distinct points.
    start, batches = initialise(items, min(k, len(unique_rows(palette.places)[0])), seed)
    result = lloyd(items, start, MAX_ITERATIONS)
    record = FitRecord(
        seed=seed,
        n_sample=n_sample,
        n_minibatch=batches,
        n_lloyd=len(result.history),
        max_iterations=MAX_ITERATIONS,
        tolerance=TOLERANCE,
        converged=result.converged,
        inertia=float(f"{result.inertia:.6g}"),
    )
    return round_significant(result.centroids), record
