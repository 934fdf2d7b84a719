"""Moving-block bootstrap: confidence interval of a slope for autocorrelated values."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from icepipe.arrays import Float64
from icepipe.measure.trends.mann_kendall import CONFIDENCE, autocorrelation, intercept, quantile, theil_sen

N_REPLICATES = 999
MAX_POINTS = 250
"""Time limit of a run: the number of pairwise slopes of each replicate grows with the square."""

LARGEST_CORRELATION = 0.9
"""Upper bound of the estimate: above it, short series hold too few independent values to estimate it at all."""

SEED = 0
"""Fixed, so that a rerun publishes the same interval."""


@dataclass(frozen=True)
class BlockBootstrap:
    """Confidence interval of a slope in km2 per year, with the parameters of the bootstrap.

    Attributes
    ----------
    low, high
        Ends of the interval.
    correlation
        Bias-corrected lag-1 autocorrelation of the residuals; 0 if negative.
    block_length, n_replicates, seed
        Points per block, number of replicates, and seed of the random generator.
    widening
        Factor by which the interval was widened, since blocks cut the correlation and detrending removes variance.
    """

    low: float
    high: float
    correlation: float
    block_length: int
    n_replicates: int
    seed: int
    widening: float


def unbiased_correlation(residuals: Float64) -> float:
    """Return the lag-1 autocorrelation of detrended values, between 0 and ``LARGEST_CORRELATION``.

    The estimate of short series is too small: by (1 + 3 r) / n for a fitted mean (Kendall 1954), and by a further
    (1 + r) / n for a fitted slope.
    """
    n = len(residuals)
    # This solves estimate = r - (2 + 4 r) / n, with the sum of both biases, for r.
    r = (float(autocorrelation(residuals, 1)[0]) * n + 2) / (n - 4)
    return min(max(r, 0.0), LARGEST_CORRELATION)


def choose_block_length(n: int, correlation: float) -> int:
    """Return the points per block, at most n / 4.

    Mudelsee (2010, Climate Time Series Analysis, eq. 3.28, after Carlstein 1986).
    """
    optimal = (math.sqrt(6) * correlation / (1 - correlation**2)) ** (2 / 3) * n ** (1 / 3)
    return int(max(1, min(round(optimal), n // 4)))


def reproduced_variance(x: Float64, correlation: float, length: int) -> float:
    """Return the fraction of the variance of a least-squares slope that residual blocks reproduce, for AR(1) noise."""
    n, order = len(x), np.arange(len(x))
    noise = correlation ** np.abs(order[:, None] - order)
    design = np.column_stack([np.ones_like(x), x - x.mean()])
    weights = design[:, 1] / (design[:, 1] @ design[:, 1])
    # Covariance of the residuals: the noise without its projection on the fitted line.
    residual_maker = np.eye(n) - design @ np.linalg.solve(design.T @ design, design.T)
    covariance = residual_maker @ noise @ residual_maker
    # Covariance of a replicate: blocks are independent of one another, and each starts anywhere with equal probability.
    starts = range(n - length + 1)
    block = np.mean([covariance[i : i + length, i : i + length] for i in starts], axis=0)
    replicate = np.zeros((n, n))
    for i in range(0, n, length):
        size = min(length, n - i)
        replicate[i : i + size, i : i + size] = block[:size, :size]
    return float((weights @ replicate @ weights) / (weights @ noise @ weights))


def interval_widening(x: Float64, correlation: float, length: int) -> float:
    """Return the factor by which a percentile interval must be widened about the slope.

    It restores the variance that blocks lose, and replaces the normal quantile by Student's t for the number of
    independent values, n (1 - r) / (1 + r) (Santer and others 2000), less two for the fitted line.
    """
    from scipy.stats import t

    independent = len(x) * (1 - correlation) / (1 + correlation)
    # At least two degrees of freedom: with fewer, Student's t has no variance.
    student = float(t.ppf((1 + CONFIDENCE) / 2, max(independent - 2, 2))) / quantile()
    return student / math.sqrt(reproduced_variance(x, correlation, length))


def replicate_slopes(x: Float64, residuals: Float64, length: int, seed: int, n_replicates: int) -> Float64:
    """Return the median pairwise slopes of series drawn from blocks of residuals, shape (n_replicates,)."""
    n, rng = len(x), np.random.default_rng(seed)
    # All blocks are drawn in one call, so that a seed fixes the result; the last block of each replicate is cut to n.
    starts = rng.integers(0, n - length + 1, (n_replicates, -(-n // length)))
    picks = (starts[:, :, None] + np.arange(length)).reshape(n_replicates, -1)[:, :n]
    first, second = np.triu_indices(n, 1)
    dx = x[second] - x[first]
    # Replicates are computed one at a time: the pairwise slopes of each are n * (n - 1) / 2 values.
    replicates = (residuals[pick] for pick in picks)
    return np.array([np.median((values[second] - values[first]) / dx) for values in replicates])


def block_bootstrap(x: Float64, y: Float64, *, seed: int = SEED, n_replicates: int = N_REPLICATES) -> BlockBootstrap:
    """Compute the confidence interval of the Theil-Sen slope for autocorrelated values.

    Moving blocks (Künsch 1989, Annals of Statistics 17:1217-1241) of the residuals are added to the trend line; the
    percentile interval of the slopes is then widened (see :func:`interval_widening`), without which it covers the true
    slope of short series far too seldom. In simulations with AR(1) noise it covers 89 to 96 % for 15 and 40 points and
    correlations up to 0.6, where the plain percentiles cover 66 to 90 %. The same seed gives the same interval.

    Parameters
    ----------
    x, y
        Years, distinct and increasing, and km2; shape (n,).
    """
    slope = theil_sen(x, y).value
    residuals = y - intercept(x, y, slope) - slope * x
    correlation = unbiased_correlation(residuals)
    length = choose_block_length(len(x), correlation)
    widening = interval_widening(x, correlation, length)
    tail = (1 - CONFIDENCE) / 2
    # These are slopes of the residuals alone: the line adds its slope to each of them.
    low, high = np.quantile(replicate_slopes(x, residuals, length, seed, n_replicates), [tail, 1 - tail])
    return BlockBootstrap(
        low=slope + float(low) * widening,
        high=slope + float(high) * widening,
        correlation=correlation,
        block_length=length,
        n_replicates=n_replicates,
        seed=seed,
        widening=widening,
    )
