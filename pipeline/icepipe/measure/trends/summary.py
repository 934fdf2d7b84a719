"""Summary of the area of each region and class over time: trend, anomalies, dates, steps and gaps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from icepipe.arrays import Float64
from icepipe.config.measure import Measure, Period
from icepipe.measure.area.quantity import Quantity
from icepipe.measure.area.series import Row
from icepipe.measure.trends.extremes import Extreme, YearDates, dates_by_year, largest, smallest
from icepipe.measure.trends.seasonal_kendall import MIN_YEARS, SeasonalKendall, seasonal_kendall
from icepipe.measure.trends.step_changes import Steps, find_steps
from icepipe.measure.trends.time_series import (
    DaySeries,
    Gap,
    LeftOut,
    Point,
    day_series,
    gaps,
    month_table,
    season_points,
)
from icepipe.measure.trends.trend import MIN_POINTS, Trend, fit_trend, no_trend_reason

CLASSES = ("ice", "water")


@dataclass(frozen=True)
class Value:
    """Point with its anomaly from the baseline and its rank (1 is the smallest, ties have their mean rank)."""

    label: str
    value_km2: float
    other_km2: float | None
    n_observations: int
    rank: float
    anomaly_km2: float | None
    anomaly_percent: float | None
    lacks_months: tuple[int, ...]


@dataclass(frozen=True)
class Baseline:
    """Mean of the points within the baseline period; ``mean_km2`` is None without a point."""

    first: str
    last: str
    n_points: int
    mean_km2: float | None


@dataclass(frozen=True)
class AreaTrend:
    """Summary of one region and class; ``no_trend_because`` is the reason if ``trend`` is None."""

    region: str
    class_: str
    quantity: Quantity
    n_observations: int
    n_days: int
    n_left_out: dict[str, int]
    left_out: tuple[LeftOut, ...]
    points: str
    values: tuple[Value, ...]
    gaps: tuple[Gap, ...]
    baseline: Baseline | None
    maximum: Extreme | None
    minimum: Extreme | None
    years: tuple[YearDates, ...]
    trend: Trend | None
    no_trend_because: str
    seasonal: SeasonalKendall | None
    steps: Steps


def baseline_mean(points: Sequence[Point], period: Period | None) -> Baseline | None:
    """Return the mean of the points whose day, or mean day of a season, is within a period; both ends count."""
    if period is None:
        return None
    within = [point.value_km2 for point in points if period[0] <= point.day <= period[1]]
    mean = float(np.mean(within)) if within else None
    return Baseline(period[0].isoformat(), period[1].isoformat(), len(within), mean)


def mean_ranks(values: Float64) -> Float64:
    """Return ranks from 1; equal values have their mean rank."""
    # This is the same as scipy.stats.rankdata, which takes a second to import; most runs need nothing else of scipy.
    _, place, times = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(times) - (times - 1) / 2)[place])


def series_values(points: Sequence[Point], mean_km2: float | None) -> tuple[Value, ...]:
    """Return the points with their ranks, and with anomalies if a baseline mean is given."""
    ranks = mean_ranks(np.array([point.value_km2 for point in points]))
    anomalies = [None if mean_km2 is None else point.value_km2 - mean_km2 for point in points]
    # A baseline of 0 km2 has anomalies, but no percentages.
    percents = [None if a is None or not mean_km2 else 100 * a / mean_km2 for a in anomalies]
    zipped = zip(points, ranks, anomalies, percents, strict=True)
    return tuple(
        Value(p.label, p.value_km2, p.other_km2, p.n_observations, float(rank), anomaly, percent, p.lacks_months)
        for p, rank, anomaly, percent in zipped
    )


def seasonal_trend(points: Sequence[Point]) -> SeasonalKendall | None:
    """Return the seasonal test; None without several months that have enough years and enough values."""
    if len({point.day.month for point in points}) < 2:
        return None
    table = month_table(points)
    known = ~np.isnan(table)
    # One month with enough years suffices: months with fewer add pairs, but carry little weight.
    enough = known.sum() >= MIN_POINTS and (known.sum(axis=0) >= MIN_YEARS).any()
    return seasonal_kendall(table) if enough else None


def area_trend(series: DaySeries, measure: Measure) -> AreaTrend:
    """Return the summary of one region and class."""
    days = series.points
    points = season_points(days, measure.season) if measure.season else days
    baseline = baseline_mean(points, measure.baseline)
    mean = baseline.mean_km2 if baseline else None
    under_km2 = {str(class_): km2 for class_, km2 in (measure.dates_under_km2 or {}).items()}
    reason = no_trend_reason(points, bool(measure.season))
    # A slope over days of several months mixes trend and seasonal cycle, which a note of the run points out.
    mixed = not measure.season and len({point.day.month for point in points}) > 1
    x, y = (np.array([getattr(point, name) for point in points]) for name in ("year", "value_km2"))
    return AreaTrend(
        region=series.region,
        class_=series.class_,
        quantity=series.quantity,
        n_observations=series.n_observations,
        n_days=len(days),
        n_left_out=dict(sorted(Counter(item.why for item in series.left_out).items())),
        left_out=series.left_out,
        points="seasons" if measure.season else "days",
        values=series_values(points, mean),
        gaps=tuple(gaps(points)),
        baseline=baseline,
        maximum=largest(days) if days else None,
        minimum=smallest(days) if days else None,
        years=dates_by_year(days, under_km2.get(series.class_)),
        trend=None if reason else fit_trend(x, y, mean, mixes_seasons=mixed),
        no_trend_because=reason,
        seasonal=None if measure.season else seasonal_trend(days),
        steps=find_steps(points, measure.processing_changed),
    )


def area_trends(rows: Iterable[Row], measure: Measure) -> tuple[AreaTrend, ...]:
    """Return the summaries of ice and water in every region of a series."""
    return tuple(area_trend(series, measure) for series in day_series(rows, CLASSES))
