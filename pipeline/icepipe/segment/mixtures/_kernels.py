"""Compiled kernels that find mixed pixels and the shares of two surfaces in each."""

from __future__ import annotations

import numpy as np

from icepipe.arrays import Float64, Int16, Int64, StoredPixels, UInt8, UInt16
from icepipe.classes import ClassCode
from icepipe.runtime.jit import compiled
from icepipe.segment.classification._kernels import compute_reflectance
from icepipe.segment.mixtures.shares import CODE, FULL, HALO, MAY_BE_THIRD, RADIUS

WATER, ICE, OTHER = int(ClassCode.WATER), int(ClassCode.ICE), int(ClassCode.OTHER)

MAY_BE = 4
"""Bit of a surface where water is a possible class; the next two bits are those of ice and of other."""
OFF_LINE = 32
"""Bit of a surface whose colour no mixture of pure water and pure ice has."""
GREY_ICE = 64
"""Bit of a surface that is other only because it is grey ice and white ice alone counts: it is no ground."""
OUTLIER = 128
"""Bit of a surface that is far from every cluster: it may be one that the model has not seen, and no mixture."""

POSITION_UNITS = 4096
"""Units of a position on the line from pure water, 0, to pure ice."""
BRIGHTNESS_UNITS = 2048
"""Units of a brightness, the mean reflectance of the bands."""

FARTHEST = 16_000
"""Largest position and brightness; both are clipped to it, positions below zero to half of it: marks of four times half
a position fit into 16 bits."""
NOT_BELOW, NOT_ABOVE = 32_767, -32_767
"""Position instead of a minimum and of a maximum over a neighbourhood without any pixel of a kind."""

TILE = 1024
"""Columns that are processed together, so that work arrays stay in the cache of the processor."""

SMOOTH = 12, 8
"""Contrast in 3 by 3 pixels up to which they can be one surface, in twentieths of its brightness, and how many of them
must be so smooth."""
EVEN = 4, 4
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
            flags = (kinds[col] >> 5 & 1) + (2 if kinds[col] & CODE == WATER else 0)
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
    certain = kind & (7 * MAY_BE | OUTLIER) == MAY_BE << code - 1
    if low < FULL:
        mixture[0], mixture[1] = pair_code(kind, code, other), min(low, share) if certain else 0
        mixture[2], mixture[3] = share, FULL
    return True


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
