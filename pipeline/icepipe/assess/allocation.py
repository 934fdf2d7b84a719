"""How many points, and how many of them in each stratum."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from icepipe.assess.options import MINIMUM, Allocation
from icepipe.assess.stratified_sample import LEAST_POINTS, Stratum
from icepipe.errors import ConfigError


def points_needed(
    shares: Sequence[float],
    anticipated: Sequence[float],
    target_se: float,
    n_pixels: Sequence[int] | None = None,
) -> float:
    """Points of a proportional sample that bring a stratified share to a standard error.

    Cochran 1977, Sampling Techniques, eq. 5.25; eq. 13 of Olofsson and others 2014 without an end to the pixels.

    Parameters
    ----------
    shares
        Part of the whole in each stratum.
    anticipated
        The share expected in each stratum, 0..1.
    target_se
        Standard error to reach.
    n_pixels
        Pixels of each stratum, where the sample is a large part of them.
    """
    weight, share = np.asarray(shares), np.asarray(anticipated)
    variance = share * (1 - share)
    if n_pixels is None:
        return float((weight @ np.sqrt(variance) / target_se) ** 2)
    count = np.asarray(n_pixels, dtype=np.float64)
    variance = variance * count / (count - 1)
    return float((weight @ np.sqrt(variance)) ** 2 / (target_se**2 + weight @ variance / count.sum()))


def allocate(points: int, strata: Sequence[Stratum], allocation: Allocation, minimum: int = MINIMUM) -> list[int]:
    """Points of each stratum.

    Parameters
    ----------
    points
        In all; fewer are given where there are not as many pixels.
    strata
        With their number of pixels.
    allocation
        ``proportional`` to true area, or ``equal``.
    minimum
        What every stratum gets first, as far as half of the points and its pixels reach.

    Raises
    ------
    ConfigError
        If the points do not reach for two a stratum.
    """
    if points < LEAST_POINTS * len(strata):
        raise ConfigError(
            f"{points} point(s) are too few for {len(strata)} strata", f"ask for {LEAST_POINTS * len(strata)} or more"
        )
    share = [stratum.area_km2 if allocation == "proportional" else 1.0 for stratum in strata]
    pixels = [points if stratum.n_pixels is None else stratum.n_pixels for stratum in strata]
    first = max(LEAST_POINTS, min(minimum, points // (2 * len(strata))))
    counts = [min(first, available) for available in pixels]
    for _ in range(points - sum(counts)):
        # Sainte-Lague: the stratum that is furthest behind its part, by midpoints, gets the next one.
        behind = [
            (count + 0.5) / part if count < most else math.inf
            for count, part, most in zip(counts, share, pixels, strict=True)
        ]
        if min(behind) == math.inf:
            break
        counts[behind.index(min(behind))] += 1
    return counts
