"""Compiled interpolation of areas and positions."""

from __future__ import annotations

import math

import numpy as np

from icepipe.arrays import Bool, Float64, Int64
from icepipe.runtime.jit import compiled


@compiled
def _interpolate_units(begin: int, end: int, nodes: Float64, weight: Float64, units_in_m2: float, out: Int64) -> int:
    """Whole units of the columns that share four nodes; how many of the sums are areas.

    Columns are unsigned: one that could be negative would be counted from the end, and that asked every time.
    """
    one, two, three, four = nodes[0], nodes[1], nodes[2], nodes[3]
    sound = 0
    for col in range(np.uint64(begin), np.uint64(end)):
        total = weight[0, col] * one + weight[1, col] * two + weight[2, col] * three + weight[3, col] * four
        sound += int((total > 0) & (total < math.inf))
        out[col] = np.rint(total * units_in_m2)
    return sound


@compiled
def interpolate_units(rows: Float64, first: Int64, weight: Float64, unit_m2: float, out: Int64) -> bool:
    """Sum of four neighbouring columns of ``rows``, each column of ``out`` by weights of its own, in whole units.

    Shapes: ``rows`` (rows, nodes), ``first`` (columns,), ``weight`` (4, columns), ``out`` (rows, columns). ``unit_m2``
    is a power of two. False where one of the sums is no area.
    """
    sound, width = 0, out.shape[1]
    begin = 0
    while begin < width:
        start, end = first[begin], begin + 1
        while end < width and first[end] == start:
            end += 1
        for row in range(out.shape[0]):
            sound += _interpolate_units(begin, end, rows[row, start : start + 4], weight, 1.0 / unit_m2, out[row])
        begin = end
    return sound == out.size


@compiled
def interpolate_positions(
    nodes: Float64,
    smooth: Bool,
    step: int,
    near_px: float,
    top: int,
    left: int,
    cols: Float64,
    rows: Float64,
    near: Bool,
) -> None:
    """Places of pixels between those of nodes, and which are near to a border of pixels or not between smooth ones.

    Shapes: ``nodes`` (2, nodes down, nodes across), columns first; ``smooth`` one for each four of them within an outer
    rim; the others (rows, columns). The first pixel lies ``top`` rows and ``left`` columns from the first node that is
    not of the rim.
    """
    height, width = cols.shape
    for row in range(height):
        cell, down = (top + row) // step, (top + row) % step / step
        for beside in range((left + width - 1) // step + 1):
            here, sure = nodes[:, cell + 1 : cell + 3, beside + 1 : beside + 3], smooth[cell, beside]
            begin_col = here[0, 0, 0] + (here[0, 1, 0] - here[0, 0, 0]) * down
            begin_row = here[1, 0, 0] + (here[1, 1, 0] - here[1, 0, 0]) * down
            along_col = (here[0, 0, 1] + (here[0, 1, 1] - here[0, 0, 1]) * down - begin_col) / step
            along_row = (here[1, 0, 1] + (here[1, 1, 1] - here[1, 0, 1]) * down - begin_row) / step
            first = beside * step - left
            for at in range(max(first, 0), min(first + step, width)):
                col, line = begin_col + along_col * (at - first), begin_row + along_row * (at - first)
                cols[row, at], rows[row, at] = col, line
                apart = min(abs(col - np.rint(col)), abs(line - np.rint(line)))
                near[row, at] = not sure or apart < near_px
