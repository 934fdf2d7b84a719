"""Select a random sample of pixels with equal probability within a class, independently of the order of blocks.

Every pixel of the run grid has a hash of the seed, the day, its row and its column. The pixels of a class with the
smallest hashes are a simple random sample without replacement.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from icepipe.arrays import Int64, UInt8, UInt64
from icepipe.classes import SEEN, ClassCode
from icepipe.geo.geobox import Block
from icepipe.raster.splitmix64 import GOLDEN_GAMMA, mix

SELECTION, ORDER = 1, 2
"""Streams of hashes that are independent of each other, and of the sample that a model is fitted on."""


def splitmix64(state: UInt64) -> UInt64:
    """Return the next number of SplitMix64 for each state; a bijection, so that different states never collide."""
    return mix(state + GOLDEN_GAMMA)


def pixel_hashes(seed: int, day: int, stream: int, rows: Int64, cols: Int64) -> UInt64:
    """Return the hash of each pixel of the run grid.

    Parameters
    ----------
    seed
        Seed of the sample.
    day
        Proleptic ordinal of the day of the observation.
    stream
        ``SELECTION`` or ``ORDER``.
    rows, cols
        Pixels of the run grid; any shape.
    """
    # Mixing after each part keeps (seed, day) and (day, seed) apart.
    salt = np.zeros(1, dtype=np.uint64)
    for part in (stream, seed, day):
        salt = splitmix64(salt ^ np.uint64(part))
    # Rows and columns fit into 32 bits each: no two pixels share a position.
    position = rows.astype(np.uint64) << np.uint64(32) | cols.astype(np.uint64)
    # Positions are mixed before the salt is added, as neighbours differ in a few low bits only.
    return splitmix64(splitmix64(position) ^ salt)


@dataclass(frozen=True)
class SampledPixels:
    """Sampled pixels of one class; all arrays have shape (n,).

    Attributes
    ----------
    hashes
        Hashes of the pixels.
    row, col
        Positions on the run grid.
    units
        True areas of the pixels, in integer area units.
    """

    hashes: UInt64
    row: Int64
    col: Int64
    units: Int64

    def smallest(self, count: int) -> SampledPixels:
        """Return the pixels with the smallest hashes, in ascending order."""
        order = np.argsort(self.hashes)[:count]
        return SampledPixels(self.hashes[order], self.row[order], self.col[order], self.units[order])

    def concatenate(self, other: SampledPixels) -> SampledPixels:
        """Return the pixels of both."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return SampledPixels(*(np.concatenate(pair) for pair in pairs))


NO_PIXELS = SampledPixels(np.empty(0, np.uint64), *(np.empty(0, np.int64) for _ in range(3)))


class PixelSampler:
    """Draws samples of all observed classes in one pass over the blocks of a class map, in bounded memory.

    Parameters
    ----------
    seed, day
        Seed of the sample, and proleptic ordinal of the day of the observation.
    max_points
        Largest sample of a class.
    """

    def __init__(self, seed: int, day: int, max_points: int) -> None:
        self._seed, self._day, self._max_points = seed, day, max_points
        self._candidates = dict.fromkeys(SEEN, NO_PIXELS)

    def add(self, block: Block, classes: UInt8, area_units: Int64) -> None:
        """Add the pixels of a block.

        Parameters
        ----------
        block
            Position of the block on the run grid.
        classes, area_units
            Class codes and true areas of the pixels; shape of the block.
        """
        for code in SEEN:
            row, col = np.nonzero(classes == code)
            units = area_units[row, col]
            row, col = row + block.row, col + block.col
            hashes = pixel_hashes(self._seed, self._day, SELECTION, row, col)
            candidates = self._candidates[code]
            if len(candidates.hashes) == self._max_points:
                # Once there are enough candidates, most pixels of a block cannot replace one: drop them unsorted.
                better = hashes < candidates.hashes[-1]
                hashes, row, col, units = hashes[better], row[better], col[better], units[better]
            pixels = candidates.concatenate(SampledPixels(hashes, row, col, units))
            self._candidates[code] = pixels.smallest(self._max_points)

    def sample(self, code: ClassCode, count: int) -> SampledPixels:
        """Return the sample of a class, of at most ``count`` pixels."""
        return self._candidates[code].smallest(count)
