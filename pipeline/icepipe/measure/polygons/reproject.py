"""Reproject polygon layers, with densified edges, and split polygons at the antimeridian."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from icepipe.arrays import Int64
from icepipe.geo.antimeridian import Ring, needs_split, split_at_antimeridian
from icepipe.geo.crs import same_crs
from icepipe.geo.densify import CrsTransform, DensifySpec, RingPath, densify
from icepipe.geo.ellipsoid import Ellipsoid
from icepipe.geo.geobox import GeoBox
from icepipe.measure.polygons.geometry import PolygonBatch, ShapelyPolygons
from icepipe.measure.polygons.polygonize import PolygonLayer

CHECKED_PX = 0.25
"""Tolerance, in pixel sides, of an edge that is only checked for being torn."""


@dataclass(frozen=True)
class DensifiedPolygons:
    """Densified and reprojected rings of polygons.

    Attributes
    ----------
    path
        Points of all rings.
    ring_offsets
        Offset of each ring in the path, with the end.
    polygon_offsets
        Offset of each polygon in the rings, with the end.
    """

    path: RingPath
    ring_offsets: Int64
    polygon_offsets: Int64

    @classmethod
    def from_geometry(cls, geometry: NDArray[Any], transform: CrsTransform, target: DensifySpec) -> DensifiedPolygons:
        """Densify and reproject Shapely polygons.

        Raises
        ------
        ConfigError
            If polygons have no coordinates in the target CRS, or are torn by it.
        """
        _, points, (ring_offsets, polygon_offsets) = shapely.to_ragged_array(shapely.orient_polygons(geometry))
        ring = np.repeat(np.arange(len(ring_offsets) - 1), np.diff(ring_offsets))
        path = densify(points[:, 0], points[:, 1], ring, transform, target)
        return cls(path, np.searchsorted(path.ring, np.arange(len(ring_offsets))), polygon_offsets)

    @property
    def geometry(self) -> NDArray[Any]:
        """Shapely polygons as they are, which may cross the antimeridian; shape (n,)."""
        points = np.column_stack([self.path.u, self.path.v])
        offsets = self.ring_offsets, self.polygon_offsets
        return np.asarray(shapely.from_ragged_array(shapely.GeometryType.POLYGON, points, offsets))

    def ring(self, number: int, full_circle: float, hole: bool) -> Ring:
        """Return a ring, counter-clockwise around what it encloses."""
        # The closing point is left out. Holes are oriented clockwise, so they are reversed.
        points = slice(self.ring_offsets[number], self.ring_offsets[number + 1] - 1)
        order = slice(None, None, -1 if hole else 1)
        u, v, pole = self.path.u[points], self.path.v[points], self.path.pole[points]
        return Ring(u[order], v[order], pole[order], full_circle)

    def split(self, polygon: int, full_circle: float) -> list[Polygon]:
        """Split a polygon at the antimeridian."""
        first, end = self.polygon_offsets[polygon : polygon + 2].tolist()
        holes = [self.ring(number, full_circle, hole=True) for number in range(first + 1, end)]
        return split_at_antimeridian(self.ring(first, full_circle, hole=False), holes)

    def multipolygons(self, full_circle: float) -> NDArray[Any]:
        """Shapely multipolygons, of one part each but for those that are split at the antimeridian; shape (n,)."""
        path = self.path
        whole = self.geometry
        is_special = needs_split(path.u, path.ring, path.pole, full_circle, len(self.ring_offsets) - 1)
        crossing = np.flatnonzero(np.add.reduceat(is_special, self.polygon_offsets[:-1], dtype=np.int64))
        parts = [self.split(polygon, full_circle) for polygon in crossing.tolist()]
        uncut = np.setdiff1d(np.arange(len(whole)), crossing)
        # ``owner`` is the polygon that each part belongs to; the sort brings parts into the order of the polygons.
        owner = np.concatenate([uncut, np.repeat(crossing, [len(part) for part in parts])]).astype(np.int64)
        flat = np.array([*whole[uncut], *(polygon for part in parts for polygon in part)], dtype=object)
        order = np.argsort(owner, kind="stable")
        return np.asarray(shapely.multipolygons(flat[order], indices=owner[order]))


def needs_multipolygons(crs: str | None) -> bool:
    """Return whether polygons in a CRS may be split at the antimeridian, so that all are multipolygons."""
    return crs is not None and bool(pyproj.CRS.from_wkt(crs).is_geographic)


def check_reprojectable(region: BaseGeometry, grid: GeoBox, crs: str | None) -> None:
    """Check, before anything is processed, that polygons of a region can be reprojected.

    Raises
    ------
    ConfigError
        If they have no coordinates in the CRS, or are torn by it.
    """
    if crs is None:
        return
    col, row = grid.width / 2, grid.height / 2
    side_m = float(
        Ellipsoid.from_wkt(grid.crs).distances_m(*grid.to_map(np.array([col, col + 1]), np.array([row, row])))[0]
    )
    target = replace(DensifySpec.for_grid(crs, grid, side_m), tolerance_m=CHECKED_PX * side_m)
    DensifiedPolygons.from_geometry(shapely.get_parts(region), CrsTransform(grid.crs, crs), target)


@dataclass(frozen=True)
class ReprojectedPolygons:
    """Polygons reprojected batch by batch."""

    batches: Iterable[PolygonBatch]
    transform: CrsTransform
    target: DensifySpec

    def __iter__(self) -> Iterator[ShapelyPolygons]:
        """Iterate over the reprojected batches."""
        full_circle = self.transform.full_circle
        for batch in self.batches:
            polygons = DensifiedPolygons.from_geometry(batch.geometry, self.transform, self.target)
            yield ShapelyPolygons(polygons.multipolygons(full_circle) if full_circle else polygons.geometry)


def reproject_layer(layer: PolygonLayer, target: DensifySpec) -> PolygonLayer:
    """Reproject a layer; areas, perimeters and numbers of pixels do not change.

    In longitude and latitude all geometries are multipolygons, as those that cross the antimeridian are split there.
    Iterating over the batches raises ConfigError if polygons have no coordinates in the CRS, or are torn by it.
    """
    transform = CrsTransform(layer.crs, target.crs)
    # Polygons that are in longitude and latitude already may have to be split, too.
    if same_crs(layer.crs, target.crs) and not transform.full_circle:
        return layer
    batches = ReprojectedPolygons(layer.batches, transform, target)
    return replace(layer, crs=target.crs, batches=batches, multi=bool(transform.full_circle))
