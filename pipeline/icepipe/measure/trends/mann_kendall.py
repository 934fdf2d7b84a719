"""Trend by ranks: Theil-Sen slope, Mann-Kendall test, and what autocorrelation does to its p."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from icepipe.arrays import Float64

CONFIDENCE = 0.95
"""Of every interval; the tests beside them speak of 1 - CONFIDENCE, two-sided."""

HAMED_RAO_LAGS = 3
"""Rao, Hamed and Chen (2003, Nonstationarities in Hydrologic and Environmental Time Series): the noise of many
estimated lags does more harm than the lags left out."""


@dataclass(frozen=True)
class Interval:
    """A figure with the ends of its interval, in the unit of what holds it."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class MannKendall:
    """The Mann-Kendall test.

    Attributes
    ----------
    s
        Pairs that rise less pairs that fall.
    var_s
        Variance of ``s`` without a trend, less for ties.
    z, p
        Standardised ``s`` with continuity correction, and its two-sided p under independence.
    tau
        Kendall's tau-b.
    """

    s: float
    var_s: float
    z: float
    p: float
    tau: float


def quantile(confidence: float = CONFIDENCE) -> float:
    """Standard normal quantile that a two-sided interval reaches to."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def two_sided_p(z: float) -> float:
    """Two-sided p of a standard normal value, exact in the far tail."""
    return math.erfc(abs(z) / math.sqrt(2))


def tie_sizes(values: Float64) -> Float64:
    """How often each value that occurs more than once does."""
    counts = np.unique(values, return_counts=True)[1].astype(np.float64)
    return counts[counts > 1]


def s_variance(values: Float64) -> float:
    """Variance of the Mann-Kendall statistic without a trend, less for ties (Kendall 1975; Sen 1968, eq. 2.6)."""

    def term(n: Float64 | float) -> Float64 | float:
        return n * (n - 1) * (2 * n + 5)

    return float((term(float(len(values))) - np.sum(term(tie_sizes(values)))) / 18)


def concordance(values: Float64) -> float:
    """Pairs that rise less pairs that fall, in the order given."""
    return float(sum(np.sign(values[i + 1 :] - values[i]).sum() for i in range(len(values) - 1)))


def z_score(s: float, variance: float, *, continuity: bool = True) -> float:
    """Standardised statistic; 0 where nothing varies."""
    if variance <= 0:
        return 0.0
    moved = s - math.copysign(1, s) if continuity and s else s
    return moved / math.sqrt(variance)


def mann_kendall(values: Float64) -> MannKendall:
    """Test values in order of time for a monotonic trend.

    Mann (1945), Kendall (1975), with the variance that ties leave and a continuity correction. Gaps are left out
    before. Good from ten values on (Kendall 1975, p. 55).
    """
    n, s, variance = len(values), concordance(values), s_variance(values)
    z = z_score(s, variance)
    pairs, ties = n * (n - 1) / 2, tie_sizes(values)
    untied = pairs - float(np.sum(ties * (ties - 1))) / 2
    return MannKendall(s, variance, z, two_sided_p(z), s / math.sqrt(pairs * untied) if untied else 0.0)


def theil_sen(x: Float64, y: Float64, confidence: float = CONFIDENCE) -> Interval:
    """Median of the pairwise slopes, with Sen's interval, by ``scipy.stats.theilslopes``.

    Sen (1968, JASA 63:1379-1389): the ends are the slopes at the rounded ranks (N - C)/2 and (N + C)/2 + 1, where N is
    the number of slopes and C the normal quantile times the tie-corrected standard deviation of the Mann-Kendall
    statistic. The ``x`` must differ; the interval holds for independent values.

    Returns
    -------
    Interval
        In units of ``y`` per unit of ``x``.
    """
    from scipy.stats import theilslopes

    slopes = theilslopes(y, x, confidence)
    return Interval(float(slopes.slope), float(slopes.low_slope), float(slopes.high_slope))


def intercept(x: Float64, y: Float64, slope: float) -> float:
    """Value of the line at ``x`` = 0, through the medians (Conover 1980)."""
    return float(np.median(y) - slope * np.median(x))


def autocorrelation(values: Float64, lags: int) -> Float64:
    """Autocorrelation at lags 1 to ``lags``, in the order given; 0 where nothing varies.

    The estimator that divides by the full sum of squares (Box and Jenkins 1970). Steps of time are taken as equal, so
    values on both sides of a gap count as neighbours.
    """
    moved = values - values.mean()
    total = float(moved @ moved)
    if total <= 1e-24 * float(values @ values) or total == 0:
        return np.zeros(lags)
    return np.array([moved[:-lag] @ moved[lag:] / total for lag in range(1, lags + 1)])


def correlation_bound(n: int) -> float:
    """Largest autocorrelation that chance explains, two-sided at 5 % (Hamed and Rao 1998; Box and Jenkins 1970)."""
    return quantile() / math.sqrt(n)


def hamed_rao_factor(residuals: Float64, max_lag: int = HAMED_RAO_LAGS) -> float:
    """How much larger the variance of the Mann-Kendall statistic is than under independence.

    Hamed and Rao (1998, Journal of Hydrology 204:182-196): from the autocorrelation of the ranks of the detrended
    values, at the lags where it is significant.
    """
    from scipy.stats import rankdata

    n = len(residuals)
    r = autocorrelation(rankdata(residuals), max_lag)
    lag = np.arange(1, max_lag + 1)
    weighted = (n - lag) * (n - lag - 1) * (n - lag - 2) * r
    return 1 + 2 * float(weighted[np.abs(r) > correlation_bound(n)].sum()) / (n * (n - 1) * (n - 2))
