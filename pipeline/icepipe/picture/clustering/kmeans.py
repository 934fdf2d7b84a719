"""Three ways to k centroids: full iterations from good starts, mini-batches, and those of the article."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from icepipe.arrays import Float64, Int64, UInt8
from icepipe.picture.clustering.colours import COARSE, FINE, Colours
from icepipe.picture.options import Method
from icepipe.segment.clustering.kmeans import Assignment, kmeans_plus_plus, mini_batches

STARTS = 10
"""Starts that are tried; the one with the least inertia is settled on all colours."""

START_ITERATIONS = 100

STILL = 2e-4
"""Full iterations stop when centroids together move by less than this part of the range of the numbers, a twentieth of
a step of an 8-bit colour; the article's stop when nothing moves."""

LUMA = np.array([0.2126, 0.7152, 0.0722])
"""Weights of red, green and blue in lightness: Rec. ITU-R BT.709, part 3."""


@dataclass(frozen=True)
class Iteration:
    """One step of an algorithm.

    Attributes
    ----------
    centroids
        After the step; shape (k, channels).
    moved
        Euclidean distances that the centroids moved by, summed.
    counts
        Pixels that were nearest to each before the step; of a mini-batch, its pixels. Shape (k,).
    """

    centroids: Float64
    moved: float
    counts: Int64


@dataclass(frozen=True)
class Clusters:
    """What an algorithm found, dark to bright.

    Attributes
    ----------
    centroids
        Shape (k, channels).
    member
        Number of the nearest centroid of every colour; shape (n,).
    counts
        Pixels of each cluster; shape (k,).
    inertia
        Squared distances of all pixels to their centroid, summed.
    start
        Centroids before the first iteration.
    history
        Every iteration, in order.
    converged
        Whether the last iteration moved nothing that counts.
    """

    centroids: Float64
    member: UInt8
    counts: Int64
    inertia: float
    start: Float64
    history: tuple[Iteration, ...] = ()
    converged: bool = False


def _means_step(colours: Colours, centroids: Float64, members: Assignment) -> Float64:
    return members.moved(colours, centroids)


def _article_step(_colours: Colours, centroids: Float64, members: Assignment) -> Float64:
    return np.asarray(np.rint(members.means(centroids)))


def _far(moved: Float64, centroids: Float64) -> float:
    """How far centroids moved, summed."""
    return float(np.sqrt(((moved - centroids) ** 2).sum(axis=1)).sum())


def _iterate(
    colours: Colours,
    start: Float64,
    iterations: int,
    step: Callable[[Colours, Float64, Assignment], Float64] = _means_step,
    still: float = STILL,
) -> Clusters:
    """Move centroids until they move by no more than ``still`` of the range together, or for so many iterations."""
    still_far = still * float(np.ptp(colours.places))
    history: list[Iteration] = []
    centroids, converged = start, False
    members = Assignment.of(colours, centroids)
    while len(history) < iterations and not converged:
        moved = step(colours, centroids, members)
        far = _far(moved, centroids)
        history.append(Iteration(moved, far, members.counts.astype(np.int64)))
        converged, centroids = far <= still_far, moved
        members = members if far == 0 else Assignment.of(colours, centroids)
    inertia = members.inertia(colours) + colours.within
    counts = members.counts.astype(np.int64)
    return Clusters(centroids, members.member, counts, inertia, start, tuple(history), converged)


def lloyd(colours: Colours, k: int, seed: int, iterations: int) -> Clusters:
    """Full iterations on all colours, from the best of ten starts.

    Where there are many colours, starts are tried on means of those in each cell of colour space, and the best is
    settled on finer cells first: full iterations on all colours are then few.

    Lloyd (1982), Least squares quantization in PCM, IEEE Transactions on Information Theory 28.
    """
    rng, few = np.random.default_rng(seed), colours.gathered(COARSE, k)
    tried = [_iterate(few, kmeans_plus_plus(few, k, rng), START_ITERATIONS) for _ in range(STARTS)]
    best = min(tried, key=lambda clusters: clusters.inertia)
    start, finer = (best.start if few is colours else best.centroids), colours.gathered(FINE, k)
    if finer is not colours:
        start = _iterate(finer, start, START_ITERATIONS).centroids
    return _iterate(colours, start, iterations)


def article(colours: Colours, k: int, seed: int, iterations: int) -> Clusters:
    """The algorithm of the article: random colours in 0..255 to start from, and means rounded to whole numbers.

    A cluster that has no pixel keeps its colour.
    """
    start = np.random.default_rng(seed).integers(0, 256, size=(k, len(colours.places))).astype(np.float64)
    return _iterate(colours, start, iterations, _article_step, still=0.0)


def minibatch(colours: Colours, k: int, seed: int, iterations: int) -> Clusters:
    """One mini-batch of pixels an iteration; colours are then the means of the pixels nearest."""
    rng = np.random.default_rng(seed)
    start = before = kmeans_plus_plus(colours.gathered(COARSE, k), k, rng)
    history: list[Iteration] = []
    for batch in islice(mini_batches(colours, start, rng), iterations):
        history.append(Iteration(batch.centroids, _far(batch.centroids, before), batch.counts.astype(np.int64)))
        before = batch.centroids
    means = _iterate(colours, before, 1)
    return replace(means, start=start, history=tuple(history), converged=False)


METHODS: Mapping[Method, Callable[[Colours, int, int, int], Clusters]] = {
    "lloyd": lloyd,
    "minibatch": minibatch,
    "article": article,
}
"""Every algorithm: of colours, k, seed and how many iterations it may take."""


def dark_to_bright(clusters: Clusters) -> Clusters:
    """Clusters in order of lightness, then of their centroids, whatever order they were found in."""
    light = clusters.centroids @ LUMA if clusters.centroids.shape[1] == len(LUMA) else clusters.centroids[:, 0]
    order = np.lexsort((*clusters.centroids.T[::-1], light))
    rank = np.argsort(order).astype(np.uint8)
    return replace(
        clusters,
        centroids=clusters.centroids[order],
        member=rank[clusters.member],
        counts=clusters.counts[order],
        start=clusters.start[order],
        history=tuple(Iteration(one.centroids[order], one.moved, one.counts[order]) for one in clusters.history),
    )
