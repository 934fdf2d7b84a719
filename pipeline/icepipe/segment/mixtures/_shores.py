"""Compiled kernels of the shares of ground and of water or ice in a pixel on a shore, by brightness."""

from __future__ import annotations

import numpy as np

from icepipe.arrays import Int16, UInt8
from icepipe.classes import ClassCode
from icepipe.runtime.jit import compiled
from icepipe.segment.mixtures._ice_shares import lower_ratio, ratio
from icepipe.segment.mixtures.shares import CODE, FARTHEST, FULL, GREY_ICE, MAY_BE, MAY_BE_THIRD, OUTLIER, RADIUS

WATER, ICE, OTHER = int(ClassCode.WATER), int(ClassCode.ICE), int(ClassCode.OTHER)


SEPARABLE = 41
"""Difference of brightness from which two surfaces of a shore can be unmixed: 0.02 of reflectance."""


@compiled
def ground_code(kind: int) -> int:
    """Return the class code of a surface, 0 where nothing was seen or ice counts as other for being grey."""
    return 0 if kind & GREY_ICE > 0 else kind & CODE


@compiled
def shore_class(surface: UInt8, row: int, col: int) -> int:
    """Return the code of the other class at the shore that a pixel is on, 0 where it is on none.

    A shore is between ground and water or ice; ice and water next to each other are unmixed along their own line.
    """
    rows, cols = surface.shape
    water = ice = other = 0
    for near_row in range(max(row - 1, 0), min(row + 2, rows)):
        for near_col in range(max(col - 1, 0), min(col + 2, cols)):
            code = ground_code(int(surface[near_row, near_col]))
            water += code == WATER
            ice += code == ICE
            other += code == OTHER
    own = ground_code(int(surface[row, col]))
    if own == OTHER and water + ice > 0:
        return WATER if water >= ice else ICE
    return OTHER if own not in (0, OTHER) and other > 0 else 0


@compiled
def is_inner(surface: UInt8, row: int, col: int) -> bool:
    """Return whether all seen pixels around a pixel have its class."""
    rows, cols = surface.shape
    own = ground_code(int(surface[row, col]))
    for near_row in range(max(row - 1, 0), min(row + 2, rows)):
        for near_col in range(max(col - 1, 0), min(col + 2, cols)):
            code = ground_code(int(surface[near_row, near_col]))
            if code not in (own, 0):
                return False
    return True


@compiled
def unmix_shore(surface: UInt8, brightness: Int16, row: int, col: int, other: int) -> tuple[int, int]:
    """Return the least and the likeliest share of a pixel's own class on a shore with the class ``other``.

    The ends are the brightness of the pixels of both classes, within ``RADIUS``, whose neighbours are all of their
    class. Where one of them has none, or both are as bright, the pixel counts as its own class and may be none of it.
    """
    rows, cols = surface.shape
    own = surface[row, col] & CODE
    number = number_other = total = total_other = 0
    least, most, least_other, most_other = FARTHEST, 0, FARTHEST, 0
    for near_row in range(max(row - RADIUS, 0), min(row + RADIUS + 1, rows)):
        for near_col in range(max(col - RADIUS, 0), min(col + RADIUS + 1, cols)):
            code, level = ground_code(int(surface[near_row, near_col])), int(brightness[near_row, near_col])
            if code == own and is_inner(surface, near_row, near_col):
                number, total = number + 1, total + level
                least, most = min(least, level), max(most, level)
            elif code == other and is_inner(surface, near_row, near_col):
                number_other, total_other = number_other + 1, total_other + level
                least_other, most_other = min(least_other, level), max(most_other, level)
    if number == 0 or number_other == 0:
        return 0, FULL
    level, end, start = int(brightness[row, col]), total // number, total_other // number_other
    if abs(end - start) < SEPARABLE:
        return 0, FULL
    # The farthest end of its own class and the nearest of the other leave the least share.
    if end > start:
        return lower_ratio(level - most_other, most - most_other), ratio(level - start, end - start)
    return lower_ratio(least_other - level, least_other - least), ratio(start - level, start - end)


@compiled
def mark_ground(surface: UInt8, kinds: UInt8) -> int:
    """Write 1 for ground, 2 for water and ice, 0 for all else; return the bits that occur; shape (rows, columns)."""
    found = 0
    rows, cols = surface.shape
    for row in range(rows):
        for col in range(cols):
            code = ground_code(int(surface[row, col]))
            kind = 1 if code == OTHER else 2 if code > 0 else 0
            kinds[row, col] = kind
            found |= kind
    return found


@compiled
def mark_shores(surface: UInt8, shores: UInt8) -> bool:
    """Write 1 where a pixel may be on a shore between ground and water or ice, else 0; return whether any may be.

    ``shores`` has the shape of ``surface``, (rows, columns).
    """
    rows, cols = surface.shape
    kinds, wide = np.zeros((rows, cols + 2), np.uint8), np.empty((rows, cols), np.uint8)
    if mark_ground(surface, kinds[:, 1 : cols + 1]) != 3:
        shores[:] = 0
        return False
    for row in range(rows):
        for col in range(cols):
            wide[row, col] = kinds[row, col] | kinds[row, col + 1] | kinds[row, col + 2]
    for row in range(rows):
        above, here, below = wide[max(row - 1, 0)], wide[row], wide[min(row + 1, rows - 1)]
        for col in range(cols):
            shores[row, col] = 1 if above[col] | here[col] | below[col] == 3 else 0
    return True


@compiled
def pair_code(kind: int, one: int, other: int) -> int:
    """Return the code of the two surfaces of a pixel, plus ``MAY_BE_THIRD`` where its names allow the third class."""
    third = WATER + ICE + OTHER - one - other
    return 4 * one + other + (MAY_BE_THIRD if kind & MAY_BE << third - 1 > 0 else 0)


@compiled
def write_shore(surface: UInt8, brightness: Int16, row: int, col: int, mixture: UInt8) -> bool:
    """Write the shares of a pixel on a shore, shape (4,); return whether it is on one."""
    other = shore_class(surface, row, col)
    if other == 0:
        return False
    kind = int(surface[row, col])
    code = kind & CODE
    low, share = unmix_shore(surface, brightness, row, col, other)
    certain = kind & (7 * MAY_BE | OUTLIER) == MAY_BE << code - 1
    if low < FULL:
        mixture[0], mixture[1] = pair_code(kind, code, other), min(low, share) if certain else 0
        mixture[2], mixture[3] = share, FULL
    return True
