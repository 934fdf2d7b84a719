"""Count the distinct colours of a picture: k-means on weighted colours gives the same result as on all pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from icepipe.arrays import Bool, Int32, Int64
from icepipe.picture.clustering._kernels import Codes, count_codes, pack_colours, replace_codes
from icepipe.segment.clustering.assignment import WeightedPoints

TABLE_BITS = 24
"""Colours of up to so many bits are counted in a table; longer ones are sorted."""

COARSE_BINS, FINE_BINS = 2**15, 2**18
"""Bins of colour space that initialisations are compared on, and that the best of them is refined on."""

MIN_BINS_PER_CLUSTER = 64
"""With fewer occupied bins for each cluster, bins are too coarse to find centroids on."""


@dataclass(frozen=True)
class Colours(WeightedPoints):
    """Distinct colours in ascending order, or the mean colours of bins; the axes are channels.

    Attributes
    ----------
    within_inertia
        Sum of the squared distances of the pixels to the mean of their bin; 0 for distinct colours.
    """

    within_inertia: float = 0.0

    @cached_property
    def total(self) -> float:
        """Number of pixels."""
        return float(self.weights.sum())

    def binned(self, limit: int, k: int) -> Colours:
        """Return the mean colours of at most ``limit`` bins, or the colours themselves if binning does not pay.

        Parameters
        ----------
        limit
            Maximum number of bins. Fewer colours than this are returned as they are.
        k
            Number of clusters, which limits how coarse the bins may be.
        """
        channels, count = self.places.shape
        if count <= limit:
            return self
        # Bins are equal intervals of the range that each channel uses, in as many per channel as the limit allows.
        side = round(limit ** (1 / channels))
        low = self.places.min(axis=1, keepdims=True)
        # The range is one larger than the difference, so that the highest value falls into the last bin.
        step = np.ptp(self.places, axis=1, keepdims=True) + 1
        bins = np.floor((self.places - low) / step * side).astype(np.int64)
        index = np.ravel_multi_index(tuple(bins), (side,) * channels)
        weights = np.bincount(index, weights=self.weights).astype(np.float64)
        occupied = np.flatnonzero(weights)
        if len(occupied) < MIN_BINS_PER_CLUSTER * k:
            return self
        sums = [np.bincount(index, weights=self.weights * row)[occupied] for row in self.places]
        means = np.stack(sums) / weights[occupied]
        rank = np.searchsorted(occupied, index)
        # Inertia of all pixels = inertia of the bin means + inertia within the bins (Huygens).
        within = float(np.sum(self.weights * np.sum((self.places - means[:, rank]) ** 2, axis=0)))
        return Colours(means, weights[occupied], within)


@dataclass(frozen=True)
class ColourCounts:
    """Distinct colours of a picture, and the colour of each pixel.

    Attributes
    ----------
    colours
        The colours, with their numbers of pixels as weights.
    index
        Index of the colour of every valid pixel, in raster order.
    """

    colours: Colours
    index: Int32


def rank_codes(codes: Codes, bits: int) -> tuple[Int64, Int64, Int32]:
    """Return the distinct codes in ascending order, their counts, and the rank of the code of every pixel.

    The codes may be overwritten.
    """
    if bits > TABLE_BITS:
        distinct, rank, counts = np.unique(codes, return_inverse=True, return_counts=True)
        return distinct.astype(np.int64), counts, rank.astype(np.int32)
    # Counting takes linear time, and a table of 2**24 counts takes 128 MB.
    table = np.zeros(1 << bits, dtype=np.int64)
    count_codes(codes, table)
    distinct = np.flatnonzero(table)
    ranks = np.zeros(1 << bits, dtype=np.int32)
    ranks[distinct] = np.arange(len(distinct))
    replace_codes(codes, ranks)
    return distinct, table[distinct], codes.astype(np.int32, copy=False)


def count_colours(values: NDArray[np.unsignedinteger[Any]], valid: Bool) -> ColourCounts:
    """Count the colours of the valid pixels.

    Parameters
    ----------
    values
        uint8 or uint16, shape (rows, columns, channels) with one or three channels.
    valid
        Pixels to count; shape (rows, columns).
    """
    bits, channels = 8 * values.itemsize, values.shape[2]
    # A mask copies all pixels; without one the array is viewed.
    pixels = values.reshape(-1, channels) if valid.all() else values[valid]
    codes: Codes = np.empty(len(pixels), dtype=np.int32 if bits * channels <= TABLE_BITS else np.int64)
    pack_colours(pixels, bits, codes)
    distinct, counts, index = rank_codes(codes, bits * channels)
    # Unpack the distinct codes into channels, the first from the highest bits.
    shifts = bits * np.arange(channels - 1, -1, -1)
    places = (distinct[None, :] >> shifts[:, None]) & ((1 << bits) - 1)
    return ColourCounts(Colours(places.astype(np.float64), counts.astype(np.float64)), index)
