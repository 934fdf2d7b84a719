"""Rows of the series as points in time: what counts, what is left out, and where nothing is known."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

import numpy as np

from icepipe.arrays import Float64
from icepipe.flags import EXCLUDING
from icepipe.measure.area.series import Row

DAYS_PER_YEAR = 365.25
LONG_GAP = 2
"""Steps of more than this many times the usual one are listed as gaps."""


@dataclass(frozen=True)
class Point:
    """One value of a series: of a day, or of the season of a year.

    Attributes
    ----------
    label
        Day, or year, as text.
    day
        The day; of a season, the mean day of its observations.
    year
        Place on the axis of time, in years.
    value_km2
        Mean over the observations.
    n_observations
        How many there are.
    sensor
        Sensor keys joined by ``+``.
    lacks_months
        Months of the season without an observation.
    """

    label: str
    day: dt.date
    year: float
    value_km2: float
    n_observations: int
    sensor: str
    lacks_months: tuple[int, ...] = ()


@dataclass(frozen=True)
class LeftOut:
    """An observation that does not count, and why."""

    date: str
    why: str


@dataclass(frozen=True)
class Gap:
    """A stretch without a point."""

    after: str
    before: str
    n_days: int


@dataclass(frozen=True)
class DaySeries:
    """One region and class: a point a day, and what was left out."""

    region: str
    class_: str
    points: tuple[Point, ...]
    left_out: tuple[LeftOut, ...]
    n_observations: int


def _why_not(row: Row) -> str:
    """Why a row does not count, or an empty text."""
    excluding = row.flags.intersection(EXCLUDING)
    return min(excluding).value if excluding else "area_not_known" if row.area_est_km2 is None else ""


def _point(days: Sequence[tuple[dt.date, float, str]], label: str, day: dt.date, year: float) -> Point:
    sensors = {part for _, _, sensor in days for part in sensor.split("+")}
    return Point(label, day, year, fmean(value for _, value, _ in days), len(days), "+".join(sorted(sensors)))


def decimal_year(day: dt.date) -> float:
    """Place of a day on the axis of time, in Julian years from the start of 2000."""
    return 2000 + (day - dt.date(2000, 1, 1)).days / DAYS_PER_YEAR


def day_series(rows: Iterable[Row], classes: Sequence[str]) -> tuple[DaySeries, ...]:
    """Points of every region and class: the area scaled by what was seen, the mean where a day has several."""
    grouped: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.class_ in classes:
            grouped[row.region, row.class_].append(row)
    return tuple(_series(region, class_, grouped[region, class_]) for region, class_ in sorted(grouped))


def _series(region: str, class_: str, rows: Sequence[Row]) -> DaySeries:
    by_day: dict[dt.date, list[tuple[dt.date, float, str]]] = defaultdict(list)
    left_out = []
    for row in sorted(rows, key=lambda row: row.date):
        why, value, day = _why_not(row), row.area_est_km2, row.date.day
        if why or value is None:
            left_out.append(LeftOut(row.date, why))
        else:
            by_day[day].append((day, value, row.sensor))
    points = tuple(_point(by_day[day], day.isoformat(), day, decimal_year(day)) for day in sorted(by_day))
    return DaySeries(region, class_, points, tuple(left_out), len(rows))


def season_year(day: dt.date, months: Sequence[int]) -> int:
    """Year that a day's season is named after: with months 12, 1, 2 a December belongs to the next year."""
    turn = next((i for i in range(1, len(months)) if months[i] < months[i - 1]), 0)
    return day.year + (day.month in months[:turn])


def season_points(points: Iterable[Point], months: Sequence[int]) -> tuple[Point, ...]:
    """One point a year: the mean over the season's observations; a year without one has no point."""
    by_year: dict[int, list[Point]] = defaultdict(list)
    for point in points:
        if point.day.month in months:
            by_year[season_year(point.day, months)].append(point)
    return tuple(_season(year, by_year[year], months) for year in sorted(by_year))


def _season(year: int, points: Sequence[Point], months: Sequence[int]) -> Point:
    weights = [(p.value_km2, p.n_observations, p.day.toordinal()) for p in points]
    count = sum(n for _, n, _ in weights)
    return Point(
        label=str(year),
        day=dt.date.fromordinal(round(sum(n * ordinal for _, n, ordinal in weights) / count)),
        year=float(year),
        value_km2=sum(n * value for value, n, _ in weights) / count,
        n_observations=count,
        sensor="+".join(sorted({part for p in points for part in p.sensor.split("+")})),
        lacks_months=tuple(sorted(set(months) - {p.day.month for p in points})),
    )


def gaps(points: Sequence[Point]) -> Iterator[Gap]:
    """Steps of more than ``LONG_GAP`` times the median step; of seasons, every year without one."""
    if len(points) < 2:
        return
    steps = [later.year - earlier.year for earlier, later in pairwise(points)]
    of_years = all(len(point.label) == 4 for point in points)
    longest = 1 if of_years else LONG_GAP * median(steps)
    for earlier, later, step in zip(points[:-1], points[1:], steps, strict=True):
        if step > longest:
            yield Gap(earlier.label, later.label, (later.day - earlier.day).days)


def month_table(points: Sequence[Point]) -> Float64:
    """Monthly means, shape (years, months that occur), NaN where there is none."""
    cells: dict[tuple[int, int], list[float]] = defaultdict(list)
    for point in points:
        cells[point.day.year, point.day.month].append(point.value_km2)
    months = sorted({month for _, month in cells})
    first, last = min(year for year, _ in cells), max(year for year, _ in cells)
    table = np.full((last - first + 1, len(months)), np.nan)
    for (year, month), values in cells.items():
        table[year - first, months.index(month)] = fmean(values)
    return table
