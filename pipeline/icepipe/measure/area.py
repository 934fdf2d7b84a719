"""Tallies of pixels and true area, and the areas with bounds that follow from them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from icepipe.classes import BUDGET, SEEN, ClassCode
from icepipe.errors import IntegrityError
from icepipe.records import Int64, UInt16
from icepipe.segment.strata import StrataTable, stratum_of

CLOSE = 1e-9


@dataclass
class Tally:
    """Pixels and area units of each stratum (cluster or mask), added up block by block.

    Areas are whole numbers: of 64 bits within a block, and across blocks as Python integers.
    """

    pixels: Counter[int] = field(default_factory=Counter)
    units: Counter[int] = field(default_factory=Counter)

    def add(self, strata: UInt16, area_units: Int64) -> None:
        """Count one block; both arrays have its shape."""
        from icepipe.measure.kernels import count_pixels

        counts, sums = np.zeros((2, 2 ** (8 * strata.dtype.itemsize)), dtype=np.int64)
        count_pixels(strata.ravel(), area_units.ravel(), counts, sums)
        self._take(counts, sums)

    def add_of(self, key: int, keys: UInt16, strata: UInt16, area_units: Int64) -> None:
        """Count the pixels of one block that have a key; all arrays have its shape."""
        from icepipe.measure.kernels import count_pixels_of

        counts, sums = np.zeros((2, 2 ** (8 * strata.dtype.itemsize)), dtype=np.int64)
        count_pixels_of(key, keys.ravel(), strata.ravel(), area_units.ravel(), counts, sums)
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


@dataclass(frozen=True)
class ClassArea:
    """One class of one observation.

    Attributes
    ----------
    area_km2
        True area under the middle thresholds.
    low_km2, high_km2
        Area in the class under every, and under any, threshold of the published ranges.
    n_pixels
        Pixels under the middle thresholds.
    weighted_km2
        Area weighted by concentration; None where there is none.
    """

    area_km2: float
    low_km2: float
    high_km2: float
    n_pixels: int
    weighted_km2: float | None = None


@dataclass(frozen=True)
class Budget:
    """All classes of one observation; their areas add up to the region.

    Attributes
    ----------
    classes
        Every class of the budget.
    region_km2
        True area of the region.
    edge_km2
        For each seen class, length of its border with other seen classes times half a pixel's side.
    """

    classes: dict[ClassCode, ClassArea]
    region_km2: float
    edge_km2: dict[ClassCode, float]

    @property
    def seen_km2(self) -> float:
        """Ice, water and other together."""
        return sum(self.classes[code].area_km2 for code in SEEN)

    @property
    def unknown_km2(self) -> float:
        """Cloud and unobserved together: what could hide more of any class."""
        return self.classes[ClassCode.CLOUD].area_km2 + self.classes[ClassCode.UNOBSERVED].area_km2

    @property
    def all_land(self) -> bool:
        """Whether there is nothing but land, so that no class of the surface is there."""
        return self.region_km2 > 0 and self.classes[ClassCode.LAND].area_km2 == self.region_km2

    @property
    def cloud_fraction(self) -> float:
        """Part of the region without land that clouds hide; 0 where there is nothing but land."""
        sea = self.region_km2 - self.classes[ClassCode.LAND].area_km2
        return self.classes[ClassCode.CLOUD].area_km2 / sea if sea > 0 else 0.0

    @property
    def valid_fraction(self) -> float:
        """Part of the region without land that was seen; 0 where there is nothing but land."""
        sea = self.region_km2 - self.classes[ClassCode.LAND].area_km2
        return self.seen_km2 / sea if sea > 0 else 0.0


def budget(tally: Tally, strata: StrataTable, unit_m2: float, edge_units: Mapping[ClassCode, int]) -> Budget:
    """Square kilometres of every class, with bounds, from a tally.

    Raises
    ------
    IntegrityError
        If the classes do not add up to the region.
    """
    unit_km2 = unit_m2 / 1e6
    classes = {}
    for code in BUDGET:
        kinds = strata.of(code), strata.surely(code), strata.possibly(code)
        mid, low, high = (tally.units_in(kind) * unit_km2 for kind in kinds)
        weighted = _weighted(tally, strata.cover(code), unit_km2)
        classes[code] = ClassArea(mid, low, high, tally.pixels_in(kinds[0]), weighted)
    region_units = tally.units.total() - tally.units[stratum_of(ClassCode.OUTSIDE)]
    result = Budget(
        classes, region_units * unit_km2, {code: units * unit_km2 / 4 for code, units in edge_units.items()}
    )
    total = sum(area.area_km2 for area in classes.values())
    if abs(total - result.region_km2) > CLOSE * max(result.region_km2, 1e-12):
        raise IntegrityError(f"the classes add up to {total} km2 and the region has {result.region_km2} km2")
    return result


def _weighted(tally: Tally, cover: dict[int, float] | None, unit_km2: float) -> float | None:
    """Area weighted by concentration."""
    if cover is None:
        return None
    return math.fsum(tally.units[stratum] * part for stratum, part in cover.items() if tally.units[stratum]) * unit_km2


def merged(tallies: Iterable[Tally]) -> Tally:
    """Several tallies as one."""
    total = Tally()
    for tally in tallies:
        total.pixels.update(tally.pixels)
        total.units.update(tally.units)
    return total
