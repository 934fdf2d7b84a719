"""Rows of the series as points in time: usable observations, excluded observations, and gaps."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

import numpy as np

from icepipe.arrays import Float64
from icepipe.flags import EXCLUDING_FLAGS
from icepipe.measure.area.series import Row

DAYS_PER_YEAR = 365.25
LONG_GAP = 2
"""Multiple of the median step beyond which a step is listed as a gap."""


@dataclass(frozen=True)
class Point:
    """Value of a series: of a day, or of the season of a year.

    Attributes
    ----------
    label
        Day, or year, as text.
    day
        The day; for a season, the mean day of its observations.
    year
        Position on the time axis, in years.
    value_km2
        Mean over the observations.
    n_observations
        Number of observations.
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
    """Observation that is excluded, and the reason."""

    date: str
    why: str


@dataclass(frozen=True)
class Gap:
    """Period without a point, between the labels of two points."""

    after: str
    before: str
    n_days: int


@dataclass(frozen=True)
class DaySeries:
    """Series of one region and class: one point per day, and the excluded observations."""

    region: str
    class_: str
    points: tuple[Point, ...]
    left_out: tuple[LeftOut, ...]
    n_observations: int


def decimal_year(day: dt.date) -> float:
    """Return the position of a day on the time axis: 2000 plus the Julian years since 1 January 2000."""
    return 2000 + (day - dt.date(2000, 1, 1)).days / DAYS_PER_YEAR


def day_series(rows: Iterable[Row], classes: Sequence[str]) -> tuple[DaySeries, ...]:
    """Return the series of every region and class: the estimated area, averaged over the observations of a day."""
    grouped: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.class_ in classes:
            grouped[row.region, row.class_].append(row)
    return tuple(_series(region, class_, grouped[region, class_]) for region, class_ in sorted(grouped))


def exclusion_reason(row: Row) -> str:
    """Return why a row is excluded from trends: the first of its excluding flags; empty for a usable row."""
    excluding = row.flags.intersection(EXCLUDING_FLAGS)
    return min(excluding).value if excluding else "area_not_known" if row.area_est_km2 is None else ""


def _series(region: str, class_: str, rows: Sequence[Row]) -> DaySeries:
    by_day: dict[dt.date, list[tuple[float, str]]] = defaultdict(list)
    left_out = []
    for row in sorted(rows, key=lambda row: row.date):
        reason, value = exclusion_reason(row), row.area_est_km2
        if reason or value is None:
            left_out.append(LeftOut(row.date, reason))
        else:
            by_day[row.date.day].append((value, row.sensor))
    points = []
    for day, values in sorted(by_day.items()):
        # A mosaic of several sensors already has a joined key.
        sensors = {part for _, sensor in values for part in sensor.split("+")}
        mean = fmean(value for value, _ in values)
        points.append(Point(day.isoformat(), day, decimal_year(day), mean, len(values), "+".join(sorted(sensors))))
    return DaySeries(region, class_, tuple(points), tuple(left_out), len(rows))


def season_year(day: dt.date, months: Sequence[int]) -> int:
    """Return the year of the season of a day; with months 12, 1, 2, a December belongs to the next year."""
    # Months before the drop from 12 to 1 are those at the end of the previous calendar year.
    new_year = next((i for i in range(1, len(months)) if months[i] < months[i - 1]), 0)
    return day.year + (day.month in months[:new_year])


def season_points(points: Iterable[Point], months: Sequence[int]) -> tuple[Point, ...]:
    """Return one point per year: the mean over the observations of the season; years without any have no point."""
    by_year: dict[int, list[Point]] = defaultdict(list)
    for point in points:
        if point.day.month in months:
            by_year[season_year(point.day, months)].append(point)
    return tuple(season_point(year, by_year[year], months) for year in sorted(by_year))


def season_point(year: int, points: Sequence[Point], months: Sequence[int]) -> Point:
    """Return the point of one season, from the points of its days; every observation has equal weight."""
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
    """Yield every step of more than ``LONG_GAP`` times the median step; for seasons, every missing year."""
    if len(points) < 2:
        return
    steps = [later.year - earlier.year for earlier, later in pairwise(points)]
    # Labels of seasons are years, of four digits; those of days are ISO dates.
    of_years = all(len(point.label) == 4 for point in points)
    # The median step, not the mean, which long gaps would raise.
    longest = 1 if of_years else LONG_GAP * median(steps)
    for earlier, later, step in zip(points[:-1], points[1:], steps, strict=True):
        if step > longest:
            yield Gap(earlier.label, later.label, (later.day - earlier.day).days)


def month_table(points: Sequence[Point]) -> Float64:
    """Return monthly means, shape (years, months that occur), NaN without an observation."""
    cells: dict[tuple[int, int], list[float]] = defaultdict(list)
    for point in points:
        cells[point.day.year, point.day.month].append(point.value_km2)
    months = sorted({month for _, month in cells})
    first, last = min(year for year, _ in cells), max(year for year, _ in cells)
    # Years without any observation keep their row: the distance of two rows is their distance in years.
    table = np.full((last - first + 1, len(months)), np.nan)
    for (year, month), values in cells.items():
        table[year - first, months.index(month)] = fmean(values)
    return table
