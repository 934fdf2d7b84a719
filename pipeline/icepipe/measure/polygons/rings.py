"""Outlines of the pieces of a class raster, in whole pixels: corners, and nodes where more than two pieces meet.

A border runs on the lines between pixels. All pieces of all classes that touch a node have it as a point, so that the
outlines of all classes together are a valid coverage: neighbours share every point of their border.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from affine import Affine

from icepipe.arrays import Int32, Int64
from icepipe.measure.polygons.geometry import RaggedPolygons
from icepipe.raster.components import Components

BATCH_POINTS = 2**17
"""Points told at once, or one piece's."""


@dataclass(frozen=True)
class RingIndex:
    """Where every ring of every piece begins; its points are told on demand, so that not all are held at once.

    Rings run clockwise in the raster and holes the other way, from the topmost then leftmost corner on.

    Attributes
    ----------
    told
        What is told of every run, from :func:`icepipe.measure.polygons._kernels.index_runs`.
    begins
        Row, run and way that each begins with, as ``_kernels.follow`` takes them; by piece.
    points
        Points of each, the first of them twice.
    rings
        Where the rings of each piece begin, and the end.
    """

    told: Int32
    begins: Int64
    points: Int32
    rings: Int64

    @classmethod
    def from_components(cls, pieces: Components) -> RingIndex:
        """Find all rings."""
        from icepipe.measure.polygons._kernels import find_rings, index_runs

        runs, n = pieces.runs, len(pieces.number)
        index_runs(runs.starts, pieces.number, runs.rows, told := np.empty((n, 4), np.int32))
        most = 2 * int(np.count_nonzero(pieces.number >= 0))
        begins, owner, points = np.empty(most, np.int64), np.empty(most, np.int32), np.empty(most, np.int32)
        found = find_rings(told, runs.rows, np.zeros(n, np.uint8), begins, owner, points)
        by_piece = np.argsort(owner[:found], kind="stable")
        held = np.bincount(owner[:found], minlength=len(pieces.codes))
        rings = np.concatenate([[0], np.cumsum(held)])
        return cls(told, begins[by_piece], points[by_piece], rings)

    def trace(self, pieces: Int64, plane: Affine) -> RaggedPolygons:
        """Outlines of some pieces, which are counted from 0 here.

        Parameters
        ----------
        pieces
            Which ones.
        plane
            Brings columns and rows to where the points are wanted.
        """
        from icepipe.measure.polygons._kernels import trace_rings

        held = np.diff(self.rings)[pieces]
        piece_offsets = np.concatenate([[0], np.cumsum(held)])
        ring = np.arange(piece_offsets[-1]) + np.repeat(self.rings[pieces] - piece_offsets[:-1], held)
        ring_offsets = np.concatenate([[0], np.cumsum(self.points[ring], dtype=np.int64)])
        points = np.empty((ring_offsets[-1], 2))
        numbers = np.array(plane[:6], dtype=np.float64)
        trace_rings(self.told, self.begins[ring], ring_offsets, numbers, points)
        return RaggedPolygons(points, ring_offsets, piece_offsets, clockwise=plane.determinant < 0)

    def batches(self, pieces: Int64) -> Iterator[Int64]:
        """Some pieces, in their order, as many at once as have ``BATCH_POINTS`` points, or one that has more."""
        if not len(pieces):
            return
        upto = np.concatenate([[0], np.cumsum(self.points, dtype=np.int64)])[self.rings]
        total = np.cumsum(np.diff(upto)[pieces])
        first = 0
        while first < len(pieces):
            before = total[first - 1] if first else 0
            last = max(first + 1, int(np.searchsorted(total, before + BATCH_POINTS, side="right")))
            yield pieces[first:last]
            first = last
