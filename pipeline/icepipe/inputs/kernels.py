"""The compiled part of reading: numbers looked up, scenes laid over each other, true area."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from icepipe.classes import ClassCode
from icepipe.compiled import compiled
from icepipe.records import Bool, Float64, Int64, Kept, UInt8, UInt32

UNOBSERVED, CLOUD, LAND, OUTSIDE = (
    int(code) for code in (ClassCode.UNOBSERVED, ClassCode.CLOUD, ClassCode.LAND, ClassCode.OUTSIDE)
)


@compiled
def _units_between(begin: int, end: int, nodes: Float64, weight: Float64, units_in_m2: float, out: Int64) -> int:
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
def whole_units(rows: Float64, first: Int64, weight: Float64, unit_m2: float, out: Int64) -> bool:
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
            sound += _units_between(begin, end, rows[row, start : start + 4], weight, 1.0 / unit_m2, out[row])
        begin = end
    return sound == out.size


@compiled
def put_between(
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


@compiled
def divide(keys: UInt32, holds: Bool, fresh: Int64) -> None:
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
def look_up(stored: NDArray[np.unsignedinteger[Any]], units: Kept, seen: Bool, kept: Kept, valid: Bool) -> None:
    """Kept numbers of a band by the bits of its stored ones, into ``kept``; ``valid`` stays where they were seen.

    Shapes: ``stored``, ``kept`` and ``valid`` (rows, columns); ``units`` and ``seen`` one for every number.
    """
    for row in range(stored.shape[0]):
        for col in range(stored.shape[1]):
            place = stored[row, col]
            kept[row, col] = units[place]
            valid[row, col] &= seen[place]


@compiled
def lay_over(
    top: int,
    left: int,
    layer: tuple[Kept, Bool, Bool, Bool],
    bands: Kept,
    laid: tuple[Bool, UInt8, Bool],
) -> None:
    """Lay a scene over those before it: the first that shows the surface wins, then cloud, then land, then nothing.

    Parameters
    ----------
    top, left
        Where the scene begins in the block.
    layer
        Its bands, where it has data, where cloud is, and where land is (of no rows where nothing tells).
    bands
        Of the block, shape (bands, rows, columns).
    laid
        Where the surface is seen, what hides it, and where more than one scene shows it; of the block.
    """
    (shown, data, cloud, land), (valid, hidden, twice) = layer, laid
    wins = np.empty(data.shape[1], dtype=np.bool_)
    for i in range(data.shape[0]):
        row, cols = top + i, slice(left, left + data.shape[1])
        _lay_row(data[i], cloud[i], valid[row, cols], hidden[row, cols], twice[row, cols], wins)
        for band in range(bands.shape[0]):
            _take(shown[band, i], wins, bands[band, row, cols])
        if land.shape[0]:
            _put_land(land[i], hidden[row, cols])


@compiled
def _lay_row(data: Bool, cloud: Bool, valid: Bool, hidden: UInt8, twice: Bool, wins: Bool) -> None:
    """One row of a scene laid over those before it; ``wins`` becomes True where its bands are to be shown."""
    for i in range(len(data)):
        clear, under = data[i] and not cloud[i], data[i] and cloud[i]
        wins[i] = data[i] and not valid[i] and (clear or hidden[i] != CLOUD)
        twice[i] |= clear and valid[i]
        valid[i] |= clear
        hidden[i] = CLOUD if under and hidden[i] != LAND else hidden[i]


@compiled
def _take(shown: Kept, wins: Bool, band: Kept) -> None:
    for i in range(len(wins)):
        band[i] = shown[i] if wins[i] else band[i]


@compiled
def _put_land(land: Bool, hidden: UInt8) -> None:
    for i in range(len(land)):
        hidden[i] = LAND if land[i] else hidden[i]


@compiled
def hide(known: Bool, land: Bool, within: Bool, laid: tuple[Bool, UInt8, Bool]) -> int:
    """Take out what no mask tells of, land, and what lies outside; how many pixels that are left were seen twice."""
    valid, hidden, twice = laid
    doubled = 0
    for row in range(valid.shape[0]):
        doubled += _hide_row(known[row], land[row], within[row], valid[row], hidden[row], twice[row])
    return doubled


@compiled
def _hide_row(known: Bool, land: Bool, within: Bool, valid: Bool, hidden: UInt8, twice: Bool) -> int:
    doubled = 0
    for i in range(len(valid)):
        what = hidden[i] if known[i] else np.uint8(UNOBSERVED)
        what = np.uint8(LAND) if land[i] else what
        hidden[i] = what if within[i] else np.uint8(OUTSIDE)
        valid[i] &= known[i] & (not land[i]) & within[i]
        doubled += valid[i] & twice[i]
    return doubled
