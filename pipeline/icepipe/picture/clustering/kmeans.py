"""Three methods to cluster the colours of a picture: Lloyd's iterations, mini-batches, and the article's method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from icepipe.arrays import Float64, Int64, UInt8
from icepipe.picture.clustering.colours import COARSE_BINS, FINE_BINS, Colours
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

N_INIT = 10
"""Initialisations that are compared by their inertia."""

INIT_ITERATIONS = 100

TOLERANCE = 2e-4
"""Iterations end when the centroids together move by at most this fraction of the range of the values, a twentieth of
a step of an 8-bit colour."""

LUMA = np.array([0.2126, 0.7152, 0.0722])
"""Weights of red, green and blue in luma: Rec. ITU-R BT.709, part 3."""


@dataclass(frozen=True)
class Clusters:
    """Clusters of the colours of a picture.

    Attributes
    ----------
    centroids
        Shape (k, channels).
    member
        Index of the nearest centroid of every colour; shape (n,).
    counts
        Number of pixels of each cluster; shape (k,).
    inertia
        Sum of the squared distances of all pixels to their centroid.
    start
        Initial centroids; shape (k, channels).
    history
        Every iteration, in order.
    converged
        Whether the centroids stopped moving before the last permitted iteration.
    """

    centroids: Float64
    member: UInt8
    counts: Int64
    inertia: float
    start: Float64
    history: tuple[Iteration, ...] = ()
    converged: bool = False

    @classmethod
    def of(cls, colours: Colours, start: Float64, result: LloydResult) -> Clusters:
        """Return the clusters of full iterations on colours."""
        counts = result.members.counts.astype(np.int64)
        # Binned colours stand for pixels with an inertia of their own around the mean of their bin.
        inertia = result.inertia + colours.within_inertia
        return cls(result.centroids, result.members.member, counts, inertia, start, result.history, result.converged)


def converged_by_range(colours: Colours) -> ConvergenceTest:
    """Return a test of convergence: the shift of all centroids is at most ``TOLERANCE`` of the range of the values."""
    limit = TOLERANCE * float(np.ptp(colours.places))
    return lambda before, centroids: total_shift(before, centroids) <= limit


def lloyd(colours: Colours, k: int, seed: int, iterations: int) -> Clusters:
    """Cluster colours by full iterations from the best of ten initialisations.

    Initialisations are compared on coarsely binned colours, and the best is refined on finely binned colours first.
    Few full iterations on all colours then remain.

    Lloyd (1982), Least squares quantization in PCM, IEEE Transactions on Information Theory 28.
    """
    rng, coarse = np.random.default_rng(seed), colours.binned(COARSE_BINS, k)
    # One generator draws all initialisations, so that they differ and the seed determines every one.
    starts = [kmeans_plus_plus(coarse, k, rng) for _ in range(N_INIT)]
    results = [full_iterations(coarse, start, INIT_ITERATIONS, converged_by_range(coarse)) for start in starts]
    best = int(np.argmin([result.inertia + coarse.within_inertia for result in results]))
    # Without bins the final iterations repeat those of the best initialisation, and the history is complete.
    start, fine = (starts[best] if coarse is colours else results[best].centroids), colours.binned(FINE_BINS, k)
    if fine is not colours:
        start = full_iterations(fine, start, INIT_ITERATIONS, converged_by_range(fine)).centroids
    return Clusters.of(colours, start, full_iterations(colours, start, iterations, converged_by_range(colours)))


def rounded_means(members: Assignment, _colours: WeightedPoints, centroids: Float64) -> Float64:
    """Return the means of the members of each cluster as whole numbers: the step of the article's method."""
    return np.asarray(np.rint(members.means(centroids)))


def article(colours: Colours, k: int, seed: int, iterations: int) -> Clusters:
    """Cluster colours by the method of the article: random initial colours in 0..255, and means in whole numbers.

    A cluster without pixels keeps its colour. Iterations end when no centroid moves.
    """
    # The method is kept as it was published; its initial colours do not depend on the picture.
    start = np.random.default_rng(seed).integers(0, 256, size=(k, len(colours.places))).astype(np.float64)
    return Clusters.of(colours, start, full_iterations(colours, start, iterations, np.array_equal, rounded_means))


def minibatch(colours: Colours, k: int, seed: int, iterations: int) -> Clusters:
    """Cluster colours by mini-batches; the colours of the clusters are the means of their nearest pixels."""
    rng = np.random.default_rng(seed)
    start = centroids = kmeans_plus_plus(colours.binned(COARSE_BINS, k), k, rng)
    history: list[Iteration] = []
    for batch in islice(mini_batches(colours, start, rng), iterations):
        history.append(Iteration.of(centroids, batch.centroids, batch.counts))
        centroids = batch.centroids
    # Mini-batches leave centroids next to the means of their members; one full iteration moves them there.
    result = full_iterations(colours, centroids, 1, converged_by_range(colours))
    return replace(Clusters.of(colours, start, result), history=tuple(history), converged=False)


METHODS: Mapping[Method, Callable[[Colours, int, int, int], Clusters]] = {
    "lloyd": lloyd,
    "minibatch": minibatch,
    "article": article,
}
"""Functions of the methods: of colours, k, seed and the maximum number of iterations."""


def dark_to_bright(clusters: Clusters) -> Clusters:
    """Return the clusters in order of their luma, then of their centroids, with integer counts in the history."""
    luma = clusters.centroids @ LUMA if clusters.centroids.shape[1] == len(LUMA) else clusters.centroids[:, 0]
    # lexsort sorts by its last key first: luma, then red, green and blue.
    order = np.lexsort((*clusters.centroids.T[::-1], luma))
    # The inverse permutation renumbers the members.
    rank = np.argsort(order).astype(np.uint8)
    return replace(
        clusters,
        centroids=clusters.centroids[order],
        member=rank[clusters.member],
        counts=clusters.counts[order],
        start=clusters.start[order],
        history=tuple(
            Iteration(i.centroids[order], i.moved, i.counts[order].astype(np.int64)) for i in clusters.history
        ),
    )
