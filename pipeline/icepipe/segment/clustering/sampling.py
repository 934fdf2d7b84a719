"""Sample the pixels of a fit: drawn by a hash of their position, thinned by stratum to keep rare surfaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from icepipe.arrays import Bool, Float64, Int64, StoredPixels, UInt64
from icepipe.geo.geobox import Block, GeoBox

POOL_FACTOR = 4
"""Pixels drawn for each pixel of the sample, so that rare surfaces are among them and can be kept in full."""

GRID_CELLS = 4
"""Rows and columns of cells that a grid is divided into for sampling."""

COLOUR_LEVELS = 8
"""Levels per band by which colours are grouped for sampling."""

_MAX_HASH = float(2**64 - 2**11)
"""Largest double below 2**64, so that a rate of 1 draws every hash up to it."""


@dataclass(frozen=True)
class CandidatePixels:
    """Pixels of one observation that the sample of a fit is chosen from.

    Attributes
    ----------
    values
        Stored values, shape (n, bands).
    hashes
        Hash of each pixel; the smallest of a stratum are kept. Shape (n,).
    places
        Index of the grid cell of each pixel; shape (n,).
    """

    values: StoredPixels
    hashes: UInt64
    places: Int64


@dataclass(frozen=True)
class PixelSample:
    """Weighted pixels that a model is fitted on.

    Attributes
    ----------
    values
        Stored values, shape (n, bands).
    weights
        Number of candidate pixels that each pixel represents; shape (n,).
    """

    values: StoredPixels
    weights: Float64

    @classmethod
    def of(cls, values: StoredPixels) -> PixelSample:
        """Return a sample in which every pixel represents itself."""
        return cls(values, np.ones(len(values)))


def hash_sample(seed: int, date_ordinal: int, block: Block, valid: Bool, rate: float) -> tuple[Int64, Int64, UInt64]:
    """Draw pixels of a block by a hash of seed, date, row and column.

    Parameters
    ----------
    seed, date_ordinal
        Of the run and the observation.
    block, valid
        The block, and its pixels that can be drawn.
    rate
        Share of the pixels to draw; 1 or more draws all.

    Returns
    -------
    rows, cols
        Positions of the drawn pixels within the block, in raster order; shape (n,).
    hashes
        Their hashes; shape (n,).
    """
    from icepipe.segment.clustering._kernels import draw_pixels

    positions, hashes = np.empty(valid.size, dtype=np.int64), np.empty(valid.size, dtype=np.uint64)
    # The hash of a pixel depends on nothing but its place and date: not on files, blocks or the number of workers.
    salt, limit = np.uint64((seed << 32) ^ date_ordinal), np.uint64(min(rate, 1.0) * _MAX_HASH)
    n = draw_pixels(block.row, block.col, salt, limit, np.ascontiguousarray(valid), positions, hashes)
    rows, cols = np.divmod(positions[:n], block.width)
    # A copy, so that the array for all pixels of the block can be freed.
    return rows, cols, hashes[:n].copy()


def grid_cells(grid: GeoBox, rows: Int64, cols: Int64) -> Int64:
    """Return the index of the grid cell of each pixel; shapes (n,)."""
    return np.asarray(rows * GRID_CELLS // grid.height * GRID_CELLS + cols * GRID_CELLS // grid.width, dtype=np.int64)


def sampling_strata(pools: Sequence[CandidatePixels]) -> Int64:
    """Return the sampling stratum of each candidate: its observation, its grid cell and its colour in coarse levels."""
    parts = []
    for number, pool in enumerate(pools):
        key = number * GRID_CELLS**2 + pool.places
        # Eighths of the range of a byte; steps of 0.1 reflectance, above 0.7 all one level.
        step = 256 // COLOUR_LEVELS if pool.values.dtype == np.uint8 else 1000
        for band in pool.values.T:
            key = key * COLOUR_LEVELS + np.clip(band.astype(np.int64) // step, 0, COLOUR_LEVELS - 1)
        parts.append(key)
    return np.concatenate(parts)


def allocate_sample(counts: Int64, size: int) -> Int64:
    """Return how many pixels of each stratum to keep, in proportion to the square root of its pixels.

    The power allocation of Bankier (1988), The American Statistician 42, with a power of one half. A stratum keeps at
    least one pixel, and no more than it has.
    """
    low, high = 0.0, float(np.sqrt(counts.max()))
    # Bisection for the largest factor that fits: the minimum with the counts makes the sum nonlinear. 50 halvings
    # exhaust the precision of the factor.
    for _ in range(50):
        middle = (low + high) / 2
        fits = np.minimum(counts, np.ceil(middle * np.sqrt(counts))).sum() <= size
        low, high = (middle, high) if fits else (low, middle)
    return np.maximum(1, np.minimum(counts, np.ceil(low * np.sqrt(counts)))).astype(np.int64)


def thin_sample(pools: Sequence[CandidatePixels], size: int) -> PixelSample:
    """Choose about ``size`` of all candidates, some of every stratum, weighted by the candidates they represent.

    Parameters
    ----------
    pools
        One per observation, in order.
    size
        Number of pixels; all are kept where there are fewer.
    """
    values, hashes = (np.concatenate([getattr(pool, name) for pool in pools]) for name in ("values", "hashes"))
    if len(values) <= size:
        return PixelSample.of(values)
    strata = sampling_strata(pools)
    # By stratum, and within it by hash: the first of each stratum are a random choice that every run repeats.
    by_hash = np.argsort(hashes)
    order = by_hash[np.argsort(strata[by_hash], kind="stable")]
    _, starts, counts = np.unique(strata[order], return_index=True, return_counts=True)
    allocation = allocate_sample(counts, size)
    rank = np.arange(len(order)) - np.repeat(starts, counts)
    chosen = order[rank < np.repeat(allocation, counts)]
    weights = np.zeros(len(order))
    weights[chosen] = np.repeat(counts / allocation, allocation)
    # Chosen pixels stay in raster order, in which later sums over the sample are made.
    is_chosen = weights > 0
    return PixelSample(values[is_chosen], weights[is_chosen])


def resample(sample: PixelSample, size: int) -> PixelSample:
    """Return an unweighted sample of at most ``size`` pixels, taken at equal steps of the cumulative weight."""
    ends = np.cumsum(sample.weights)
    size = min(size, len(ends))
    marks = (np.arange(size) + 0.5) * ends[-1] / size
    return PixelSample.of(sample.values[np.searchsorted(ends, marks)])
