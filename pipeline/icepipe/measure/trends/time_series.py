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
from icepipe.measure.area.quantity import Quantity
from icepipe.measure.area.series import Row

DAYS_PER_YEAR = 365.25
LONG_GAP = 2
"""Multiple of the median step beyond which a step is listed as a gap."""

AREA_NOT_KNOWN, SURFACE_NOT_KNOWN = "area_not_known", "surface_not_known"
"""Reasons, besides flags, for which rows are excluded: no area at all, and no surface in a series of surfaces."""


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
    other_km2
        Mean of the quantity that is shown beside that of the series; None if an observation does not have it.
    """

    label: str
    day: dt.date
    year: float
    value_km2: float
    n_observations: int
    sensor: str
    lacks_months: tuple[int, ...] = ()
    other_km2: float | None = None


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
    quantity: Quantity
    points: tuple[Point, ...]
    left_out: tuple[LeftOut, ...]
    n_observations: int


def decimal_year(day: dt.date) -> float:
    """Return the position of a day on the time axis: 2000 plus the Julian years since 1 January 2000."""
    return 2000 + (day - dt.date(2000, 1, 1)).days / DAYS_PER_YEAR


def day_series(rows: Iterable[Row], classes: Sequence[str]) -> tuple[DaySeries, ...]:
    """Return the series of every region and class: the area scaled to the whole region, averaged over a day."""
    rows = list(rows)
    quantity = Quantity.of(rows)
    grouped: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.class_ in classes:
            grouped[row.region, row.class_].append(row)
    return tuple(_series(region, class_, quantity, grouped[region, class_]) for region, class_ in sorted(grouped))


def exclusion_reason(row: Row, quantity: Quantity) -> str:
    """Return why a row is excluded from trends: the first of its excluding flags; empty for a usable row."""
    if excluding := row.flags.intersection(EXCLUDING_FLAGS):
        return min(excluding).value
    if row.area_est_km2 is None:
        return AREA_NOT_KNOWN
    # A row of an earlier version whose files are gone: its pixel area must not be mixed with surfaces.
    return SURFACE_NOT_KNOWN if quantity.estimate_km2(row) is None else ""


def mean_or_none(values: Sequence[float | None]) -> float | None:
    """Return the mean of some values; None if one of them is not known."""
    known = [value for value in values if value is not None]
    return fmean(known) if len(known) == len(values) else None


def _series(region: str, class_: str, quantity: Quantity, rows: Sequence[Row]) -> DaySeries:
    by_day: dict[dt.date, list[tuple[float, Row]]] = defaultdict(list)
    left_out = []
    for row in sorted(rows, key=lambda row: row.date):
        reason, value = exclusion_reason(row, quantity), quantity.estimate_km2(row)
        if reason or value is None:
            left_out.append(LeftOut(row.date, reason))
        else:
            by_day[row.date.day].append((value, row))
    points = []
    for day, values in sorted(by_day.items()):
        # A mosaic of several sensors already has a joined key.
        sensors = {part for _, row in values for part in row.sensor.split("+")}
        points.append(
            Point(
                label=day.isoformat(),
                day=day,
                year=decimal_year(day),
                value_km2=fmean(value for value, _ in values),
                n_observations=len(values),
                sensor="+".join(sorted(sensors)),
                other_km2=mean_or_none([quantity.other.estimate_km2(row) for _, row in values]),
            )
        )
    return DaySeries(region, class_, quantity, tuple(points), tuple(left_out), len(rows))


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
    others = [p.other_km2 for p in points for _ in range(p.n_observations)]
    count = sum(n for _, n, _ in weights)
    return Point(
        label=str(year),
        day=dt.date.fromordinal(round(sum(n * ordinal for _, n, ordinal in weights) / count)),
        year=float(year),
        value_km2=sum(n * value for value, n, _ in weights) / count,
        n_observations=count,
        sensor="+".join(sorted({part for p in points for part in p.sensor.split("+")})),
        lacks_months=tuple(sorted(set(months) - {p.day.month for p in points})),
        other_km2=mean_or_none(others),
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
