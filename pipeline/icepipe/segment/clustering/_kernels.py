"""The compiled part of k-means."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from icepipe.arrays import Bool, Float64, Int64, UInt8, UInt64
from icepipe.raster.splitmix64 import GOLDEN_GAMMA, SAMPLING, mix
from icepipe.runtime.jit import compiled

CHUNK_PX = 1024
"""Pixels worked on together: their features stay in the processor's first cache."""


_mix = compiled(mix)


@compiled
def _hash(row: int, col: int, salt: np.uint64, out: UInt64) -> None:
    """Hash of a salt, a row and a column for pixels of a row, from a column on; shape (n,).

    A variant of the finaliser of SplitMix64: its shifts are 30, 30 and 31, those of Stafford's mix 13 are 30, 27 and
    31. Which pixels are sampled depends on it.
    """
    mixed_salt = salt * GOLDEN_GAMMA
    for i in range(len(out)):
        out[i] = _mix((np.uint64(row) << np.uint64(32) | np.uint64(col + i)) ^ mixed_salt, SAMPLING)


@compiled
def draw(row: int, col: int, salt: np.uint64, limit: np.uint64, valid: Bool, places: Int64, hashes: UInt64) -> int:
    """Pixels of a block, which begins at ``row`` and ``col``, that are valid and whose hash is the limit at most.

    How many there are; their places, counted on from row to row, and their hashes fill the first of ``places`` and
    ``hashes``. Shapes: ``valid`` (rows, columns), the others with room for all pixels.
    """
    height, width = valid.shape
    found, mixed = 0, np.empty(width, dtype=np.uint64)
    for i in range(height):
        _hash(row + i, col, salt, mixed)
        for j in range(width):
            if mixed[j] <= limit and valid[i, j]:
                places[found], hashes[found] = i * width + j, mixed[j]
                found += 1
    return found


Nearer = Callable[[Float64, Float64, Float64, int, int, Float64, Int64 | UInt8], None]


def _nearer_in(axes: int) -> Nearer:
    """Makes what looks at two centroids in a space of so many axes.

    A number of axes that is known to the compiler lets it keep all that is between in registers, and work on several
    places at once.
    """

    def nearer(
        places: Float64, one: Float64, other: Float64, number: int, count: int, best: Float64, cluster: Int64 | UInt8
    ) -> None:
        for i in range(count):
            apart, apart_other = places[0, i] - one[0], places[0, i] - other[0]
            distance, distance_other = apart * apart, apart_other * apart_other
            for axis in range(1, axes):
                apart, apart_other = places[axis, i] - one[axis], places[axis, i] - other[axis]
                distance += apart * apart
                distance_other += apart_other * apart_other
            second = distance_other < distance
            least, which = distance_other if second else distance, number + 1 if second else number
            closer = number == 0 or least < best[i]
            best[i] = least if closer else best[i]
            cluster[i] = which if closer else cluster[i]

    # A name of its own, by which what is compiled is kept on the disk.
    nearer.__qualname__ += f"_{axes}"
    return compiled(nearer)


_nearer_in_three, _nearer_in_four, _nearer_in_five, _nearer_in_six = map(_nearer_in, (3, 4, 5, 6))


@compiled
def _apart(places: Float64, at: Float64, count: int, distance: Float64) -> None:
    """Squared distance of every place of a chunk from a centroid, axis after axis."""
    distance[:count] = 0.0
    for axis in range(len(at)):
        for i in range(count):
            apart = places[axis, i] - at[axis]
            distance[i] += apart * apart


@compiled
def _nearer(
    places: Float64, at: Float64, number: int, count: int, best: Float64, distance: Float64, cluster: Int64 | UInt8
) -> None:
    """Look at one centroid, in a space of any number of axes."""
    _apart(places, at, count, distance)
    for i in range(count):
        closer = number == 0 or distance[i] < best[i]
        best[i] = distance[i] if closer else best[i]
        cluster[i] = number if closer else cluster[i]


@compiled
def nearest(
    places: Float64, centroids: Float64, count: int, best: Float64, distance: Float64, cluster: Int64 | UInt8
) -> None:
    """Number of the nearest centroid of every place of a chunk, the first of equals, and the squared distance to it.

    Filled are ``cluster`` and ``best``, shape (count,) or longer; ``distance`` is for work in between. The squares are
    added up axis after axis, whatever the number of axes.
    """
    last, axes = centroids.shape[0] - 1, centroids.shape[1]
    for number in range(0, last + 1, 2):
        one, other = centroids[number], centroids[min(number + 1, last)]
        if axes == 3:
            _nearer_in_three(places, one, other, number, count, best, cluster)
        elif axes == 4:
            _nearer_in_four(places, one, other, number, count, best, cluster)
        elif axes == 5:
            _nearer_in_five(places, one, other, number, count, best, cluster)
        elif axes == 6:
            _nearer_in_six(places, one, other, number, count, best, cluster)
        else:
            _nearer(places, one, number, count, best, distance, cluster)
            if number < last:
                _nearer(places, other, number + 1, count, best, distance, cluster)


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
