"""Patches too small to count: they go to their largest neighbour before anything is measured."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from icepipe.classes import SEEN
from icepipe.inputs.grid import blocks
from icepipe.records import Block, GeoBox, Int64, UInt8, UInt16
from icepipe.segment.strata import moved_strata

ROUNDS = 8
"""Merging can leave a patch that is still too small; after so many rounds it stays."""


def _labels(codes: UInt8) -> tuple[Int64, int]:
    """Number of the 4-connected patch of every seen pixel, from 1, in raster order within each class; 0 elsewhere."""
    from scipy import ndimage

    labels, count = np.zeros(codes.shape, dtype=np.int64), 0
    for code in SEEN:
        found, n = ndimage.label(codes == code)
        labels[found > 0] = found[found > 0] + count
        count += n
    return labels, count


def _neighbours(labels: Int64) -> Int64:
    """Pairs of patches that share a pixel border, in both directions; shape (n, 2)."""
    pairs = []
    for one, other in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])):
        border = (one != other) & (one > 0) & (other > 0)
        pairs.append(np.unique(np.column_stack([one[border], other[border]]), axis=0))
    found = np.concatenate(pairs)
    return np.unique(np.concatenate([found, found[:, ::-1]]), axis=0)


def _larger(pairs: Int64, units: Int64) -> Int64:
    """The largest neighbour of each patch that is larger than itself, the first of equals; else the patch itself."""
    target = np.arange(len(units))
    order = np.lexsort((-pairs[:, 1], units[pairs[:, 1]], pairs[:, 0]))
    target[pairs[order, 0]] = pairs[order, 1]
    alone = (units[target] < units) | ((units[target] == units) & (target > np.arange(len(units))))
    target[alone] = np.flatnonzero(alone)
    return target


def _merged(codes: UInt8, units_of: Callable[[Int64, int], Int64], least_units: float) -> UInt8 | None:
    """Codes after one round; None where no patch went anywhere."""
    labels, count = _labels(codes)
    units = units_of(labels, count)
    target = _larger(_neighbours(labels), units)
    target[units >= least_units] = np.flatnonzero(units >= least_units)
    for _ in range(count.bit_length() + 1):
        target = target[target]
    if np.array_equal(target, np.arange(count + 1)):
        return None
    code_of = np.zeros(count + 1, dtype=np.uint8)
    code_of[labels.ravel()] = codes.ravel()
    return np.where(labels > 0, code_of[target[labels]], codes)


def merge_small(
    strata: UInt16, codes: UInt8, grid: GeoBox, area: Callable[[Block], Int64], least_units: float
) -> UInt16:
    """Strata of a whole grid, with patches of less area given to their largest neighbour.

    A patch without a seen neighbour stays: nothing is known of what surrounds it.

    Parameters
    ----------
    strata
        Shape of the grid.
    codes
        Class code of each stratum.
    grid, area
        The grid, and the true area of the pixels of a block, in units.
    least_units
        Area that a patch needs to stay.
    """
    before = codes[strata]
    after = before

    def units_of(labels: Int64, count: int) -> Int64:
        total = np.zeros(count + 1, dtype=np.int64)
        for block in blocks(grid):
            weights = area(block).ravel().astype(np.float64)
            flat = labels[block.slices].ravel()
            total += np.bincount(flat, weights=weights, minlength=count + 1).astype(np.int64)
        return total

    for _ in range(ROUNDS):
        merged = _merged(after, units_of, least_units)
        if merged is None:
            break
        after = merged
    result = strata.copy()
    for number, old, new in moved_strata():
        result[(before == old) & (after == new)] = number
    return result
