"""Steps where the sensor or its processing changed, at dates known beforehand."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from icepipe.arrays import Float64
from icepipe.measure.trends.bootstrap import LARGEST_CORRELATION
from icepipe.measure.trends.mann_kendall import CONFIDENCE, Interval, autocorrelation, quantile, tie_sizes
from icepipe.measure.trends.time_series import Point

MIN_SIDE = 4
"""With three and three values the smallest two-sided p of a rank-sum test is 2 in 20; with four and four, 2 in 70."""

MAX_CHANGES = 5
"""Sensors that change more often take turns, and a step in time is not what tells them apart."""

MAX_POINTS = 4_000
"""The differences between both sides grow with the square: four thousand points make four million."""


@dataclass(frozen=True)
class ProcessingChange:
    """A change of sensor or processing: the first day after it, and what changed."""

    day: dt.date
    what: str


@dataclass(frozen=True)
class StepTest:
    """What the values say about a change.

    Attributes
    ----------
    date, what
        First point after it, and what changed.
    n_before, n_after
        Points since the change before, and until the next.
    rank_sum_p
        Two-sided p that both sides have one level (Mann-Whitney, tie-corrected); a trend makes it small, too.
    shift_km2
        Hodges-Lehmann estimate of after less before; a trend is in it, too.
    step_km2
        Step beside a common linear trend, with its interval.
    step_p
        Two-sided p that there is none.
    correlation
        Lag-1 autocorrelation that the interval and p of the step allow for; 0 where negative.
    """

    date: str
    what: str
    n_before: int
    n_after: int
    rank_sum_p: float
    shift_km2: Interval
    step_km2: Interval
    step_p: float
    correlation: float


@dataclass(frozen=True)
class Steps:
    """Tests of the changes that have enough points on both sides, and the changes that do not."""

    tested: tuple[StepTest, ...]
    untested: tuple[str, ...]


def sensor_changes(points: Sequence[Point]) -> list[ProcessingChange]:
    """Where the sensor of a point is not that of the point before."""
    return [
        ProcessingChange(b.day, f"sensor {a.sensor} -> {b.sensor}") for a, b in pairwise(points) if a.sensor != b.sensor
    ]


def _placed(points: Sequence[Point], changes: Sequence[ProcessingChange]) -> list[tuple[int, ProcessingChange]]:
    """Changes with the number of points before each; those of one place are one."""
    placed: dict[int, ProcessingChange] = {}
    for change in sorted(changes, key=lambda change: change.day):
        place = sum(point.day < change.day for point in points)
        known = placed.get(place)
        placed[place] = replace(known, what=f"{known.what}, {change.what}") if known else change
    return list(placed.items())


def _testable(placed: Sequence[tuple[int, ProcessingChange]], n: int) -> list[tuple[int, ProcessingChange]]:
    """Changes with ``MIN_SIDE`` points since the last one kept and until the end."""
    kept: list[tuple[int, ProcessingChange]] = []
    for place, change in placed:
        if place - (kept[-1][0] if kept else 0) >= MIN_SIDE and n - place >= MIN_SIDE:
            kept.append((place, change))
    return kept


def hodges_lehmann(before: Float64, after: Float64) -> Interval:
    """Median of all differences after less before, with its interval.

    Hodges and Lehmann (1963); the ends are differences at ranks from the tie-corrected normal approximation of the
    rank-sum statistic (Lehmann 1975).
    """
    m, n = len(before), len(after)
    differences = np.sort((after[:, None] - before[None, :]).ravel())
    ties = tie_sizes(np.concatenate([before, after]))
    untied = m + n + 1 - float(np.sum(ties**3 - ties)) / ((m + n) * (m + n - 1))
    reach = quantile() * math.sqrt(m * n * untied / 12)
    low = max(round(m * n / 2 - reach) - 1, 0)
    return Interval(float(np.median(differences)), float(differences[low]), float(differences[m * n - 1 - low]))


def fit_steps(x: Float64, y: Float64, places: Sequence[int]) -> tuple[list[Interval], list[float], float]:
    """Steps before the given points beside one linear trend, their p, and the autocorrelation allowed for.

    Least squares of a line and a level shift at every change (Weatherhead and others 1998, Journal of Geophysical
    Research 103:17149-17161). With a lag-1 autocorrelation r of the residuals, standard errors grow by the root of
    (1 + r) / (1 - r), and independent values number n (1 - r) / (1 + r) (Santer and others 2000, Journal of Geophysical
    Research 105:7337-7356). Every fitted parameter takes about (1 + 2 r) / n off the estimate of r, given back here:
    without it steps are seen too often in AR(1) noise of short series.
    """
    from scipy.stats import t

    n = len(x)
    shifts = [(np.arange(n) >= place).astype(np.float64) for place in places]
    design = np.column_stack([np.ones(n), x - x.mean(), *shifts])
    inverse = np.linalg.inv(design.T @ design)
    fitted = inverse @ design.T @ y
    residuals = y - design @ fitted
    n_fitted = design.shape[1]
    r = (float(autocorrelation(residuals, 1)[0]) * n + n_fitted) / (n - 2 * n_fitted)
    r = min(max(r, 0.0), LARGEST_CORRELATION)
    spread = float(residuals @ residuals) / (n - n_fitted) * (1 + r) / (1 - r)
    errors = np.sqrt(np.diag(inverse)[2:] * spread)
    freedom = max(n * (1 - r) / (1 + r) - n_fitted, 1)
    reach = float(t.ppf((1 + CONFIDENCE) / 2, freedom))
    steps = [
        Interval(float(v), float(v - reach * e), float(v + reach * e)) for v, e in zip(fitted[2:], errors, strict=True)
    ]
    p = [
        float(2 * t.sf(abs(s.value) / e, freedom)) if e > 0 else float(s.value == 0)
        for s, e in zip(steps, errors, strict=True)
    ]
    return steps, p, r


def _rank_sum_p(before: Float64, after: Float64) -> float:
    """Two-sided Mann-Whitney p: exact for few values without ties, else normal with ties and continuity corrected."""
    from scipy.stats import mannwhitneyu

    if np.ptp(np.concatenate([before, after])) == 0:
        return 1.0
    return float(mannwhitneyu(before, after, alternative="two-sided").pvalue)


def find_steps(points: Sequence[Point], processing_changed: Sequence[dt.date] = ()) -> Steps:
    """Test every change of sensor, and every day given, for a step.

    Parameters
    ----------
    points
        In order of time.
    processing_changed
        First days of a processing that the sensor's name does not tell of.
    """
    changes = [*sensor_changes(points), *(ProcessingChange(day, "processing") for day in processing_changed)]
    placed = _placed(points, changes)
    if len(placed) > MAX_CHANGES:
        return Steps((), (f"{len(placed)} changes: more than {MAX_CHANGES}, the sensors take turns",))
    if placed and len(points) > MAX_POINTS:
        return Steps((), (f"{len(points)} points, at most {MAX_POINTS} are compared; set measure.season",))
    kept = _testable(placed, len(points))
    dropped = [item[1] for item in placed if item not in kept]
    few = f"fewer than {MIN_SIDE} points on a side"
    untested = tuple(f"{change.day.isoformat()} {change.what}: {few}" for change in dropped)
    return Steps(tuple(_tests(points, kept)), untested)


def _tests(points: Sequence[Point], kept: Sequence[tuple[int, ProcessingChange]]) -> list[StepTest]:
    if not kept:
        return []
    x, y = (np.array([getattr(p, name) for p in points]) for name in ("year", "value_km2"))
    places = [place for place, _ in kept]
    steps, p_values, r = fit_steps(x, y, places)
    starts, ends = [0, *places[:-1]], [*places[1:], len(points)]
    found = []
    for (place, change), start, end, step, p in zip(kept, starts, ends, steps, p_values, strict=True):
        before, after = y[start:place], y[place:end]
        shift, rank_sum_p = hodges_lehmann(before, after), _rank_sum_p(before, after)
        label = points[place].label
        found.append(StepTest(label, change.what, len(before), len(after), rank_sum_p, shift, step, p, r))
    return found
