"""Some polygons of a layer: as they were traced, or as geometry objects; both tell their bounds and their WKB."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import shapely
from numpy.typing import NDArray

from icepipe.arrays import Float64, Int64, UInt8

Wkb = tuple[UInt8, Int64]
"""Well-known binary of some polygons, one after the other, and where each begins, and the end."""


class PolygonBatch(Protocol):
    """Some polygons."""

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
        """Points of all rings."""
        ...

    @property
    def n_rings(self) -> int:
        """Rings of all polygons."""
        ...

    @property
    def wkb(self) -> Wkb:
        """Exterior rings run counter-clockwise, as OGC's standards have them, and holes the other way."""
        ...


@dataclass(frozen=True)
class RaggedPolygons:
    """Polygons as ragged arrays, as they were traced.

    Attributes
    ----------
    points
        Map coordinates, shape (n, 2); first and last point of a ring are the same.
    ring_offsets
        Where each ring begins in ``points``, and the end.
    piece_offsets
        Where each polygon begins in the rings, and the end; each has a ring at least, the exterior first.
    clockwise
        Whether exteriors run clockwise on the map, and holes the other way.
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
        """Points of all rings."""
        return len(self.points)

    @property
    def n_rings(self) -> int:
        """Rings of all polygons."""
        return len(self.ring_offsets) - 1

    @property
    def wkb(self) -> Wkb:
        """Exterior rings run counter-clockwise.

        A byte for the order, four each for the type and the number of rings; four for the number of a ring's points,
        and eight for each coordinate (OGC 06-103r4, clause 8).
        """
        from icepipe.measure.polygons._kernels import write_wkb

        rings = np.diff(self.polygon_offsets)
        points = np.diff(self.ring_offsets[self.polygon_offsets])
        offsets = np.concatenate([[0], np.cumsum(9 + 4 * rings + 16 * points)])
        out = np.empty(offsets[-1], dtype=np.uint8)
        bits = self.points.view(np.uint64)
        write_wkb(bits, self.ring_offsets, self.polygon_offsets, self.clockwise, offsets, out)
        return out, offsets


@dataclass(frozen=True)
class ShapelyPolygons:
    """Polygons or multipolygons as geometry objects, shape (n,)."""

    geometry: NDArray[Any]

    @property
    def bounds(self) -> Float64:
        """West, south, east and north of every one; shape (n, 4)."""
        return np.asarray(shapely.bounds(self.geometry), dtype=np.float64)

    @property
    def n_points(self) -> int:
        """Points of all rings."""
        return int(shapely.get_num_coordinates(self.geometry).sum())

    @property
    def n_rings(self) -> int:
        """Rings of all polygons."""
        return len(shapely.get_rings(shapely.get_parts(self.geometry)))

    @property
    def wkb(self) -> Wkb:
        """Exterior rings run counter-clockwise."""
        held = shapely.to_wkb(shapely.orient_polygons(self.geometry)).tolist()
        offsets = np.concatenate([[0], np.cumsum([len(one) for one in held], dtype=np.int64)])
        return np.frombuffer(b"".join(held), dtype=np.uint8), offsets
