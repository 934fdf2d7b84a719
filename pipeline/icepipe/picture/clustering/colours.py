"""The distinct colours of a picture, with their pixels: k-means on them is k-means on all pixels, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from icepipe.arrays import Bool, Int32, Int64
from icepipe.picture.clustering._kernels import Codes, count_codes, pack, replace_codes
from icepipe.segment.clustering.assignment import WeightedPoints

TABLE_BITS = 24
"""Colours of so many bits are counted in a table; wider ones are sorted."""

COARSE, FINE = 2**15, 2**18
"""Cells that colours are gathered in to look for starts, and to settle the best of them before all colours do."""

CELLS_PER_CLUSTER = 64
"""With fewer cells than this for every cluster, cells would be too coarse to start from."""


@dataclass(frozen=True)
class Colours(WeightedPoints):
    """Distinct colours in ascending order, or means of colours that lie close together; the axes are channels.

    Attributes
    ----------
    within
        Squared distances of the pixels to the place that stands for them, summed: 0 for distinct colours.
    """

    within: float = 0.0

    @cached_property
    def total(self) -> float:
        """Pixels."""
        return float(self.weights.sum())

    def gathered(self, limit: int, k: int) -> Colours:
        """Means of the colours in each of at most so many cells; the colours themselves where there are fewer."""
        channels, count = self.places.shape
        if count <= limit:
            return self
        side = round(limit ** (1 / channels))
        low = self.places.min(axis=1, keepdims=True)
        step = np.ptp(self.places, axis=1, keepdims=True) + 1
        cells = np.floor((self.places - low) / step * side).astype(np.int64)
        number = np.ravel_multi_index(tuple(cells), (side,) * channels)
        weights = np.bincount(number, weights=self.weights).astype(np.float64)
        filled = np.flatnonzero(weights)
        if len(filled) < CELLS_PER_CLUSTER * k:
            return self
        sums = [np.bincount(number, weights=self.weights * row)[filled] for row in self.places]
        means = np.stack(sums) / weights[filled]
        rank = np.searchsorted(filled, number)
        within = float(np.sum(self.weights * np.sum((self.places - means[:, rank]) ** 2, axis=0)))
        return Colours(means, weights[filled], within)


@dataclass(frozen=True)
class Counted:
    """The distinct colours of a picture, and which of them each pixel has.

    Attributes
    ----------
    colours
        The colours.
    number
        Number of the colour of every pixel that takes part, in raster order.
    """

    colours: Colours
    number: Int32


def _ranked(codes: Codes, bits: int) -> tuple[Int64, Int64, Int32]:
    """Codes that occur, ascending, how often each does, and the rank of every pixel's code."""
    if bits > TABLE_BITS:
        found, rank, counts = np.unique(codes, return_inverse=True, return_counts=True)
        return found.astype(np.int64), counts, rank.astype(np.int32)
    table = np.zeros(1 << bits, dtype=np.int64)
    count_codes(codes, table)
    found = np.flatnonzero(table)
    ranks = np.zeros(1 << bits, dtype=np.int32)
    ranks[found] = np.arange(len(found))
    replace_codes(codes, ranks)
    return found, table[found], codes.astype(np.int32, copy=False)


def count_colours(values: NDArray[np.unsignedinteger[Any]], valid: Bool) -> Counted:
    """Count the colours of the pixels that take part.

    Parameters
    ----------
    values
        uint8 or uint16, shape (rows, columns, channels) with one or three channels.
    valid
        True where a pixel takes part; shape (rows, columns).
    """
    bits, channels = 8 * values.itemsize, values.shape[2]
    pixels = values.reshape(-1, channels) if valid.all() else values[valid]
    codes: Codes = np.empty(len(pixels), dtype=np.int32 if bits * channels <= TABLE_BITS else np.int64)
    pack(pixels, bits, codes)
    found, counts, number = _ranked(codes, bits * channels)
    shifts = bits * np.arange(channels - 1, -1, -1)
    places = (found[None, :] >> shifts[:, None]) & ((1 << bits) - 1)
    return Counted(Colours(places.astype(np.float64), counts.astype(np.float64)), number)
