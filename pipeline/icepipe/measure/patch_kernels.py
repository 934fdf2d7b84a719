"""The compiled part of small patches: which pieces touch them, where they go, and their pixels' other class."""

from __future__ import annotations

from icepipe.compiled import compiled
from icepipe.measure.piece_kernels import join, root
from icepipe.records import Bool, Int32, Int64, UInt8, UInt16


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
            join(first, pairs[pair, 0], pairs[pair, 1])
    for piece in range(len(first)):
        first[piece] = root(first, piece)
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
