"""The compiled part of pieces: runs joined where they touch, and summed up."""

from __future__ import annotations

import numpy as np

from icepipe.arrays import Bool, Int32, Int64, StoredPixels, UInt8, UInt32
from icepipe.runtime.jit import compiled


@compiled
def split_labels(keys: UInt32, holds: Bool, fresh: Int64) -> None:
    """Give pixels that something holds keys of their own, one for each that they had; shapes (rows, columns).

    They are counted on from the number of keys, in raster order of the first pixel of each, and put into ``fresh``, one
    for every key, all under 0 before.
    """
    new = len(fresh)
    for row in range(keys.shape[0]):
        for col in range(keys.shape[1]):
            if holds[row, col]:
                key = keys[row, col]
                if fresh[key] < 0:
                    fresh[key] = new
                    new += 1
                keys[row, col] = fresh[key]


@compiled
def find_root(parent: Int32, run: int) -> int:
    """The first of what is joined; what was passed on the way is brought nearer to it."""
    while parent[run] != run:
        parent[run] = parent[parent[run]]
        run = parent[run]
    return run


@compiled
def union(parent: Int32, one: int, other: int) -> None:
    """Make two one; the earlier root stays."""
    first, second = find_root(parent, one), find_root(parent, other)
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
            union(parent, i, j)
        above_ends, below_ends = starts[i + 1], starts[j + 1]
        i += above_ends <= below_ends
        j += below_ends <= above_ends


@compiled
def number_components(starts: Int32, codes: UInt8, rows: Int64, wanted: Bool, number: Int32) -> int:
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
def component_codes(codes: UInt8, number: Int32, of_pieces: UInt8) -> None:
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


@compiled
def find_runs(raster: StoredPixels, beyond: int, starts: Int32, codes: StoredPixels, counts: Int64) -> int:
    """Runs of equal pixels along rows, each row's followed by one of ``beyond``; how many there are.

    First columns and numbers are put into ``starts`` and ``codes``, which have room for one a pixel and one a row;
    how many each row has into ``counts``.
    """
    n, width = 0, raster.shape[1]
    for row in range(raster.shape[0]):
        first, before = n, -1
        for col in range(width):
            code = int(raster[row, col])
            if code != before:
                starts[n], codes[n] = col, code
                n += 1
            before = code
        starts[n], codes[n] = width, beyond
        n += 1
        counts[row] = n - first
    return n


@compiled
def _run_at(starts: Int32, first: int, last: int, col: int) -> int:
    """The run of a row, which has those from ``first`` to before ``last``, that holds a column."""
    while last - first > 1:
        middle = (first + last) // 2
        if starts[middle] <= col:
            first = middle
        else:
            last = middle
    return first


@compiled
def paint(starts: Int32, codes: StoredPixels, rows: Int64, top: int, left: int, block: StoredPixels) -> None:
    """Numbers of the pixels of a block that begins at ``top`` and ``left``, into ``block``."""
    height, width = block.shape
    for row in range(height):
        run = _run_at(starts, rows[top + row], rows[top + row + 1], left)
        begin = 0
        while begin < width:
            end = min(starts[run + 1] - left, width)
            block[row, begin:end] = codes[run]
            begin = end
            run += 1


@compiled
def halve_by_mode(classes: UInt8, nothing: int, out: UInt8) -> None:
    """The most frequent of every four pixels, of equals the first; ``nothing`` only where all four are that."""
    for row in range(out.shape[0]):
        _halve_rows_by_mode(classes[2 * row], classes[2 * row + 1], nothing, out[row])


@compiled
def _halve_rows_by_mode(above: UInt8, below: UInt8, nothing: int, out: UInt8) -> None:
    """Chosen without a branch, so that many are worked on at once."""
    for i in range(len(out)):
        a, b, c, d = above[2 * i], above[2 * i + 1], below[2 * i], below[2 * i + 1]
        most = a if (a == b) | (a == c) | (a == d) else (b if (b == c) | (b == d) else (c if c == d else a))
        first = a if a != nothing else (b if b != nothing else (c if c != nothing else d))
        out[i] = most if most != nothing else first
