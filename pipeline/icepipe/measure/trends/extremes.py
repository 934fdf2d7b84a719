"""Dates of a series: largest and smallest area, first and last day under a threshold.

Only observed days count; nothing is interpolated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from icepipe.measure.trends.time_series import Point


@dataclass(frozen=True)
class Extreme:
    """The first day with the largest or the smallest area."""

    day: str
    value_km2: float


@dataclass(frozen=True)
class Crossing:
    """The first or the last observation under a threshold.

    Attributes
    ----------
    day, value_km2
        The observation.
    beside_day, beside_km2
        The observation before the first one, or after the last one: the true date is between the two. None if the
        series has no such observation; if it is under the threshold as well, the area was under it when the year
        began or ended.
    """

    day: str
    value_km2: float
    beside_day: str | None
    beside_km2: float | None

    @classmethod
    def at(cls, points: Sequence[Point], index: int, step: int) -> Crossing:
        """Return the crossing at a point; ``step`` (-1 or 1) leads to the neighbour on the other side of it."""
        point = points[index]
        # The neighbour may be of another year: the true date does not stop at New Year.
        neighbour = points[index + step] if 0 <= index + step < len(points) else None
        day, km2 = (neighbour.label, neighbour.value_km2) if neighbour else (None, None)
        return cls(point.label, point.value_km2, day, km2)


@dataclass(frozen=True)
class YearDates:
    """Dates of one calendar year, among its observed days."""

    year: int
    n_days: int
    maximum: Extreme
    minimum: Extreme
    first_under: Crossing | None
    last_under: Crossing | None


def largest(points: Sequence[Point]) -> Extreme:
    """Return the first point with the largest area."""
    point = max(points, key=lambda p: p.value_km2)
    return Extreme(point.label, point.value_km2)


def smallest(points: Sequence[Point]) -> Extreme:
    """Return the first point with the smallest area."""
    point = min(points, key=lambda p: p.value_km2)
    return Extreme(point.label, point.value_km2)


def year_dates(points: Sequence[Point], year: int, under_km2: float | None) -> YearDates:
    """Return the dates of one calendar year, which has an observation; see :func:`dates_by_year`."""
    indices = [i for i, point in enumerate(points) if point.day.year == year]
    under = [i for i in indices if under_km2 is not None and points[i].value_km2 < under_km2]
    in_year = [points[i] for i in indices]
    return YearDates(
        year=year,
        n_days=len(indices),
        maximum=largest(in_year),
        minimum=smallest(in_year),
        first_under=Crossing.at(points, under[0], -1) if under else None,
        last_under=Crossing.at(points, under[-1], 1) if under else None,
    )


def dates_by_year(points: Sequence[Point], under_km2: float | None) -> tuple[YearDates, ...]:
    """Return the dates of every calendar year with an observation.

    Parameters
    ----------
    points
        One point per day, in order.
    under_km2
        Threshold of the first and last day under it, None for no such days.
    """
    years = sorted({point.day.year for point in points})
    return tuple(year_dates(points, year, under_km2) for year in years)
