"""The pixels that a fit looks at: hashed by place, thinned by stratum, so that what is rare survives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from icepipe.arrays import Bool, Float64, Int64, StoredPixels, UInt64
from icepipe.geo.geobox import Block, GeoBox

POOL = 4
"""Pixels drawn for each one that is kept: among them what is rare is found and kept in full."""

PLACES = 4
"""A grid is cut into so many rows and columns of places."""

COLOURS = 8
"""Levels of each band that tell colours apart for the purpose of rarity."""

_LARGEST = float(2**64 - 2**11)


@dataclass(frozen=True)
class CandidatePixels:
    """Pixels of one observation to choose from.

    Attributes
    ----------
    values
        Kept numbers, shape (n, bands).
    hashes
        What decides which are kept, smallest first; shape (n,).
    places
        Number of the part of the grid that each lies in; shape (n,).
    """

    values: StoredPixels
    hashes: UInt64
    places: Int64


@dataclass(frozen=True)
class PixelSample:
    """Pixels that a fit looks at.

    Attributes
    ----------
    values
        Kept numbers, shape (n, bands).
    weights
        How many pixels of the pool each stands for; shape (n,).
    """

    values: StoredPixels
    weights: Float64

    @classmethod
    def of(cls, values: StoredPixels) -> PixelSample:
        """Every item for itself."""
        return cls(values, np.ones(len(values)))


def hash_sample(seed: int, date_ordinal: int, block: Block, valid: Bool, rate: float) -> tuple[Int64, Int64, UInt64]:
    """Rows and columns within a block of its pixels that are drawn, and their hashes, in raster order; shapes (n,).

    A hash of seed, date, row and column decides, so a sample does not depend on files, blocks or workers.

    Parameters
    ----------
    seed, date_ordinal
        Of the run and the observation.
    block, valid
        The block, and which of its pixels can be drawn.
    rate
        Part of the pixels to draw; all from 1 on.
    """
    from icepipe.segment.clustering._kernels import draw

    places, hashes = np.empty(valid.size, dtype=np.int64), np.empty(valid.size, dtype=np.uint64)
    salt, limit = np.uint64((seed << 32) ^ date_ordinal), np.uint64(min(rate, 1.0) * _LARGEST)
    n = draw(block.row, block.col, salt, limit, np.ascontiguousarray(valid), places, hashes)
    rows, cols = np.divmod(places[:n], block.width)
    return rows, cols, hashes[:n].copy()


def grid_cells(grid: GeoBox, rows: Int64, cols: Int64) -> Int64:
    """Number of the place of each of some pixels; shapes (n,)."""
    return np.asarray(rows * PLACES // grid.height * PLACES + cols * PLACES // grid.width, dtype=np.int64)


def _strata(pools: Sequence[CandidatePixels]) -> Int64:
    """Number of each pixel's stratum: its observation, its place, and its colour in coarse steps."""
    parts = []
    for number, pool in enumerate(pools):
        key = number * PLACES**2 + pool.places
        for band in pool.values.T:
            key = key * COLOURS + _level(band)
        parts.append(key)
    return np.concatenate(parts)


def _level(band: NDArray[np.integer[Any]]) -> Int64:
    """Coarse level of kept numbers: eighths of a byte's range, steps of 0.1 reflectance up to 0.7."""
    step = 256 // COLOURS if band.dtype == np.uint8 else 1000
    return np.clip(band.astype(np.int64) // step, 0, COLOURS - 1)


def _kept_of(counts: Int64, size: int) -> Int64:
    """How many of each stratum are kept: in proportion to the square root of its pixels, and all of a small one.

    The power allocation of Bankier (1988), The American Statistician 42, with a power of one half.
    """
    low, high = 0.0, float(np.sqrt(counts.max()))
    for _ in range(50):
        middle = (low + high) / 2
        fits = np.minimum(counts, np.ceil(middle * np.sqrt(counts))).sum() <= size
        low, high = (middle, high) if fits else (low, middle)
    return np.maximum(1, np.minimum(counts, np.ceil(low * np.sqrt(counts)))).astype(np.int64)


def thin_sample(pools: Sequence[CandidatePixels], size: int) -> PixelSample:
    """Choose about so many pixels of all pools; every stratum keeps some, and weights make up for what is left out.

    Parameters
    ----------
    pools
        One an observation, in order.
    size
        Pixels wanted; all are kept where there are fewer.
    """
    values, hashes = (np.concatenate([getattr(pool, name) for pool in pools]) for name in ("values", "hashes"))
    if len(values) <= size:
        return PixelSample.of(values)
    strata = _strata(pools)
    by_hash = np.argsort(hashes)
    order = by_hash[np.argsort(strata[by_hash], kind="stable")]
    _, starts, counts = np.unique(strata[order], return_index=True, return_counts=True)
    kept = _kept_of(counts, size)
    rank = np.arange(len(order)) - np.repeat(starts, counts)
    chosen = order[rank < np.repeat(kept, counts)]
    weights = np.zeros(len(order))
    weights[chosen] = np.repeat(counts / kept, kept)
    stays = weights > 0
    return PixelSample(values[stays], weights[stays])


def resample(sample: PixelSample, size: int) -> PixelSample:
    """Unweighted items that stand for a weighted sample: every so much of the summed weight, one."""
    ends = np.cumsum(sample.weights)
    size = min(size, len(ends))
    marks = (np.arange(size) + 0.5) * ends[-1] / size
    return PixelSample.of(sample.values[np.searchsorted(ends, marks)])
