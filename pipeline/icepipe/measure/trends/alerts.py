"""Alerts: one row when a condition begins to hold, and no further row until it has ended."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

from icepipe.config.measure import Alert
from icepipe.measure.area.quantity import Quantity
from icepipe.measure.area.series import Row
from icepipe.measure.trends.time_series import DaySeries, day_series


@dataclass(frozen=True)
class AlertRow:
    """One alert.

    Attributes
    ----------
    region, class_
        Region and class of the alert.
    date
        Day on which it began: the first observation for which the condition holds; for ``unseen``, the first day that
        is too long after the last observation.
    quantity
        ``surface`` or ``pixel area``: the area that was compared with the threshold.
    kind
        ``under``, ``over``, ``faster`` or ``unseen``.
    value, threshold
        In km2; for ``faster`` in km2 per day, where a loss is negative and the threshold is a magnitude; for
        ``unseen`` in days.
    message
        The alert in words.
    """

    region: str
    date: str
    class_: str
    quantity: Quantity
    kind: str
    value: float
    threshold: float
    message: str


ALERT_COLUMNS = tuple(field.name.rstrip("_") for field in fields(AlertRow))
"""Names of the columns, in order; the field ``class_`` is the column ``class``."""


def onsets(holds: Sequence[bool]) -> list[int]:
    """Return the indices at which a condition holds and did not hold before."""
    return [i for i, now in enumerate(holds) if now and not (i and holds[i - 1])]


def level_alerts(series: DaySeries, rule: Alert) -> Iterator[AlertRow]:
    """Yield an alert wherever the area falls under or rises over a threshold."""
    points, class_, quantity = series.points, series.class_, series.quantity
    for kind, threshold, sign in (("under", rule.under_km2, -1), ("over", rule.over_km2, 1)):
        if threshold is None:
            continue
        for i in onsets([sign * (point.value_km2 - threshold) > 0 for point in points]):
            value, other = points[i].value_km2, points[i].other_km2
            beside = "" if other is None else f" ({quantity.other} {other:,.3f})"
            message = f"{class_} {quantity} {value:,.3f} km2{beside}, {kind} {threshold:,g} km2"
            yield AlertRow(series.region, points[i].label, class_, quantity, kind, value, threshold, message)


def rate_alerts(series: DaySeries, limit: float) -> Iterator[AlertRow]:
    """Yield an alert wherever the area begins to change by more than ``limit`` km2 per day."""
    pairs = list(pairwise(series.points))
    # A series has one point per day, so the divisor is never 0.
    rates = [(b.value_km2 - a.value_km2) / (b.day - a.day).days for a, b in pairs]
    for i in onsets([abs(rate) > limit for rate in rates]):
        (before, after), rate = pairs[i], rates[i]
        change = f"{series.class_} {series.quantity} {'grew' if rate > 0 else 'shrank'} by {abs(rate):,.3f} km2 per day"
        message = f"{change} since {before.label}, more than {limit:,g}"
        yield AlertRow(series.region, after.label, series.class_, series.quantity, "faster", rate, limit, message)


def unseen_alerts(series: DaySeries, limit: int, as_of: dt.date | None) -> Iterator[AlertRow]:
    """Yield an alert wherever more than ``limit`` days pass without a usable area; ``as_of`` ends the last gap."""
    points = series.points
    for i, point in enumerate(points):
        until = points[i + 1].day if i + 1 < len(points) else as_of
        days = (until - point.day).days if until else 0
        if days > limit:
            # The alert dates from the first day over the limit, not from the observation that ended the gap.
            begun = (point.day + dt.timedelta(days=limit + 1)).isoformat()
            message = f"no usable {series.class_} area for {days} days since {point.label}, more than {limit}"
            lasted, longest = float(days), float(limit)
            yield AlertRow(series.region, begun, series.class_, series.quantity, "unseen", lasted, longest, message)


def find_alerts(rows: Iterable[Row], rules: Sequence[Alert]) -> tuple[AlertRow, ...]:
    """Return the alerts of a series, in order of region, date and class.

    An alert begins where its condition begins to hold, and ends at the next usable observation for which it does not
    hold. Areas are those scaled to the whole region, of the quantity of the series (:class:`Quantity`). Observations
    that are excluded from trends are skipped. Change is measured between consecutive usable observations.
    """
    rows = list(rows)
    # Two rules may give the same alert, so this is a set. The clock is never read, so a rerun gives the same alerts.
    alerts: set[AlertRow] = set()
    for rule in rules:
        for series in day_series(rows, [rule.class_]):
            alerts.update(level_alerts(series, rule))
            if rule.faster_km2_per_day is not None:
                alerts.update(rate_alerts(series, rule.faster_km2_per_day))
            if rule.unseen_days is not None:
                alerts.update(unseen_alerts(series, rule.unseen_days, rule.as_of))
    return tuple(sorted(alerts, key=lambda row: (row.region, row.date, row.class_, row.kind, row.threshold)))
