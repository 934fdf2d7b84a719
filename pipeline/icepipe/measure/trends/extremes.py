"""Dates of a series: largest and smallest area, first and last day under a threshold. Only days that were seen."""

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
        The observation before the first one, or after the last one: the true date lies between the two. None where
        there is none; where it is under the threshold, too, the area was under it when the year began or ended.
    """

    day: str
    value_km2: float
    beside_day: str | None
    beside_km2: float | None


@dataclass(frozen=True)
class YearDates:
    """Dates of one calendar year; of the days that were seen, nothing between them is made up."""

    year: int
    n_days: int
    maximum: Extreme
    minimum: Extreme
    first_under: Crossing | None
    last_under: Crossing | None


def largest(points: Sequence[Point]) -> Extreme:
    """The first point with the largest area."""
    point = max(points, key=lambda p: p.value_km2)
    return Extreme(point.label, point.value_km2)


def smallest(points: Sequence[Point]) -> Extreme:
    """The first point with the smallest area."""
    point = min(points, key=lambda p: p.value_km2)
    return Extreme(point.label, point.value_km2)


def _crossing(points: Sequence[Point], place: int, beside: int) -> Crossing:
    point = points[place]
    other = points[beside] if 0 <= beside < len(points) else None
    beside_day, beside_km2 = (other.label, other.value_km2) if other else (None, None)
    return Crossing(point.label, point.value_km2, beside_day, beside_km2)


def _dates(points: Sequence[Point], year: int, under_km2: float | None) -> YearDates:
    ours = [place for place, point in enumerate(points) if point.day.year == year]
    under = [place for place in ours if under_km2 is not None and points[place].value_km2 < under_km2]
    of_year = [points[place] for place in ours]
    return YearDates(
        year=year,
        n_days=len(ours),
        maximum=largest(of_year),
        minimum=smallest(of_year),
        first_under=_crossing(points, under[0], under[0] - 1) if under else None,
        last_under=_crossing(points, under[-1], under[-1] + 1) if under else None,
    )


def dates_by_year(points: Sequence[Point], under_km2: float | None) -> tuple[YearDates, ...]:
    """Dates of every calendar year with an observation.

    Parameters
    ----------
    points
        A point a day, in order.
    under_km2
        Threshold, or None where no dates under one are asked for.
    """
    years = sorted({point.day.year for point in points})
    return tuple(_dates(points, year, under_km2) for year in years)
