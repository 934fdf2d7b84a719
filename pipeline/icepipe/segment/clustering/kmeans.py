"""K-means on weighted places: starts far from each other, mini-batches, full iterations.

The only implementation: runs, splits of clusters, and pictures use it.
"""

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
"""Starts are drawn from so many places, and compared on them after so many full iterations."""

TOLERANCE = 1e-4
"""Full iterations stop when centroids move by less than this part of the variance."""

BATCH = 4_096

SMOOTHING = 0.2
"""Weight of the newest mini-batch in the smoothed distance to centroids."""

PATIENCE = 10
"""Mini-batches end when the smoothed distance has not become less for so many of them."""

MAX_BATCHES = 1_000


def kmeans_plus_plus(items: WeightedPoints, k: int, rng: np.random.Generator) -> Float64:
    """Starts far from each other: the best of several draws for each, by weight times squared distance.

    Arthur and Vassilvitskii (2007), k-means++: the advantages of careful seeding, SODA; greedy as in their section 5.
    """
    places, weights, tries = items.places.T, items.weights, 2 + int(np.log(k))
    first = int(np.searchsorted(np.cumsum(weights), rng.random() * weights.sum(), side="right"))
    chosen = [min(first, items.count - 1)]
    distances = np.sum((places - places[chosen[0]]) ** 2, axis=1)
    while len(chosen) < k:
        reach = np.cumsum(weights * distances)
        drawn = np.searchsorted(reach, rng.random(tries) * reach[-1], side="right").clip(max=items.count - 1)
        left = [np.minimum(distances, np.sum((places - places[number]) ** 2, axis=1)) for number in drawn]
        best = int(np.argmin([np.sum(weights * one) for one in left]))
        chosen.append(int(drawn[best]))
        distances = left[best]
    return np.ascontiguousarray(places[chosen])


@dataclass(frozen=True)
class MiniBatch:
    """Where one mini-batch leaves the centroids.

    Attributes
    ----------
    centroids
        Shape (k, axes).
    counts
        Members that each had in it; shape (k,).
    distance
        Mean squared distance to the nearest centroid before it.
    """

    centroids: Float64
    counts: Float64
    distance: float


def mini_batches(items: WeightedPoints, start: Float64, rng: np.random.Generator) -> Iterator[MiniBatch]:
    """Move centroids by one mini-batch after the other, each to the mean of all members that it ever had.

    Sculley (2010), Web-scale k-means clustering, WWW.
    """
    centroids, seen = start, np.zeros(len(start))
    while True:
        drawn = items.drawn(BATCH, rng)
        found = Assignment.of(drawn, centroids)
        seen = seen + found.counts
        share = np.divide(found.counts, seen, out=np.zeros_like(seen), where=seen > 0)[:, None]
        centroids = centroids + share * (found.means(centroids) - centroids)
        yield MiniBatch(centroids, found.counts, found.inertia(drawn) / BATCH)


def initialise(items: WeightedPoints, k: int, seed: int) -> tuple[Float64, int]:
    """Centroids that mini-batches found from the best of some starts, and how many batches it took.

    They end when the smoothed distance has not become less for a while.
    """
    rng = np.random.default_rng(seed)
    few = items.drawn(START_PLACES, rng)
    starts = [lloyd(few, kmeans_plus_plus(few, k, rng), START_ITERATIONS) for _ in range(STARTS)]
    best = min(starts, key=lambda start: start.inertia).centroids
    smoothed = least = np.inf
    waited = 0
    for number, batch in enumerate(mini_batches(items, best, rng), start=1):
        smoothed = batch.distance if number == 1 else smoothed + SMOOTHING * (batch.distance - smoothed)
        waited, least = (0, smoothed) if smoothed < least else (waited + 1, least)
        if waited == PATIENCE or number == MAX_BATCHES:
            return batch.centroids, number
    raise AssertionError("mini-batches do not end of themselves")


@dataclass(frozen=True)
class Iteration:
    """One step of k-means.

    Attributes
    ----------
    centroids
        After the step; shape (k, axes).
    moved
        Euclidean distances that the centroids moved by, summed.
    counts
        Weight of the places that were nearest to each before the step; of a mini-batch, its places. Shape (k,).
    """

    centroids: Float64
    moved: float
    counts: Float64 | Int64

    @classmethod
    def of(cls, before: Float64, centroids: Float64, counts: Float64) -> Iteration:
        """A step from some centroids to others."""
        return cls(centroids, distance_moved(before, centroids), counts)


def distance_moved(before: Float64, centroids: Float64) -> float:
    """Euclidean distances that centroids moved by, summed."""
    return float(np.sqrt(((centroids - before) ** 2).sum(axis=1)).sum())


@dataclass(frozen=True)
class LloydResult:
    """Where full iterations end.

    Attributes
    ----------
    centroids
        Shape (k, axes).
    members
        Who is nearest to which of them.
    history
        Every iteration, in order.
    converged
        Whether centroids stood still at the end.
    inertia
        Squared distances of all places to the nearest centroid, summed by weight.
    """

    centroids: Float64
    members: Assignment
    history: tuple[Iteration, ...]
    converged: bool
    inertia: float


Settled = Callable[[Float64, Float64], bool]
"""Whether centroids before and after an iteration are so close that it was the last; shapes (k, axes)."""


def variance_settled(items: WeightedPoints) -> Settled:
    """Whether squared moves together are at most a part of the mean variance of the axes, as in scikit-learn."""
    still = TOLERANCE * float(np.mean(np.var(items.places, axis=1)))
    return lambda before, centroids: bool(np.sum((centroids - before) ** 2) <= still)


def lloyd(
    items: WeightedPoints,
    start: Float64,
    most: int,
    settled: Settled | None = None,
    step: Callable[[Assignment, WeightedPoints, Float64], Float64] = Assignment.moved,
) -> LloydResult:
    """Full iterations, until centroids are settled.

    Lloyd (1982), Least squares quantization in PCM, IEEE Transactions on Information Theory 28.

    Parameters
    ----------
    items
        The places.
    start
        Centroids to start from; shape (k, axes).
    most
        Iterations after which it ends in any case.
    settled
        When it ends; :func:`variance_settled` where None.
    step
        Gives the next centroids from the members of these, the places and these: the means of their members.
    """
    settled = settled or variance_settled(items)
    centroids, converged = start, False
    history: list[Iteration] = []
    members = Assignment.of(items, centroids)
    while len(history) < most and not converged:
        moved = step(members, items, centroids)
        history.append(Iteration.of(centroids, moved, members.counts))
        converged = settled(centroids, moved)
        members = members if np.array_equal(moved, centroids) else Assignment.of(items, moved)
        centroids = moved
    return LloydResult(centroids, members, tuple(history), converged, members.inertia(items))


Number = TypeVar("Number", bound=np.number[Any])

MAX_ITERATIONS = 100
"""Most full iterations after the mini-batches."""

SIGNIFICANT_DIGITS = 6
"""Centroids are rounded to this, so that they read and hash the same on every machine."""


def round_significant(values: Float64) -> Float64:
    """Round to six significant digits."""
    return np.array([float(f"{value:.{SIGNIFICANT_DIGITS}g}") for value in values.ravel()]).reshape(values.shape)


@dataclass(frozen=True)
class DistinctValues:
    """Distinct colours of a sample: kept numbers, places in the space they are compared in, and weights."""

    colours: Float64
    places: Float64
    weights: Float64


def _distinct(values: NDArray[Number]) -> tuple[NDArray[Number], Int64]:
    """Distinct rows in ascending order, and the number of each row among them."""
    order = np.lexsort(values.T[::-1])
    ascending = values[order]
    new = np.append(True, np.any(ascending[1:] != ascending[:-1], axis=1))
    number = np.empty(len(values), dtype=np.int64)
    number[order] = np.cumsum(new) - 1
    return ascending[new], number


def distinct_values(sample: PixelSample, space: FeatureSpace) -> DistinctValues:
    """The distinct colours of a sample, in ascending order.

    Raises
    ------
    NoUsableInput
        If the sample is empty.
    """
    if len(sample.values) == 0:
        raise NoUsableInput("no valid pixel in any tile", "check nodata, alpha and masks of the files")
    colours, number = _distinct(sample.values)
    weights = np.bincount(number, weights=sample.weights, minlength=len(colours))
    places = space.coordinates(colours).astype(np.float64)
    return DistinctValues(colours.astype(np.float64), places, weights.astype(np.float64))


def k_means(palette: DistinctValues, n_sample: int, k: int, seed: int) -> tuple[Float64, FitRecord]:
    """Centroids of one fit, before anything is split, and how it went.

    Mini-batches find their way, full iterations over all colours of the sample settle them. A cluster that loses all
    members is started again at the colour farthest from its centroid.
    """
    items = weighted_points(palette.places, palette.weights)
    start, batches = initialise(items, min(k, len(_distinct(palette.places)[0])), seed)
    settled = lloyd(items, start, MAX_ITERATIONS)
    record = FitRecord(
        seed=seed,
        n_sample=n_sample,
        n_minibatch=batches,
        n_lloyd=len(settled.history),
        max_iterations=MAX_ITERATIONS,
        tolerance=TOLERANCE,
        converged=settled.converged,
        inertia=float(f"{settled.inertia:.6g}"),
    )
    return round_significant(settled.centroids), record
