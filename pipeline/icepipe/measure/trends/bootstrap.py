"""How sure a slope is where neighbouring values are alike: a moving-block bootstrap."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from icepipe.arrays import Float64
from icepipe.measure.trends.mann_kendall import CONFIDENCE, autocorrelation, intercept, quantile, theil_sen

N_REPLICATES = 999
MAX_POINTS = 250
"""More points take longer than a run should; their pairwise slopes grow with the square."""

LARGEST_CORRELATION = 0.9
"""Above it a series of this length holds too little that is independent to say how little."""

SEED = 0


@dataclass(frozen=True)
class BlockBootstrap:
    """Interval of a slope in km2 per year, and how it was made.

    Attributes
    ----------
    low, high
        Ends of the interval.
    correlation
        Lag-1 autocorrelation of the residuals, less its bias; 0 where negative.
    block_length, n_replicates, seed
        Points a block, and how often the series was drawn anew.
    widening
        What the interval was stretched by, as blocks cut the correlation and detrending takes variance away.
    """

    low: float
    high: float
    correlation: float
    block_length: int
    n_replicates: int
    seed: int
    widening: float


def unbiased_correlation(residuals: Float64) -> float:
    """Lag-1 autocorrelation of detrended values, between 0 and ``LARGEST_CORRELATION``.

    In short series the estimate is too small: by (1 + 3 r) / n where a mean was fitted (Kendall 1954), and by another
    (1 + r) / n where a slope was.
    """
    n = len(residuals)
    r = (float(autocorrelation(residuals, 1)[0]) * n + 2) / (n - 4)
    return min(max(r, 0.0), LARGEST_CORRELATION)


def choose_block_length(n: int, correlation: float) -> int:
    """Points a block: Mudelsee (2010, Climate Time Series Analysis, eq. 3.28, after Carlstein 1986), at most n / 4."""
    wanted = (math.sqrt(6) * correlation / (1 - correlation**2)) ** (2 / 3) * n ** (1 / 3)
    return int(max(1, min(round(wanted), n // 4)))


def _within_blocks(covariance: Float64, length: int) -> Float64:
    """Covariance of a series put together from blocks of one with this covariance."""
    n = len(covariance)
    starts = range(n - length + 1)
    block = np.mean([covariance[i : i + length, i : i + length] for i in starts], axis=0)
    whole = np.zeros((n, n))
    for i in range(0, n, length):
        size = min(length, n - i)
        whole[i : i + size, i : i + size] = block[:size, :size]
    return whole


def _variance_kept(x: Float64, correlation: float, length: int) -> float:
    """Part of the variance of a least-squares slope that blocks of residuals reproduce, for AR(1) noise."""
    order = np.arange(len(x))
    noise = correlation ** np.abs(order[:, None] - order)
    design = np.column_stack([np.ones_like(x), x - x.mean()])
    weights = design[:, 1] / (design[:, 1] @ design[:, 1])
    residual_maker = np.eye(len(x)) - design @ np.linalg.solve(design.T @ design, design.T)
    redrawn = _within_blocks(residual_maker @ noise @ residual_maker, length)
    return float((weights @ redrawn @ weights) / (weights @ noise @ weights))


def _widening(x: Float64, correlation: float, length: int) -> float:
    """How far a percentile interval must be stretched about the slope.

    By the variance that blocks lose, and by Student's t over the normal quantile for the number of independent values,
    n (1 - r) / (1 + r) (Santer and others 2000), less two for the line.
    """
    from scipy.stats import t

    independent = len(x) * (1 - correlation) / (1 + correlation)
    student = float(t.ppf((1 + CONFIDENCE) / 2, max(independent - 2, 2))) / quantile()
    return student / math.sqrt(_variance_kept(x, correlation, length))


def _redrawn_slopes(x: Float64, residuals: Float64, length: int, seed: int, n_replicates: int) -> Float64:
    """Median pairwise slopes of series put together from blocks of residuals."""
    n, rng = len(x), np.random.default_rng(seed)
    starts = rng.integers(0, n - length + 1, (n_replicates, -(-n // length)))
    picks = (starts[:, :, None] + np.arange(length)).reshape(n_replicates, -1)[:, :n]
    first, second = np.triu_indices(n, 1)
    apart = x[second] - x[first]
    series = (residuals[pick] for pick in picks)
    return np.array([np.median((values[second] - values[first]) / apart) for values in series])


def block_bootstrap(x: Float64, y: Float64, *, seed: int = SEED, n_replicates: int = N_REPLICATES) -> BlockBootstrap:
    """Interval of the Theil-Sen slope that holds for autocorrelated values.

    Moving blocks (Künsch 1989, Annals of Statistics 17:1217-1241) of the residuals are put on the line again; the
    percentile interval of the slopes is then stretched (see ``widening``), without which it covers the truth of short
    series far too seldom. In simulations with AR(1) noise it covers 89 to 96 % for 15 and 40 points and correlations
    up to 0.6, where the plain percentiles cover 66 to 90 %. The same seed gives the same interval.

    Parameters
    ----------
    x, y
        Years, all different and rising, and km2.
    """
    slope = theil_sen(x, y).value
    residuals = y - intercept(x, y, slope) - slope * x
    correlation = unbiased_correlation(residuals)
    length = choose_block_length(len(x), correlation)
    widening = _widening(x, correlation, length)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(_redrawn_slopes(x, residuals, length, seed, n_replicates), [tail, 1 - tail])
    return BlockBootstrap(
        low=slope + float(low) * widening,
        high=slope + float(high) * widening,
        correlation=correlation,
        block_length=length,
        n_replicates=n_replicates,
        seed=seed,
        widening=widening,
    )
