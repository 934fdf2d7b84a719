"""Pixels and area units, counted by stratum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from icepipe.arrays import Int64, UInt16


@dataclass
class Tally:
    """Pixels and area units of each stratum (cluster or mask), added up block by block.

    Areas are whole numbers: of 64 bits within a block, and across blocks as Python integers.
    """

    pixels: Counter[int] = field(default_factory=Counter)
    units: Counter[int] = field(default_factory=Counter)

    def add(self, strata: UInt16, area_units: Int64) -> None:
        """Count one block; both arrays have its shape."""
        from icepipe.measure.area._kernels import count_pixels

        counts, sums = np.zeros((2, 2 ** (8 * strata.dtype.itemsize)), dtype=np.int64)
        count_pixels(strata.ravel(), area_units.ravel(), counts, sums)
        self._take(counts, sums)

    def add_where(self, key: int, keys: UInt16, strata: UInt16, area_units: Int64) -> None:
        """Count the pixels of one block that have a key; all arrays have its shape."""
        from icepipe.measure.area._kernels import count_pixels_where

        counts, sums = np.zeros((2, 2 ** (8 * strata.dtype.itemsize)), dtype=np.int64)
        count_pixels_where(key, keys.ravel(), strata.ravel(), area_units.ravel(), counts, sums)
        self._take(counts, sums)

    def add_tally(self, other: Tally, renamed: Callable[[int], int]) -> None:
        """Add what another counted, under other numbers."""
        for number, count in other.pixels.items():
            self.pixels[renamed(number)] += count
            self.units[renamed(number)] += other.units[number]

    def _take(self, counts: Int64, sums: Int64) -> None:
        for stratum in np.flatnonzero(counts).tolist():
            self.pixels[stratum] += int(counts[stratum])
            self.units[stratum] += int(sums[stratum])

    def pixels_in(self, strata: Iterable[int]) -> int:
        """Pixels of some strata together."""
        return sum(self.pixels[stratum] for stratum in strata)

    def units_in(self, strata: Iterable[int]) -> int:
        """Area units of some strata together."""
        return sum(self.units[stratum] for stratum in strata)


def merge_tallies(tallies: Iterable[Tally]) -> Tally:
    """Several tallies as one."""
    total = Tally()
    for tally in tallies:
        total.pixels.update(tally.pixels)
        total.units.update(tally.units)
    return total
