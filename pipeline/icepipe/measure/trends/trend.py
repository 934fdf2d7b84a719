"""A trend of areas: its slope in every unit, its tests, and why there may be none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from icepipe.arrays import Float64
from icepipe.measure.trends.bootstrap import MAX_POINTS as MAX_BOOTSTRAP_POINTS
from icepipe.measure.trends.bootstrap import BlockBootstrap, block_bootstrap
from icepipe.measure.trends.mann_kendall import (
    Interval,
    MannKendall,
    autocorrelation,
    correlation_bound,
    hamed_rao_factor,
    intercept,
    mann_kendall,
    theil_sen,
    two_sided_p,
    z_score,
)
from icepipe.measure.trends.time_series import Point

MIN_POINTS = 10
"""Fewest points: the normal approximation of the Mann-Kendall test holds from ten on (Kendall 1975, p. 55)."""

MIN_SPAN_YEARS = 2
"""Fewest years that days of all seasons must span: in less, a slope tells the season's course. Our own choice."""

MAX_TREND_POINTS = 4_000
"""Pairwise slopes grow with the square: four thousand points make eight million."""


@dataclass(frozen=True)
class LeastSquares:
    """Ordinary least squares, as sea-ice indices print it: slope with standard error, correlation and p.

    Values that are all the same have slope, error and correlation 0, and p 1.
    """

    slope_km2_per_year: float
    stderr_km2_per_year: float
    slope_percent_per_decade: float | None
    stderr_percent_per_decade: float | None
    r: float
    p: float


@dataclass(frozen=True)
class Autocorrelation:
    """Whether neighbouring values are alike, which makes p too small.

    Attributes
    ----------
    lag1, bound
        Of the values less the trend line, and the largest that chance explains.
    makes_p_too_small
        Whether ``lag1`` is above ``bound``.
    p
        Mann-Kendall p with the variance of Hamed and Rao (1998), never smaller than the plain one.
    """

    lag1: float
    bound: float
    makes_p_too_small: bool
    p: float


@dataclass(frozen=True)
class Trend:
    """A trend; percent are of ``percent_of_km2``, the mean of what ``percent_of`` says."""

    n_points: int
    slope_km2_per_year: Interval
    slope_km2_per_decade: Interval
    slope_percent_per_year: Interval | None
    slope_percent_per_decade: Interval | None
    percent_of_km2: float
    percent_of: str
    bootstrap_km2_per_year: BlockBootstrap | None
    mann_kendall: MannKendall
    autocorrelation: Autocorrelation
    least_squares: LeastSquares
    mixes_seasons: bool


def _times(estimate: Interval, factor: float) -> Interval:
    return Interval(estimate.value * factor, estimate.low * factor, estimate.high * factor)


def least_squares(x: Float64, y: Float64, percent_of: float) -> LeastSquares:
    """Straight line through ``y`` (km2) by ``x`` (years), with percent of a given area."""
    from scipy.stats import linregress

    line = linregress(x, y)
    rises = bool(np.ptp(y))  # where none does, correlation is not defined, and scipy gives NaN for what hangs on it
    slope, error = (float(line.slope), float(line.stderr)) if rises else (0.0, 0.0)
    scale = 1000 / percent_of if percent_of else None
    return LeastSquares(
        slope_km2_per_year=slope,
        stderr_km2_per_year=error,
        slope_percent_per_decade=slope * scale if scale else None,
        stderr_percent_per_decade=error * scale if scale else None,
        r=float(line.rvalue) if rises else 0.0,
        p=float(line.pvalue) if rises else 1.0,
    )


def _autocorrelation(residuals: Float64, test: MannKendall) -> Autocorrelation:
    lag1, bound = float(autocorrelation(residuals, 1)[0]), correlation_bound(len(residuals))
    factor = max(1.0, hamed_rao_factor(residuals))
    return Autocorrelation(lag1, bound, lag1 > bound, two_sided_p(z_score(test.s, test.var_s * factor)))


def fit_trend(x: Float64, y: Float64, percent_of: float | None = None, *, mixes_seasons: bool = False) -> Trend:
    """Trend of areas.

    Parameters
    ----------
    x
        Years, rising.
    y
        km2.
    percent_of
        km2 that percent are of; the mean of ``y`` where None.
    mixes_seasons
        Whether the points are of different times of the year.
    """
    of = float(np.mean(y)) if percent_of is None else percent_of
    slope, test = theil_sen(x, y), mann_kendall(y)
    residuals = y - intercept(x, y, slope.value) - slope.value * x
    return Trend(
        n_points=len(y),
        slope_km2_per_year=slope,
        slope_km2_per_decade=_times(slope, 10),
        slope_percent_per_year=_times(slope, 100 / of) if of else None,
        slope_percent_per_decade=_times(slope, 1000 / of) if of else None,
        percent_of_km2=of,
        percent_of="all points" if percent_of is None else "baseline",
        bootstrap_km2_per_year=block_bootstrap(x, y) if len(y) <= MAX_BOOTSTRAP_POINTS else None,
        mann_kendall=test,
        autocorrelation=_autocorrelation(residuals, test),
        least_squares=least_squares(x, y, of),
        mixes_seasons=mixes_seasons,
    )


def no_trend_reason(points: Sequence[Point], of_seasons: bool) -> str:
    """Why these points carry no trend, or an empty text."""
    n = len(points)
    if n < MIN_POINTS:
        kind = "season(s)" if of_seasons else "day(s)"
        return f"{n} usable {kind}, {MIN_POINTS} are needed (normal approximation of Mann-Kendall, Kendall 1975)"
    span = points[-1].year - points[0].year
    if not of_seasons and span < MIN_SPAN_YEARS:
        return f"{span:.2f} years between first and last day: under {MIN_SPAN_YEARS} a slope tells the season's course"
    if n > MAX_TREND_POINTS:
        return f"{n} days, at most {MAX_TREND_POINTS} are compared pair by pair; set measure.season"
    return ""
