"""The compiled part of k-means."""

from __future__ import annotations

import numpy as np

from icepipe.compiled import compiled
from icepipe.records import Float64, UInt8
from icepipe.segment.kernels import CHUNK_PX
from icepipe.segment.nearest_kernel import nearest


@compiled
def assign(
    places: Float64,
    weights: Float64,
    centroids: Float64,
    member: UInt8,
    best: Float64,
    sums: Float64,
    counts: Float64,
) -> None:
    """Give every place its nearest centroid, and add up the members of each.

    Sums of whole numbers stay exact up to 2**53, so their order does not matter.

    Parameters
    ----------
    places
        Shape (axes, n).
    weights
        Pixels of each, shape (n,).
    centroids
        Shape (k, axes).
    member, best
        Takes the number of the nearest centroid, and the squared distance to it; shape (n,).
    sums, counts
        Takes the weighted sums, shape (k, axes), and weights, shape (k,), of the members.
    """
    sums[:] = 0.0
    counts[:] = 0.0
    axes, total = places.shape
    chunk, distance = np.empty((axes, CHUNK_PX)), np.empty(CHUNK_PX)
    for first in range(0, total, CHUNK_PX):
        count = min(CHUNK_PX, total - first)
        end = first + count
        for axis in range(axes):
            chunk[axis, :count] = places[axis, first:end]
        nearest(chunk, centroids, count, best[first:end], distance, member[first:end])
        for i in range(first, first + count):
            counts[member[i]] += weights[i]
            for axis in range(axes):
                sums[member[i], axis] += weights[i] * places[axis, i]
