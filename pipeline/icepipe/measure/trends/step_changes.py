"""Tests for steps in the area at known changes of the sensor or its processing."""

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
"""Fewest points on each side: the smallest two-sided p of a rank-sum test is 2 in 20 for three and three values, and
2 in 70 for four and four."""

MAX_CHANGES = 5
"""Sensors that change more often alternate, so that a step in time does not separate them."""

MAX_POINTS = 4_000
"""Memory limit: four thousand points make up to four million differences between both sides."""


@dataclass(frozen=True)
class ProcessingChange:
    """Change of sensor or processing: the first day after it, and a description."""

    day: dt.date
    what: str


@dataclass(frozen=True)
class StepTest:
    """Statistical test of one change.

    Attributes
    ----------
    date, what
        First point after the change, and its description.
    n_before, n_after
        Points since the previous change, and until the next.
    rank_sum_p
        Two-sided p of equal levels on both sides (Mann-Whitney, tie-corrected); a trend makes it small as well.
    shift_km2
        Hodges-Lehmann estimate of after minus before; it includes any trend.
    step_km2
        Step fitted together with a common linear trend, with its interval.
    step_p
        Two-sided p of a zero step.
    correlation
        Lag-1 autocorrelation that the interval and p of the step account for; 0 if negative.
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
    """Return a change wherever the sensor of a point differs from that of the previous point."""
    return [
        ProcessingChange(b.day, f"sensor {a.sensor} -> {b.sensor}") for a, b in pairwise(points) if a.sensor != b.sensor
    ]


def merge_changes(points: Sequence[Point], changes: Sequence[ProcessingChange]) -> list[tuple[int, ProcessingChange]]:
    """Return the changes in order, each with the index of the first point after it; changes at one index are merged."""
    merged: dict[int, ProcessingChange] = {}
    for change in sorted(changes, key=lambda change: change.day):
        index = sum(point.day < change.day for point in points)
        known = merged.get(index)
        merged[index] = replace(known, what=f"{known.what}, {change.what}") if known else change
    return list(merged.items())


def testable_changes(merged: Sequence[tuple[int, ProcessingChange]], n: int) -> list[tuple[int, ProcessingChange]]:
    """Return the changes with at least ``MIN_SIDE`` points since the last testable change and until the end."""
    testable: list[tuple[int, ProcessingChange]] = []
    for index, change in merged:
        if index - (testable[-1][0] if testable else 0) >= MIN_SIDE and n - index >= MIN_SIDE:
            testable.append((index, change))
    return testable


def hodges_lehmann(before: Float64, after: Float64) -> Interval:
    """Return the median of all differences, after minus before, with its interval.

    Hodges and Lehmann (1963). The ends are differences at ranks from the tie-corrected normal approximation of the
    rank-sum statistic (Lehmann 1975).
    """
    m, n = len(before), len(after)
    differences = np.sort((after[:, None] - before[None, :]).ravel())
    ties = tie_sizes(np.concatenate([before, after]))
    untied = m + n + 1 - float(np.sum(ties**3 - ties)) / ((m + n) * (m + n - 1))
    reach = quantile() * math.sqrt(m * n * untied / 12)
    # Ranks are 1-based, indices 0-based; few values may put the rank below the first.
    low = max(round(m * n / 2 - reach) - 1, 0)
    return Interval(float(np.median(differences)), float(differences[low]), float(differences[m * n - 1 - low]))


def fit_steps(x: Float64, y: Float64, places: Sequence[int]) -> tuple[list[Interval], list[float], float]:
    """Fit one linear trend with a step before each of the given points.

    Least squares of a line and a level shift at every change (Weatherhead and others 1998, Journal of Geophysical
    Research 103:17149-17161). With a lag-1 autocorrelation r of the residuals, standard errors grow by the square root
    of (1 + r) / (1 - r), and the number of independent values is n (1 - r) / (1 + r) (Santer and others 2000, Journal
    of Geophysical Research 105:7337-7356).

    Returns
    -------
    tuple
        The steps with their intervals, their two-sided p, and the autocorrelation accounted for.
    """
    from scipy.stats import t

    n = len(x)
    shifts = [(np.arange(n) >= place).astype(np.float64) for place in places]
    design = np.column_stack([np.ones(n), x - x.mean(), *shifts])
    inverse = np.linalg.inv(design.T @ design)
    fitted = inverse @ design.T @ y
    residuals = y - design @ fitted
    n_fitted = design.shape[1]
    # Every fitted parameter lowers the estimate of r by about (1 + 2 r) / n; solve for r. Without this correction,
    # steps are found too often in the AR(1) noise of short series.
    r = (float(autocorrelation(residuals, 1)[0]) * n + n_fitted) / (n - 2 * n_fitted)
    r = min(max(r, 0.0), LARGEST_CORRELATION)
    spread = float(residuals @ residuals) / (n - n_fitted) * (1 + r) / (1 - r)
    # The first two parameters are the line; the rest are the steps.
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


def rank_sum_p(before: Float64, after: Float64) -> float:
    """Return the two-sided Mann-Whitney p: exact for few values without ties, else normal with both corrections."""
    from scipy.stats import mannwhitneyu

    # Constant values have zero variance, for which scipy returns NaN.
    if np.ptp(np.concatenate([before, after])) == 0:
        return 1.0
    return float(mannwhitneyu(before, after, alternative="two-sided").pvalue)


def find_steps(points: Sequence[Point], processing_changed: Sequence[dt.date] = ()) -> Steps:
    """Test every change of sensor, and every given day, for a step.

    Parameters
    ----------
    points
        In order of time.
    processing_changed
        First days of a new processing that the sensor name does not show.
    """
    changes = [*sensor_changes(points), *(ProcessingChange(day, "processing") for day in processing_changed)]
    merged = merge_changes(points, changes)
    if len(merged) > MAX_CHANGES:
        return Steps((), (f"{len(merged)} changes: more than {MAX_CHANGES}, the sensors alternate",))
    if merged and len(points) > MAX_POINTS:
        return Steps((), (f"{len(points)} points, at most {MAX_POINTS} are compared; set measure.season",))
    testable = testable_changes(merged, len(points))
    few = f"fewer than {MIN_SIDE} points on a side"
    untested = tuple(f"{item[1].day.isoformat()} {item[1].what}: {few}" for item in merged if item not in testable)
    return Steps(tuple(step_tests(points, testable)), untested)


def step_tests(points: Sequence[Point], changes: Sequence[tuple[int, ProcessingChange]]) -> list[StepTest]:
    """Return the test of each change; all steps are fitted together."""
    if not changes:
        return []
    x, y = (np.array([getattr(p, name) for p in points]) for name in ("year", "value_km2"))
    indices = [index for index, _ in changes]
    steps, p_values, r = fit_steps(x, y, indices)
    starts, ends = [0, *indices[:-1]], [*indices[1:], len(points)]
    tests = []
    for (index, change), start, end, step, p in zip(changes, starts, ends, steps, p_values, strict=True):
        # The rank tests compare the stretches next to the change only, up to the neighbouring changes.
        before, after = y[start:index], y[index:end]
        shift, rank_p = hodges_lehmann(before, after), rank_sum_p(before, after)
        tests.append(StepTest(points[index].label, change.what, len(before), len(after), rank_p, shift, step, p, r))
    return tests
