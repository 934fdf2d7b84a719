"""Outlines of the pieces of a class raster, in whole pixels: corners, and nodes where more than two pieces meet.

A border runs on the lines between pixels. All pieces of all classes that touch a node have it as a point, so that the
outlines of all classes together are a valid coverage: neighbours share every point of their border.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from icepipe.measure.pieces import Runs
from icepipe.records import Float64, Int32, Int64, UInt8

BEYOND = 254
"""What lies around the raster; no class has this code."""

STRIP_PX = 2**22
"""Vertices looked at at once."""

EAST, SOUTH, WEST, NORTH = range(4)
"""Ways along a border, clockwise. The four pixels around a vertex are numbered clockwise, too, from north-west."""


@dataclass(frozen=True)
class Rings:
    """Outlines of pieces, as ragged arrays: each piece its exterior and then its holes.

    Attributes
    ----------
    points
        Columns and rows, shape (n, 2); first and last point of a ring are the same.
    ring_offsets
        Where each ring begins in ``points``, and the end.
    piece_offsets
        Where each piece begins in the rings, and the end.
    """

    points: Float64
    ring_offsets: Int64
    piece_offsets: Int64


def nodes(classes: UInt8) -> Int64:
    """Vertices where a border turns, or where more than two pieces meet.

    Around a point of a straight border lie two equal pairs; everything else that is not all of one class is a node.

    Parameters
    ----------
    classes
        Class raster, shape (rows, columns).

    Returns
    -------
    Int64
        ``row * (columns + 1) + column`` of each, ascending.
    """
    height, width = classes.shape
    step = max(1, STRIP_PX // (width + 1))
    found = []
    for top in range(0, height + 1, step):
        bottom = min(top + step, height + 1)
        strip = np.full((bottom - top + 1, width + 2), BEYOND, dtype=np.uint8)
        first, last = max(top - 1, 0), min(bottom, height)
        strip[first - top + 1 : last - top + 1, 1:-1] = classes[first:last]
        along_row = (strip[:-1, :-1] == strip[:-1, 1:]) & (strip[1:, :-1] == strip[1:, 1:])
        along_column = (strip[:-1, :-1] == strip[1:, :-1]) & (strip[:-1, 1:] == strip[1:, 1:])
        found.append(np.flatnonzero(~(along_row | along_column)) + top * (width + 1))
    return np.concatenate(found)


def _around(runs: Runs, row: Int64, col: Int64) -> Int32:
    """Pieces of the four pixels around each vertex, clockwise from north-west, 0 for none; shape (4, n)."""
    beside = ((-1, -1), (-1, 0), (0, 0), (0, -1))
    return np.stack([runs.at(row + down, col + right) for down, right in beside])


def _ends(row: Int64, col: Int64) -> list[Int64]:
    """Number of the node that a border leads to which leaves a node one of the four ways.

    A border runs straight on until the next node, so that is the neighbour in the order of rows, or of columns.
    """
    index = np.arange(len(row))
    by_column = np.lexsort((row, col))
    south, north = np.empty_like(index), np.empty_like(index)
    south[by_column], north[by_column] = np.roll(by_column, -1), np.roll(by_column, 1)
    return [np.roll(index, -1), south, np.roll(index, 1), north]


def _following(around: Int32, row: Int64, col: Int64) -> Int64:
    """Edge that each edge is followed by, -1 where there is none.

    Edge ``4 * node + way`` leaves a node with its piece on the right. At the next node it turns left where the piece
    goes on there, else runs straight on where it goes on ahead, else turns right. Where a piece touches itself at a
    corner it so turns away, and the outline touches a hole instead of crossing itself.
    """
    following = np.full(4 * len(row), -1, dtype=np.int64)
    for way, end in enumerate(_ends(row, col)):
        ahead_left, ahead_right = around[(way + 1) % 4], around[(way + 2) % 4]
        leaves = np.flatnonzero((ahead_right != 0) & (ahead_left != ahead_right))
        to = end[leaves]
        piece = around[(way + 3) % 4, to]
        left, ahead = around[(way + 1) % 4, to] == piece, around[(way + 2) % 4, to] == piece
        turn = np.where(left, way - 1, np.where(ahead, way, way + 1)) % 4
        following[4 * leaves + way] = 4 * to + turn
    return following


def _walk(following: Int64) -> tuple[Int64, Int64]:
    """Edges ring by ring, the first of each again at its end, and where rings begin, with the end.

    Rings begin at their smallest edge, which leaves their topmost then leftmost vertex, and stand in that order.
    """
    from icepipe.measure.kernels import walk

    most = int(np.count_nonzero(following >= 0))  # a ring has four edges at least
    order, offsets = np.empty(most + most // 4 + 1, dtype=np.int64), np.zeros(most // 4 + 1, dtype=np.int64)
    told, rings = walk(following.copy(), order, offsets)
    return order[:told], offsets[: rings + 1]


def rings(runs: Runs, width: int, corners: Int64) -> Rings:
    """Outlines of pieces, clockwise in the raster and holes the other way, from the top-left vertex on.

    Parameters
    ----------
    runs
        Which pixels each piece holds.
    width
        Columns of the raster.
    corners
        From :func:`nodes`, of the class raster that the pieces are of.
    """
    row, col = np.divmod(corners, width + 1)
    around = _around(runs, row, col)
    touched = around.any(axis=0)
    around, row, col = around[:, touched], row[touched], col[touched]
    edges, offsets = _walk(_following(around, row, col))
    first = edges[offsets[:-1]]
    label = around[(first % 4 + 2) % 4, first // 4]
    by_label = np.argsort(label, kind="stable")
    sizes = np.diff(offsets)[by_label]
    ring_offsets = np.concatenate([[0], np.cumsum(sizes)])
    edges = edges[np.arange(len(edges)) + np.repeat(offsets[by_label] - ring_offsets[:-1], sizes)]
    piece_offsets = np.concatenate([[0], np.cumsum(np.bincount(label, minlength=runs.count + 1)[1:])])
    points = np.column_stack([col[edges // 4], row[edges // 4]]).astype(np.float64)
    return Rings(points, ring_offsets, piece_offsets)
