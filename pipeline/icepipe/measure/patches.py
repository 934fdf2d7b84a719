"""Patches too small to count: they go to their largest neighbour before anything is measured."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from icepipe.classes import SEEN
from icepipe.measure.pieces import Runs, find_pieces
from icepipe.records import Block, Bool, GeoBox, Int64, UInt8, UInt16
from icepipe.segment.strata import moved_strata

_MOVED = np.zeros((256, 256), dtype=np.uint16)
for _number, *_classes in moved_strata():
    _MOVED[*_classes] = _number
"""Stratum of pixels that moved, by their class before and after."""


def move_small(
    strata: UInt16, classes: UInt8, grid: GeoBox, area: Callable[[Block], Int64], least_units: float
) -> None:
    """Give patches of less area to their largest neighbour, and their pixels its class, in both rasters.

    What a patch went to can be small too, and goes on with it. In the end only patches without a seen neighbour are
    left that are too small: nothing is known of what surrounds them.

    Parameters
    ----------
    strata, classes
        Of the whole grid, in its shape; both are changed.
    grid, area
        The grid, and the true area of the pixels of a block, in units.
    least_units
        Area that a patch needs to stay.
    """
    from icepipe.measure.patch_kernels import repaint

    pieces = find_pieces(classes, SEEN, grid, area)
    pairs = _touching(pieces.runs, pieces.units < least_units)
    after = _after(pieces.codes, pieces.units, pairs, least_units)
    repaint(pieces.runs.arrays, pieces.codes, after, _MOVED, classes, strata)


def _touching(runs: Runs, small: Bool) -> Int64:
    """Pairs of pieces that share a border, one of them small, both ways round; shape (n, 2)."""
    from icepipe.measure.patch_kernels import pairs_beside

    pairs = np.empty((pairs_beside(runs.arrays, small, np.empty((0, 2), dtype=np.int64)), 2), dtype=np.int64)
    pairs = pairs[: pairs_beside(runs.arrays, small, pairs)]
    return _distinct(np.concatenate([pairs, pairs[:, ::-1]]), len(small))


def _distinct(pairs: Int64, count: int) -> Int64:
    """Pairs of two different numbers below ``count``, each once, in their order."""
    apart = pairs[pairs[:, 0] != pairs[:, 1]]
    return np.column_stack(np.divmod(np.unique(apart[:, 0] * count + apart[:, 1]), max(count, 1)))


def _after(codes: UInt8, units: Int64, pairs: Int64, least_units: float) -> UInt8:
    """Class of every piece when all that is small has moved; ``codes`` and ``units`` are those before.

    Pieces of one class that come to touch are one, called by the first of them, before anything moves on.
    """
    every = np.arange(len(codes))
    joined, codes = every, codes.copy()
    while True:
        size = np.zeros(len(codes), dtype=np.int64)
        np.add.at(size, joined, units)
        target = np.where(size < least_units, _largest(pairs, size, codes), every)
        if np.array_equal(target, every):
            return codes[joined]
        for _ in range(len(codes).bit_length()):
            target = target[target]
        codes = codes[target]
        first = _together(pairs[codes[pairs[:, 0]] == codes[pairs[:, 1]]], len(codes))
        joined, pairs = first[joined], _distinct(first[pairs], len(codes))


def _largest(pairs: Int64, size: Int64, codes: UInt8) -> Int64:
    """The largest neighbour of each piece that is larger than itself, the first of equals; else the piece itself.

    Of pieces of one area the first is that of the lower code, then that which begins first.
    """
    place = codes * np.int64(len(codes)) + np.arange(len(codes))
    one, other = pairs.T
    largest = np.arange(len(codes))
    order = np.lexsort((-place[other], size[other], one))
    largest[one[order]] = other[order]
    smaller = (size[largest] < size) | ((size[largest] == size) & (place[largest] > place))
    return np.where(smaller, np.arange(len(codes)), largest)


def _together(pairs: Int64, count: int) -> Int64:
    """The first of all that hang together by pairs, for each of so many; shape (count,)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    _, part = connected_components(coo_array((np.ones(len(pairs), dtype=bool), tuple(pairs.T)), (count, count)))
    _, firsts = np.unique(part, return_index=True)
    return np.asarray(firsts[part])
