"""Pixel counts and areas per stratum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from icepipe.arrays import Int64, UInt16


@dataclass
class Tally:
    """Pixel counts and area units of each stratum (cluster or mask), accumulated block by block.

    Areas are integers, so that sums do not depend on the order of blocks: 64-bit within a block, Python integers
    across blocks, which cannot overflow.
    """

    pixels: Counter[int] = field(default_factory=Counter)
    units: Counter[int] = field(default_factory=Counter)

    def add(self, strata: UInt16, area_units: Int64) -> None:
        """Count the pixels of a block; both arrays have its shape."""
        from icepipe.measure.area._kernels import count_pixels

        # Every value of the dtype has a slot, so the kernel needs no bounds check.
        counts, sums = np.zeros((2, 2 ** (8 * strata.dtype.itemsize)), dtype=np.int64)
        count_pixels(strata.ravel(), area_units.ravel(), counts, sums)
        self._add_counts(counts, sums)

    def add_where(self, key: int, keys: UInt16, strata: UInt16, area_units: Int64) -> None:
        """Count the pixels of a block whose key is ``key``; all arrays have its shape."""
        from icepipe.measure.area._kernels import count_pixels_where

        counts, sums = np.zeros((2, 2 ** (8 * strata.dtype.itemsize)), dtype=np.int64)
        count_pixels_where(key, keys.ravel(), strata.ravel(), area_units.ravel(), counts, sums)
        self._add_counts(counts, sums)

    def add_tally(self, tally: Tally, renumber: Callable[[int], int]) -> None:
        """Add another tally, with its strata renumbered."""
        for number, count in tally.pixels.items():
            self.pixels[renumber(number)] += count
            self.units[renumber(number)] += tally.units[number]

    def _add_counts(self, counts: Int64, sums: Int64) -> None:
        # Only strata that occur are added: a Counter with 65536 zeros would be slow to merge.
        for stratum in np.flatnonzero(counts).tolist():
            self.pixels[stratum] += int(counts[stratum])
            self.units[stratum] += int(sums[stratum])

    def pixels_in(self, strata: Iterable[int]) -> int:
        """Return the number of pixels of some strata together."""
        return sum(self.pixels[stratum] for stratum in strata)

    def units_in(self, strata: Iterable[int]) -> int:
        """Return the area units of some strata together."""
        return sum(self.units[stratum] for stratum in strata)


def merge_tallies(tallies: Iterable[Tally]) -> Tally:
    """Return the sum of several tallies."""
    total = Tally()
    for tally in tallies:
        total.pixels.update(tally.pixels)
        total.units.update(tally.units)
    return total
