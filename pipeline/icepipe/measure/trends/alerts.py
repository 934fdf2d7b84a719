"""Alerts: one row when a condition begins to hold, and none until it has ceased."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

from icepipe.config.measure import Alert
from icepipe.measure.area.series import Row
from icepipe.measure.trends.time_series import DaySeries, Point, day_series


@dataclass(frozen=True)
class AlertRow:
    """One event.

    Attributes
    ----------
    region, class_
        What it is about.
    date
        Day it began: the first observation it holds for, or the first day too long after the last one.
    kind
        ``under``, ``over``, ``faster`` or ``unseen``.
    value, threshold
        km2; km2 per day, negative for a loss, against its size; or days.
    message
        The same in words.
    """

    region: str
    date: str
    class_: str
    kind: str
    value: float
    threshold: float
    message: str


ALERT_COLUMNS = tuple(field.name.rstrip("_") for field in fields(AlertRow))
"""Names of the columns, in order; the field ``class_`` is the column ``class``."""

_Found = Iterator[tuple[str, str, float, float, str]]


def _begins(holds: Sequence[bool]) -> list[int]:
    """Places where a condition holds and did not before."""
    return [i for i, now in enumerate(holds) if now and not (i and holds[i - 1])]


def _levels(points: Sequence[Point], class_: str, rule: Alert) -> _Found:
    for kind, threshold, sign in (("under", rule.under_km2, -1), ("over", rule.over_km2, 1)):
        if threshold is None:
            continue
        for i in _begins([sign * (point.value_km2 - threshold) > 0 for point in points]):
            value = points[i].value_km2
            yield points[i].label, kind, value, threshold, f"{class_} {value:,.3f} km2, {kind} {threshold:,g} km2"


def _rates(points: Sequence[Point], class_: str, limit: float) -> _Found:
    pairs = list(pairwise(points))
    rates = [(b.value_km2 - a.value_km2) / (b.day - a.day).days for a, b in pairs]
    for i in _begins([abs(rate) > limit for rate in rates]):
        (before, after), rate = pairs[i], rates[i]
        said = f"{class_} {'grew' if rate > 0 else 'shrank'} by {abs(rate):,.3f} km2 per day since {before.label}"
        yield after.label, "faster", rate, limit, f"{said}, more than {limit:,g}"


def _unseen(points: Sequence[Point], class_: str, limit: int, as_of: dt.date | None) -> _Found:
    for i, point in enumerate(points):
        until = points[i + 1].day if i + 1 < len(points) else as_of
        days = (until - point.day).days if until else 0
        if days > limit:
            begun = (point.day + dt.timedelta(days=limit + 1)).isoformat()
            said = f"no usable {class_} area for {days} days since {point.label}, more than {limit}"
            yield begun, "unseen", float(days), float(limit), said


def _found(points: Sequence[Point], class_: str, rule: Alert) -> _Found:
    yield from _levels(points, class_, rule)
    if rule.faster_km2_per_day is not None:
        yield from _rates(points, class_, rule.faster_km2_per_day)
    if rule.unseen_days is not None:
        yield from _unseen(points, class_, rule.unseen_days, rule.as_of)


def _of(series: DaySeries, rule: Alert) -> Iterator[AlertRow]:
    for date, kind, value, threshold, message in _found(series.points, series.class_, rule):
        yield AlertRow(series.region, date, series.class_, kind, value, threshold, message)


def find_alerts(rows: Iterable[Row], rules: Sequence[Alert]) -> tuple[AlertRow, ...]:
    """Events of a series by its rules, from the series alone and never from the clock.

    An event begins where a condition begins to hold, and ends at the next usable observation that it does not hold for.
    Areas are those scaled by what was seen; observations that no trend looks at are passed over here, too. Change is
    between consecutive usable observations.
    """
    rows = list(rows)
    found = {row for rule in rules for series in day_series(rows, [rule.class_]) for row in _of(series, rule)}
    return tuple(sorted(found, key=lambda row: (row.region, row.date, row.class_, row.kind, row.threshold)))
