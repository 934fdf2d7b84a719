"""Trend of areas: slope in several units, significance tests, and the reason if a series has no trend."""

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
"""Fewest points: the normal approximation of the Mann-Kendall test holds from ten points on (Kendall 1975, p. 55)."""

MIN_SPAN_YEARS = 2
"""Fewest years that days of all seasons must span: within less, a slope shows the seasonal cycle. A convention."""

MAX_TREND_POINTS = 4_000
"""Memory limit: four thousand points make eight million pairwise slopes."""


@dataclass(frozen=True)
class LeastSquares:
    """Ordinary least squares, as published by sea-ice indices: slope with standard error, correlation and p.

    Constant values have slope, error and correlation 0, and p 1.
    """

    slope_km2_per_year: float
    stderr_km2_per_year: float
    slope_percent_per_decade: float | None
    stderr_percent_per_decade: float | None
    r: float
    p: float


@dataclass(frozen=True)
class Autocorrelation:
    """Autocorrelation of the residuals, which makes p too small.

    Attributes
    ----------
    lag1, bound
        Lag-1 autocorrelation of the residuals, and the largest that chance explains.
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
    """Trend; percentages refer to ``percent_of_km2``, the mean of the points named by ``percent_of``."""

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


def least_squares(x: Float64, y: Float64, percent_of: float) -> LeastSquares:
    """Fit a straight line to ``y`` (km2) against ``x`` (years); percentages refer to the area ``percent_of``."""
    from scipy.stats import linregress

    line = linregress(x, y)
    # Constant values have no correlation, so scipy returns NaN for everything that depends on it.
    varies = bool(np.ptp(y))
    slope, error = (float(line.slope), float(line.stderr)) if varies else (0.0, 0.0)
    scale = 1000 / percent_of if percent_of else None
    return LeastSquares(
        slope_km2_per_year=slope,
        stderr_km2_per_year=error,
        slope_percent_per_decade=slope * scale if scale else None,
        stderr_percent_per_decade=error * scale if scale else None,
        r=float(line.rvalue) if varies else 0.0,
        p=float(line.pvalue) if varies else 1.0,
    )


def residual_autocorrelation(residuals: Float64, test: MannKendall) -> Autocorrelation:
    """Return the lag-1 autocorrelation of the residuals, and the p of a test corrected for it."""
    lag1, bound = float(autocorrelation(residuals, 1)[0]), correlation_bound(len(residuals))
    # Negative autocorrelation would make p smaller; it is not used to strengthen a trend.
    factor = max(1.0, hamed_rao_factor(residuals))
    return Autocorrelation(lag1, bound, lag1 > bound, two_sided_p(z_score(test.s, test.var_s * factor)))


def fit_trend(x: Float64, y: Float64, percent_of: float | None = None, *, mixes_seasons: bool = False) -> Trend:
    """Fit a trend to areas and test it.

    Parameters
    ----------
    x
        Years, increasing, shape (n,).
    y
        Areas in km2, shape (n,).
    percent_of
        Area in km2 that percentages refer to; None for the mean of ``y``.
    mixes_seasons
        Whether the points are of different times of the year.
    """
    reference = float(np.mean(y)) if percent_of is None else percent_of
    slope, test = theil_sen(x, y), mann_kendall(y)
    # Residuals are taken from the robust line, so that outliers do not add to their autocorrelation.
    residuals = y - intercept(x, y, slope.value) - slope.value * x
    return Trend(
        n_points=len(y),
        slope_km2_per_year=slope,
        slope_km2_per_decade=slope.scaled(10),
        slope_percent_per_year=slope.scaled(100 / reference) if reference else None,
        slope_percent_per_decade=slope.scaled(1000 / reference) if reference else None,
        percent_of_km2=reference,
        percent_of="all points" if percent_of is None else "baseline",
        bootstrap_km2_per_year=block_bootstrap(x, y) if len(y) <= MAX_BOOTSTRAP_POINTS else None,
        mann_kendall=test,
        autocorrelation=residual_autocorrelation(residuals, test),
        least_squares=least_squares(x, y, reference),
        mixes_seasons=mixes_seasons,
    )


def no_trend_reason(points: Sequence[Point], of_seasons: bool) -> str:
    """Return why the points have no trend; an empty text if they have one."""
    n = len(points)
    if n < MIN_POINTS:
        kind = "season(s)" if of_seasons else "day(s)"
        return f"{n} usable {kind}, {MIN_POINTS} are needed (normal approximation of Mann-Kendall, Kendall 1975)"
    span = points[-1].year - points[0].year
    if not of_seasons and span < MIN_SPAN_YEARS:
        return f"{span:.2f} years between first and last day: under {MIN_SPAN_YEARS}, a slope shows the seasonal cycle"
    if n > MAX_TREND_POINTS:
        return f"{n} days, at most {MAX_TREND_POINTS} are compared pair by pair; set measure.season"
    return ""
