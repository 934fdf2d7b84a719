"""Compiled kernels that search the neighbourhood of each pixel: contrast, smooth surfaces and extremes."""

from __future__ import annotations

import numpy as np

from icepipe.arrays import Int16, UInt8
from icepipe.classes import ClassCode
from icepipe.runtime.jit import compiled
from icepipe.segment.mixtures.shares import CODE, OFF_LINE

WATER, ICE = int(ClassCode.WATER), int(ClassCode.ICE)

NOT_BELOW, NOT_ABOVE = 32_767, -32_767
"""Position instead of a minimum and of a maximum over a neighbourhood without any pixel of a kind."""

LEAST_CONTRAST = 102
"""Contrast that counts as smooth in any brightness: 0.05 of reflectance."""


@compiled
def least_of_five(a: Int16, b: Int16, c: Int16, d: Int16, e: Int16, out: Int16) -> None:
    """Write the smallest of five numbers, item by item, in one loop of vector instructions."""
    for i in range(len(out)):
        left = a[i] if a[i] < b[i] else b[i]
        right = c[i] if c[i] < d[i] else d[i]
        left = left if left < right else right
        out[i] = left if left < e[i] else e[i]


@compiled
def most_of_five(a: Int16, b: Int16, c: Int16, d: Int16, e: Int16, out: Int16) -> None:
    """Write the largest of five numbers, item by item; see :func:`least_of_five`."""
    for i in range(len(out)):
        left = a[i] if a[i] > b[i] else b[i]
        right = c[i] if c[i] > d[i] else d[i]
        left = left if left > right else right
        out[i] = left if left > e[i] else e[i]


@compiled
def window_minimum(tile: Int16, row: int, out: Int16, work: Int16) -> None:
    """Write the minimum within ``RADIUS`` of every pixel of a row, shape (columns,).

    ``work`` is longer by 4, and its first and last two items are ``NOT_BELOW``.
    """
    last, n = len(tile) - 1, len(out)
    # Rows beyond the tile are replaced by its first or last, which are in the square anyway.
    above, below = tile[max(row - 2, 0)], tile[min(row + 2, last)]
    least_of_five(above, tile[max(row - 1, 0)], tile[row], tile[min(row + 1, last)], below, work[2 : n + 2])
    least_of_five(work[:n], work[1 : n + 1], work[2 : n + 2], work[3 : n + 3], work[4:], out)


@compiled
def window_maximum(tile: Int16, row: int, out: Int16, work: Int16) -> None:
    """Write the maximum likewise; the first and last two items of ``work`` are ``NOT_ABOVE``."""
    last, n = len(tile) - 1, len(out)
    above, below = tile[max(row - 2, 0)], tile[min(row + 2, last)]
    most_of_five(above, tile[max(row - 1, 0)], tile[row], tile[min(row + 1, last)], below, work[2 : n + 2])
    most_of_five(work[:n], work[1 : n + 1], work[2 : n + 2], work[3 : n + 3], work[4:], out)


@compiled
def padded(cols: int, number: int) -> Int16:
    """Return a work array for a row of a number of columns, filled with a number."""
    return np.full(cols + 4, number, np.int16)


@compiled
def find_contrast(surface: UInt8, brightness: Int16, contrast: Int16) -> None:
    """Write the largest brightness less the smallest of the seen pixels in 3 by 3; shape (rows, columns)."""
    rows, cols = surface.shape
    # A column on each side and a row above and below, all unseen.
    low, high = np.full((rows + 2, cols + 2), NOT_BELOW, np.int16), np.full((rows + 2, cols + 2), NOT_ABOVE, np.int16)
    for row in range(rows):
        for col in range(cols):
            low[row + 1, col + 1] = brightness[row, col] if surface[row, col] > 0 else NOT_BELOW
        for col in range(cols):
            high[row + 1, col + 1] = brightness[row, col] if surface[row, col] > 0 else NOT_ABOVE
    least, most = np.empty(cols + 2, np.int16), np.empty(cols + 2, np.int16)
    for row in range(rows):
        for col in range(cols + 2):
            outer = min(low[row, col], low[row + 2, col])
            least[col] = min(outer, low[row + 1, col])
        for col in range(cols + 2):
            outer = max(high[row, col], high[row + 2, col])
            most[col] = max(outer, high[row + 1, col])
        for col in range(cols):
            lowest = min(min(least[col], least[col + 2]), least[col + 1])
            highest = max(max(most[col], most[col + 2]), most[col + 1])
            # The contrast of an unseen pixel is never used; without seen neighbours it would overflow.
            contrast[row, col] = highest - lowest if surface[row, col] > 0 else 0


@compiled
def find_smooth(surface: UInt8, brightness: Int16, share: int, least_count: int, contrast: Int16, out: UInt8) -> None:
    """Write 1 where a pixel and enough of its neighbours are smooth, else 0; shape (rows, columns).

    Parameters
    ----------
    share
        Largest contrast, in twentieths of the brightness.
    least_count
        Smooth pixels that a square of 3 by 3 needs; unseen pixels are no evidence of a mixture and count as smooth.
    contrast
        Largest brightness less smallest in the square of 3 by 3 around each pixel.
    """
    rows, cols = surface.shape
    smooth = np.ones((rows + 2, cols + 2), np.uint8)
    for row in range(rows):
        line = smooth[row + 1]
        for col in range(cols):
            c = np.int32(contrast[row, col])
            tolerated = 20 * c <= share * np.int32(brightness[row, col])
            line[col + 1] = 1 if (c <= LEAST_CONTRAST) | tolerated | (surface[row, col] == 0) else 0
    counts = np.empty(cols + 2, np.uint8)
    for row in range(rows):
        for col in range(cols + 2):
            counts[col] = smooth[row, col] + smooth[row + 1, col] + smooth[row + 2, col]
        for col in range(cols):
            count = counts[col] + counts[col + 1] + counts[col + 2]
            out[row, col] = smooth[row + 1, col + 1] if count >= least_count else 0


@compiled
def is_in_doubt(surface: UInt8, even: UInt8) -> bool:
    """Return whether any seen pixel is not amid one surface; shape (n,)."""
    # Without an early end, so that the compiler can use vector instructions.
    found = False
    for i in range(len(surface)):
        found |= (surface[i] > 0) & (even[i] == 0)
    return found


@compiled
def mark_surfaces(surface: UInt8, position: Int16, smooth: UInt8, even: UInt8, marks: Int16) -> None:
    """Write the positions of the surfaces that neighbourhoods are searched for, shape (6, rows, columns).

    They are pure water, smooth ice, even ice, any pixel, any pixel as a mark, and any ice. A mark is half the position
    times four, plus 1 where the colour is off the line, plus 2 where it is named water.
    """
    rows, cols = surface.shape
    for row in range(rows):
        kinds, places, amid, steady = surface[row], position[row], smooth[row], even[row]
        water, ice, level = marks[0, row], marks[1, row], marks[2, row]
        seen, marked, any_ice = marks[3, row], marks[4, row], marks[5, row]
        # A loop for each mark, so that the compiler can use vector instructions.
        for col in range(cols):
            water[col] = places[col] if (kinds[col] & CODE == WATER) & (amid[col] > 0) else NOT_ABOVE
        for col in range(cols):
            ice[col] = places[col] if (kinds[col] & CODE == ICE) & (amid[col] > 0) else NOT_BELOW
        for col in range(cols):
            level[col] = places[col] if (kinds[col] & CODE == ICE) & (steady[col] > 0) else NOT_BELOW
        for col in range(cols):
            seen[col] = places[col] if kinds[col] > 0 else NOT_ABOVE
        for col in range(cols):
            flags = (1 if kinds[col] & OFF_LINE > 0 else 0) + (2 if kinds[col] & CODE == WATER else 0)
            marked[col] = (places[col] >> 1) * 4 + flags if kinds[col] > 0 else NOT_BELOW
        for col in range(cols):
            any_ice[col] = places[col] if kinds[col] & CODE == ICE else NOT_BELOW


@compiled
def search_neighbours(marks: Int16, row: int, near: Int16, work_below: Int16, work_above: Int16) -> None:
    """Write the extremes of marks around the pixels of a row, shape (6, columns), in the order of :func:`unmix_ice`."""
    window_maximum(marks[0], row, near[0], work_above)
    window_minimum(marks[1], row, near[1], work_below)
    window_minimum(marks[2], row, near[2], work_below)
    window_maximum(marks[3], row, near[3], work_above)
    window_minimum(marks[4], row, near[4], work_below)
    window_minimum(marks[5], row, near[5], work_below)
