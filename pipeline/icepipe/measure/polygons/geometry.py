"""Batches of polygons, as ragged arrays or as Shapely geometries, with their bounds and well-known binary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import shapely
from numpy.typing import NDArray

from icepipe.arrays import Float64, Int64, UInt8

Wkb = tuple[UInt8, Int64]
"""Well-known binary of polygons, one after the other, and the offset of each, with the end."""


class PolygonBatch(Protocol):
    """A batch of polygons or multipolygons."""

    @property
    def geometry(self) -> NDArray[Any]:
        """Shapely polygons, or multipolygons; shape (n,)."""
        ...

    @property
    def bounds(self) -> Float64:
        """West, south, east and north of every polygon; shape (n, 4)."""
        ...

    @property
    def n_points(self) -> int:
        """Number of points of all rings."""
        ...

    @property
    def n_rings(self) -> int:
        """Number of rings of all polygons."""
        ...

    @property
    def wkb(self) -> Wkb:
        """Well-known binary; exterior rings run counter-clockwise and holes the other way, as in OGC standards."""
        ...


@dataclass(frozen=True)
class RaggedPolygons:
    """Polygons as ragged arrays.

    Attributes
    ----------
    points
        Coordinates, shape (n, 2); the first and last point of a ring are the same.
    ring_offsets
        Offset of each ring in ``points``, with the end.
    polygon_offsets
        Offset of each polygon in the rings, with the end; each has at least one ring, the exterior first.
    clockwise
        Whether exteriors run clockwise, and holes the other way.
    """

    points: Float64
    ring_offsets: Int64
    polygon_offsets: Int64
    clockwise: bool

    @property
    def geometry(self) -> NDArray[Any]:
        """Shapely polygons, shape (n,)."""
        offsets = self.ring_offsets, self.polygon_offsets
        return np.asarray(shapely.from_ragged_array(shapely.GeometryType.POLYGON, self.points, offsets))

    @property
    def bounds(self) -> Float64:
        """West, south, east and north of every polygon; shape (n, 4)."""
        starts = self.ring_offsets[self.polygon_offsets[:-1]]
        return np.hstack([np.minimum.reduceat(self.points, starts), np.maximum.reduceat(self.points, starts)])

    @property
    def n_points(self) -> int:
        """Number of points of all rings."""
        return len(self.points)

    @property
    def n_rings(self) -> int:
        """Number of rings of all polygons."""
        return len(self.ring_offsets) - 1

    @property
    def wkb(self) -> Wkb:
        """Well-known binary; exterior rings run counter-clockwise."""
        from icepipe.measure.polygons._kernels import write_wkb

        rings = np.diff(self.polygon_offsets)
        points = np.diff(self.ring_offsets[self.polygon_offsets])
        # The bytes are 1 for the byte order, 4 for the type, 4 for the number of rings; 4 for the number of points of
        # each ring; 8 for each of two coordinates (OGC 06-103r4, clause 8).
        offsets = np.concatenate([[0], np.cumsum(9 + 4 * rings + 16 * points)])
        out = np.empty(offsets[-1], dtype=np.uint8)
        bits = self.points.view(np.uint64)
        write_wkb(bits, self.ring_offsets, self.polygon_offsets, self.clockwise, offsets, out)
        return out, offsets


@dataclass(frozen=True)
class ShapelyPolygons:
    """Polygons or multipolygons as Shapely geometries, shape (n,)."""

    geometry: NDArray[Any]

    @property
    def bounds(self) -> Float64:
        """West, south, east and north of every geometry; shape (n, 4)."""
        return np.asarray(shapely.bounds(self.geometry), dtype=np.float64)

    @property
    def n_points(self) -> int:
        """Number of points of all rings."""
        return int(shapely.get_num_coordinates(self.geometry).sum())

    @property
    def n_rings(self) -> int:
        """Number of rings of all polygons."""
        return len(shapely.get_rings(shapely.get_parts(self.geometry)))

    @property
    def wkb(self) -> Wkb:
        """Well-known binary; exterior rings run counter-clockwise."""
        encoded = shapely.to_wkb(shapely.orient_polygons(self.geometry)).tolist()
        offsets = np.concatenate([[0], np.cumsum([len(polygon) for polygon in encoded], dtype=np.int64)])
        return np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets
