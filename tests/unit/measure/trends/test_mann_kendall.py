"""Mann-Kendall tests against pymannkendall, on simulated series with ties, gaps and serial correlation."""

from __future__ import annotations

import numpy as np
import pymannkendall
import pytest

from icepipe.measure.trends.mann_kendall import hamed_rao_factor, intercept, mann_kendall, theil_sen
from icepipe.measure.trends.seasonal_kendall import correlated_kendall, seasonal_kendall

SEEDS = range(12)


def series(seed):
    """Return correlated noise on a trend; every second series is rounded, so that values are tied."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 3, int(rng.integers(12, 80)))
    for i in range(1, len(values)):
        values[i] += 0.5 * values[i - 1]
    values += rng.normal(0, 0.2) * np.arange(len(values))
    return np.round(values) if seed % 2 else values


def months(seed):
    """Return a table of years of six months each; every second table has tied values."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 3, (15, 6)) + rng.normal(0, 0.2) * np.arange(15)[:, None]
    return np.round(values) if seed % 2 else values


@pytest.mark.parametrize("seed", SEEDS)
def test_the_statistic_and_the_slope_are_those_of_pymannkendall(seed):
    values = series(seed)
    theirs, ours = pymannkendall.original_test(values), mann_kendall(values)
    assert (ours.s, ours.var_s, ours.z, ours.p) == pytest.approx((theirs.s, theirs.var_s, theirs.z, theirs.p))
    assert theil_sen(np.arange(len(values), dtype=float), values).value == pytest.approx(theirs.slope)


@pytest.mark.parametrize("seed", range(0, 24, 2))
def test_the_variance_corrected_for_autocorrelation_is_that_of_pymannkendall(seed):
    """Compare series without tied residuals, whose ranks would depend on rounding errors.

    Values are therefore not rounded, and the number of pairs is even: the median slope is then that of no pair, whose
    residuals it would tie.
    """
    values = series(seed)
    values = values[: len(values) // 4 * 4]
    x = np.arange(1.0, len(values) + 1)
    slope = theil_sen(x, values).value
    residuals = values - intercept(x, values, slope) - slope * x
    theirs = pymannkendall.hamed_rao_modification_test(values, lag=3)
    assert mann_kendall(values).var_s * hamed_rao_factor(residuals) == pytest.approx(theirs.var_s)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_seasonal_test_is_that_of_pymannkendall_with_gaps_and_ties(seed):
    table = months(seed)
    table[np.random.default_rng(seed).random(table.shape) < 0.1] = np.nan
    theirs, ours = pymannkendall.seasonal_test(table.ravel(), period=6), seasonal_kendall(table)
    assert (ours.s, ours.var_s, ours.z, ours.p) == pytest.approx((theirs.s, theirs.var_s, theirs.z, theirs.p))
    assert (ours.tau, ours.slope_km2_per_year) == pytest.approx((theirs.Tau, theirs.slope))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_test_of_correlated_months_is_that_of_pymannkendall(seed):
    table = months(seed)
    theirs, ours = pymannkendall.correlated_seasonal_test(table.ravel(), period=6), correlated_kendall(table)
    assert (ours.s, ours.var_s, ours.z, ours.p) == pytest.approx((theirs.s, theirs.var_s, theirs.z, theirs.p))
