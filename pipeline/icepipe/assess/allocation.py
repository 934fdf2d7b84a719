"""Choose the size of a stratified sample and the number of points in each stratum."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from icepipe.assess.options import RARE_STRATUM_POINTS, Allocation
from icepipe.assess.stratified_sample import MIN_POINTS, Stratum
from icepipe.errors import ConfigError


def required_points(
    shares: Sequence[float],
    anticipated: Sequence[float],
    target_se: float,
    n_pixels: Sequence[int] | None = None,
) -> float:
    """Return the size of a sample that estimates a stratified proportion with a given standard error.

    Cochran 1977, Sampling Techniques, eq. 5.25; eq. 13 of Olofsson and others 2014 without the finite population
    correction.

    Parameters
    ----------
    shares
        Fraction of the total area in each stratum.
    anticipated
        Anticipated proportion in each stratum, 0..1.
    target_se
        Standard error to reach.
    n_pixels
        Number of pixels in each stratum, for the finite population correction; None for an infinite population.
    """
    weight, proportion = np.asarray(shares), np.asarray(anticipated)
    variance = proportion * (1 - proportion)
    if n_pixels is None:
        return float((weight @ np.sqrt(variance) / target_se) ** 2)
    count = np.asarray(n_pixels, dtype=np.float64)
    # Cochran's S squared of a finite population divides by N - 1, which p (1 - p) does not.
    variance = variance * count / (count - 1)
    return float((weight @ np.sqrt(variance)) ** 2 / (target_se**2 + weight @ variance / count.sum()))


def allocate(
    points: int, strata: Sequence[Stratum], allocation: Allocation, minimum: int = RARE_STRATUM_POINTS
) -> list[int]:
    """Return the number of points in each stratum.

    Parameters
    ----------
    points
        Size of the sample. Fewer points are allocated if the strata have fewer pixels.
    strata
        Strata with their areas and pixel counts.
    allocation
        ``proportional`` to true area, or ``equal``.
    minimum
        Points that every stratum gets first, limited by its pixel count and by half of the points in all.

    Raises
    ------
    ConfigError
        If there are fewer than two points for each stratum.
    """
    if points < MIN_POINTS * len(strata):
        raise ConfigError(
            f"{points} point(s) are too few for {len(strata)} strata", f"ask for {MIN_POINTS * len(strata)} or more"
        )
    share = [stratum.area_km2 if allocation == "proportional" else 1.0 for stratum in strata]
    capacity = [points if stratum.n_pixels is None else stratum.n_pixels for stratum in strata]
    # The minimum takes at most half of the points, so that the other half still follows the areas.
    first = max(MIN_POINTS, min(minimum, points // (2 * len(strata))))
    counts = [min(first, available) for available in capacity]
    for _ in range(points - sum(counts)):
        # Sainte-Lague: the next point goes to the stratum with the lowest (count + 1/2) / share. Ties go to the first.
        quotients = [
            (count + 0.5) / part if count < limit else math.inf
            for count, part, limit in zip(counts, share, capacity, strict=True)
        ]
        if min(quotients) == math.inf:
            break
        counts[quotients.index(min(quotients))] += 1
    return counts
