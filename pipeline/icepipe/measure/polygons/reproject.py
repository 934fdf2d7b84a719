"""Polygon layers in another coordinate system."""

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
"""How far, in pixel sides, an edge may be off when it is only asked whether it is torn."""


@dataclass(frozen=True)
class _RingCutter:
    """Rings of polygons as they are drawn, and where each ring and each polygon begins."""

    path: RingPath
    ring_offsets: Int64
    polygon_offsets: Int64

    def ring(self, number: int, turn: float, hole: bool) -> Ring:
        """One ring, counter-clockwise around what it encloses."""
        along = slice(self.ring_offsets[number], self.ring_offsets[number + 1] - 1)
        way = slice(None, None, -1 if hole else 1)
        return Ring(self.path.u[along][way], self.path.v[along][way], self.path.pole[along][way], turn)

    def polygons(self, turn: float, which: Int64) -> list[list[Polygon]]:
        """Parts of some polygons that go around."""
        found = []
        for piece in which.tolist():
            first, end = self.polygon_offsets[piece : piece + 2].tolist()
            holes = [self.ring(number, turn, hole=True) for number in range(first + 1, end)]
            found.append(split_at_antimeridian(self.ring(first, turn, hole=False), holes))
        return found


def _cut_rings(geometry: NDArray[Any], way: CrsTransform, target: DensifySpec) -> _RingCutter:
    _, points, (ring_offsets, piece_offsets) = shapely.to_ragged_array(shapely.orient_polygons(geometry))
    ring = np.repeat(np.arange(len(ring_offsets) - 1), np.diff(ring_offsets))
    path = densify(points[:, 0], points[:, 1], ring, way, target)
    return _RingCutter(path, np.searchsorted(path.ring, np.arange(len(ring_offsets))), piece_offsets)


def needs_multipolygons(crs: str | None) -> bool:
    """Whether polygons brought to a coordinate system are cut, and so are multipolygons."""
    return crs is not None and bool(pyproj.CRS.from_wkt(crs).is_geographic)


def check_reprojectable(region: BaseGeometry, grid: GeoBox, crs: str | None) -> None:
    """Tell before any work whether polygons of a region have a place in a coordinate system.

    Raises
    ------
    ConfigError
        If they have none, or are torn.
    """
    if crs is None:
        return
    col, row = grid.width / 2, grid.height / 2
    side_m = float(Ellipsoid.of(grid.crs).distances_m(*grid.to_map(np.array([col, col + 1]), np.array([row, row])))[0])
    target = replace(DensifySpec.of(crs, grid, side_m), off_m=CHECKED_PX * side_m)
    _cut_rings(shapely.get_parts(region), CrsTransform(grid.crs, crs), target)


@dataclass(frozen=True)
class ReprojectedPolygons:
    """Polygons brought to another coordinate system batch by batch."""

    batches: Iterable[PolygonBatch]
    way: CrsTransform
    target: DensifySpec

    def __iter__(self) -> Iterator[ShapelyPolygons]:
        """Polygons, some at a time."""
        for shapes in self.batches:
            drawn = _cut_rings(shapes.geometry, self.way, self.target)
            plain = shapely.from_ragged_array(
                shapely.GeometryType.POLYGON,
                np.column_stack([drawn.path.u, drawn.path.v]),
                (drawn.ring_offsets, drawn.polygon_offsets),
            )
            yield ShapelyPolygons(_whole(plain, drawn, self.way.turn) if self.way.turn else plain)


def reproject_layer(layer: PolygonLayer, target: DensifySpec) -> PolygonLayer:
    """A layer in another coordinate system; areas, lengths and numbers of pixels stay what they are.

    In longitude and latitude all are multipolygons, because those that cross 180 degrees are cut there. Batches raise
    ConfigError where polygons have no place in it, or are torn by it.
    """
    way = CrsTransform(layer.crs, target.crs)
    if same_crs(layer.crs, target.crs) and not way.turn:
        return layer
    return replace(layer, crs=target.crs, batches=ReprojectedPolygons(layer.batches, way, target), multi=bool(way.turn))


def _whole(plain: NDArray[Any], drawn: _RingCutter, turn: float) -> NDArray[Any]:
    """Multipolygons: of one part each, or of those that a polygon is cut into."""
    path, count = drawn.path, len(drawn.ring_offsets) - 1
    odd = needs_split(path.u, path.ring, path.pole, turn, count)
    cut = np.flatnonzero(np.add.reduceat(odd, drawn.polygon_offsets[:-1], dtype=np.int64))
    parts = drawn.polygons(turn, cut)
    kept = np.setdiff1d(np.arange(len(plain)), cut)
    owner = np.concatenate([kept, np.repeat(cut, [len(part) for part in parts])]).astype(np.int64)
    flat = np.array([*plain[kept], *(polygon for part in parts for polygon in part)], dtype=object)
    order = np.argsort(owner, kind="stable")
    return np.asarray(shapely.multipolygons(flat[order], indices=owner[order]))
