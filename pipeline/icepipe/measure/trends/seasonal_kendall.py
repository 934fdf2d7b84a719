"""Trend of a series with a season: like months are compared with like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from icepipe.arrays import Float64
from icepipe.measure.trends.mann_kendall import concordance, s_variance, two_sided_p, z_score

MIN_YEARS = 3
"""Hirsch, Slack and Smith (1982): with twelve months, the normal approximation holds from three years on."""

MIN_YEARS_CORRELATED = 10
"""Hirsch and Slack (1984): the variance that knows the correlation between months wants ten complete years."""


@dataclass(frozen=True)
class CorrelatedKendall:
    """The seasonal test with the correlation between months in its variance, on the years that have them all."""

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
        Monthly means and years.
    s, var_s, z, p
        Sums over the months, and the test under independence of months and years.
    tau
        ``s`` over the number of pairs compared.
    slope_km2_per_year
        Median of the slopes between like months.
    correlated
        The same with the correlation between months, or None with too few complete years.
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


def _known(table: Float64) -> list[tuple[Float64, Float64]]:
    """Years and values of every month with at least two."""
    rows = np.arange(len(table), dtype=np.float64)
    columns = ((rows[~np.isnan(column)], column[~np.isnan(column)]) for column in table.T)
    return [(years, values) for years, values in columns if len(values) > 1]


def pairwise_slopes(x: Float64, y: Float64) -> Float64:
    """Slopes of all pairs with different ``x``."""
    steps = [(x[i + 1 :] - x[i], y[i + 1 :] - y[i]) for i in range(len(x) - 1)]
    return np.concatenate([dy[dx != 0] / dx[dx != 0] for dx, dy in steps])


def _signs(values: Float64) -> Float64:
    return np.sign(values[:, None] - values[None, :])


def _covariance(a: Float64, b: Float64) -> float:
    """Covariance of the statistics of two months without a trend (Dietz and Killeen 1981)."""
    n = len(a)
    signs_a, signs_b = _signs(a), _signs(b)
    ranks_a, ranks_b = ((n + 1 + signs.sum(axis=1)) / 2 for signs in (signs_a, signs_b))
    k = np.triu(signs_a * signs_b, 1).sum()
    return float(k + 4 * (ranks_a @ ranks_b) - n * (n + 1) ** 2) / 3


def correlated_kendall(table: Float64) -> CorrelatedKendall:
    """Test a table (years, months) with the covariance between months; years with a gap are left out.

    Dietz and Killeen (1981), Hirsch and Slack (1984). No continuity correction, as in Libiseller and Grimvall (2002).
    """
    whole = table[~np.isnan(table).any(axis=1)]
    s = float(sum(concordance(column) for column in whole.T))
    variance = sum(_covariance(a, b) for a in whole.T for b in whole.T)
    z = z_score(s, variance, continuity=False)
    return CorrelatedKendall(len(whole), s, variance, z, two_sided_p(z))


def seasonal_kendall(table: Float64) -> SeasonalKendall:
    """Test a table of values, shape (years, months) with NaN for gaps, for a trend of like months.

    Hirsch, Slack and Smith (1982, Water Resources Research 18:107-121): sums of the months' statistics and variances,
    with ties and gaps; slope per row of the table.
    """
    months = _known(table)
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
