"""Pixel counts and areas per stratum, and areas of the surfaces in mixed pixels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from icepipe.arrays import Int64, UInt16
from icepipe.classes import SEEN, ClassCode
from icepipe.segment.classification.strata import N_STRATA
from icepipe.segment.mixtures.shares import FULL, Bound, Mixtures


@dataclass
class Tally:
    """Pixel counts and area units of each stratum (cluster or mask), accumulated block by block.

    Areas are integers, so that sums do not depend on the order of blocks: 64-bit within a block, Python integers
    across blocks, which cannot overflow.

    Attributes
    ----------
    pixels, units
        Number and area of all pixels, by stratum.
    mixed_units
        Area of the mixed pixels among them, by stratum.
    part_units
        Area of each class within mixed pixels, times ``FULL``, by class and bound.
    shared_units
        Area of mixed pixels that two surfaces share by the best estimate.
    """

    pixels: Counter[int] = field(default_factory=Counter)
    units: Counter[int] = field(default_factory=Counter)
    mixed_units: Counter[int] = field(default_factory=Counter)
    part_units: Counter[tuple[ClassCode, Bound]] = field(default_factory=Counter)
    shared_units: int = 0

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

    def add_mixtures(self, key: int, keys: UInt16, mixtures: Mixtures, area_units: Int64) -> None:
        """Count the mixed pixels of some rows whose key is ``key``.

        Parameters
        ----------
        key, keys
            The key, and that of each pixel; shape (rows, columns).
        mixtures, area_units
            The pixels, and the area of each; shape (rows, columns).
        """
        from icepipe.measure.area._kernels import count_mixtures

        mixed, parts = np.zeros(N_STRATA, dtype=np.int64), np.zeros((4, len(Bound)), dtype=np.int64)
        shares = mixtures.shares.reshape(len(Bound), -1)
        flat = keys.ravel(), mixtures.pairs.ravel(), shares, mixtures.strata.ravel(), area_units.ravel()
        self.shared_units += int(count_mixtures(key, *flat, mixed, parts))
        for stratum in np.flatnonzero(mixed).tolist():
            self.mixed_units[stratum] += int(mixed[stratum])
        for code in SEEN:
            for bound in Bound:
                self.part_units[code, bound] += int(parts[code, bound])

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

    def surface_units(self, strata: Iterable[int], code: ClassCode, bound: Bound) -> float:
        """Return the area units of a class: its unmixed pixels, those of some strata, and its part of mixed pixels."""
        unmixed = sum(self.units[stratum] - self.mixed_units[stratum] for stratum in strata)
        # Integers until the one division, which rounds correctly: bounds stay in order, and whole numbers exact.
        return (FULL * unmixed + self.part_units[code, bound]) / FULL


def merge_tallies(tallies: Iterable[Tally]) -> Tally:
    """Return the sum of several tallies."""
    total = Tally()
    for tally in tallies:
        total.pixels.update(tally.pixels)
        total.units.update(tally.units)
        total.mixed_units.update(tally.mixed_units)
        total.part_units.update(tally.part_units)
        total.shared_units += tally.shared_units
    return total
