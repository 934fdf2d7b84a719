"""The compiled part of measuring: pixels, borders, and pieces as runs of equal pixels joined where they touch."""

from __future__ import annotations

import numpy as np

from icepipe.compiled import compiled
from icepipe.records import Bool, Int32, Int64, UInt8, UInt16

NOT_WANTED = 256
"""In the place of every code that is not wanted."""

Held = tuple[Int32, Int32, Int64]
"""Runs, the numbers of their pieces, and where each row begins; see :class:`icepipe.measure.pieces.Runs`."""


@compiled
def count_pixels(strata: UInt16, units: Int64, pixels: Int64, sums: Int64) -> None:
    """Add pixels, and their area units, to those of their strata; shapes (n,), and one for every number."""
    for i in range(strata.shape[0]):
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
def count_runs(classes: UInt8, wanted: Bool) -> int:
    """Runs of equal pixels along rows, those of all codes that are not wanted alike, and one end a row."""
    total = 0
    for row in range(classes.shape[0]):
        before = -1
        for col in range(classes.shape[1]):
            code = int(classes[row, col]) if wanted[classes[row, col]] else NOT_WANTED
            total += code != before
            before = code
        total += 1
    return total


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
def _join_rows(above: UInt8, row: UInt8, starts: Int32, parent: Int32, begin: int, middle: int, end: int) -> None:
    """Join the runs of a row (from ``middle`` on) to those of the row above that touch them and are of their class."""
    i, j = begin, middle
    while i < middle - 1 and j < end - 1:
        if parent[i] >= 0 and parent[j] >= 0 and above[starts[i]] == row[starts[j]]:
            join(parent, i, j)
        above_ends, below_ends = starts[i + 1], starts[j + 1]
        i += above_ends <= below_ends
        j += below_ends <= above_ends


@compiled
def find_runs(classes: UInt8, wanted: Bool, starts: Int32, parent: Int32, rows: Int64) -> None:
    """First column of every run; the first run of every row; and which runs are joined, -1 for those not wanted.

    Filled are ``starts`` and ``parent``, shape (n,), and ``rows``, shape (rows of the raster + 1,).
    """
    n, width = 0, classes.shape[1]
    for row in range(classes.shape[0]):
        rows[row] = n
        before = -1
        for col in range(width):
            code = int(classes[row, col]) if wanted[classes[row, col]] else NOT_WANTED
            if code != before:
                starts[n], parent[n] = col, n if code != NOT_WANTED else -1
                n += 1
            before = code
        starts[n], parent[n] = width, -1
        n += 1
        if row:
            _join_rows(classes[row - 1], classes[row], starts, parent, rows[row - 1], rows[row], n)
    rows[classes.shape[0]] = n


@compiled
def number_pieces(parent: Int32) -> int:
    """Put the number of its piece in the place of every run's parent; how many pieces there are.

    Pieces are numbered from 1 in the order of their first runs, and what is not wanted is 0. A run's parent stands
    before it, so its number is known.
    """
    count = 0
    for run in range(parent.shape[0]):
        if parent[run] == run:
            count += 1
            parent[run] = count
        else:
            parent[run] = parent[parent[run]] if parent[run] >= 0 else 0
    return count


@compiled
def code_pieces(classes: UInt8, starts: Int32, number: Int32, rows: Int64, codes: UInt8) -> None:
    """Class of every piece, into ``codes`` of shape (pieces,)."""
    newest = 0
    for row in range(classes.shape[0]):
        for run in range(rows[row], rows[row + 1]):
            if number[run] > newest:
                newest = number[run]
                codes[newest - 1] = classes[row, starts[run]]


@compiled
def add_strip(units: Int64, top: int, starts: Int32, number: Int32, rows: Int64, pixels: Int64, sums: Int64) -> None:
    """Add a strip of full rows to its pieces: pixels, and area units."""
    for row in range(units.shape[0]):
        for run in range(rows[top + row], rows[top + row + 1]):
            if number[run]:
                piece, total = number[run] - 1, 0
                for col in range(np.uint64(starts[run]), np.uint64(starts[run + 1])):
                    total += units[row, col]
                pixels[piece] += starts[run + 1] - starts[run]
                sums[piece] += total


@compiled
def piece_at(row: int, col: int, held: Held) -> int:
    """Number of the piece that holds a pixel, 0 where none does; ``held`` are runs, their numbers, and rows."""
    starts, number, rows = held
    first, last = rows[row], rows[row + 1] - 1
    while last - first > 1:
        middle = (first + last) // 2
        if starts[middle] <= col:
            first = middle
        else:
            last = middle
    return int(number[first])
