"""Flags that only the whole series can tell: a sudden jump, a missing class, an estimate that clouds bias."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from icepipe.arrays import Float64
from icepipe.classes import SEEN
from icepipe.flags import EXCLUDING, Flag
from icepipe.inputs.observation_key import ObservationKey
from icepipe.measure.area.series import Row
from icepipe.measure.change.occlusion import Occlusion

MIN_POINTS = 9
"""Usable observations that a jump is told from. It shows in its own and in both neighbours' residuals, and three of the
seven between the ends leave their median alone."""

OUTLYING = 3.0
"""Scaled median absolute deviations that make an outlier; the usual number of a Hampel filter."""

TO_SIGMA = 1.4826
"""Times the median absolute deviation is the standard deviation of normal values."""

SHARE_PER_DAY = 0.01
"""Of the region, that a jump changes a day. At its fastest, in July, the Arctic loses about 0.1 of 10 million km2."""

MAX_SHARE = 0.1
"""Of the region, that a jump need not exceed, however far its neighbours are."""

MIN_OTHERS = 3
"""Other usable observations that a class is missed by."""

PRESENT_SHARE = 0.01
"""A class counts as present where it is more of the region."""


@dataclass(frozen=True)
class _Candidate:
    """A usable row: its estimate, and the bounds that the class lies within whatever was not seen."""

    date: str
    day: float
    est_km2: float
    low_km2: float
    high_km2: float


def _usable(row: Row) -> _Candidate | None:
    est, low, high = row.area_est_km2, row.area_low_km2, row.area_high_km2
    if est is None or low is None or high is None or not row.flags.isdisjoint(EXCLUDING):
        return None
    return _Candidate(row.date, float(row.date.day.toordinal()), est, low, high + row.unknown_km2)


def _residuals(spots: Sequence[_Candidate]) -> Float64:
    """Estimates less the line through both neighbours, in km2; an end shows in its neighbour's, and takes that."""
    day, est = (np.array([getattr(spot, name) for spot in spots]) for name in ("day", "est_km2"))
    span = day[2:] - day[:-2]
    part = np.divide(day[1:-1] - day[:-2], span, out=np.full(len(span), 0.5), where=span > 0)
    inner = est[1:-1] - (est[:-2] + part * (est[2:] - est[:-2]))
    return np.concatenate([inner[:1], inner, inner[-1:]])


def _outlying(residuals: Float64) -> list[bool]:
    scale = TO_SIGMA * np.median(np.abs(residuals[1:-1]))
    return [bool(outlying) for outlying in np.abs(residuals) > OUTLYING * scale]


def _jump_sign(one: _Candidate, other: _Candidate, region_km2: float) -> int:
    """1 or -1 where one lies above or below the other beyond doubt and by enough, else 0."""
    up = one.est_km2 - other.est_km2
    enough = min(SHARE_PER_DAY * max(abs(one.day - other.day), 1.0), MAX_SHARE) * region_km2
    apart = one.low_km2 > other.high_km2 if up > 0 else one.high_km2 < other.low_km2
    return int(np.sign(up)) if apart and abs(up) > enough else 0


def sudden_jumps(rows: Sequence[Row]) -> set[str]:
    """Dates whose area jumps, of the rows of one region and class in order of time.

    An area jumps where it differs from both neighbours (an end: from the only one) in the same direction,

    - beyond the pair's own doubt: the bounds of the one, with all that was not seen, exclude those of the other,
    - by more than ``SHARE_PER_DAY`` of the region a day, or ``MAX_SHARE`` where they are far apart,
    - and by an outlying amount: its residual from the line through its neighbours is more than three times the scaled
      median of the sizes of all such residuals. This is the Hampel identifier (Davies and Gather 1993, Journal of the
      American Statistical Association 88:782-792; Pearson 2002, IEEE Transactions on Control Systems Technology
      10:55-63), about 0, where residuals from a line belong.

    A lasting step differs from one neighbour alone and is none. Nothing is said of fewer than ``MIN_POINTS``.
    """
    spots = [spot for spot in map(_usable, rows) if spot]
    if len(spots) < MIN_POINTS:
        return set()
    found = set()
    for i, outlying in enumerate(_outlying(_residuals(spots))):
        neighbours = [spots[j] for j in (i - 1, i + 1) if 0 <= j < len(spots)]
        leaps = {_jump_sign(spots[i], other, rows[0].region_km2) for other in neighbours}
        if outlying and len(leaps) == 1 and 0 not in leaps:
            found.add(spots[i].date)
    return found


def missing_dates(rows: Sequence[Row]) -> set[str]:
    """Dates without any of a class that most other dates have, of the rows of one region and class.

    The class is 0 there, and more than ``PRESENT_SHARE`` of the region in more than half of at least ``MIN_OTHERS``
    other usable rows.
    """
    spots = [spot for spot in map(_usable, rows) if spot]
    present = sum(spot.est_km2 > PRESENT_SHARE * rows[0].region_km2 for spot in spots)
    others = len(spots) - 1
    if others < MIN_OTHERS or 2 * present <= others:
        return set()
    return {spot.date for spot in spots if spot.est_km2 == 0}


def _by_class(rows: Iterable[Row]) -> Iterator[list[Row]]:
    grouped: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.class_ in {code.label for code in SEEN}:
            grouped[row.region, row.class_].append(row)
    yield from (sorted(group, key=lambda row: row.date) for group in grouped.values())


def add_series_flags(rows: Sequence[Row], hidden: Mapping[ObservationKey, Mapping[str, Occlusion]]) -> tuple[Row, ...]:
    """Rows with ``sudden_jump``, ``class_missing`` and ``cloud_biased`` where they hold.

    Parameters
    ----------
    rows
        The whole series.
    hidden
        What each observation hides of what was last seen, by its key and by region; none of the first.
    """
    doubts: dict[tuple[str, str, str], set[Flag]] = defaultdict(set)
    for group in _by_class(rows):
        region, class_ = group[0].region, group[0].class_
        for flag, dates in ((Flag.SUDDEN_JUMP, sudden_jumps(group)), (Flag.CLASS_MISSING, missing_dates(group))):
            for date in dates:
                doubts[region, date, class_].add(flag)
        for row in group:
            here = hidden.get(row.date, {}).get(region)
            if row.area_est_km2 is not None and here and here.is_biased:
                doubts[region, row.date, class_].add(Flag.CLOUD_BIASED)
    return tuple(replace(row, flags=row.flags | doubts[row.region, row.date, row.class_]) for row in rows)
