"""The compiled part of runs: found, and painted."""

from __future__ import annotations

from icepipe.compiled import compiled
from icepipe.records import Int32, Int64, Kept


@compiled
def find_runs(raster: Kept, beyond: int, starts: Int32, codes: Kept, counts: Int64) -> int:
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
def paint(starts: Int32, codes: Kept, rows: Int64, top: int, left: int, block: Kept) -> None:
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
