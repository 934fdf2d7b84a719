"""Compiled kernels of the sample and of k-means."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from icepipe.arrays import Bool, Float64, Int64, UInt8, UInt64
from icepipe.raster.splitmix64 import GOLDEN_GAMMA, mix
from icepipe.runtime.jit import compiled

CHUNK_PX = 1024
"""Pixels that are processed together, so that their coordinates stay in the first cache of the processor."""

mix_bits = compiled(mix)


@compiled
def hash_row(row: int, col: int, salt: np.uint64, out: UInt64) -> None:
    """Write the hashes of consecutive pixels of a row, from a column on; shape (n,)."""
    mixed_salt = salt * GOLDEN_GAMMA
    for i in range(len(out)):
        out[i] = mix_bits((np.uint64(row) << np.uint64(32) | np.uint64(col + i)) ^ mixed_salt)


@compiled
def draw_pixels(
    row: int, col: int, salt: np.uint64, limit: np.uint64, valid: Bool, positions: Int64, hashes: UInt64
) -> int:
    """Draw the valid pixels of a block whose hash is at most ``limit``; return their number.

    Parameters
    ----------
    row, col
        Position of the block on the run grid.
    salt
        Combines the seed and the date.
    limit
        Largest hash that is drawn.
    valid
        Pixels that can be drawn, shape (rows, columns).
    positions, hashes
        Take the positions of the drawn pixels within the block, in raster order, and their hashes; shape (n,) to hold
        all pixels of the block.
    """
    height, width = valid.shape
    count, row_hashes = 0, np.empty(width, dtype=np.uint64)
    for i in range(height):
        hash_row(row + i, col, salt, row_hashes)
        for j in range(width):
            if row_hashes[j] <= limit and valid[i, j]:
                positions[count], hashes[count] = i * width + j, row_hashes[j]
                count += 1
    return count


CompareTwo = Callable[[Float64, Float64, Float64, int, int, Float64, Int64 | UInt8], None]


def compile_compare_two(axes: int) -> CompareTwo:
    """Return the compiled function that compares points with two centroids in a space of ``axes`` dimensions."""

    # A constant number of axes lets the compiler unroll the inner loop, keep both sums in registers, and compute
    # several points per vector instruction. Two centroids at a time halve the loads of coordinates.
    def compare_two(
        places: Float64, one: Float64, two: Float64, number: int, count: int, best: Float64, cluster: Int64 | UInt8
    ) -> None:
        for i in range(count):
            delta_one, delta_two = places[0, i] - one[0], places[0, i] - two[0]
            distance_one, distance_two = delta_one * delta_one, delta_two * delta_two
            # Axis after axis in this order: the sums have the same rounding on every machine.
            for axis in range(1, axes):
                delta_one, delta_two = places[axis, i] - one[axis], places[axis, i] - two[axis]
                distance_one += delta_one * delta_one
                distance_two += delta_two * delta_two
            # Strictly less: the first of equally near centroids wins. Selections, not branches, vectorise.
            second = distance_two < distance_one
            least, which = distance_two if second else distance_one, number + 1 if second else number
            closer = number == 0 or least < best[i]
            best[i] = least if closer else best[i]
            cluster[i] = which if closer else cluster[i]

    # Numba's cache on disk goes by the qualified name, which must differ between the variants.
    compare_two.__qualname__ += f"_{axes}"
    return compiled(compare_two)


_compare_two_3d, _compare_two_4d, _compare_two_5d, _compare_two_6d = map(compile_compare_two, (3, 4, 5, 6))


@compiled
def compare_one(
    places: Float64,
    centroid: Float64,
    number: int,
    count: int,
    best: Float64,
    distance: Float64,
    cluster: Int64 | UInt8,
) -> None:
    """Compare points with one centroid, in a space of any number of dimensions."""
    distance[:count] = 0.0
    for axis in range(len(centroid)):
        for i in range(count):
            delta = places[axis, i] - centroid[axis]
            distance[i] += delta * delta
    for i in range(count):
        closer = number == 0 or distance[i] < best[i]
        best[i] = distance[i] if closer else best[i]
        cluster[i] = number if closer else cluster[i]


@compiled
def nearest(
    places: Float64, centroids: Float64, count: int, best: Float64, distance: Float64, cluster: Int64 | UInt8
) -> None:
    """Write the index of the nearest centroid of every point of a chunk, the first of equals.

    Parameters
    ----------
    places
        Coordinates, shape (axes, count) or longer.
    centroids
        Shape (k, axes).
    count
        Number of points.
    best, cluster
        Take the squared distance to the nearest centroid, and its index; shape (count,) or longer.
    distance
        Work array, shape (count,) or longer.
    """
    last, axes = centroids.shape[0] - 1, centroids.shape[1]
    for number in range(0, last + 1, 2):
        # An odd number of centroids compares the last one with itself, which changes nothing.
        one, two = centroids[number], centroids[min(number + 1, last)]
        if axes == 3:
            _compare_two_3d(places, one, two, number, count, best, cluster)
        elif axes == 4:
            _compare_two_4d(places, one, two, number, count, best, cluster)
        elif axes == 5:
            _compare_two_5d(places, one, two, number, count, best, cluster)
        elif axes == 6:
            _compare_two_6d(places, one, two, number, count, best, cluster)
        else:
            compare_one(places, one, number, count, best, distance, cluster)
            if number < last:
                compare_one(places, two, number + 1, count, best, distance, cluster)


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
    """Assign every point to its nearest centroid, and add up the members of each.

    Parameters
    ----------
    places
        Coordinates, shape (axes, n).
    weights
        Weight of each point, shape (n,).
    centroids
        Shape (k, axes).
    member, best
        Take the index of the nearest centroid, and the squared distance to it; shape (n,).
    sums, counts
        Take the weighted sums, shape (k, axes), and the weights, shape (k,), of the members.
    """
    sums[:] = 0.0
    counts[:] = 0.0
    axes, total = places.shape
    chunk, distance = np.empty((axes, CHUNK_PX)), np.empty(CHUNK_PX)
    for first in range(0, total, CHUNK_PX):
        count = min(CHUNK_PX, total - first)
        end = first + count
        # Copied, as rows of the whole array are far apart in memory and would evict each other from the cache.
        for axis in range(axes):
            chunk[axis, :count] = places[axis, first:end]
        nearest(chunk, centroids, count, best[first:end], distance, member[first:end])
        # One thread, in the order of the points: sums of integers are exact up to 2**53, sums of fractions repeatable.
        for i in range(first, first + count):
            counts[member[i]] += weights[i]
            for axis in range(axes):
                sums[member[i], axis] += weights[i] * places[axis, i]
