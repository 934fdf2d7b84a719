"""Outlines of the pieces of a class raster, in whole pixels: corners, and nodes where more than two pieces meet.

A border runs on the lines between pixels. All pieces of all classes that touch a node have it as a point, so that the
outlines of all classes together are a valid coverage: neighbours share every point of their border.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from affine import Affine

from icepipe.measure.pieces import Runs
from icepipe.measure.shapes import Outlines
from icepipe.records import Int32, Int64, UInt8

BATCH_POINTS = 2**17
"""Points told at once, or one piece's."""


@dataclass(frozen=True)
class Borders:
    """Where every ring of every piece begins; its points are told on demand, so that not all are held at once.

    Rings run clockwise in the raster and holes the other way, from the topmost then leftmost corner on.

    Attributes
    ----------
    classes, runs
        What they are of.
    begins
        Four times the number of the corner that each begins at, and the way that it leaves it; ordered by piece.
    points
        Points of each, the first of them twice.
    pieces
        Where the rings of each piece begin, and the end.
    """

    classes: UInt8
    runs: Runs
    begins: Int64
    points: Int32
    pieces: Int64

    @classmethod
    def of(cls, classes: UInt8, runs: Runs) -> Borders:
        """Find all rings.

        Parameters
        ----------
        classes
            Class raster of the whole grid, shape (rows, columns).
        runs
            Which of its pixels each piece holds.
        """
        from icepipe.measure.ring_kernels import find_rings

        most = 2 * len(runs.number)
        begins, owner, points = np.empty(most, np.int64), np.empty(most, np.int32), np.empty(most, np.int32)
        walked = np.zeros((classes.shape[0] + 1) * (classes.shape[1] + 1) // 8 + 1, np.uint8)
        found = find_rings(classes, runs.arrays, walked, begins, owner, points)
        by_piece = np.argsort(owner[:found], kind="stable")
        held = np.bincount(owner[:found], minlength=runs.count + 1)[1:]
        pieces = np.concatenate([[0], np.cumsum(held)])
        return cls(classes, runs, begins[by_piece], points[by_piece], pieces)

    def outlines(self, pieces: Int64, plane: Affine) -> Outlines:
        """Outlines of some pieces, which are counted from 0 here.

        Parameters
        ----------
        pieces
            Which ones.
        plane
            Brings columns and rows to where the points are wanted.
        """
        from icepipe.measure.ring_kernels import follow

        held = np.diff(self.pieces)[pieces]
        piece_offsets = np.concatenate([[0], np.cumsum(held)])
        ring = np.arange(piece_offsets[-1]) + np.repeat(self.pieces[pieces] - piece_offsets[:-1], held)
        ring_offsets = np.concatenate([[0], np.cumsum(self.points[ring], dtype=np.int64)])
        points = np.empty((ring_offsets[-1], 2))
        owner = np.repeat(pieces + 1, held).astype(np.int32)
        numbers = np.array(plane[:6], dtype=np.float64)
        follow(self.classes, self.runs.arrays, self.begins[ring], owner, ring_offsets, numbers, points)
        return Outlines(points, ring_offsets, piece_offsets, clockwise=plane.determinant < 0)

    def batches(self, pieces: Int64) -> Iterator[Int64]:
        """Some pieces, in their order, as many at once as have ``BATCH_POINTS`` points, or one that has more."""
        if not len(pieces):
            return
        upto = np.concatenate([[0], np.cumsum(self.points, dtype=np.int64)])[self.pieces]
        total = np.cumsum(np.diff(upto)[pieces])
        first = 0
        while first < len(pieces):
            before = total[first - 1] if first else 0
            last = max(first + 1, int(np.searchsorted(total, before + BATCH_POINTS, side="right")))
            yield pieces[first:last]
            first = last
