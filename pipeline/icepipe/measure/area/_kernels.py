"""The compiled part of counting: pixels, and borders."""

from __future__ import annotations

from icepipe.arrays import Bool, Int32, Int64, UInt8, UInt16
from icepipe.raster._kernels import find_root, union
from icepipe.runtime.jit import compiled


@compiled
def count_pixels(strata: UInt16, units: Int64, pixels: Int64, sums: Int64) -> None:
    """Add pixels, and their area units, to those of their strata; shapes (n,), and one for every number."""
    for i in range(strata.shape[0]):
        pixels[strata[i]] += 1
        sums[strata[i]] += units[i]


@compiled
def count_pixels_of(key: int, keys: UInt16, strata: UInt16, units: Int64, pixels: Int64, sums: Int64) -> None:
    """:func:`count_pixels` of those that have a key; ``keys`` has the shape (n,), too."""
    for i in range(strata.shape[0]):
        if keys[i] == key:
            pixels[strata[i]] += 1
            sums[strata[i]] += units[i]


@compiled
def add_borders(codes: UInt8, units: Int64, above: int, left: int, seen: Bool, sums: Int64) -> None:
    """Add the area units on both sides of every border between classes that are seen to each of the two.

    Of the first ``above`` rows only the borders to what lies below are counted, and of the first ``left`` columns those
    to what lies on their right. ``seen`` and ``sums`` have one for every code.
    """
    height = codes.shape[0]
    for row in range(height):
        if row >= above:
            _along(codes[row, :-1], codes[row, 1:], units[row, :-1], units[row, 1:], seen, sums)
        if row + 1 < height:
            _along(codes[row, left:], codes[row + 1, left:], units[row, left:], units[row + 1, left:], seen, sums)


@compiled
def _along(one: UInt8, other: UInt8, units: Int64, other_units: Int64, seen: Bool, sums: Int64) -> None:
    """Add the borders between pixels and their neighbours, item by item."""
    for i in range(len(one)):
        if one[i] != other[i] and seen[one[i]] and seen[other[i]]:
            both = units[i] + other_units[i]
            sums[one[i]] += both
            sums[other[i]] += both


@compiled
def _put(one: int, other: int, small: Bool, pairs: Int32, count: int) -> int:
    """Add a pair of pieces where there are two and one is small; how many pairs there are now."""
    if one < 0 or other < 0 or one == other or not (small[one] or small[other]):
        return count
    if count < len(pairs):
        pairs[count, 0], pairs[count, 1] = one, other
    return count + 1


@compiled
def pairs_beside(starts: Int32, number: Int32, rows: Int64, small: Bool, pairs: Int32) -> int:
    """Pieces that share a side of a pixel and of which one is small; how many pairs there are.

    As many are put into ``pairs``, shape (n, 2), as it has room for; a pair can stand there several times.
    """
    count = 0
    for row in range(len(rows) - 1):
        for run in range(rows[row], rows[row + 1] - 1):
            count = _put(number[run], number[run + 1], small, pairs, count)
        if row:
            i, j = rows[row - 1], rows[row]
            last_above, last_below = -1, -1
            while i < rows[row] - 1:
                if number[i] != last_above or number[j] != last_below:
                    count = _put(number[i], number[j], small, pairs, count)
                    last_above, last_below = number[i], number[j]
                above_ends, below_ends = starts[i + 1], starts[j + 1]
                i += above_ends <= below_ends
                j += below_ends <= above_ends
    return count


@compiled
def _is_larger(one: int, other: int, size: Int64, codes: UInt8) -> bool:
    """Whether a piece is larger than another; of one size the lower code is, then the one that begins first."""
    if size[one] != size[other]:
        return bool(size[one] > size[other])
    if codes[one] != codes[other]:
        return bool(codes[one] < codes[other])
    return one < other


@compiled
def find_largest(pairs: Int32, size: Int64, codes: UInt8, least: float, largest: Int32) -> None:
    """The largest of each small piece and its neighbours, into ``largest``, which begins with the pieces themselves."""
    for pair in range(len(pairs)):
        one, other = pairs[pair, 0], pairs[pair, 1]
        if size[one] < least and _is_larger(other, largest[one], size, codes):
            largest[one] = other
        if size[other] < least and _is_larger(one, largest[other], size, codes):
            largest[other] = one


@compiled
def join_alike(pairs: Int32, codes: UInt8, first: Int32) -> int:
    """Make pieces that touch and have one class one; how many pairs of different ones are left, at the beginning.

    ``first`` begins with the pieces themselves, and ends with the first of those that each is one with.
    """
    for pair in range(len(pairs)):
        if codes[pairs[pair, 0]] == codes[pairs[pair, 1]]:
            union(first, pairs[pair, 0], pairs[pair, 1])
    for piece in range(len(first)):
        first[piece] = find_root(first, piece)
    left = 0
    for pair in range(len(pairs)):
        one, other = first[pairs[pair, 0]], first[pairs[pair, 1]]
        if one != other:
            pairs[left, 0], pairs[left, 1] = one, other
            left += 1
    return left


@compiled
def repaint(
    starts: Int32, number: Int32, rows: Int64, before: UInt8, after: UInt8, moved: UInt16, strata: UInt16
) -> None:
    """Give the pixels of every piece that has another class after the stratum that ``moved`` has for both.

    Shapes: ``before`` and ``after`` (pieces,), ``moved`` (256, 256).
    """
    for row in range(len(rows) - 1):
        for run in range(rows[row], rows[row + 1]):
            piece = number[run]
            if piece >= 0 and before[piece] != after[piece]:
                strata[row, starts[run] : starts[run + 1]] = moved[before[piece], after[piece]]
