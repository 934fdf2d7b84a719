"""The compiled part of measuring: pixels, borders, and pieces as runs of equal pixels joined where they touch."""

from __future__ import annotations

import numpy as np

from icepipe.compiled import compiled
from icepipe.records import Bool, Float64, Int32, Int64, UInt8, UInt16


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
    """Runs of equal pixels along rows, of the codes that are wanted."""
    total = 0
    for row in range(classes.shape[0]):
        before = -1
        for col in range(classes.shape[1]):
            code = classes[row, col]
            if code != before and wanted[code]:
                total += 1
            before = code
    return total


@compiled
def _root(parent: Int32, run: int) -> int:
    while parent[run] != run:
        parent[run] = parent[parent[run]]
        run = parent[run]
    return run


@compiled
def _join(parent: Int32, one: int, other: int) -> None:
    """Make two runs one piece; the earlier root stays."""
    first, second = _root(parent, one), _root(parent, other)
    if first < second:
        parent[second] = first
    else:
        parent[first] = second


@compiled
def _join_rows(above: UInt8, row: UInt8, runs: Int32, parent: Int32, begin: int, middle: int, end: int) -> None:
    """Join the runs of a row (from ``middle`` on) to those of the row above that touch them and are of their class."""
    i, j = begin, middle
    while i < middle and j < end:
        if runs[i, 1] <= runs[j, 0]:
            i += 1
        elif runs[j, 1] <= runs[i, 0]:
            j += 1
        else:
            if above[runs[i, 0]] == row[runs[j, 0]]:
                _join(parent, i, j)
            if runs[i, 1] < runs[j, 1]:
                i += 1
            else:
                j += 1


@compiled
def find_runs(classes: UInt8, wanted: Bool, runs: Int32, parent: Int32, rows: Int64) -> None:
    """First column, and the one after the last, of every run; the first run of every row; and which runs are joined.

    Filled are ``runs``, shape (n, 2), ``parent``, shape (n,), and ``rows``, shape (rows of the raster + 1,).
    """
    n, width = 0, classes.shape[1]
    for row in range(classes.shape[0]):
        rows[row] = n
        col = 0
        while col < width:
            code, start = classes[row, col], col
            while col < width and classes[row, col] == code:
                col += 1
            if wanted[code]:
                runs[n, 0], runs[n, 1], parent[n] = start, col, n
                n += 1
        if row:
            _join_rows(classes[row - 1], classes[row], runs, parent, rows[row - 1], rows[row], n)
    rows[classes.shape[0]] = n


@compiled
def number_pieces(parent: Int32, number: Int32) -> int:
    """Number of the piece of every run, from 1 in the order of their first runs; how many pieces there are.

    A run's parent stands before it, so its number is known.
    """
    count = 0
    for run in range(parent.shape[0]):
        if parent[run] == run:
            count += 1
            number[run] = count
        else:
            number[run] = number[parent[run]]
    return count


@compiled
def add_strip(units: Int64, top: int, runs: Int32, number: Int32, rows: Int64, pixels: Int64, sums: Int64) -> None:
    """Add a strip of full rows to its pieces: pixels, and area units."""
    for row in range(units.shape[0]):
        for run in range(rows[top + row], rows[top + row + 1]):
            piece, total = number[run], 0
            for col in range(np.uint64(runs[run, 0]), np.uint64(runs[run, 1])):
                total += units[row, col]
            pixels[piece - 1] += runs[run, 1] - runs[run, 0]
            sums[piece - 1] += total


@compiled
def piece_at(row: int, col: int, held: tuple[Int32, Int32, Int64]) -> int:
    """Number of the piece that holds a pixel, 0 where none does; ``held`` are runs, their numbers, and rows."""
    runs, number, rows = held
    first, last = rows[row], rows[row + 1]
    while first < last:
        middle = (first + last) // 2
        if runs[middle, 1] <= col:
            first = middle + 1
        else:
            last = middle
    return int(number[first]) if first < rows[row + 1] and runs[first, 0] <= col else 0


@compiled
def add_up(values: Float64, offsets: Int64, sums: Float64) -> None:
    """Sum of the values from each offset to the next, one after the other: the same wherever they stand.

    There may be one value less than the last offset says.
    """
    for i in range(sums.shape[0]):
        total = 0.0
        for at in range(offsets[i], min(offsets[i + 1], values.shape[0])):
            total += values[at]
        sums[i] = total
