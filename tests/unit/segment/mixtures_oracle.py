"""Shares of mixed pixels by slow steps in NumPy and SciPy, written from the definitions of the kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Ints = NDArray[np.int64]
Masks = NDArray[np.bool_]

WATER, ICE, OTHER = 1, 2, 3
MAY_BE, OFF_LINE, GREY_ICE, OUTLIER = 4, 32, 64, 128
FULL, UNIT, BIG = 255, 4096, 10**6


def locate(
    values: NDArray[np.float64], water: NDArray[np.float64], line: NDArray[np.float64]
) -> tuple[Masks, Ints, Ints]:
    """Return whether colours are off the line, their positions on it and their brightness; values: (bands, n)."""
    length = sum(part * part for part in line)
    offset = values - water[:, None]
    along = sum(offset[b] * (line[b] / length) for b in range(len(line)))
    mean = sum(values[b] for b in range(len(line))) / len(line)
    squared = sum(offset[b] * offset[b] for b in range(len(line)))
    tolerance = 0.012 + 0.04 * np.minimum(mean, 1.0)
    off = squared - along * along * length > tolerance * tolerance
    position = np.clip(np.floor(along * UNIT + 0.5), -8000, 16_000).astype(np.int64)
    return off, position, np.minimum(np.floor(mean * 2048 + 0.5), 16_000).astype(np.int64)


def ratio(part: Ints, whole: Ints, rounding: float = 0.5) -> Ints:
    """Return part / whole in 1/255 within 0 and 1: rounded half up, down (``rounding`` 0) or up (1)."""
    safe = np.maximum(whole, 1)
    rounded = (2 * FULL * part + safe) // (2 * safe)
    rounded = rounded if rounding == 0.5 else FULL * part // safe if rounding == 0 else -(-FULL * part // safe)
    return np.where(part <= 0, 0, np.where(part >= whole, FULL, rounded))


def lowest(numbers: Ints, where: Masks, side: int) -> Ints:
    """Return the minimum over a square of the pixels of a kind; ``BIG`` where there is none."""
    return np.asarray(ndimage.minimum_filter(np.where(where, numbers, BIG), side, mode="constant", cval=BIG))


def highest(numbers: Ints, where: Masks, side: int) -> Ints:
    """Return the maximum likewise; ``-BIG`` where there is none."""
    return -lowest(-numbers, where, side)


def amid_one_surface(seen: Masks, brightness: Ints, twentieths: int, count: int) -> Masks:
    """Return the pixels of little contrast in 3 by 3 of which enough neighbours have little as well."""
    contrast = highest(brightness, seen, 3) - lowest(brightness, seen, 3)
    smooth = ~seen | (contrast <= 102) | (20 * contrast <= twentieths * brightness)
    near = ndimage.convolve(smooth.astype(np.int64), np.ones((3, 3), np.int64), mode="constant", cval=1)
    return np.asarray(smooth & (near >= count))


def unmix_ice(surface: Ints, position: Ints, brightness: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """Return pairs and shares of pixels of water and ice, shores left out; shapes (rows, columns) and (3, ...)."""
    code, seen, off = surface & 3, surface > 0, surface & OFF_LINE > 0
    may_be_ice, grey = surface & 2 * MAY_BE > 0, surface & GREY_ICE > 0
    smooth, even = (amid_one_surface(seen, brightness, *limits) for limits in ((12, 8), (4, 4)))
    water = highest(position, (code == WATER) & smooth, 5)
    smooth_ice = lowest(position, (code == ICE) & smooth, 5)
    even_ice = lowest(position, (code == ICE) & even, 5)
    named_ice, brightest = lowest(position, code == ICE, 5), highest(position, seen, 5)
    # The darkest pixel, to two units; of equal ones, one on the line that is not named water.
    marked = lowest(4 * (position // 2) + off + 2 * (code == WATER), seen, 5)
    darkest, beside_other_ice, dry = marked // 4 * 2, marked % 4 == 1, marked % 4 < 2
    is_ice = code == ICE
    other_ice = off & is_ice
    among = beside_other_ice | (dry & (position >= smooth_ice))
    surely_among = beside_other_ice | (dry & (position >= even_ice))
    # Dark and bright end.
    dark = np.where(water > -BIG, water, np.minimum(darkest, 0))
    bright = np.maximum(brightest, UNIT)
    has_ice = smooth_ice < BIG
    dark = np.where(has_ice, np.minimum(dark, smooth_ice - 80), dark)
    bright = np.where(has_ice, smooth_ice, bright)
    share = np.where(is_ice, FULL, 0)
    if ends[3]:
        share = np.where(smooth | other_ice | among, share, ratio(position - dark, bright - dark))
    # Least share.
    base = np.maximum(water, 0)
    end = np.where(even_ice < BIG, brightest, np.maximum(brightest, ends[0]))
    low = np.where(may_be_ice, ratio(position - base, end - base, 0), 0)
    only_ice = surface & 7 * MAY_BE == 2 * MAY_BE
    wet = marked % 4 >= 2
    low = np.where(only_ice & off & wet, (FULL + low) // 2, low)
    low = np.where(only_ice & (surely_among | (off & ~wet)), FULL, low)
    low = np.where(surface & OUTLIER > 0, 0, low)
    # Greatest share.
    first_ice = np.where(named_ice < BIG, named_ice, ends[1])
    between_both = is_ice & (water > -BIG) & (even_ice < BIG)
    beside = (7 * ratio(position - dark, np.maximum(bright - 160 - dark, 80), 1) + FULL + 7) // 8
    high = np.where(between_both, beside, FULL)
    high = np.where(is_ice | may_be_ice, high, ratio(position - dark, np.maximum(first_ice - dark, 80), 1))
    high = np.where((surface & OUTLIER > 0) & may_be_ice, FULL, high)
    mixed = bool(ends[4]) & seen & ~even & ((code != OTHER) | (grey & ~smooth))
    third = np.where(surface & 4 * MAY_BE > 0, 16, 0)
    pairs = np.where(mixed, 4 * ICE + WATER + third, 0)
    shares = np.stack([np.minimum(low, share), share, np.maximum(high, share)])
    return pairs, np.where(mixed, shares, 0)


def between(surface: Ints, position: Ints, brightness: Ints, ends: Ints) -> Ints:
    """Return the number of pixels amid one surface that could be water or ice, by fifths of the range; shape (5,)."""
    either = (surface & MAY_BE > 0) & (surface & 2 * MAY_BE > 0) & amid_one_surface(surface > 0, brightness, 4, 4)
    fifths = (position[either] - ends[1]) * 5 // max(ends[2] - ends[1], 1)
    return np.asarray(np.bincount(np.clip(fifths, 0, 4), minlength=5) * ends[4], dtype=np.int64)


def square(numbers: NDArray[Any], row: int, col: int, radius: int) -> NDArray[Any]:
    """Return the pixels of a square around a pixel that lie on the grid."""
    return numbers[max(row - radius, 0) : row + radius + 1, max(col - radius, 0) : col + radius + 1]


def scalar_ratio(part: int, whole: int, rounding: float = 0.5) -> int:
    """Return :func:`ratio` of two numbers."""
    return int(ratio(np.array(part), np.array(whole), rounding))


def is_inner(code: Ints) -> Masks:
    """Return the pixels around which all seen pixels have their class."""
    seen = code > 0
    return np.asarray((lowest(code, seen, 3) == code) & (highest(code, seen, 3) == code))


def unmix_shore(surface: Ints, brightness: Ints, inner: Masks, row: int, col: int, other: int) -> tuple[int, int]:
    """Return the least and the likeliest share of the class of a pixel on a shore with the class ``other``."""
    code = np.where(surface & GREY_ICE > 0, 0, surface & 3)
    own = code[row, col]
    near, amid, light = (square(raster, row, col, 2) for raster in (code, inner, brightness))
    mine, theirs = light[(near == own) & amid], light[(near == other) & amid]
    if not len(mine) or not len(theirs):
        return 0, FULL
    place = int(brightness[row, col])
    end, start = int(mine.sum()) // len(mine), int(theirs.sum()) // len(theirs)
    if abs(end - start) < 41:
        return 0, FULL
    if end > start:
        farthest, nearest = int(mine.max()), int(theirs.max())
        return scalar_ratio(place - nearest, farthest - nearest, 0), scalar_ratio(place - start, end - start)
    farthest, nearest = int(mine.min()), int(theirs.min())
    return scalar_ratio(nearest - place, nearest - farthest, 0), scalar_ratio(start - place, start - end)


def unmix(surface: Ints, position: Ints, brightness: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """Return pairs and shares of all pixels; shapes (rows, columns) and (3, rows, columns)."""
    pairs, shares = unmix_ice(surface, position, brightness, ends)
    ground = np.where(surface & GREY_ICE > 0, 0, surface & 3)
    inner = is_inner(ground)
    for row, col in np.argwhere(ground > 0):
        own, near = int(ground[row, col]), np.bincount(square(ground, row, col, 1).ravel(), minlength=4)
        if own == OTHER:
            other = 0 if near[WATER] + near[ICE] == 0 else WATER if near[WATER] >= near[ICE] else ICE
        else:
            other = OTHER if near[OTHER] else 0
        if other == 0:
            continue
        low, share = unmix_shore(surface, brightness, inner, row, col, other)
        kind = int(surface[row, col])
        certain = kind & (7 * MAY_BE | OUTLIER) == MAY_BE << own - 1
        third = 16 if kind & MAY_BE << 6 - own - other - 1 else 0
        mixed = low < FULL
        pairs[row, col] = 4 * own + other + third if mixed else 0
        shares[:, row, col] = (min(low, share) if certain else 0, share, FULL) if mixed else 0
    return pairs, shares
