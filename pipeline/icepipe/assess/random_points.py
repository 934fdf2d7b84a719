"""A seeded lottery among pixels: equal chances within a class, whatever order the pixels come in.

Every pixel of the run grid has a number that only the seed, the day and its place decide. The pixels of a class with
the smallest numbers are its simple random sample without replacement.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from icepipe.arrays import Int64, UInt8, UInt64
from icepipe.classes import SEEN, ClassCode
from icepipe.geo.geobox import Block
from icepipe.raster.splitmix64 import GOLDEN_GAMMA, MIX13, mix

LOTTERY, ORDER = 1, 2
"""Streams of numbers that have nothing to do with each other, nor with the sample that a model is fitted on."""


def _splitmix64(values: UInt64) -> UInt64:
    """Next number of SplitMix64 from each state; no two inputs meet."""
    return mix(values + GOLDEN_GAMMA, MIX13)


def random_numbers(seed: int, day: int, stream: int, rows: Int64, cols: Int64) -> UInt64:
    """The lottery's number of each pixel; any shape."""
    salt = np.zeros(1, dtype=np.uint64)
    for part in (stream, seed, day):
        salt = _splitmix64(salt ^ np.uint64(part))
    place = rows.astype(np.uint64) << np.uint64(32) | cols.astype(np.uint64)
    return _splitmix64(_splitmix64(place) ^ salt)


@dataclass(frozen=True)
class SampledPixels:
    """Pixels that may be drawn of one class, by their lottery number.

    Attributes
    ----------
    number
        The lottery's numbers.
    row, col
        Places on the run grid.
    units
        True areas of the pixels, in whole units.
    """

    number: UInt64
    row: Int64
    col: Int64
    units: Int64

    def first(self, count: int) -> SampledPixels:
        """Those with the smallest numbers, in their order."""
        order = np.argsort(self.number)[:count]
        return SampledPixels(self.number[order], self.row[order], self.col[order], self.units[order])

    def joined(self, other: SampledPixels) -> SampledPixels:
        """Both together."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return SampledPixels(*(np.concatenate(pair) for pair in pairs))


_NONE = SampledPixels(np.empty(0, np.uint64), *(np.empty(0, np.int64) for _ in range(3)))


class PixelSampler:
    """Keeps the smallest numbers of every seen class while blocks come by; holds no more than it may have to give.

    Parameters
    ----------
    seed, day
        What decides, with the place; the day as a proleptic ordinal.
    most
        Points that a class may be asked for.
    """

    def __init__(self, seed: int, day: int, most: int) -> None:
        self._seed, self._day, self._most = seed, day, most
        self._kept = dict.fromkeys(SEEN, _NONE)

    def add(self, block: Block, classes: UInt8, area_units: Int64) -> None:
        """Take the pixels of a block; both arrays have its shape."""
        for code in SEEN:
            row, col = np.nonzero(classes == code)
            units = area_units[row, col]
            row, col = row + block.row, col + block.col
            number = random_numbers(self._seed, self._day, LOTTERY, row, col)
            kept = self._kept[code]
            if len(kept.number) == self._most:
                better = number < kept.number[-1]
                number, row, col, units = number[better], row[better], col[better], units[better]
            self._kept[code] = kept.joined(SampledPixels(number, row, col, units)).first(self._most)

    def drawn(self, code: ClassCode, count: int) -> SampledPixels:
        """The sample of a class."""
        return self._kept[code].first(count)
