"""Three ways to k centroids: full iterations from good starts, mini-batches, and those of the article."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from icepipe.arrays import Float64, Int64, UInt8
from icepipe.picture.clustering.colours import COARSE, FINE, Colours
from icepipe.picture.options import Method
from icepipe.segment.clustering.assignment import Assignment, WeightedPoints
from icepipe.segment.clustering.kmeans import (
    ConvergenceTest,
    Iteration,
    LloydResult,
    kmeans_plus_plus,
    mini_batches,
    total_shift,
)
from icepipe.segment.clustering.kmeans import lloyd as full_iterations

STARTS = 10
"""Starts that are tried; the one with the least inertia is settled on all colours."""

START_ITERATIONS = 100

STILL = 2e-4
"""Full iterations stop when centroids together move by less than this part of the range of the numbers, a twentieth of
a step of an 8-bit colour."""

LUMA = np.array([0.2126, 0.7152, 0.0722])
"""Weights of red, green and blue in lightness: Rec. ITU-R BT.709, part 3."""


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


def _settled(colours: Colours) -> ConvergenceTest:
    """Whether centroids moved by no more than ``STILL`` of the range of the numbers together."""
    still = STILL * float(np.ptp(colours.places))
    return lambda before, centroids: total_shift(before, centroids) <= still


def _clusters(colours: Colours, start: Float64, found: LloydResult) -> Clusters:
    """What full iterations found, with the pixels of every cluster and all of their squared distances."""
    counts, inertia = found.members.counts.astype(np.int64), found.inertia + colours.within
    return Clusters(found.centroids, found.members.member, counts, inertia, start, found.history, found.converged)


def lloyd(colours: Colours, k: int, seed: int, iterations: int) -> Clusters:
    """Full iterations on all colours, from the best of ten starts.

    Where there are many colours, starts are tried on means of those in each cell of colour space, and the best is
    settled on finer cells first: full iterations on all colours are then few.

    Lloyd (1982), Least squares quantization in PCM, IEEE Transactions on Information Theory 28.
    """
    rng, few = np.random.default_rng(seed), colours.gathered(COARSE, k)
    starts = [kmeans_plus_plus(few, k, rng) for _ in range(STARTS)]
    tried = [full_iterations(few, start, START_ITERATIONS, _settled(few)) for start in starts]
    best = int(np.argmin([one.inertia + few.within for one in tried]))
    start, finer = (starts[best] if few is colours else tried[best].centroids), colours.gathered(FINE, k)
    if finer is not colours:
        start = full_iterations(finer, start, START_ITERATIONS, _settled(finer)).centroids
    return _clusters(colours, start, full_iterations(colours, start, iterations, _settled(colours)))


def _rounded_means(members: Assignment, _colours: WeightedPoints, centroids: Float64) -> Float64:
    return np.asarray(np.rint(members.means(centroids)))


def article(colours: Colours, k: int, seed: int, iterations: int) -> Clusters:
    """The algorithm of the article: random colours in 0..255 to start from, and means rounded to whole numbers.

    A cluster that has no pixel keeps its colour. That is what was published, so it keeps a step of its own; it ends
    when nothing moves.
    """
    start = np.random.default_rng(seed).integers(0, 256, size=(k, len(colours.places))).astype(np.float64)
    return _clusters(colours, start, full_iterations(colours, start, iterations, np.array_equal, _rounded_means))


def minibatch(colours: Colours, k: int, seed: int, iterations: int) -> Clusters:
    """One mini-batch of pixels an iteration; colours are then the means of the pixels nearest."""
    rng = np.random.default_rng(seed)
    start = before = kmeans_plus_plus(colours.gathered(COARSE, k), k, rng)
    history: list[Iteration] = []
    for batch in islice(mini_batches(colours, start, rng), iterations):
        history.append(Iteration.of(before, batch.centroids, batch.counts))
        before = batch.centroids
    means = _clusters(colours, start, full_iterations(colours, before, 1, _settled(colours)))
    return replace(means, history=tuple(history), converged=False)


METHODS: Mapping[Method, Callable[[Colours, int, int, int], Clusters]] = {
    "lloyd": lloyd,
    "minibatch": minibatch,
    "article": article,
}
"""Every algorithm: of colours, k, seed and how many iterations it may take."""


def dark_to_bright(clusters: Clusters) -> Clusters:
    """Clusters in order of lightness, then of their centroids, whatever order they were found in.

    Pixels are integers from here on.
    """
    light = clusters.centroids @ LUMA if clusters.centroids.shape[1] == len(LUMA) else clusters.centroids[:, 0]
    order = np.lexsort((*clusters.centroids.T[::-1], light))
    rank = np.argsort(order).astype(np.uint8)
    return replace(
        clusters,
        centroids=clusters.centroids[order],
        member=rank[clusters.member],
        counts=clusters.counts[order],
        start=clusters.start[order],
        history=tuple(
            Iteration(one.centroids[order], one.moved, one.counts[order].astype(np.int64)) for one in clusters.history
        ),
    )
