"""Quality flags that need the whole series: sudden jump, missing class, estimate biased by cloud."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from icepipe.classes import SEEN
from icepipe.flags import EXCLUDING_FLAGS, Flag
from icepipe.inputs.observation_key import ObservationKey
from icepipe.measure.area.quantity import Quantity
from icepipe.measure.area.series import Row
from icepipe.measure.change.occlusion import Occlusion

MIN_POINTS = 9
"""Fewest usable observations for a jump to be found. A jump changes three residuals. Nine points have seven, so
their median stays a residual without the jump."""

OUTLYING = 3.0
"""Scaled median absolute deviations beyond which a value is an outlier; the usual limit of a Hampel filter."""

TO_SIGMA = 1.4826
"""Factor from the median absolute deviation to the standard deviation of normal values."""

SHARE_PER_DAY = 0.01
"""Smallest change of a jump per day between the observations, as a fraction of the region. Arctic sea ice loses at most
about 0.1 million of 10 million km2 (1 %) per day, in July."""

MAX_SHARE = 0.1
"""Upper limit of that fraction for neighbours many days apart."""

MIN_OTHERS = 3
"""Fewest other usable observations for a class to be missing."""

PRESENT_SHARE = 0.01
"""Fraction of the region above which a class counts as present."""


@dataclass(frozen=True)
class UsableValue:
    """Area of one class in a usable row: estimate, and bounds for any content of the unseen part of the region."""

    date: ObservationKey
    day: float
    est_km2: float
    low_km2: float
    high_km2: float

    @classmethod
    def from_row(cls, row: Row, quantity: Quantity) -> UsableValue | None:
        """Return the value of a row; None for a row that is excluded from trends or whose area is not known."""
        est, low, high = quantity.estimate_km2(row), row.area_low_km2, row.area_high_km2
        if est is None or low is None or high is None or not row.flags.isdisjoint(EXCLUDING_FLAGS):
            return None
        return cls(row.date, float(row.date.day.toordinal()), est, low, high + row.unknown_km2)

    def jump_sign(self, neighbour: UsableValue, region_km2: float) -> int:
        """Return 1 or -1 if the area is clearly above or below that of a neighbour, else 0.

        The bounds of the two areas must not overlap, and the difference must exceed the allowed change, which grows
        with the days between them.
        """
        up = self.est_km2 - neighbour.est_km2
        # Two observations of one day count as one day apart: the allowed change is never zero.
        allowed = min(SHARE_PER_DAY * max(abs(self.day - neighbour.day), 1.0), MAX_SHARE) * region_km2
        apart = self.low_km2 > neighbour.high_km2 if up > 0 else self.high_km2 < neighbour.low_km2
        return int(np.sign(up)) if apart and abs(up) > allowed else 0


def hampel_outliers(values: Sequence[UsableValue]) -> list[bool]:
    """Return for each value whether its residual from the line through both neighbours is an outlier.

    The median of the residuals is taken as 0, the expected value of a residual.
    """
    day = np.array([value.day for value in values])
    est = np.array([value.est_km2 for value in values])
    span = day[2:] - day[:-2]
    # Three observations of one day have no line; the mean of the neighbours takes its place.
    part = np.divide(day[1:-1] - day[:-2], span, out=np.full(len(span), 0.5), where=span > 0)
    inner = est[1:-1] - (est[:-2] + part * (est[2:] - est[:-2]))
    # The first and last values have one neighbour; they take its residual.
    residuals = np.concatenate([inner[:1], inner, inner[-1:]])
    scale = TO_SIGMA * np.median(np.abs(inner))
    return [bool(outlier) for outlier in np.abs(residuals) > OUTLYING * scale]


def sudden_jumps(rows: Sequence[Row]) -> set[ObservationKey]:
    """Return the dates on which the area jumps, for the rows of one region and class in order of time.

    An area jumps if it differs from both neighbours (at an end: from its only neighbour) in the same direction,

    - beyond the uncertainty of the pair: their bounds, which include everything that was not seen, do not overlap,
    - by more than ``SHARE_PER_DAY`` of the region per day, or ``MAX_SHARE`` for distant neighbours,
    - and by an outlying amount: its residual from the line through its neighbours exceeds three times the scaled
      median of the absolute residuals. This is the Hampel identifier (Davies and Gather 1993, Journal of the American
      Statistical Association 88:782-792; Pearson 2002, IEEE Transactions on Control Systems Technology 10:55-63).

    A lasting step differs from one neighbour only and is no jump. Fewer than ``MIN_POINTS`` usable rows give no jumps.
    """
    quantity = Quantity.of(rows)
    values = [value for row in rows if (value := UsableValue.from_row(row, quantity))]
    if len(values) < MIN_POINTS:
        return set()
    dates = set()
    for i, is_outlier in enumerate(hampel_outliers(values)):
        neighbours = [values[j] for j in (i - 1, i + 1) if 0 <= j < len(values)]
        signs = {values[i].jump_sign(neighbour, rows[0].region_km2) for neighbour in neighbours}
        # With one sign, both neighbours are on the same side, so this is no lasting step.
        if is_outlier and len(signs) == 1 and 0 not in signs:
            dates.add(values[i].date)
    return dates


def class_missing_dates(rows: Sequence[Row]) -> set[ObservationKey]:
    """Return the dates without a class that most other dates have, for the rows of one region and class.

    The pixel area of the class is 0 on such a date, and more than ``PRESENT_SHARE`` of the region in more than half of
    at least ``MIN_OTHERS`` other usable rows.
    """
    # No pixel carries a missing class, while mixed pixels can leave it a trace of surface.
    values = [value for row in rows if (value := UsableValue.from_row(row, Quantity.PIXEL_AREA))]
    n_present = sum(value.est_km2 > PRESENT_SHARE * rows[0].region_km2 for value in values)
    n_others = len(values) - 1
    if n_others < MIN_OTHERS or 2 * n_present <= n_others:
        return set()
    return {value.date for value in values if value.est_km2 == 0}


def _by_class(rows: Iterable[Row]) -> Iterator[list[Row]]:
    grouped: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.class_ in {code.label for code in SEEN}:
            grouped[row.region, row.class_].append(row)
    yield from (sorted(group, key=lambda row: row.date) for group in grouped.values())


def add_series_flags(rows: Sequence[Row], hidden: Mapping[ObservationKey, Mapping[str, Occlusion]]) -> tuple[Row, ...]:
    """Return the rows with ``sudden_jump``, ``class_missing`` and ``cloud_biased`` added where they hold.

    Parameters
    ----------
    rows
        The whole series.
    hidden
        Part of the last seen surface that each observation hides, by observation key and region; the first observation
        has no item.
    """
    flags: dict[tuple[str, ObservationKey, str], set[Flag]] = defaultdict(set)
    for group in _by_class(rows):
        region, class_ = group[0].region, group[0].class_
        for flag, dates in ((Flag.SUDDEN_JUMP, sudden_jumps(group)), (Flag.CLASS_MISSING, class_missing_dates(group))):
            for date in dates:
                flags[region, date, class_].add(flag)
        for row in group:
            occlusion = hidden.get(row.date, {}).get(region)
            if row.area_est_km2 is not None and occlusion and occlusion.is_biased:
                flags[region, row.date, class_].add(Flag.CLOUD_BIASED)
    return tuple(replace(row, flags=row.flags | flags[row.region, row.date, row.class_]) for row in rows)
