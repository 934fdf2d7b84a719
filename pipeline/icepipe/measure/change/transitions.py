"""Transitions between the class rasters of two observations, and gain, loss and net change of each class."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from icepipe.arrays import Bool, UInt8, UInt16
from icepipe.classes import BUDGET, SEEN, ClassCode
from icepipe.errors import IntegrityError
from icepipe.measure.area.budget import CLOSURE_TOLERANCE
from icepipe.measure.area.tally import Tally

PAIR_BASE = 256
"""Base of pair codes: the class before is multiplied by it, so it exceeds every class code."""


def pair_code(before: int, after: int) -> int:
    """Encode a pair of classes as one number of 16 bits."""
    # Class codes have 8 bits, so each pair has its own number and can be tallied like a stratum.
    return before * PAIR_BASE + after


def encode_pairs(before: UInt8, after: UInt8) -> UInt16:
    """Encode the classes of each pixel in two rasters of one shape, as :func:`pair_code` does, to tally them."""
    return before.astype(np.uint16) * np.uint16(PAIR_BASE) + after


def gain_loss(before: UInt8, after: UInt8) -> tuple[UInt8, UInt8]:
    """Return the class that each pixel gained and the class that it lost.

    Both are ``UNOBSERVED`` where the class did not change, or was not seen in both rasters.
    """
    from icepipe.measure.change._kernels import fill_gain_loss

    gained, lost = np.empty_like(before), np.empty_like(before)
    fill_gain_loss(before.reshape(-1), after.reshape(-1), code_mask(SEEN), gained.reshape(-1), lost.reshape(-1))
    return gained, lost


def code_mask(codes: Collection[ClassCode]) -> Bool:
    """Return a lookup table of 256 booleans, True at the given codes."""
    # Kernels look codes up in a table: one access per pixel, however many classes are True.
    return np.isin(np.arange(256), list(codes))


@dataclass(frozen=True)
class Transition:
    """Pixels of one class before and one class after, which may be the same.

    Attributes
    ----------
    before, after
        Classes; cloud, land and unobserved are classes, too.
    units
        True area, in units of the basis.
    n_pixels
        Number of pixels.
    """

    before: ClassCode
    after: ClassCode
    units: int
    n_pixels: int


@dataclass(frozen=True)
class ChangeTable:
    """Table of transitions between two observations of one region.

    Attributes
    ----------
    transitions
        Every pair of classes of the budget, in their order; their areas add up to the region.
    unit_m2
        Unit of area.
    known_before, known_after
        Classes whose area is known in each observation, in their order.
    """

    transitions: tuple[Transition, ...]
    unit_m2: float
    known_before: tuple[ClassCode, ...]
    known_after: tuple[ClassCode, ...]

    @cached_property
    def by_pair(self) -> Mapping[tuple[ClassCode, ClassCode], Transition]:
        """Transitions by their classes before and after."""
        return {(transition.before, transition.after): transition for transition in self.transitions}

    def units(self, before: Collection[ClassCode], after: Collection[ClassCode]) -> int:
        """Return the area of pixels whose class was in ``before`` and is now in ``after``, in units of the basis."""
        return sum(self.by_pair[a, b].units for a in before for b in after)

    def km2(self, before: Collection[ClassCode], after: Collection[ClassCode]) -> float:
        """Return the same area in km2, whether the classes are known or not."""
        return self.units(before, after) * self.unit_m2 / 1e6

    def is_known(self, transition: Transition) -> bool:
        """Return whether the class before and the class after are known in their observations."""
        return transition.before in self.known_before and transition.after in self.known_after

    @property
    def region_km2(self) -> float:
        """Area of the region."""
        return self.km2(BUDGET, BUDGET)

    @property
    def compared_km2(self) -> float:
        """Area that was seen in both observations."""
        return self.km2(SEEN, SEEN)

    @property
    def land_km2(self) -> float:
        """Area that is land in both observations."""
        return self.km2([ClassCode.LAND], [ClassCode.LAND])

    @property
    def not_compared_km2(self) -> float:
        """Area, without land, that was not seen in one of the observations or in both."""
        # Integers are subtracted before the conversion, so that no rounding is left where the result is 0.
        units = self.units(BUDGET, BUDGET) - self.units(SEEN, SEEN) - self.units([ClassCode.LAND], [ClassCode.LAND])
        return units * self.unit_m2 / 1e6

    def is_comparable(self, code: ClassCode) -> bool:
        """Return whether gain and loss of a class are known.

        Its area must be known in both observations, and some of the region must have been seen in both.
        """
        # Without a pixel seen in both, gain and loss would be 0 for lack of data.
        return code in self.known_before and code in self.known_after and self.units(SEEN, SEEN) > 0

    def gained_km2(self, code: ClassCode) -> float | None:
        """Return the area that changed to a class; None where not known."""
        return self.km2(other_classes(code), [code]) if self.is_comparable(code) else None

    def lost_km2(self, code: ClassCode) -> float | None:
        """Return the area that changed from a class to another; None where not known."""
        return self.km2([code], other_classes(code)) if self.is_comparable(code) else None

    def net_km2(self, code: ClassCode) -> float | None:
        """Return gain less loss; None where not known."""
        if not self.is_comparable(code):
            return None
        units = self.units(other_classes(code), [code]) - self.units([code], other_classes(code))
        return units * self.unit_m2 / 1e6


def other_classes(code: ClassCode) -> list[ClassCode]:
    """Return the seen classes other than a class."""
    return [seen for seen in SEEN if seen is not code]


def change_table(
    tally: Tally, unit_m2: float, known_before: Collection[ClassCode], known_after: Collection[ClassCode]
) -> ChangeTable:
    """Build the table from a tally of pairs.

    Parameters
    ----------
    tally
        Tally of pairs from :func:`encode_pairs`; pixels outside the region in both observations do not count.
    unit_m2
        Unit of area.
    known_before, known_after
        Classes whose area is known in each observation.

    Raises
    ------
    IntegrityError
        If a pixel is outside the region in one observation only, or has no class.
    """
    pairs = {(a, b): pair_code(a, b) for a in BUDGET for b in BUDGET}
    # Other pairs mean that the observations have different regions, or that a raster is damaged.
    outside = pair_code(ClassCode.OUTSIDE, ClassCode.OUTSIDE)
    if unexpected := tally.pixels.keys() - set(pairs.values()) - {outside}:
        codes = ", ".join(f"{pair // PAIR_BASE} and {pair % PAIR_BASE}" for pair in sorted(unexpected))
        raise IntegrityError(f"two observations do not share a region: pixels of codes {codes}", "run with --force")
    # Pairs that do not occur are rows of the table, too: readers of all tables find the same rows.
    transitions = tuple(Transition(a, b, tally.units[pair], tally.pixels[pair]) for (a, b), pair in pairs.items())
    before, after = (tuple(code for code in BUDGET if code in known) for known in (known_before, known_after))
    return ChangeTable(transitions, unit_m2, before, after)


def check_table_closes(
    change: ChangeTable, before: Mapping[ClassCode, float], after: Mapping[ClassCode, float], region_km2: float
) -> None:
    """Check that the sums of a table equal the areas that were published for both observations.

    Parameters
    ----------
    change
        Table of transitions.
    before, after
        Published km2 of the classes whose area is known.
    region_km2
        Published area of the region.

    Raises
    ------
    IntegrityError
        If the sum of a row, of a column or of the table differs.
    """
    sums = [("the whole region", change.region_km2, region_km2)]
    sums += [(f"{code.label} on the first day", change.km2([code], BUDGET), km2) for code, km2 in before.items()]
    sums += [(f"{code.label} on the second day", change.km2(BUDGET, [code]), km2) for code, km2 in after.items()]
    for name, total, published in sums:
        # Relative to the region, as the rounding of its areas is; a region may be empty.
        if abs(total - published) > CLOSURE_TOLERANCE * max(region_km2, 1e-12):
            raise IntegrityError(
                f"{name}: transitions add up to {total} km2 but {published} km2 were published", "run with --force"
            )
