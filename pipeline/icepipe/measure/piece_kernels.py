"""The compiled part of pieces: runs joined where they touch, and summed up."""

from __future__ import annotations

import numpy as np

from icepipe.compiled import compiled
from icepipe.records import Bool, Int32, Int64, UInt8


@compiled
def root(parent: Int32, run: int) -> int:
    """The first of what is joined; what was passed on the way is brought nearer to it."""
    while parent[run] != run:
        parent[run] = parent[parent[run]]
        run = parent[run]
    return run


@compiled
def join(parent: Int32, one: int, other: int) -> None:
    """Make two one; the earlier root stays."""
    first, second = root(parent, one), root(parent, other)
    if first < second:
        parent[second] = first
    else:
        parent[first] = second


@compiled
def _join_rows(starts: Int32, codes: UInt8, parent: Int32, above: int, row: int, end: int) -> None:
    """Join the runs of a row to those of the row above that touch them and are of their class, where it is wanted."""
    i, j = above, row
    while i < row - 1 and j < end - 1:
        if codes[i] == codes[j] and parent[i] >= 0:
            join(parent, i, j)
        above_ends, below_ends = starts[i + 1], starts[j + 1]
        i += above_ends <= below_ends
        j += below_ends <= above_ends


@compiled
def number_pieces(starts: Int32, codes: UInt8, rows: Int64, wanted: Bool, number: Int32) -> int:
    """Number of the piece of every run, counted in the order of their first runs; how many pieces there are.

    Of runs that are not wanted it is their class in the negative, less one. ``wanted`` has one for every class code,
    ``number`` one for every run. A run's parent stands before it, so its number is known.
    """
    for run in range(len(number)):
        number[run] = run if wanted[codes[run]] else -1 - codes[run]
    for row in range(1, len(rows) - 1):
        _join_rows(starts, codes, number, rows[row - 1], rows[row], rows[row + 1])
    count = 0
    for run in range(len(number)):
        if number[run] == run:
            number[run] = count
            count += 1
        elif number[run] >= 0:
            number[run] = number[number[run]]
    return count


@compiled
def code_pieces(codes: UInt8, number: Int32, of_pieces: UInt8) -> None:
    """Class of every piece, into ``of_pieces``, from those of the runs."""
    newest = -1
    for run in range(len(number)):
        if number[run] > newest:
            newest = number[run]
            of_pieces[newest] = codes[run]


@compiled
def add_strip(
    units: Int64, at: tuple[int, int], starts: Int32, number: Int32, rows: Int64, pixels: Int64, sums: Int64
) -> None:
    """Add a strip, which begins at a row and a column and holds all of its rows' pieces: pixels, and area units."""
    top, left = at
    for row in range(units.shape[0]):
        for run in range(rows[top + row], rows[top + row + 1]):
            piece, total = number[run], 0
            if piece >= 0:
                for col in range(np.uint64(starts[run] - left), np.uint64(starts[run + 1] - left)):
                    total += units[row, col]
                pixels[piece] += starts[run + 1] - starts[run]
                sums[piece] += total
