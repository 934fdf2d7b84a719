"""Compiled kernels: interpolation of pixel areas and of pixel positions."""

from __future__ import annotations

import math

import numpy as np

from icepipe.arrays import Bool, Float64, Int64
from icepipe.runtime.jit import compiled


@compiled
def _interpolate_units(begin: int, end: int, nodes: Float64, weight: Float64, units_in_m2: float, out: Int64) -> int:
    """Interpolate the columns of a row that share four nodes; return how many results are positive and finite."""
    # Nodes in registers: the loop then reads only the weights.
    node0, node1, node2, node3 = nodes[0], nodes[1], nodes[2], nodes[3]
    n_valid = 0
    # An unsigned index cannot be negative, so the compiler omits the wrap-around test and vectorizes the loop.
    for col in range(np.uint64(begin), np.uint64(end)):
        area_m2 = weight[0, col] * node0 + weight[1, col] * node1 + weight[2, col] * node2 + weight[3, col] * node3
        # False for NaN as well.
        n_valid += int((area_m2 > 0) & (area_m2 < math.inf))
        # The unit is a power of two, so that this product is exact before rounding.
        out[col] = np.rint(area_m2 * units_in_m2)
    return n_valid


@compiled
def interpolate_units(rows: Float64, first: Int64, weight: Float64, unit_m2: float, out: Int64) -> bool:
    """Interpolate areas along rows and convert them to whole units; return False if one is not an area.

    Parameters
    ----------
    rows
        Areas in m2 at the lattice columns, shape (rows, nodes).
    first, weight
        First of the four nodes of each column, shape (columns,), and their weights, shape (4, columns).
    unit_m2
        The unit, a power of two.
    out
        Result, shape (rows, columns).
    """
    n_valid, width = 0, out.shape[1]
    begin = 0
    while begin < width:
        # Columns between the same two nodes share their four nodes.
        start, end = first[begin], begin + 1
        while end < width and first[end] == start:
            end += 1
        for row in range(out.shape[0]):
            n_valid += _interpolate_units(begin, end, rows[row, start : start + 4], weight, 1.0 / unit_m2, out[row])
        begin = end
    return n_valid == out.size


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
    """Interpolate the positions of pixels bilinearly between nodes, and mark those that need an exact transformation.

    Parameters
    ----------
    nodes
        Source columns and rows of the nodes, with an extra ring of nodes, shape (2, node rows, node columns).
    smooth
        Whether interpolation is accurate, for each cell inside the ring.
    step
        Pixels between nodes.
    near_px
        Distance from a pixel border under which a position is marked.
    top, left
        Rows and columns from the first node inside the ring to the first pixel.
    cols, rows, near
        Results, shape (rows, columns): positions, and the mark.
    """
    height, width = cols.shape
    for row in range(height):
        cell_row, down = (top + row) // step, (top + row) % step / step
        for cell_col in range((left + width - 1) // step + 1):
            # The four corners of the cell; index 0 is in the ring.
            corners = nodes[:, cell_row + 1 : cell_row + 3, cell_col + 1 : cell_col + 3]
            is_smooth = smooth[cell_row, cell_col]
            # Positions on the left side of the cell at this row, and their slopes along the row.
            left_col = corners[0, 0, 0] + (corners[0, 1, 0] - corners[0, 0, 0]) * down
            left_row = corners[1, 0, 0] + (corners[1, 1, 0] - corners[1, 0, 0]) * down
            slope_col = (corners[0, 0, 1] + (corners[0, 1, 1] - corners[0, 0, 1]) * down - left_col) / step
            slope_row = (corners[1, 0, 1] + (corners[1, 1, 1] - corners[1, 0, 1]) * down - left_row) / step
            # The cell can begin before the block and end after it.
            first = cell_col * step - left
            for col in range(max(first, 0), min(first + step, width)):
                source_col, source_row = left_col + slope_col * (col - first), left_row + slope_row * (col - first)
                cols[row, col], rows[row, col] = source_col, source_row
                # Pixel borders are at integers. NaN is not less than near_px, but its cell is not smooth.
                distance = min(abs(source_col - np.rint(source_col)), abs(source_row - np.rint(source_row)))
                near[row, col] = not is_smooth or distance < near_px
