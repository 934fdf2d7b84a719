"""Tallies of pixels and true area, and the areas with bounds that follow from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from icepipe.classes import BUDGET, SEEN, ClassCode
from icepipe.errors import IntegrityError
from icepipe.measure.area.tally import Tally
from icepipe.segment.classification.strata import StrataTable, mask_stratum

CLOSE = 1e-9


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
        kinds = strata.class_strata(code), strata.certain(code), strata.possible(code)
        mid, low, high = (tally.units_in(kind) * unit_km2 for kind in kinds)
        weighted = _weighted(tally, strata.concentration(code), unit_km2)
        classes[code] = ClassArea(mid, low, high, tally.pixels_in(kinds[0]), weighted)
    region_units = tally.units.total() - tally.units[mask_stratum(ClassCode.OUTSIDE)]
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
