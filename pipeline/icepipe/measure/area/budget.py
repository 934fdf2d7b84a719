"""Areas of all classes with lower and upper bounds, computed from a tally; they must add up to the region."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from icepipe.classes import BUDGET, SEEN, ClassCode
from icepipe.errors import IntegrityError
from icepipe.measure.area.tally import Tally
from icepipe.segment.classification.strata import StrataTable, mask_stratum
from icepipe.segment.mixtures.shares import Bound

CLOSURE_TOLERANCE = 1e-9
"""Largest difference between two sums, relative to the area of the region; rounding errors are far smaller."""


@dataclass(frozen=True)
class ClassArea:
    """Area of one class of one observation.

    Attributes
    ----------
    area_km2
        True area under the middle thresholds.
    low_km2, high_km2
        Area of the pixels that are in the class for all thresholds, and for any threshold, of the published ranges.
    n_pixels
        Pixels under the middle thresholds.
    weighted_km2
        Best estimate of the surface that the class covers: each pixel counts by the share of it that is of the class.
        None for classes that are not seen, and for class rasters without concentrations; those with concentrations have
        it for ice alone.
    """

    area_km2: float
    low_km2: float
    high_km2: float
    n_pixels: int
    weighted_km2: float | None = None


@dataclass(frozen=True)
class Budget:
    """Areas of all classes of one observation; they add up to the region.

    Attributes
    ----------
    classes
        Every class of the budget.
    region_km2
        True area of the region.
    edge_km2
        For each seen class, the length of its border with other seen classes times half a pixel side.
    mixed_fraction
        Fraction of the seen area that lies in pixels of more than one class.
    from_concentration
        Whether the shares of ice are concentrations of the input.
    """

    classes: dict[ClassCode, ClassArea]
    region_km2: float
    edge_km2: dict[ClassCode, float]
    mixed_fraction: float = 0.0
    from_concentration: bool = False

    @property
    def seen_km2(self) -> float:
        """Area of ice, water and other together."""
        return sum(self.classes[code].area_km2 for code in SEEN)

    @property
    def unknown_km2(self) -> float:
        """Area of cloud and unobserved together, which may hide any class."""
        return self.classes[ClassCode.CLOUD].area_km2 + self.classes[ClassCode.UNOBSERVED].area_km2

    @property
    def all_land(self) -> bool:
        """Whether the whole region is land, so that the area of every seen class is known to be 0."""
        return self.region_km2 > 0 and self.classes[ClassCode.LAND].area_km2 == self.region_km2

    @property
    def cloud_fraction(self) -> float:
        """Fraction of the region without land that is cloud; 0 if the whole region is land."""
        without_land_km2 = self.region_km2 - self.classes[ClassCode.LAND].area_km2
        return self.classes[ClassCode.CLOUD].area_km2 / without_land_km2 if without_land_km2 > 0 else 0.0

    @property
    def valid_fraction(self) -> float:
        """Fraction of the region without land that was seen; 0 if the whole region is land."""
        without_land_km2 = self.region_km2 - self.classes[ClassCode.LAND].area_km2
        return self.seen_km2 / without_land_km2 if without_land_km2 > 0 else 0.0


def compute_budget(tally: Tally, strata: StrataTable, unit_m2: float, edge_units: Mapping[ClassCode, int]) -> Budget:
    """Compute the area of every class in km2, with bounds, from a tally.

    Raises
    ------
    IntegrityError
        If the classes do not add up to the region.
    """
    unit_km2 = unit_m2 / 1e6
    classes = {}
    for code in BUDGET:
        members = strata.class_strata(code)
        low = tally.surface_units(strata.certain(code), code, Bound.LOW) * unit_km2
        high = tally.surface_units(strata.possible(code), code, Bound.HIGH) * unit_km2
        weighted = None
        if strata.models and code in SEEN:
            weighted = tally.surface_units(members, code, Bound.BEST) * unit_km2
        elif (concentration := strata.concentration(code)) is not None:
            # fsum is exact, so the result does not depend on the order in which strata were counted.
            parts = (tally.units[number] * part for number, part in concentration.items() if tally.units[number])
            weighted = math.fsum(parts) * unit_km2
        classes[code] = ClassArea(tally.units_in(members) * unit_km2, low, high, tally.pixels_in(members), weighted)
    region_units = tally.units.total() - tally.units[mask_stratum(ClassCode.OUTSIDE)]
    # Edges counted the area of both neighbours, four times the edge area (see Edges).
    edge_km2 = {code: units * unit_km2 / 4 for code, units in edge_units.items()}
    seen_units = tally.units_in(strata.seen)
    budget = Budget(
        classes,
        region_units * unit_km2,
        edge_km2,
        mixed_fraction=tally.shared_units / seen_units if seen_units else 0.0,
        from_concentration=strata.from_concentration,
    )
    total = sum(area.area_km2 for area in classes.values())
    # The floor keeps an empty region from requiring an exact 0.
    if abs(total - budget.region_km2) > CLOSURE_TOLERANCE * max(budget.region_km2, 1e-12):
        raise IntegrityError(f"the classes add up to {total} km2 and the region has {budget.region_km2} km2")
    return budget
