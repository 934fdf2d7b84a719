"""Rings of the components of a class raster, in whole pixels.

A border runs along pixel sides. All components of all classes that touch a node, where more than two components meet,
have it as a point. Neighbours therefore share every point of their border, and the polygons of all classes together
are a valid coverage.
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
"""Points of a batch of components; a component with more is a batch of its own."""


@dataclass(frozen=True)
class RingIndex:
    """Where every ring of every component starts. Points are traced on demand, as all together take much memory.

    Rings start at their topmost then leftmost corner. Exteriors run clockwise in the raster, holes the other way.

    Attributes
    ----------
    run_index
        Neighbours of every run, from :func:`icepipe.measure.polygons._kernels.index_runs`; shape (runs, 4).
    starts
        Row, run and heading that each ring starts with, encoded by ``_kernels.find_rings``; ordered by component.
    points
        Number of points of each ring, the first counted twice.
    rings
        Offset of each component in the rings, with the end.
    """

    run_index: Int32
    starts: Int64
    points: Int32
    rings: Int64

    @classmethod
    def from_components(cls, components: Components) -> RingIndex:
        """Find all rings of all components."""
        from icepipe.measure.polygons._kernels import find_rings, index_runs

        runs = components.runs
        n = len(components.number)
        index_runs(runs.starts, components.number, runs.rows, run_index := np.empty((n, 4), np.int32))
        # A run starts at most an exterior at its left end and a hole at its right end.
        limit = 2 * int(np.count_nonzero(components.number >= 0))
        starts, owner, points = np.empty(limit, np.int64), np.empty(limit, np.int32), np.empty(limit, np.int32)
        n_rings = find_rings(run_index, runs.rows, np.zeros(n, np.uint8), starts, owner, points)
        # The sort is stable, so that the exterior of a component stays before its holes.
        order = np.argsort(owner[:n_rings], kind="stable")
        rings = np.concatenate([[0], np.cumsum(np.bincount(owner[:n_rings], minlength=len(components.codes)))])
        return cls(run_index, starts[order], points[order], rings)

    def trace(self, components: Int64, transform: Affine) -> RaggedPolygons:
        """Trace the polygons of some components.

        Parameters
        ----------
        components
            Numbers of the components, in the order of the polygons.
        transform
            From columns and rows to the coordinates of the polygons.
        """
        from icepipe.measure.polygons._kernels import trace_rings

        n_rings = np.diff(self.rings)[components]
        polygon_offsets = np.concatenate([[0], np.cumsum(n_rings)])
        # Index of each ring of the polygons among all rings.
        ring = np.arange(polygon_offsets[-1]) + np.repeat(self.rings[components] - polygon_offsets[:-1], n_rings)
        ring_offsets = np.concatenate([[0], np.cumsum(self.points[ring], dtype=np.int64)])
        points = np.empty((ring_offsets[-1], 2))
        numbers = np.array(transform[:6], dtype=np.float64)
        trace_rings(self.run_index, self.starts[ring], ring_offsets, numbers, points)
        # Clockwise on the screen is counter-clockwise in columns and rows; the transform of a north-up grid mirrors it.
        return RaggedPolygons(points, ring_offsets, polygon_offsets, clockwise=transform.determinant < 0)

    def batches(self, components: Int64) -> Iterator[Int64]:
        """Divide components, in their order, into batches of at most ``BATCH_POINTS`` points, or of one component."""
        if not len(components):
            return
        offsets = np.concatenate([[0], np.cumsum(self.points, dtype=np.int64)])[self.rings]
        total = np.cumsum(np.diff(offsets)[components])
        first = 0
        while first < len(components):
            before = total[first - 1] if first else 0
            end = max(first + 1, int(np.searchsorted(total, before + BATCH_POINTS, side="right")))
            yield components[first:end]
            first = end
