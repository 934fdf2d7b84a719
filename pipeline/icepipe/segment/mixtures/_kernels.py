"""Compiled kernels that find mixed pixels and the shares of two surfaces in each."""

from __future__ import annotations

import numpy as np

from icepipe.arrays import Float64, Int16, Int64, StoredPixels, UInt8, UInt16
from icepipe.classes import ClassCode
from icepipe.runtime.jit import compiled
from icepipe.segment.classification._kernels import compute_reflectance

WATER, ICE, OTHER = int(ClassCode.WATER), int(ClassCode.ICE), int(ClassCode.OTHER)

CODE = 3
"""Bits of a surface that hold its class code; 0 where nothing was seen."""
MAY_BE = 4
"""Bit of a surface where water is a possible class; the next two bits are those of ice and of other."""
OFF_LINE = 32
"""Bit of a surface whose colour no mixture of pure water and pure ice has."""

POSITION_UNITS = 4096
"""Units of a position on the line from pure water, 0, to pure ice."""
BRIGHTNESS_UNITS = 2048
"""Units of a brightness, the mean reflectance of the bands."""
FULL = 255
"""Share of a surface that fills a pixel."""

FARTHEST = 16_000
"""Largest position and brightness; both are clipped to it, positions below zero to half of it."""
NOT_BELOW, NOT_ABOVE = 32_767, -32_767
"""Position instead of a minimum and of a maximum over a neighbourhood without any pixel of a kind."""

RADIUS = 2
"""Rows and columns to each side in which pure surfaces are looked for."""
HALO = RADIUS + 2
"""Rows and columns to each side that shares depend on: smoothness takes one, and that of neighbours one more."""
TILE = 256
"""Columns that are processed together, so that work arrays stay in the cache of the processor."""

SMOOTH = 12, 8
"""Contrast in 3 by 3 pixels up to which they can be one surface, in twentieths of its brightness, and how many of them
must be so smooth."""
EVEN = 5, 5
"""The same for bounds, which ask for more."""
LEAST_CONTRAST = 102
"""Contrast that counts as smooth in any brightness: 0.05 of reflectance."""
SEPARABLE = 41
"""Difference of brightness from which two surfaces of a shore can be unmixed: 0.02 of reflectance."""


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
def lower(numbers: Int16, others: Int16) -> None:
    """Replace each number by the other where that is smaller."""
    # Two arrays and no more: the compiler must prove that they do not overlap to use vector instructions.
    for i in range(len(numbers)):
        numbers[i] = others[i] if others[i] < numbers[i] else numbers[i]


@compiled
def higher(numbers: Int16, others: Int16) -> None:
    """Replace each number by the other where that is larger."""
    for i in range(len(numbers)):
        numbers[i] = others[i] if others[i] > numbers[i] else numbers[i]


@compiled
def window_minimum(tile: Int16, row: int, radius: int, out: Int16, work: Int16) -> None:
    """Write the minimum of the square around every pixel of a row; ``work`` has the shape of ``out``, (columns,)."""
    work[:] = tile[max(row - radius, 0)]
    for near in range(max(row - radius, 0) + 1, min(row + radius + 1, len(tile))):
        lower(work, tile[near])
    out[:] = work
    for shift in range(1, radius + 1):
        lower(out[shift:], work[:-shift])
        lower(out[:-shift], work[shift:])


@compiled
def window_maximum(tile: Int16, row: int, radius: int, out: Int16, work: Int16) -> None:
    """Write the maximum of the square around every pixel of a row; ``work`` has the shape of ``out``, (columns,)."""
    work[:] = tile[max(row - radius, 0)]
    for near in range(max(row - radius, 0) + 1, min(row + radius + 1, len(tile))):
        higher(work, tile[near])
    out[:] = work
    for shift in range(1, radius + 1):
        higher(out[shift:], work[:-shift])
        higher(out[:-shift], work[shift:])


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
def find_contrast(surface: UInt8, brightness: Int16, contrast: Int16) -> None:
    """Write the largest brightness less the smallest of the seen pixels in 3 by 3; shape (rows, columns)."""
    rows, cols = surface.shape
    above, below = np.empty((rows, cols), np.int16), np.empty((rows, cols), np.int16)
    for row in range(rows):
        for col in range(cols):
            seen = surface[row, col] > 0
            above[row, col] = brightness[row, col] if seen else NOT_BELOW
            below[row, col] = brightness[row, col] if seen else NOT_ABOVE
    low, high, work = np.empty(cols, np.int16), np.empty(cols, np.int16), np.empty(cols, np.int16)
    for row in range(rows):
        window_minimum(above, row, 1, low, work)
        window_maximum(below, row, 1, high, work)
        for col in range(cols):
            # An unseen pixel without seen neighbours would overflow; its contrast is never used.
            contrast[row, col] = high[col] - low[col] if surface[row, col] > 0 else 0


@compiled
def ratio(part: int, whole: int) -> int:
    """Return part / whole as a share, rounded, within 0 and 1; a whole that is not positive gives 0 or 1."""
    if part <= 0:
        return 0
    return FULL if part >= whole else (2 * FULL * part + whole) // (2 * whole)


@compiled
def unmix_ice(
    kind: int,
    t: int,
    smooth: bool,
    darkest: int,
    brightest: int,
    near_water: bool,
    pure_water: int,
    smooth_ice: int,
    even_ice: int,
    ends: Int64,
) -> tuple[int, int, int]:
    """Return the least, the likeliest and the greatest share of ice in a pixel of ice and water.

    Parameters
    ----------
    kind, t
        Surface and position of the pixel.
    smooth
        Whether the pixel is amid one surface, as the best estimate asks for; for the bounds it is not.
    darkest, brightest
        Twice the position of the darkest pixel of the neighbourhood, plus 1 where its colour is off the line; and the
        position of the brightest.
    near_water
        Whether any pixel of the neighbourhood is named water.
    pure_water, smooth_ice, even_ice
        Brightest smooth water, darkest smooth ice and darkest even ice of the neighbourhood.
    ends
        Position of the brightest pure ice, least position of a colour that can be ice, and whether the model has water.
    """
    is_ice = kind & CODE == ICE
    off_line = kind & OFF_LINE > 0 and is_ice
    may_be_ice = kind & 2 * MAY_BE > 0
    certain = kind & 7 * MAY_BE == 2 * MAY_BE
    brightest_ice, first_ice, has_water = ends
    # A neighbourhood without water whose darkest surface is another ice, or that has darker ice, has nothing to mix.
    among_ice = not near_water and (darkest & 1 == 1 or t >= smooth_ice)
    surely_among_ice = not near_water and (darkest & 1 == 1 or t >= even_ice)
    dark = pure_water if pure_water > NOT_ABOVE else min(darkest >> 1, 0)
    dark = min(dark, smooth_ice - 80) if smooth_ice < NOT_BELOW else dark
    bright = smooth_ice if smooth_ice < NOT_BELOW else max(brightest, POSITION_UNITS)
    share = FULL if is_ice else 0
    if not (smooth or off_line or among_ice) and has_water:
        share = ratio(t - dark, bright - dark)
    low = 0
    if surely_among_ice or off_line:
        low = FULL if certain else 0
    elif may_be_ice:
        base = max(pure_water, 0)
        end = brightest if even_ice < NOT_BELOW else max(brightest, brightest_ice)
        low = ratio(t - base, end - base)
    high = FULL
    if not is_ice:
        high = ratio(t - dark, max((smooth_ice if smooth_ice < NOT_BELOW else first_ice) - dark, 80))
    return min(low, share), share, max(high, share)


@compiled
def unmix_shore(surface: UInt8, brightness: Int16, row: int, col: int) -> tuple[int, int, int]:
    """Return the other class at a shore, and the least and the likeliest share of a pixel's own class.

    The ends are the brightness of the pixels of both classes, within ``RADIUS``, whose neighbours are all of their
    class. Where one of them has none, or both are as bright, the pixel counts as its own class and may be none of it.

    Returns
    -------
    tuple
        Code of the other class, 0 where there is no shore, and the shares.
    """
    rows, cols = surface.shape
    own = surface[row, col] & CODE
    counts = np.zeros(4, np.int64)
    for near_row in range(max(row - 1, 0), min(row + 2, rows)):
        for near_col in range(max(col - 1, 0), min(col + 2, cols)):
            counts[surface[near_row, near_col] & CODE] += 1
    counts[0] = counts[own] = 0
    # Only ground mixes here; ice and water next to each other are unmixed along their own line.
    other = OTHER if counts[OTHER] > 0 else (WATER if counts[WATER] >= counts[ICE] else ICE)
    if counts[other] == 0:
        return 0, FULL, FULL
    number, total = np.zeros(4, np.int64), np.zeros(4, np.int64)
    least, most = np.full(4, 32_767, np.int64), np.full(4, -1, np.int64)
    for near_row in range(max(row - RADIUS, 0), min(row + RADIUS + 1, rows)):
        for near_col in range(max(col - RADIUS, 0), min(col + RADIUS + 1, cols)):
            code = surface[near_row, near_col] & CODE
            if (code == own or code == other) and is_inner(surface, near_row, near_col):
                value = np.int64(brightness[near_row, near_col])
                number[code] += 1
                total[code] += value
                least[code], most[code] = min(least[code], value), max(most[code], value)
    if number[own] == 0 or number[other] == 0:
        return other, 0, FULL
    value, end, start = np.int64(brightness[row, col]), total[own] // number[own], total[other] // number[other]
    if abs(end - start) < SEPARABLE:
        return other, 0, FULL
    # The farthest end of its own class and the nearest of the other leave the least share.
    if end > start:
        return other, ratio(value - most[other], most[own] - most[other]), ratio(value - start, end - start)
    return other, ratio(least[other] - value, least[other] - least[own]), ratio(start - value, start - end)


@compiled
def is_inner(surface: UInt8, row: int, col: int) -> bool:
    """Return whether all seen pixels around a pixel have its class."""
    rows, cols = surface.shape
    own = surface[row, col] & CODE
    for near_row in range(max(row - 1, 0), min(row + 2, rows)):
        for near_col in range(max(col - 1, 0), min(col + 2, cols)):
            code = surface[near_row, near_col] & CODE
            if code != own and code > 0:
                return False
    return True


@compiled
def fill_where(condition: UInt8, position: Int16, otherwise: int, out: Int16) -> None:
    """Write the position where a condition is 1, and another number elsewhere; shape (rows, columns)."""
    for row in range(out.shape[0]):
        for col in range(out.shape[1]):
            out[row, col] = position[row, col] if condition[row, col] else otherwise


@compiled
def unmix_tile(
    surface: UInt8, position: Int16, brightness: Int16, first: int, last: int, ends: Int64, out: UInt8
) -> None:
    """Write the mixtures of the rows ``first`` to ``last`` of a tile; parameters are those of :func:`unmix`."""
    rows, cols = surface.shape
    contrast = np.empty((rows, cols), np.int16)
    smooth, even = np.empty((rows, cols), np.uint8), np.empty((rows, cols), np.uint8)
    find_contrast(surface, brightness, contrast)
    find_smooth(surface, brightness, SMOOTH[0], SMOOTH[1], contrast, smooth)
    find_smooth(surface, brightness, EVEN[0], EVEN[1], contrast, even)
    kinds = np.zeros((4, rows, cols), np.uint8)
    has_ground, has_doubt = False, False
    for row in range(rows):
        for col in range(cols):
            kind = surface[row, col]
            code = kind & CODE
            has_ground |= code == OTHER
            is_ice = code == ICE
            kinds[0, row, col] = (code == WATER) & smooth[row, col]
            kinds[1, row, col] = is_ice & smooth[row, col]
            kinds[2, row, col] = is_ice & even[row, col]
            kinds[3, row, col] = kind > 0
            has_doubt |= (code > 0) & (even[row, col] == 0)
    if not has_doubt and not has_ground:
        return
    pure_water, smooth_ice = np.empty((rows, cols), np.int16), np.empty((rows, cols), np.int16)
    even_ice, brightest = np.empty((rows, cols), np.int16), np.empty((rows, cols), np.int16)
    darkest, named_water = np.empty((rows, cols), np.int16), np.empty((rows, cols), np.int16)
    fill_where(kinds[0], position, NOT_ABOVE, pure_water)
    fill_where(kinds[1], position, NOT_BELOW, smooth_ice)
    fill_where(kinds[2], position, NOT_BELOW, even_ice)
    fill_where(kinds[3], position, NOT_ABOVE, brightest)
    for row in range(rows):
        for col in range(cols):
            kind = surface[row, col]
            marked = 2 * position[row, col] + (1 if kind & OFF_LINE else 0)
            darkest[row, col] = marked if kind > 0 else NOT_BELOW
            named_water[row, col] = 1 if kind & CODE == WATER else 0
    near = np.empty((6, cols), np.int16)
    work = np.empty(cols, np.int16)
    for row in range(first, last):
        in_doubt = has_ground
        for col in range(cols):
            in_doubt |= (surface[row, col] > 0) & (even[row, col] == 0)
        if not in_doubt:
            continue
        window_maximum(pure_water, row, RADIUS, near[0], work)
        window_minimum(smooth_ice, row, RADIUS, near[1], work)
        window_minimum(even_ice, row, RADIUS, near[2], work)
        window_maximum(brightest, row, RADIUS, near[3], work)
        window_minimum(darkest, row, RADIUS, near[4], work)
        window_maximum(named_water, row, RADIUS, near[5], work)
        for col in range(cols):
            kind = np.int64(surface[row, col])
            code = kind & CODE
            if code == 0:
                continue
            if has_ground:
                other, low, share = unmix_shore(surface, brightness, row, col)
                if other > 0 and (code == OTHER or other == OTHER):
                    low = low if kind & 7 * MAY_BE == MAY_BE << (code - 1) else 0
                    if low < FULL:
                        out[0, row - first, col], out[1, row - first, col] = 4 * code + other, min(low, share)
                        out[2, row - first, col], out[3, row - first, col] = share, FULL
                    continue
            if code == OTHER or even[row, col]:
                continue
            low, share, high = unmix_ice(
                kind,
                np.int64(position[row, col]),
                smooth[row, col] > 0,
                np.int64(near[4, col]),
                np.int64(near[3, col]),
                near[5, col] > 0,
                np.int64(near[0, col]),
                np.int64(near[1, col]),
                np.int64(near[2, col]),
                ends,
            )
            out[0, row - first, col], out[1, row - first, col] = 4 * ICE + WATER, low
            out[2, row - first, col], out[3, row - first, col] = share, high


@compiled
def unmix(surface: UInt8, position: Int16, brightness: Int16, first: int, last: int, ends: Int64, out: UInt8) -> None:
    """Write the mixtures of the rows ``first`` to ``last``.

    Parameters
    ----------
    surface, position, brightness
        Of all pixels, as :func:`locate_pixels` writes them; shape (rows, columns), with ``HALO`` rows above ``first``
        and below ``last`` where the grid has them.
    ends
        Position of the brightest pure ice, least position of a colour that can be ice, and whether the model has water.
    out
        Takes, for each mixed pixel, four times its class code plus that of the other surface, 0 for all other pixels;
        and the least, likeliest and greatest share of its class; shape (4, last - first, columns). For pixels of ice
        and water it is ice whose share is written.
    """
    cols = surface.shape[1]
    for left in range(0, cols, TILE):
        start, end = max(left - HALO, 0), min(left + TILE + HALO, cols)
        mixtures = np.zeros((4, last - first, end - start), np.uint8)
        unmix_tile(surface[:, start:end], position[:, start:end], brightness[:, start:end], first, last, ends, mixtures)
        right = min(left + TILE, cols)
        out[:, :, left:right] = mixtures[:, :, left - start : right - start]
