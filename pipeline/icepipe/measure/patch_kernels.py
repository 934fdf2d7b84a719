"""The compiled part of small patches: which pieces touch them, and their pixels given to another class."""

from __future__ import annotations

from icepipe.compiled import compiled
from icepipe.records import Bool, Int32, Int64, UInt8, UInt16

Held = tuple[Int32, Int32, Int64]
"""Runs, the numbers of their pieces, and where each row begins; see :class:`icepipe.measure.pieces.Runs`."""


@compiled
def _put(one: int, other: int, small: Bool, pairs: Int64, count: int) -> int:
    """Add a pair of pieces, counted from 1, where one is small and it is not the last pair; how many there are now."""
    if one == 0 or other == 0 or one == other or not (small[one - 1] or small[other - 1]):
        return count
    if count and count <= len(pairs) and pairs[count - 1, 0] == one - 1 and pairs[count - 1, 1] == other - 1:
        return count
    if count < len(pairs):
        pairs[count, 0], pairs[count, 1] = one - 1, other - 1
    return count + 1


@compiled
def pairs_beside(held: Held, small: Bool, pairs: Int64) -> int:
    """Pieces, counted from 0, that share a side of a pixel and of which one is small; how many pairs there are at most.

    As many are put into ``pairs``, shape (n, 2), as it has room for; a pair can stand there several times.
    """
    starts, number, rows = held
    count = 0
    for row in range(len(rows) - 1):
        for run in range(rows[row], rows[row + 1] - 1):
            count = _put(number[run], number[run + 1], small, pairs, count)
        if row:
            i, j = rows[row - 1], rows[row]
            while i < rows[row] - 1:
                count = _put(number[i], number[j], small, pairs, count)
                above_ends, below_ends = starts[i + 1], starts[j + 1]
                i += above_ends <= below_ends
                j += below_ends <= above_ends
    return count


@compiled
def repaint(held: Held, before: UInt8, after: UInt8, moved: UInt16, classes: UInt8, strata: UInt16) -> None:
    """Give the pixels of every piece its class after, and the stratum that ``moved`` has for its class before and that.

    Shapes: ``before`` and ``after`` (pieces,), ``moved`` (256, 256).
    """
    starts, number, rows = held
    for row in range(len(rows) - 1):
        for run in range(rows[row], rows[row + 1] - 1):
            piece = number[run] - 1
            if piece >= 0 and before[piece] != after[piece]:
                here = slice(starts[run], starts[run + 1])
                classes[row, here] = after[piece]
                strata[row, here] = moved[before[piece], after[piece]]
