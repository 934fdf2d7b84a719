"""Seasonal Mann-Kendall test: trend of a seasonal series, in which each month is compared with itself only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from icepipe.arrays import Float64
from icepipe.measure.trends.mann_kendall import concordance, s_variance, two_sided_p, z_score

MIN_YEARS = 3
"""Hirsch, Slack and Smith (1982): for twelve months, the normal approximation holds from three years on."""

MIN_YEARS_CORRELATED = 10
"""Hirsch and Slack (1984): the variance with the correlation between months needs ten complete years."""


@dataclass(frozen=True)
class CorrelatedKendall:
    """Seasonal test whose variance includes the correlation between months, on the complete years."""

    n_years: int
    s: float
    var_s: float
    z: float
    p: float


@dataclass(frozen=True)
class SeasonalKendall:
    """The seasonal Mann-Kendall test.

    Attributes
    ----------
    n_values, n_years
        Number of monthly means and of years.
    s, var_s, z, p
        Sums over the months, and the test under independence of months and years.
    tau
        ``s`` over the number of pairs compared.
    slope_km2_per_year
        Median of the slopes between values of the same month.
    correlated
        The test with the correlation between months, or None with too few complete years.
    """

    n_values: int
    n_years: int
    s: float
    var_s: float
    z: float
    p: float
    tau: float
    slope_km2_per_year: float
    correlated: CorrelatedKendall | None


def pairwise_slopes(x: Float64, y: Float64) -> Float64:
    """Return the slopes of all pairs with different ``x``."""
    steps = [(x[i + 1 :] - x[i], y[i + 1 :] - y[i]) for i in range(len(x) - 1)]
    return np.concatenate([dy[dx != 0] / dx[dx != 0] for dx, dy in steps])


def month_covariance(a: Float64, b: Float64) -> float:
    """Return the covariance of the Kendall statistics of two months without a trend (Dietz and Killeen 1981).

    Both have a value for every year, shape (n_years,).
    """
    n = len(a)
    signs_a, signs_b = (np.sign(values[:, None] - values[None, :]) for values in (a, b))
    # Row sums of the signs are ranks, with ties at their mean rank.
    ranks_a, ranks_b = ((n + 1 + signs.sum(axis=1)) / 2 for signs in (signs_a, signs_b))
    k = np.triu(signs_a * signs_b, 1).sum()
    return float(k + 4 * (ranks_a @ ranks_b) - n * (n + 1) ** 2) / 3


def correlated_kendall(table: Float64) -> CorrelatedKendall:
    """Test a table, shape (years, months), with the covariance between months; years with a gap are left out.

    Dietz and Killeen (1981), Hirsch and Slack (1984). No continuity correction, as in Libiseller and Grimvall (2002).
    """
    complete = table[~np.isnan(table).any(axis=1)]
    s = float(sum(concordance(column) for column in complete.T))
    variance = sum(month_covariance(a, b) for a in complete.T for b in complete.T)
    z = z_score(s, variance, continuity=False)
    return CorrelatedKendall(len(complete), s, variance, z, two_sided_p(z))


def seasonal_kendall(table: Float64) -> SeasonalKendall:
    """Test a table of values, shape (years, months) with NaN for gaps, for a trend within the months.

    Hirsch, Slack and Smith (1982, Water Resources Research 18:107-121): the statistics and variances of the months are
    summed, with corrections for ties and gaps. The slope is per row of the table.
    """
    rows = np.arange(len(table), dtype=np.float64)
    columns = ((rows[~np.isnan(column)], column[~np.isnan(column)]) for column in table.T)
    # A month with one value has no pair to compare.
    months = [(years, values) for years, values in columns if len(values) > 1]
    s = sum(concordance(values) for _, values in months)
    variance = sum(s_variance(values) for _, values in months)
    slopes = np.concatenate([pairwise_slopes(years, values) for years, values in months])
    z = z_score(s, variance)
    pairs = sum(len(values) * (len(values) - 1) / 2 for _, values in months)
    n_complete = int((~np.isnan(table).any(axis=1)).sum())
    return SeasonalKendall(
        n_values=int((~np.isnan(table)).sum()),
        n_years=int((~np.isnan(table)).any(axis=1).sum()),
        s=s,
        var_s=variance,
        z=z,
        p=two_sided_p(z),
        tau=s / pairs,
        slope_km2_per_year=float(np.median(slopes)),
        correlated=correlated_kendall(table) if n_complete >= MIN_YEARS_CORRELATED else None,
    )
