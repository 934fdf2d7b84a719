"""Compiled kernels that find mixed pixels and the shares of two surfaces in each."""

from __future__ import annotations

import numpy as np

from icepipe.arrays import Float64, Int16, Int64, StoredPixels, UInt8, UInt16
from icepipe.classes import ClassCode
from icepipe.runtime.jit import compiled
from icepipe.segment.classification._kernels import compute_reflectance
from icepipe.segment.mixtures._ice_shares import unmix_ice
from icepipe.segment.mixtures._neighbourhoods import (
    NOT_ABOVE,
    NOT_BELOW,
    find_contrast,
    find_smooth,
    is_in_doubt,
    mark_surfaces,
    padded,
    search_neighbours,
)
from icepipe.segment.mixtures._shores import ground_code, mark_shores, pair_code, write_shore
from icepipe.segment.mixtures.shares import (
    BRIGHTNESS_UNITS,
    FARTHEST,
    GREY_ICE,
    HALO,
    MAY_BE,
    OFF_LINE,
    POSITION_UNITS,
)

WATER, ICE, OTHER = int(ClassCode.WATER), int(ClassCode.ICE), int(ClassCode.OTHER)

TILE = 1024
"""Columns that are processed together, so that work arrays stay in the cache of the processor."""

SMOOTH = 12, 8
"""Contrast in 3 by 3 pixels up to which they can be one surface, in twentieths of its brightness, and how many of them
must be so smooth."""

EVEN = 4, 4
"""The same for bounds, which ask for more."""


@compiled
def locate_pixels(
    stored: StoredPixels,
    strata: UInt16,
    surface_of: UInt8,
    reflectance: Float64,
    water: Float64,
    line: Float64,
    surface: UInt8,
    position: Int16,
    brightness: Int16,
) -> None:
    """Write the surface, the position on the line from water to ice, and the brightness of the pixels of a row.

    Parameters
    ----------
    stored, strata
        Stored values, shape (bands, n), and strata, shape (n,).
    surface_of
        Surface of every stratum, shape (65536,).
    reflectance
        Reflectance of every byte, shape (256,), or the reflectance unit, shape (1,).
    water, line
        Reflectance of pure water, and that of pure ice less that of pure water; shape (bands,).
    surface, position, brightness
        Take the results, shape (n,).
    """
    bands, n = stored.shape
    length = 0.0
    for band in range(bands):
        length += line[band] * line[band]
    value, total, along, square = np.empty(n), np.zeros(n), np.zeros(n), np.zeros(n)
    for band in range(bands):
        compute_reflectance(stored[band], reflectance, value)
        base, weight = water[band], line[band] / length
        for i in range(n):
            offset = value[i] - base
            total[i] += value[i]
            along[i] += offset * weight
            square[i] += offset * offset
    # Loops of one kind of access each, so that the compiler can use vector instructions where there is no table.
    for i in range(n):
        mean, t = total[i] / bands, along[i]
        # Noise and texture grow with brightness; the constant is a few steps of an 8-bit picture.
        tolerance = 0.012 + 0.04 * min(mean, 1.0)
        surface[i] = OFF_LINE if square[i] - t * t * length > tolerance * tolerance else 0
        place, level = np.floor(t * POSITION_UNITS + 0.5), np.floor(mean * BRIGHTNESS_UNITS + 0.5)
        place = place if place > -FARTHEST / 2 else -FARTHEST / 2
        position[i] = np.int16(place if place < FARTHEST else FARTHEST)
        brightness[i] = np.int16(level if level < FARTHEST else FARTHEST)
    for i in range(n):
        kind = surface_of[strata[i]]
        surface[i] = surface[i] | kind if kind > 0 else 0


@compiled
def count_between(surface: UInt8, position: Int16, even: UInt8, ends: Int64, between: Int64) -> None:
    """Count the even pixels that could be water or ice, by fifths of the positions between the two; shape (n,)."""
    either, start, span = 3 * MAY_BE, ends[1], max(ends[2] - ends[1], 1)
    # Most rows have no such pixel, which a loop of vector instructions finds out.
    found = False
    for i in range(len(surface)):
        found |= surface[i] & either == either
    for i in range(len(surface) if found else 0):
        if surface[i] & either == either and even[i] > 0:
            between[min(max((int(position[i]) - start) * 5 // span, 0), 4)] += 1


@compiled
def unmix_tile(
    surface: UInt8,
    position: Int16,
    brightness: Int16,
    contrast: Int16,
    even: UInt8,
    first: int,
    last: int,
    ends: Int64,
    out: UInt8,
) -> None:
    """Write the mixtures of the rows ``first`` to ``last`` of a tile; other parameters are those of :func:`unmix`.

    ``contrast`` and ``even`` are those of :func:`find_contrast` and :func:`find_smooth`.
    """
    rows, cols = surface.shape
    marks = np.empty((6, rows, cols), np.int16)
    smooth, shores = np.empty((2, rows, cols), np.uint8)
    near, work_below, work_above = np.empty((6, cols), np.int16), padded(cols, NOT_BELOW), padded(cols, NOT_ABOVE)
    has_shores, has_ice = mark_shores(surface, shores), ends[4] > 0
    if not has_shores and not (has_ice and is_in_doubt(surface.ravel(), even.ravel())):
        return
    find_smooth(surface, brightness, SMOOTH[0], SMOOTH[1], contrast, smooth)
    mark_surfaces(surface, position, smooth, even, marks)
    for row in range(first, last):
        doubt = has_ice and is_in_doubt(surface[row], even[row])
        if doubt:
            search_neighbours(marks, row, near, work_below, work_above)
        for col in range(cols if doubt or has_shores else 0):
            if shores[row, col] and write_shore(surface, brightness, row, col, out[:, row - first, col]):
                continue
            kind = int(surface[row, col])
            if not doubt or even[row, col] > 0 or ground_code(kind) == OTHER or kind == 0:
                continue
            is_smooth = smooth[row, col] > 0
            if kind & GREY_ICE > 0 and is_smooth:
                continue
            low, share, high = unmix_ice(kind, int(position[row, col]), is_smooth, near[:, col], ends)
            out[0, row - first, col], out[1, row - first, col] = pair_code(kind, ICE, WATER), low
            out[2, row - first, col], out[3, row - first, col] = share, high


@compiled
def unmix(
    surface: UInt8,
    position: Int16,
    brightness: Int16,
    first: int,
    last: int,
    ends: Int64,
    out: UInt8,
    between: Int64,
) -> None:
    """Write the mixtures of the rows ``first`` to ``last``.

    Parameters
    ----------
    surface, position, brightness
        Of all pixels, as :func:`locate_pixels` writes them; shape (rows, columns), with ``HALO`` rows above ``first``
        and below ``last`` where the grid has them.
    ends
        Position of the brightest pure ice, least position of a colour that can be ice, largest of one that can be
        water, and whether the model has water, and ice; without ice, shores alone are mixed; shape (5,).
    out
        Takes, for each mixed pixel, its two surfaces, see :func:`pair_code`, 0 for all other pixels; and the least,
        likeliest and greatest share of the first of them; shape (4, last - first, columns).
    between
        Counts are added to it, see :func:`count_between`; shape (5,).
    """
    rows, cols = surface.shape
    for left in range(0, cols, TILE):
        start, end, right = max(left - HALO, 0), min(left + TILE + HALO, cols), min(left + TILE, cols)
        # Copies, as the compiler uses vector instructions where it knows that items are side by side.
        kinds, places = surface[:, start:end].copy(), position[:, start:end].copy()
        levels, mixtures = brightness[:, start:end].copy(), np.zeros((4, last - first, end - start), np.uint8)
        contrast, even = np.empty((rows, end - start), np.int16), np.empty((rows, end - start), np.uint8)
        find_contrast(kinds, levels, contrast)
        find_smooth(kinds, levels, EVEN[0], EVEN[1], contrast, even)
        inner = slice(left - start, right - start)
        if ends[4] > 0:
            for row in range(first, last):
                count_between(kinds[row, inner], places[row, inner], even[row, inner], ends, between)
        unmix_tile(kinds, places, levels, contrast, even, first, last, ends, mixtures)
        out[:, :, left:right] = mixtures[:, :, inner]
