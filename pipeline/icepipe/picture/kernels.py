"""The compiled part of k-means on distinct colours."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from icepipe.compiled import compiled
from icepipe.records import Float64, Int32, Int64, UInt8
from icepipe.segment.kernels import nearest

Codes = NDArray[np.signedinteger[Any]]
"""int32 where a table holds all colours, else int64."""

CHUNK = 1024
"""Colours worked on together: their distances stay in the processor's first cache."""


@compiled
def pack(pixels: NDArray[np.unsignedinteger[Any]], bits: int, codes: Codes) -> None:
    """Write one number for the colour of each pixel; pixels have shape (n, channels), codes shape (n,)."""
    for i in range(pixels.shape[0]):
        code = 0
        for channel in range(pixels.shape[1]):
            code = (code << bits) | int(pixels[i, channel])
        codes[i] = code


@compiled
def count_codes(codes: Codes, counts: Int64) -> None:
    """Add how often each number occurs."""
    for code in codes:
        counts[code] += 1


@compiled
def replace_codes(codes: Codes, ranks: Int32) -> None:
    """Put its rank in the place of each number."""
    for i in range(len(codes)):
        codes[i] = ranks[codes[i]]


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
    """Give every colour its nearest centroid, and add up the members of each.

    Sums of whole numbers stay exact up to 2**53, so their order does not matter.

    Parameters
    ----------
    places
        Colours, shape (channels, n).
    weights
        Pixels of each, shape (n,).
    centroids
        Shape (k, channels).
    member, best
        Takes the number of the nearest centroid, and the squared distance to it; shape (n,).
    sums, counts
        Takes the weighted sums, shape (k, channels), and weights, shape (k,), of the members.
    """
    sums[:] = 0.0
    counts[:] = 0.0
    total, distance = places.shape[1], np.empty(CHUNK)
    for first in range(0, total, CHUNK):
        count = min(CHUNK, total - first)
        end = first + count
        nearest(places[:, first:end], centroids, count, best[first:end], distance, member[first:end])
        for i in range(first, first + count):
            counts[member[i]] += weights[i]
            for axis in range(places.shape[0]):
                sums[member[i], axis] += weights[i] * places[axis, i]
