"""The compiled part of outlines: rings followed along the borders of pieces, from one corner of a pixel to the next.

A way along a border is a number, clockwise: 0 east, 1 south, 2 west, 3 north; the piece lies on the right of it.
"""

from __future__ import annotations

import numpy as np

from icepipe.compiled import compiled
from icepipe.measure.kernels import Held, piece_at
from icepipe.records import Float64, Int32, Int64, UInt8

BEYOND = 254
"""What lies around the raster; no class has this code."""

EAST, SOUTH, WEST, NORTH = range(4)


@compiled
def _code(classes: UInt8, row: int, col: int) -> int:
    if row < 0 or col < 0 or row >= classes.shape[0] or col >= classes.shape[1]:
        return BEYOND
    return int(classes[row, col])


@compiled
def _sides(classes: UInt8, row: int, col: int, way: int) -> tuple[int, int]:
    """What lies on the right and on the left of the first side of a ring, which leaves east or south."""
    if way == EAST:
        return _code(classes, row, col), _code(classes, row - 1, col)
    return _code(classes, row, col - 1), _code(classes, row, col)


@compiled
def _tell(row: int, col: int, plane: Float64, point: Float64) -> None:
    """Where a corner lies on a plane, by the six numbers of an affine transform."""
    point[0] = col * plane[0] + row * plane[1] + plane[2]
    point[1] = col * plane[3] + row * plane[4] + plane[5]


@compiled
def _walk(  # noqa: C901
    classes: UInt8, held: Held, piece: int, start: int, first: int, walked: UInt8, plane: Float64, points: Float64
) -> int:
    """Follow a ring once around, from a corner and on a way; how many points it has, the first of them twice.

    The ring turns left where its piece goes on there, else runs straight on where it goes on ahead, else turns right.
    Where a piece touches itself at a corner it so turns away: the outline touches a hole instead of crossing itself.
    A corner where it does not turn is a point where two other pieces meet.

    As many points are told on the plane as ``points`` has room for; sides that run south are marked in ``walked``, a
    bit a corner, where it has any. All in one function: a step that gave back five numbers took four times as long.
    """
    across = classes.shape[1] + 1
    row, col, way = start // across, start % across, first
    top, leftmost = row, col
    mine, left = _sides(classes, row, col, way)
    if len(points):
        _tell(row, col, plane, points[0])
    at = 1
    while True:
        if way == EAST:
            col += 1
            left_row, left_col, ahead = row - 1, col, _code(classes, row, col)
        elif way == SOUTH:
            if len(walked):
                corner = row * across + col
                walked[corner >> 3] |= np.uint8(1 << (corner & 7))
            row += 1
            left_row, left_col, ahead = row, col, _code(classes, row, col - 1)
        elif way == WEST:
            col -= 1
            left_row, left_col, ahead = row, col - 1, _code(classes, row - 1, col - 1)
        else:
            row -= 1
            left_row, left_col, ahead = row - 1, col - 1, _code(classes, row - 1, col)
        ahead_left = _code(classes, left_row, left_col)
        told = True
        if ahead == mine and ahead_left != mine:
            told, left = ahead_left != left, ahead_left
        elif ahead == mine or (ahead_left == mine and piece_at(left_row, left_col, held) == piece):
            way = (way + 3) & 3
        else:
            way, left = (way + 1) & 3, ahead
        if told:
            if at < len(points):
                _tell(row, col, plane, points[at])
            at += 1
        if row == top and col == leftmost and way == first:
            return at


@compiled
def find_rings(classes: UInt8, held: Held, walked: UInt8, begins: Int64, owner: Int32, points: Int32) -> int:
    """Where every ring begins, its piece and its points; how many rings there are.

    An exterior begins at the left end of the first run of its piece and leaves east. Every hole has its upper left
    corner at the right end of a run, which no ring that was found earlier leaves southwards, and leaves south. So they
    are found in raster order of their topmost then leftmost corners.

    Filled are ``begins`` (four times the number of the corner, and the way), ``owner`` and ``points``, all of shape
    (rings,) or longer; a run begins at most two rings. ``walked`` has a bit for every corner, all 0.
    """
    starts, number, rows = held
    across, found, newest = classes.shape[1] + 1, 0, 0
    plane, nowhere = np.empty(6), np.empty((0, 2))
    for row in range(classes.shape[0]):
        for run in range(rows[row], rows[row + 1]):
            piece = number[run]
            if not piece:
                continue
            for way in (EAST, SOUTH):
                corner = row * across + starts[run + way]
                if piece <= newest if way == EAST else walked[corner >> 3] >> (corner & 7) & 1:
                    continue
                newest = max(newest, piece)
                begins[found], owner[found] = 4 * corner + way, piece
                points[found] = _walk(classes, held, piece, corner, way, walked, plane, nowhere)
                found += 1
    return found


@compiled
def follow(
    classes: UInt8, held: Held, begins: Int64, owner: Int32, offsets: Int64, plane: Float64, points: Float64
) -> None:
    """Points of some rings on a plane, into ``points`` of shape (n, 2), from ``offsets`` on each.

    ``plane`` are the six numbers of the affine transform from columns and rows.
    """
    unmarked = np.empty(0, dtype=np.uint8)
    for ring in range(begins.shape[0]):
        mine = points[offsets[ring] : offsets[ring + 1]]
        _walk(classes, held, owner[ring], begins[ring] // 4, begins[ring] % 4, unmarked, plane, mine)
