"""Patches too small to count: they go to their largest neighbour before anything is measured."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from icepipe.arrays import Bool, Int32, Int64, UInt8, UInt16
from icepipe.classes import SEEN
from icepipe.geo.geobox import Block
from icepipe.raster.components import Components, component_sizes, find_components
from icepipe.raster.run_length import ClassRuns
from icepipe.segment.classification.strata import SIEVED


def sieve(strata: UInt16, runs: ClassRuns, area: Callable[[Block], Int64], least_units: float) -> ClassRuns:
    """Give patches of less area to their largest neighbour, and their pixels its class; the class raster after that.

    The largest of equals is that of the lower code, then that which begins first. What a patch went to can be small
    too, and goes on with it. In the end only patches without a seen neighbour are left that are too small: nothing is
    known of what surrounds them.

    Parameters
    ----------
    strata
        Of the whole grid, in its shape; those of what moves are changed.
    runs
        Class raster of the whole grid.
    area
        Gives the true area of the pixels of a block, in units.
    least_units
        Area that a patch needs to stay.
    """
    from icepipe.measure.area._kernels import repaint

    pieces = find_components(runs, SEEN)
    units = component_sizes(pieces, area).units
    after = _after_moves(pieces.codes, units, _touching(pieces, units < least_units), least_units)
    repaint(runs.starts, pieces.number, runs.rows, pieces.codes, after, SIEVED, strata)
    codes, wanted = runs.codes.copy(), pieces.number >= 0
    codes[wanted] = after[pieces.number[wanted]]
    return runs.relabel(codes)


def _touching(pieces: Components, small: Bool) -> Int32:
    """Pairs of pieces that share a border, one of them small; shape (n, 2)."""
    from icepipe.measure.area._kernels import pairs_beside

    held = pieces.runs.starts, pieces.number, pieces.runs.rows
    pairs = np.empty((pairs_beside(*held, small, np.empty((0, 2), dtype=np.int32)), 2), dtype=np.int32)
    pairs_beside(*held, small, pairs)
    return pairs


def _after_moves(codes: UInt8, units: Int64, pairs: Int32, least_units: float) -> UInt8:
    """Class of every piece when all that is small has moved; ``codes`` and ``units`` are those before.

    Pieces of one class that come to touch are one, called by the first of them, before anything moves on.
    """
    from icepipe.measure.area._kernels import find_largest, join_alike

    every = np.arange(len(codes), dtype=np.int32)
    joined = every
    while True:
        size, target, first = np.zeros(len(codes), dtype=np.int64), every.copy(), every.copy()
        np.add.at(size, joined, units)
        find_largest(pairs, size, codes, least_units, target)
        if np.array_equal(target, every):
            return codes[joined]
        for _ in range(len(codes).bit_length()):
            target = target[target]
        codes = codes[target]
        pairs = pairs[: join_alike(pairs, codes, first)]
        joined = first[joined]
