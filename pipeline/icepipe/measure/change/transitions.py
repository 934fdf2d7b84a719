"""Change between two observations: what became what, on pixels whose surface was seen on both days."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from icepipe.arrays import Bool, UInt8, UInt16
from icepipe.classes import BUDGET, SEEN, ClassCode
from icepipe.errors import IntegrityError
from icepipe.measure.area.budget import CLOSE
from icepipe.measure.area.tally import Tally

_FIRST = 256
"""A pair of classes is one number: the first class times this, plus the second."""


def pair_code(before: int, after: int) -> int:
    """Two classes as one number."""
    return before * _FIRST + after


def encode_pairs(before: UInt8, after: UInt8) -> UInt16:
    """:func:`pair_of` each pixel's classes, to be tallied; arrays of one shape."""
    return before.astype(np.uint16) * np.uint16(_FIRST) + after


def gain_loss(before: UInt8, after: UInt8) -> tuple[UInt8, UInt8]:
    """The class that each pixel gained, and the one it lost; ``UNOBSERVED`` where nothing changed or can be said."""
    from icepipe.measure.change._kernels import fill_gain_loss

    gained, lost = np.empty_like(before), np.empty_like(before)
    fill_gain_loss(before.reshape(-1), after.reshape(-1), code_mask(SEEN), gained.reshape(-1), lost.reshape(-1))
    return gained, lost


def code_mask(codes: Collection[ClassCode]) -> Bool:
    """Which of all codes are some classes; shape (256,)."""
    return np.isin(np.arange(256), list(codes))


@dataclass(frozen=True)
class Transition:
    """Pixels that were of one class and are of another, or still of the same.

    Attributes
    ----------
    before, after
        The classes; cloud, land and unobserved are classes, too.
    units
        True area, in the units of the basis.
    n_pixels
        Pixels.
    """

    before: ClassCode
    after: ClassCode
    units: int
    n_pixels: int


@dataclass(frozen=True)
class ChangeTable:
    """A table of transitions between two observations of one region, and what follows from it.

    Attributes
    ----------
    transitions
        Every pair of classes of the budget, in their order; their areas add up to the region.
    unit_m2
        The unit of area.
    known_before, known_after
        Classes whose area is known on each day, in their order.
    """

    transitions: tuple[Transition, ...]
    unit_m2: float
    known_before: tuple[ClassCode, ...]
    known_after: tuple[ClassCode, ...]

    @cached_property
    def _by_pair(self) -> Mapping[tuple[ClassCode, ClassCode], Transition]:
        return {(one.before, one.after): one for one in self.transitions}

    def units(self, before: Collection[ClassCode], after: Collection[ClassCode]) -> int:
        """Area units that were of some classes and are of others."""
        return sum(self._by_pair[a, b].units for a in before for b in after)

    def km2(self, before: Collection[ClassCode], after: Collection[ClassCode]) -> float:
        """The same in km2, whether its classes are known or not."""
        return self.units(before, after) * self.unit_m2 / 1e6

    def is_known(self, one: Transition) -> bool:
        """Whether both classes of a transition are known on their day."""
        return one.before in self.known_before and one.after in self.known_after

    @property
    def region_km2(self) -> float:
        """All of it."""
        return self.km2(BUDGET, BUDGET)

    @property
    def compared_km2(self) -> float:
        """What was seen on both days."""
        return self.km2(SEEN, SEEN)

    @property
    def land_km2(self) -> float:
        """What land hides on both days."""
        return self.km2([ClassCode.LAND], [ClassCode.LAND])

    @property
    def not_compared_km2(self) -> float:
        """What was not seen on one of the days or on both, less land."""
        units = self.units(BUDGET, BUDGET) - self.units(SEEN, SEEN) - self.units([ClassCode.LAND], [ClassCode.LAND])
        return units * self.unit_m2 / 1e6

    def is_comparable(self, code: ClassCode) -> bool:
        """Whether gain and loss of a class are known: its area on both days, and something seen on both."""
        return code in self.known_before and code in self.known_after and self.units(SEEN, SEEN) > 0

    def gained_km2(self, code: ClassCode) -> float | None:
        """Area that became a class and was another; None where not known."""
        return self.km2(_others(code), [code]) if self.is_comparable(code) else None

    def lost_km2(self, code: ClassCode) -> float | None:
        """Area that was a class and is another; None where not known."""
        return self.km2([code], _others(code)) if self.is_comparable(code) else None

    def net_km2(self, code: ClassCode) -> float | None:
        """Gain less loss, exact; None where not known."""
        if not self.is_comparable(code):
            return None
        return (self.units(_others(code), [code]) - self.units([code], _others(code))) * self.unit_m2 / 1e6


def _others(code: ClassCode) -> list[ClassCode]:
    return [other for other in SEEN if other is not code]


def change_table(
    tally: Tally, unit_m2: float, known_before: Collection[ClassCode], known_after: Collection[ClassCode]
) -> ChangeTable:
    """The table of a tally of pairs.

    Parameters
    ----------
    tally
        Of :func:`paired` classes; pixels outside the region on both days do not count.
    unit_m2
        Unit of its areas.
    known_before, known_after
        Classes whose area is known on each day.

    Raises
    ------
    IntegrityError
        If a pixel is outside the region on one day alone, or of no class.
    """
    pairs = {(a, b): pair_code(a, b) for a in BUDGET for b in BUDGET}
    if odd := tally.pixels.keys() - set(pairs.values()) - {pair_code(ClassCode.OUTSIDE, ClassCode.OUTSIDE)}:
        told = ", ".join(f"{pair // _FIRST} and {pair % _FIRST}" for pair in sorted(odd))
        raise IntegrityError(f"two observations do not share a region: pixels of codes {told}", "run with --force")
    transitions = tuple(Transition(a, b, tally.units[pair], tally.pixels[pair]) for (a, b), pair in pairs.items())
    return ChangeTable(transitions, unit_m2, *(tuple(c for c in BUDGET if c in k) for k in (known_before, known_after)))


def check_closes(
    change: ChangeTable, before: Mapping[ClassCode, float], after: Mapping[ClassCode, float], region_km2: float
) -> None:
    """Compare a table's sums with the areas that were published for each day.

    Parameters
    ----------
    change
        The table.
    before, after
        Published km2 of the classes whose area is known.
    region_km2
        Published area of the region.

    Raises
    ------
    IntegrityError
        If a row, a column or the whole differs.
    """
    sums = [("the whole region", change.region_km2, region_km2)]
    sums += [(f"{code.label} on the first day", change.km2([code], BUDGET), km2) for code, km2 in before.items()]
    sums += [(f"{code.label} on the second day", change.km2(BUDGET, [code]), km2) for code, km2 in after.items()]
    for what, ours, published in sums:
        if abs(ours - published) > CLOSE * max(region_km2, 1e-12):
            raise IntegrityError(
                f"{what}: transitions add up to {ours} km2 and {published} km2 were published", "run with --force"
            )
