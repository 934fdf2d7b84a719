"""Alerts: one row when a condition begins to hold, and no further row until it has ended."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise

from icepipe.config.measure import Alert
from icepipe.flags import Flag
from icepipe.measure.area.quantity import Quantity
from icepipe.measure.area.series import Row
from icepipe.measure.trends.time_series import DaySeries, Point, day_series, exclusion_reason


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
    certainty
        ``maybe`` if an area that it rests on has the flag ``model_drift``, else ``sure``.
    """

    region: str
    date: str
    class_: str
    quantity: Quantity
    kind: str
    value: float
    threshold: float
    message: str
    certainty: str = "sure"

    @property
    def key(self) -> tuple[str, str, str, str, float]:
        """Key of the alert, in the order of the table."""
        return self.region, self.date, self.class_, self.kind, self.threshold


AreaOfDay = tuple[str, str, dt.date]
"""Region, class and day of an area of the series."""

ALERT_COLUMNS = tuple(field.name.rstrip("_") for field in fields(AlertRow))
"""Names of the columns, in order; the field ``class_`` is the column ``class``."""


def onsets(holds: Sequence[bool]) -> list[int]:
    """Return the indices at which a condition holds and did not hold before."""
    return [i for i, now in enumerate(holds) if now and not (i and holds[i - 1])]


def admit_drifted(rows: Sequence[Row]) -> tuple[list[Row], Collection[AreaOfDay]]:
    """Return the rows with ``model_drift`` taken from those of days without a usable area, and where it was taken."""
    quantity = Quantity.of(rows)
    usable = {area_of_day(row) for row in rows if not exclusion_reason(row, quantity)}
    admitted, drifted = [], set()
    for row in rows:
        if Flag.MODEL_DRIFT in row.flags and area_of_day(row) not in usable:
            drifted.add(area_of_day(row))
            admitted.append(replace(row, flags=row.flags - {Flag.MODEL_DRIFT}))
        else:
            admitted.append(row)
    return admitted, drifted


def area_of_day(row: Row) -> AreaOfDay:
    """Return the region, class and day of a row."""
    return row.region, row.class_, row.date.day


def mark_doubt(alert: AlertRow, points: Iterable[Point], drifted: Collection[AreaOfDay]) -> AlertRow:
    """Return an alert that rests on some points, marked ``maybe`` if one of them is drifted."""
    if all((alert.region, alert.class_, point.day) not in drifted for point in points):
        return alert
    message = f"maybe {alert.message} (the date looks unlike what the classes were learned from)"
    return replace(alert, message=message, certainty="maybe")


def level_alerts(series: DaySeries, rule: Alert, drifted: Collection[AreaOfDay] = ()) -> Iterator[AlertRow]:
    """Yield an alert wherever the area falls under or rises over a threshold."""
    points, class_, quantity = series.points, series.class_, series.quantity
    for kind, threshold, sign in (("under", rule.under_km2, -1), ("over", rule.over_km2, 1)):
        if threshold is None:
            continue
        for i in onsets([sign * (point.value_km2 - threshold) > 0 for point in points]):
            value, other = points[i].value_km2, points[i].other_km2
            beside = "" if other is None else f" ({quantity.other} {other:,.3f})"
            message = f"{class_} {quantity} {value:,.3f} km2{beside}, {kind} {threshold:,g} km2"
            alert = AlertRow(series.region, points[i].label, class_, quantity, kind, value, threshold, message)
            yield mark_doubt(alert, [points[i]], drifted)


def rate_alerts(series: DaySeries, rule: Alert, drifted: Collection[AreaOfDay] = ()) -> Iterator[AlertRow]:
    """Yield an alert wherever the area begins to change faster than the rule allows."""
    limit = rule.faster_km2_per_day
    if limit is None:
        return
    pairs = list(pairwise(series.points))
    # A series has one point per day, so the divisor is never 0.
    rates = [(b.value_km2 - a.value_km2) / (b.day - a.day).days for a, b in pairs]
    for i in onsets([abs(rate) > limit for rate in rates]):
        (before, after), rate = pairs[i], rates[i]
        change = f"{series.class_} {series.quantity} {'grew' if rate > 0 else 'shrank'} by {abs(rate):,.3f} km2 per day"
        message = f"{change} since {before.label}, more than {limit:,g}"
        alert = AlertRow(series.region, after.label, series.class_, series.quantity, "faster", rate, limit, message)
        yield mark_doubt(alert, pairs[i], drifted)


def unseen_alerts(series: DaySeries, rule: Alert) -> Iterator[AlertRow]:
    """Yield an alert wherever more days than the rule allows pass without a usable area, up to its last day."""
    points, limit = series.points, rule.unseen_days
    if limit is None:
        return
    for i, point in enumerate(points):
        until = points[i + 1].day if i + 1 < len(points) else rule.as_of
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
    that are excluded from trends are skipped. Change is measured between consecutive usable observations. Observations
    that only ``model_drift`` excludes give alerts that are marked ``maybe``, and change none of the others.
    """
    rows = list(rows)
    with_drifted, drifted = admit_drifted(rows)
    # Two rules may give the same alert, so these are keyed. The clock is never read, so a rerun gives the same alerts.
    alerts: dict[tuple[str, str, str, str, float], AlertRow] = {}
    for rule in rules:
        for series in day_series(with_drifted, [rule.class_]):
            for alert in (*level_alerts(series, rule, drifted), *rate_alerts(series, rule, drifted)):
                if alert.certainty == "maybe":
                    alerts.setdefault(alert.key, alert)
        for series in day_series(rows, [rule.class_]):
            sure = (*level_alerts(series, rule), *rate_alerts(series, rule), *unseen_alerts(series, rule))
            alerts.update({alert.key: alert for alert in sure})
    return tuple(alerts[key] for key in sorted(alerts))
