"""Footprint of a region in longitude and latitude: cut at the antimeridian, closed around the poles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
import shapely
from shapely.geometry import Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from icepipe.arrays import Float64
from icepipe.geo.ellipsoid import EQUATOR_M
from icepipe.geo.longitude import CIRCLE_DEGREES, wrap_degrees

POINTS_A_SIDE = 64
"""Vertices along the longer side of the region's envelope: straight map edges are curves on the globe."""

MERIDIAN_STEP = 0.02
"""Degrees of latitude between vertices of the cut; its chords stay within 0.1 m of the meridian."""

CUT_DEGREES = 1e-5
"""Half the width of the cut, about a metre: wider than the error of its chords, too narrow to be visible."""

GLOBE = "OGC:CRS84"
DECIMALS = 6
"""Decimals of the degrees; the last one is about 0.1 m."""

Box = tuple[float, float, float, float]
"""West, south, east, north; west is larger than east if the box crosses the antimeridian (RFC 7946)."""


@dataclass(frozen=True)
class Footprint:
    """A region on WGS 84.

    Attributes
    ----------
    geometry
        GeoJSON Polygon or MultiPolygon, cut at the antimeridian as RFC 7946 requires.
    bbox
        Its bounding box.
    """

    geometry: dict[str, Any]
    bbox: Box


@dataclass(frozen=True)
class MapProjection:
    """Transformations between a map and longitude/latitude.

    Attributes
    ----------
    to_globe, to_map
        The transformation in both directions, degrees on the globe.
    degree
        Length of a degree of latitude in map units.
    """

    to_globe: pyproj.Transformer
    to_map: pyproj.Transformer
    degree: float

    @classmethod
    def from_wkt(cls, wkt: str) -> MapProjection:
        """Return the transformations of a coordinate system."""
        crs = pyproj.CRS.from_wkt(wkt)
        unit = crs.axis_info[0].unit_conversion_factor
        degree = math.radians(1) / unit * (1 if crs.is_geographic else EQUATOR_M)
        to_globe = pyproj.Transformer.from_crs(crs, GLOBE, always_xy=True)
        return cls(to_globe, pyproj.Transformer.from_crs(GLOBE, crs, always_xy=True), degree)

    def lonlat(self, x: Float64, y: Float64) -> tuple[Float64, Float64]:
        """Return degrees of map points; NaN outside the domain of the map.

        Points within the width of the cut are moved onto the antimeridian, on their own side of it.
        """
        points = np.array(self.to_globe.transform(x, y))
        lon, lat = np.where(np.isfinite(points).all(axis=0), points, np.nan)
        lon = wrap_degrees(lon)
        on_pole = np.abs(lat) > 90 - 2 * CUT_DEGREES
        on_cut = ~on_pole & ((180 - np.abs(lon)) * np.cos(np.radians(lat)) < 2 * CUT_DEGREES)
        return np.where(on_cut, np.copysign(180, lon), lon), np.where(on_pole, np.copysign(90, lat), lat)

    def antimeridian_strip(self, region: BaseGeometry) -> BaseGeometry:
        """Return the antimeridian near a region as a narrow strip of the map."""
        lat = np.linspace(-90, 90, round(180 / MERIDIAN_STEP) + 1)
        frame = region.envelope.buffer(self.degree * MERIDIAN_STEP)
        lines = []
        # A map can show the antimeridian twice, at its eastern and at its western edge.
        for lon in (180.0, -180.0):
            points = np.column_stack(self.to_map.transform(np.full_like(lat, lon), lat))
            pairs = np.stack([points[:-1], points[1:]], axis=1)
            segments = shapely.linestrings(pairs[np.isfinite(pairs).all(axis=(1, 2))])
            lines += segments[shapely.intersects(segments, frame)].tolist()
        return shapely.union_all(lines).buffer(CUT_DEGREES * self.degree)


def finite_polygons(shape: BaseGeometry) -> list[Polygon]:
    """Return the valid polygons of a geometry, without the vertices that are not finite."""
    polygons = []
    for part in shapely.get_parts(shape):
        rings = [ring[np.isfinite(ring).all(axis=1)] for ring in map(shapely.get_coordinates, shapely.get_rings(part))]
        # A closed ring has at least four vertices; what is left of a shorter one is dropped.
        closed = [ring for ring in rings if len(ring) >= 4]
        if closed:
            valid = shapely.make_valid(Polygon(closed[0], closed[1:]))
            polygons += [polygon for polygon in shapely.get_parts(valid) if isinstance(polygon, Polygon)]
    return polygons


def polar_caps(region: BaseGeometry, projection: MapProjection) -> list[Polygon]:
    """Return all latitudes poleward of the region's edge, for each pole inside the region."""
    _, lat = projection.lonlat(*shapely.get_coordinates(region).T)
    lat = lat[np.isfinite(lat)]
    caps = []
    for pole, edge in ((90.0, lat.max(initial=-90)), (-90.0, lat.min(initial=90))):
        point = projection.to_map.transform(0.0, pole)
        if np.isfinite(point).all() and shapely.contains_properly(region, Point(point)):
            caps.append(box(-180, min(pole, edge), 180, max(pole, edge)))
    return caps


def bounding_box(shapes: Sequence[BaseGeometry]) -> Box:
    """Return the smallest box around all shapes; it can cross the antimeridian."""
    # Sweep eastward over the shapes: the box leaves out the widest gap between their longitudes. The first candidate
    # is the gap across the antimeridian.
    bounds = sorted(shape.bounds for shape in shapes)
    west, east = bounds[0][0], max(b[2] for b in bounds)
    widest, reached = west + CIRCLE_DEGREES - east, bounds[0][2]
    for left, _, right, _ in bounds[1:]:
        if left - reached > widest:
            widest, west, east = left - reached, left, reached
        reached = max(reached, right)
    return west, min(b[1] for b in bounds), east, max(b[3] for b in bounds)


def footprint(region: BaseGeometry, crs: str) -> Footprint:
    """Return the footprint of a region on WGS 84.

    Parameters
    ----------
    region
        Outline on the map.
    crs
        WKT of the map's coordinate system.
    """
    projection = MapProjection.from_wkt(crs)
    left, bottom, right, top = region.bounds
    step = max(right - left, top - bottom) / POINTS_A_SIDE
    dense = shapely.segmentize(region, step)
    # The cut on the map keeps each part on one side of the antimeridian, so that no ring jumps on the globe.
    parts = shapely.segmentize(dense.difference(projection.antimeridian_strip(dense)), step)
    on_globe = finite_polygons(shapely.transform(parts, projection.lonlat, interleaved=False))
    whole = shapely.set_precision(shapely.union_all([*on_globe, *polar_caps(dense, projection)]), 10.0**-DECIMALS)
    tidy = shapely.orient_polygons(shapely.normalize(shapely.simplify(whole, 0)))
    tidy = shapely.transform(tidy, lambda xy: np.round(xy, DECIMALS))
    return Footprint(shapely.geometry.mapping(tidy), bounding_box(shapely.get_parts(tidy).tolist()))
