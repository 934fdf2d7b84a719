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
MAY_BE_THIRD = 16
"""Bit of a pair of surfaces where the pixel may be none of the two."""
OFF_LINE = 32
"""Bit of a surface whose colour no mixture of pure water and pure ice has."""
GREY_ICE = 64
"""Bit of a surface that is other only because it is grey ice and white ice alone counts: it is no ground."""

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
NARROWEST = 80
"""Least distance of the ends of a mixture on the line: 0.02 of it, as the noise of a picture."""
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
def unmix_ice(kind: int, t: int, smooth: bool, near: Int16, ends: Int64) -> tuple[int, int, int]:
    """Return the least, the likeliest and the greatest share of ice in a pixel of ice and water that is not even.

    Parameters
    ----------
    kind, t
        Surface and position of the pixel.
    smooth
        Whether the pixel is amid one surface, as the best estimate asks for; for the bounds it is not.
    near
        What the neighbourhood has: brightest smooth water, darkest smooth ice, darkest even ice, brightest pixel, twice
        the darkest pixel plus 1 where its colour is off the line, and whether any pixel is named water; shape (6,).
    ends
        Position of the brightest pure ice, least position of a colour that can be ice, and whether the model has water.
    """
    pure_water, smooth_ice, even_ice = int(near[0]), int(near[1]), int(near[2])
    brightest, darkest = int(near[3]), int(near[4])
    is_ice = kind & CODE == ICE
    # A neighbourhood without water whose darkest surface is another ice, or that has darker ice, has nothing to mix.
    off_line, dry = kind & OFF_LINE > 0 and is_ice, near[5] == 0
    among_ice = dry and (darkest & 1 == 1 or t >= smooth_ice)
    surely_among_ice = dry and (darkest & 1 == 1 or t >= even_ice)
    dark = pure_water if pure_water > NOT_ABOVE else min(darkest >> 1, 0)
    bright = max(brightest, POSITION_UNITS)
    if smooth_ice < NOT_BELOW:
        dark, bright = min(dark, smooth_ice - NARROWEST), smooth_ice
    share = FULL if is_ice else 0
    if ends[2] and not (smooth or off_line or among_ice):
        share = ratio(t - dark, bright - dark)
    low, high = 0, FULL
    if surely_among_ice or off_line:
        low = FULL if kind & 7 * MAY_BE == 2 * MAY_BE else 0
    elif kind & 2 * MAY_BE > 0:
        # Towards the brightest water and the brightest ice that the neighbourhood, or else the model, allows.
        base, end = max(pure_water, 0), brightest if even_ice < NOT_BELOW else max(brightest, ends[0])
        low = ratio(t - base, end - base)
    if not is_ice:
        first_ice = smooth_ice if smooth_ice < NOT_BELOW else ends[1]
        high = ratio(t - dark, max(first_ice - dark, NARROWEST))
    return min(low, share), share, max(high, share)


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
    own = ground_code(int(surface[row, col]))
    counts = np.zeros(4, np.int64)
    for near_row in range(max(row - 1, 0), min(row + 2, rows)):
        for near_col in range(max(col - 1, 0), min(col + 2, cols)):
            counts[ground_code(int(surface[near_row, near_col]))] += 1
    if own == 0:
        return 0
    if own != OTHER:
        return OTHER if counts[OTHER] > 0 else 0
    if counts[WATER] + counts[ICE] == 0:
        return 0
    return WATER if counts[WATER] >= counts[ICE] else ICE


@compiled
def is_inner(surface: UInt8, row: int, col: int) -> bool:
    """Return whether all seen pixels around a pixel have its class."""
    rows, cols = surface.shape
    own = surface[row, col] & CODE
    for near_row in range(max(row - 1, 0), min(row + 2, rows)):
        for near_col in range(max(col - 1, 0), min(col + 2, cols)):
            code = surface[near_row, near_col] & CODE
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
    number, total = np.zeros(4, np.int64), np.zeros(4, np.int64)
    least, most = np.full(4, FARTHEST, np.int64), np.zeros(4, np.int64)
    for near_row in range(max(row - RADIUS, 0), min(row + RADIUS + 1, rows)):
        for near_col in range(max(col - RADIUS, 0), min(col + RADIUS + 1, cols)):
            code = surface[near_row, near_col] & CODE
            if code in (own, other) and is_inner(surface, near_row, near_col):
                level = int(brightness[near_row, near_col])
                number[code] += 1
                total[code] += level
                least[code], most[code] = min(least[code], level), max(most[code], level)
    if number[own] == 0 or number[other] == 0:
        return 0, FULL
    level, end, start = int(brightness[row, col]), int(total[own] // number[own]), int(total[other] // number[other])
    if abs(end - start) < SEPARABLE:
        return 0, FULL
    # The farthest end of its own class and the nearest of the other leave the least share.
    if end > start:
        return ratio(level - most[other], most[own] - most[other]), ratio(level - start, end - start)
    return ratio(least[other] - level, least[other] - least[own]), ratio(start - level, start - end)


@compiled
def mark_surfaces(surface: UInt8, position: Int16, smooth: UInt8, even: UInt8, marks: Int16) -> None:
    """Write the positions of the surfaces that neighbourhoods are searched for, shape (6, rows, columns).

    They are pure water, smooth ice, even ice, any pixel, twice any pixel plus 1 where its colour is off the line, and
    1 where a pixel is named water.
    """
    rows, cols = surface.shape
    for row in range(rows):
        for col in range(cols):
            kind, place = surface[row, col], position[row, col]
            is_water, is_ice = kind & CODE == WATER, kind & CODE == ICE
            marks[0, row, col] = place if is_water & (smooth[row, col] > 0) else NOT_ABOVE
            marks[1, row, col] = place if is_ice & (smooth[row, col] > 0) else NOT_BELOW
            marks[2, row, col] = place if is_ice & (even[row, col] > 0) else NOT_BELOW
            marks[3, row, col] = place if kind > 0 else NOT_ABOVE
            marks[4, row, col] = 2 * place + (1 if kind & OFF_LINE > 0 else 0) if kind > 0 else NOT_BELOW
            marks[5, row, col] = 1 if is_water else 0


@compiled
def search_neighbours(marks: Int16, row: int, near: Int16, work: Int16) -> None:
    """Write the extremes of marks around the pixels of a row, shape (6, columns), in the order of :func:`unmix_ice`."""
    window_maximum(marks[0], row, RADIUS, near[0], work)
    window_minimum(marks[1], row, RADIUS, near[1], work)
    window_minimum(marks[2], row, RADIUS, near[2], work)
    window_maximum(marks[3], row, RADIUS, near[3], work)
    window_minimum(marks[4], row, RADIUS, near[4], work)
    window_maximum(marks[5], row, RADIUS, near[5], work)


@compiled
def has_ground(surface: UInt8) -> bool:
    """Return whether any pixel is ground; shape (rows, columns)."""
    found = False
    for kind in surface.ravel():
        found |= ground_code(int(kind)) == OTHER
    return found


@compiled
def is_in_doubt(surface: UInt8, even: UInt8) -> bool:
    """Return whether any seen pixel is not amid one surface; shape (n,)."""
    # Without an early end, so that the compiler can use vector instructions.
    found = False
    for i in range(len(surface)):
        found |= (surface[i] > 0) & (even[i] == 0)
    return found


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
    certain = kind & 7 * MAY_BE == MAY_BE << code - 1
    if low < FULL:
        mixture[0], mixture[1] = pair_code(kind, code, other), min(low, share) if certain else 0
        mixture[2], mixture[3] = share, FULL
    return True


@compiled
def unmix_tile(
    surface: UInt8, position: Int16, brightness: Int16, first: int, last: int, ends: Int64, out: UInt8
) -> None:
    """Write the mixtures of the rows ``first`` to ``last`` of a tile; parameters are those of :func:`unmix`."""
    rows, cols = surface.shape
    contrast, marks = np.empty((rows, cols), np.int16), np.empty((6, rows, cols), np.int16)
    smooth, even = np.empty((rows, cols), np.uint8), np.empty((rows, cols), np.uint8)
    near, work = np.empty((6, cols), np.int16), np.empty(cols, np.int16)
    find_contrast(surface, brightness, contrast)
    find_smooth(surface, brightness, EVEN[0], EVEN[1], contrast, even)
    ground = has_ground(surface)
    if not ground and not is_in_doubt(surface.ravel(), even.ravel()):
        return
    find_smooth(surface, brightness, SMOOTH[0], SMOOTH[1], contrast, smooth)
    mark_surfaces(surface, position, smooth, even, marks)
    for row in range(first, last):
        doubt = is_in_doubt(surface[row], even[row])
        if doubt:
            search_neighbours(marks, row, near, work)
        for col in range(cols if doubt or ground else 0):
            kind = int(surface[row, col])
            if kind == 0 or (ground and write_shore(surface, brightness, row, col, out[:, row - first, col])):
                continue
            is_smooth = smooth[row, col] > 0
            if even[row, col] > 0 or ground_code(kind) == OTHER or (kind & GREY_ICE > 0 and is_smooth):
                continue
            low, share, high = unmix_ice(kind, int(position[row, col]), is_smooth, near[:, col], ends)
            out[0, row - first, col], out[1, row - first, col] = pair_code(kind, ICE, WATER), low
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
        Takes, for each mixed pixel, its two surfaces, see :func:`pair_code`, 0 for all other pixels; and the least,
        likeliest and greatest share of the first of them; shape (4, last - first, columns).
    """
    cols = surface.shape[1]
    for left in range(0, cols, TILE):
        start, end, right = max(left - HALO, 0), min(left + TILE + HALO, cols), min(left + TILE, cols)
        mixtures = np.zeros((4, last - first, end - start), np.uint8)
        unmix_tile(surface[:, start:end], position[:, start:end], brightness[:, start:end], first, last, ends, mixtures)
        out[:, :, left:right] = mixtures[:, :, left - start : right - start]
