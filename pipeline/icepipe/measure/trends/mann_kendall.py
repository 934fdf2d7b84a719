"""Rank-based trend: Theil-Sen slope, Mann-Kendall test, and its correction for autocorrelation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from icepipe.arrays import Float64

CONFIDENCE = 0.95
"""Confidence level of every interval; tests are two-sided at the level 1 - CONFIDENCE."""

HAMED_RAO_LAGS = 3
"""Rao, Hamed and Chen (2003, Nonstationarities in Hydrologic and Environmental Time Series): the noise of many
estimated lags does more harm than omitting them."""


@dataclass(frozen=True)
class Interval:
    """Estimate with the ends of its confidence interval; the field that holds it names the unit."""

    value: float
    low: float
    high: float

    def scaled(self, factor: float) -> Interval:
        """Return the interval in another unit, ``factor`` times the values."""
        return Interval(self.value * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True)
class MannKendall:
    """Result of the Mann-Kendall test.

    Attributes
    ----------
    s
        Number of increasing pairs minus number of decreasing pairs.
    var_s
        Variance of ``s`` without a trend, corrected for ties.
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
    """Return the standard normal quantile at the ends of a two-sided interval."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def two_sided_p(z: float) -> float:
    """Return the two-sided p of a standard normal value."""
    # erfc is used because 1 - erf cancels to 0 in the far tail.
    return math.erfc(abs(z) / math.sqrt(2))


def tie_sizes(values: Float64) -> Float64:
    """Return the number of occurrences of each value that occurs more than once."""
    counts = np.unique(values, return_counts=True)[1].astype(np.float64)
    return counts[counts > 1]


def s_variance(values: Float64) -> float:
    """Return the variance of the Mann-Kendall statistic without a trend (Kendall 1975; Sen 1968, eq. 2.6)."""

    def term(n: Float64 | float) -> Float64 | float:
        return n * (n - 1) * (2 * n + 5)

    # Each group of ties takes away the variance that its values would have had among themselves.
    return float((term(float(len(values))) - np.sum(term(tie_sizes(values)))) / 18)


def concordance(values: Float64) -> float:
    """Return the number of increasing pairs minus the number of decreasing pairs, in the given order."""
    return float(sum(np.sign(values[i + 1 :] - values[i]).sum() for i in range(len(values) - 1)))


def z_score(s: float, variance: float, *, continuity: bool = True) -> float:
    """Return the standardised statistic; 0 if the variance is 0."""
    if variance <= 0:
        return 0.0
    # s is discrete, in steps of 2 without ties: half a step towards 0 fits the continuous normal better.
    corrected = s - math.copysign(1, s) if continuity and s else s
    return corrected / math.sqrt(variance)


def mann_kendall(values: Float64) -> MannKendall:
    """Test values in order of time for a monotonic trend.

    Mann (1945), Kendall (1975), with tie-corrected variance and continuity correction. Values must have no gaps. The
    normal approximation holds from ten values on (Kendall 1975, p. 55).
    """
    n, s, variance = len(values), concordance(values), s_variance(values)
    z = z_score(s, variance)
    pairs = n * (n - 1) / 2
    ties = tie_sizes(values)
    untied = pairs - float(np.sum(ties * (ties - 1))) / 2
    return MannKendall(s, variance, z, two_sided_p(z), s / math.sqrt(pairs * untied) if untied else 0.0)


def theil_sen(x: Float64, y: Float64, confidence: float = CONFIDENCE) -> Interval:
    """Return the median of the pairwise slopes with Sen's interval, by ``scipy.stats.theilslopes``.

    Sen (1968, JASA 63:1379-1389): the ends are the slopes at the rounded ranks (N - C)/2 and (N + C)/2 + 1, where N is
    the number of slopes and C the normal quantile times the tie-corrected standard deviation of the Mann-Kendall
    statistic. The ``x`` must be distinct; the interval holds for independent values.

    Returns
    -------
    Interval
        In units of ``y`` per unit of ``x``.
    """
    from scipy.stats import theilslopes

    slopes = theilslopes(y, x, confidence)
    return Interval(float(slopes.slope), float(slopes.low_slope), float(slopes.high_slope))


def intercept(x: Float64, y: Float64, slope: float) -> float:
    """Return the value at ``x`` = 0 of the line through the medians (Conover 1980)."""
    return float(np.median(y) - slope * np.median(x))


def autocorrelation(values: Float64, lags: int) -> Float64:
    """Return the autocorrelation at lags 1 to ``lags``, in the given order; 0 for constant values.

    The estimator divides by the full sum of squares (Box and Jenkins 1970). Time steps are taken as equal, so values
    on both sides of a gap count as neighbours.
    """
    centred = values - values.mean()
    total = float(centred @ centred)
    # Constant values leave a rounding error after the mean is subtracted; it is no variation.
    if total <= 1e-24 * float(values @ values) or total == 0:
        return np.zeros(lags)
    return np.array([centred[:-lag] @ centred[lag:] / total for lag in range(1, lags + 1)])


def correlation_bound(n: int) -> float:
    """Return the largest autocorrelation that chance explains, two-sided at 5 % (Box and Jenkins 1970)."""
    return quantile() / math.sqrt(n)


def hamed_rao_factor(residuals: Float64, max_lag: int = HAMED_RAO_LAGS) -> float:
    """Return the factor by which autocorrelation increases the variance of the Mann-Kendall statistic.

    Hamed and Rao (1998, Journal of Hydrology 204:182-196): computed from the autocorrelation of the ranks of the
    detrended values, at the lags at which it is significant.
    """
    from scipy.stats import rankdata

    n = len(residuals)
    r = autocorrelation(rankdata(residuals), max_lag)
    lag = np.arange(1, max_lag + 1)
    weighted = (n - lag) * (n - lag - 1) * (n - lag - 2) * r
    return 1 + 2 * float(weighted[np.abs(r) > correlation_bound(n)].sum()) / (n * (n - 1) * (n - 2))
