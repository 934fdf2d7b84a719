"""Compiled kernels of the shares of ice and water in a mixed pixel, along the line between the two."""

from __future__ import annotations

import numpy as np

from icepipe.arrays import Int16, Int64
from icepipe.classes import ClassCode
from icepipe.runtime.jit import compiled
from icepipe.segment.mixtures._neighbourhoods import NOT_ABOVE, NOT_BELOW
from icepipe.segment.mixtures.shares import CODE, FULL, MAY_BE, OFF_LINE, OUTLIER, POSITION_UNITS

ICE = int(ClassCode.ICE)

NARROWEST = 80
"""Least distance of the ends of a mixture on the line: 0.02 of it, as the noise of a picture."""


@compiled
def ratio(part: int, whole: int) -> int:
    """Return part / whole as a share, rounded, within 0 and 1; a whole that is not positive gives 0 or 1."""
    if part <= 0:
        return 0
    # Division of floating point numbers is several times faster than that of integers, and rounds the same everywhere.
    return FULL if part >= whole else int(FULL * part / whole + 0.5)


@compiled
def lower_ratio(part: int, whole: int) -> int:
    """Return the same, rounded down, as bounds are rounded outwards."""
    if part <= 0:
        return 0
    return FULL if part >= whole else int(FULL * part / whole)


@compiled
def upper_ratio(part: int, whole: int) -> int:
    """Return the same, rounded up."""
    if part <= 0:
        return 0
    return FULL if part >= whole else int(np.ceil(FULL * part / whole))


@compiled
def least_ice(kind: int, t: int, near: Int16, ends: Int64) -> int:
    """Return the least share of ice in a pixel of ice and water; parameters are those of :func:`unmix_ice`."""
    pure_water, even_ice, brightest, darkest = int(near[0]), int(near[2]), int(near[3]), int(near[4])
    low, wet = 0, darkest & 2 > 0
    if kind & 2 * MAY_BE > 0:
        # Towards the brightest water and the brightest ice that the neighbourhood, or else the model, allows.
        base, end = max(pure_water, 0), brightest if even_ice < NOT_BELOW else max(brightest, ends[0])
        low = lower_ratio(t - base, end - base)
    if kind & 7 * MAY_BE != 2 * MAY_BE:
        return low
    if not wet and (kind & OFF_LINE > 0 or darkest & 1 == 1 or t >= even_ice):
        return FULL
    # Noise and misplaced bands shift colours beside water, too: halfway from the mixture to ice.
    return (low + FULL) // 2 if kind & OFF_LINE > 0 else low


@compiled
def greatest_ice(kind: int, t: int, dark: int, bright: int, near: Int16, ends: Int64) -> int:
    """Return the greatest share of ice in a pixel of ice and water, between the positions ``dark`` and ``bright``."""
    pure_water, even_ice, named_ice = int(near[0]), int(near[2]), int(near[5])
    is_ice = kind & CODE == ICE
    if not is_ice and kind & 2 * MAY_BE == 0:
        # Towards the darkest ice that the neighbourhood, or else the thresholds, allow.
        first_ice = named_ice if named_ice < NOT_BELOW else ends[1]
        return upper_ratio(t - dark, max(first_ice - dark, NARROWEST))
    if is_ice and pure_water > NOT_ABOVE and even_ice < NOT_BELOW:
        # Beside both pure surfaces there is hardly room for a third: an eighth of the way from their mixture to fully.
        return (7 * upper_ratio(t - dark, max(bright - 2 * NARROWEST - dark, NARROWEST)) + FULL + 7) // 8
    return FULL


@compiled
def unmix_ice(kind: int, t: int, smooth: bool, near: Int16, ends: Int64) -> tuple[int, int, int]:
    """Return the least, the likeliest and the greatest share of ice in a pixel of ice and water that is not even.

    Parameters
    ----------
    kind, t
        Surface and position of the pixel.
    smooth
        Whether the pixel is amid one surface, as the best estimate asks for; for the bounds it is not.
    near
        What the neighbourhood has: brightest smooth water, darkest smooth ice, darkest even ice, brightest pixel, the
        darkest pixel as a mark, see :func:`mark_surfaces`, and the darkest pixel named ice; shape (6,).
    ends
        As :func:`unmix` takes them.
    """
    pure_water, smooth_ice, darkest = int(near[0]), int(near[1]), int(near[4])
    is_ice = kind & CODE == ICE
    # Where the darkest pixel is no water, but another ice or darker than smooth ice, there is nothing to mix.
    among_ice = darkest & 3 == 1 or (darkest & 2 == 0 and t >= smooth_ice)
    dark = pure_water if pure_water > NOT_ABOVE else min(darkest >> 2 << 1, 0)
    bright = max(int(near[3]), POSITION_UNITS)
    if smooth_ice < NOT_BELOW:
        dark, bright = min(dark, smooth_ice - NARROWEST), smooth_ice
    share = FULL if is_ice else 0
    if ends[3] and not (smooth or among_ice or (kind & OFF_LINE > 0 and is_ice)):
        share = ratio(t - dark, bright - dark)
    low, high = least_ice(kind, t, near, ends), greatest_ice(kind, t, dark, bright, near, ends)
    if kind & OUTLIER > 0:
        low, high = 0, FULL if kind & 2 * MAY_BE > 0 else high
    return min(low, share), share, max(high, share)
