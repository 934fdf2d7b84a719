"""Where a region lies, in longitudes and latitudes that no map tears: cut at 180 degrees, whole at the poles."""

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
from icepipe.geo.longitude import TURN_DEGREES, wrap_degrees

POINTS_A_SIDE = 64
"""Straight map edges are bent on the globe: points along the longer side of the region's frame."""

MERIDIAN_STEP = 0.02
"""Degrees of latitude between points of the cut, whose chords stay within 0.1 m of the meridian."""

CUT_DEGREES = 1e-5
"""Half the width of the cut, about a metre: wider than its chords are off, too narrow to be seen."""

GLOBE = "OGC:CRS84"
DECIMALS = 6
"""Of the degrees: 0.1 m."""

Box = tuple[float, float, float, float]
"""West, south, east, north; west is larger than east across 180 degrees."""


@dataclass(frozen=True)
class Footprint:
    """A region on WGS 84.

    Attributes
    ----------
    geometry
        GeoJSON Polygon or MultiPolygon; parts east and west of 180 degrees are apart, as RFC 7946 asks.
    bbox
        The box around it.
    """

    geometry: dict[str, Any]
    bbox: Box


@dataclass(frozen=True)
class _Map:
    """A map, the way from it to longitudes and latitudes, and the length of a degree of latitude in its unit."""

    to_globe: pyproj.Transformer
    to_map: pyproj.Transformer
    degree: float

    @classmethod
    def of(cls, wkt: str) -> _Map:
        crs = pyproj.CRS.from_wkt(wkt)
        unit = crs.axis_info[0].unit_conversion_factor
        degree = math.radians(1) / unit * (1 if crs.is_geographic else 6_378_137.0)
        to_globe = pyproj.Transformer.from_crs(crs, GLOBE, always_xy=True)
        return cls(to_globe, pyproj.Transformer.from_crs(GLOBE, crs, always_xy=True), degree)

    def lonlat(self, x: Float64, y: Float64) -> tuple[Float64, Float64]:
        """Degrees; what lies within the cut's width of 180 degrees is put onto it, on the side where it is."""
        places = np.array(self.to_globe.transform(x, y))
        lon, lat = np.where(np.isfinite(places).all(axis=0), places, np.nan)
        lon = wrap_degrees(lon)
        on_pole = np.abs(lat) > 90 - 2 * CUT_DEGREES
        on_cut = ~on_pole & ((180 - np.abs(lon)) * np.cos(np.radians(lat)) < 2 * CUT_DEGREES)
        return np.where(on_cut, np.copysign(180, lon), lon), np.where(on_pole, np.copysign(90, lat), lat)

    def cut(self, region: BaseGeometry) -> BaseGeometry:
        """The meridian of 180 degrees near a region, as a narrow strip; both of its images where a map has two."""
        lat = np.linspace(-90, 90, round(180 / MERIDIAN_STEP) + 1)
        frame = region.envelope.buffer(self.degree * MERIDIAN_STEP)
        lines = []
        for lon in (180.0, -180.0):
            points = np.column_stack(self.to_map.transform(np.full_like(lat, lon), lat))
            pairs = np.stack([points[:-1], points[1:]], axis=1)
            pieces = shapely.linestrings(pairs[np.isfinite(pairs).all(axis=(1, 2))])
            lines += pieces[shapely.intersects(pieces, frame)].tolist()
        return shapely.union_all(lines).buffer(CUT_DEGREES * self.degree)


def _polygons(shape: BaseGeometry) -> list[Polygon]:
    """Valid polygons of a shape, without points that lie nowhere on the globe."""
    kept = []
    for part in shapely.get_parts(shape):
        rings = [ring[np.isfinite(ring).all(axis=1)] for ring in map(shapely.get_coordinates, shapely.get_rings(part))]
        whole = [ring for ring in rings if len(ring) >= 4]
        if whole:
            valid = shapely.make_valid(Polygon(whole[0], whole[1:]))
            kept += [found for found in shapely.get_parts(valid) if isinstance(found, Polygon)]
    return kept


def _caps(region: BaseGeometry, plane: _Map) -> list[Polygon]:
    """All latitudes beyond the region's edge, for each pole that lies inside it."""
    _, lat = plane.lonlat(*shapely.get_coordinates(region).T)
    lat = lat[np.isfinite(lat)]
    caps = []
    for pole, edge in ((90.0, lat.max(initial=-90)), (-90.0, lat.min(initial=90))):
        place = plane.to_map.transform(0.0, pole)
        if np.isfinite(place).all() and shapely.contains_properly(region, Point(place)):
            caps.append(box(-180, min(pole, edge), 180, max(pole, edge)))
    return caps


def _bbox(shapes: Sequence[BaseGeometry]) -> Box:
    """Smallest box around all shapes: it leaves out the widest gap between their longitudes."""
    bounds = sorted(shape.bounds for shape in shapes)
    west, east = bounds[0][0], max(b[2] for b in bounds)
    widest, reached = west + TURN_DEGREES - east, bounds[0][2]
    for left, _, right, _ in bounds[1:]:
        if left - reached > widest:
            widest, west, east = left - reached, left, reached
        reached = max(reached, right)
    return west, min(b[1] for b in bounds), east, max(b[3] for b in bounds)


def footprint(region: BaseGeometry, crs: str) -> Footprint:
    """A region of a map on the globe.

    Parameters
    ----------
    region
        Its outline on the map.
    crs
        WKT of the map.
    """
    plane = _Map.of(crs)
    left, bottom, right, top = region.bounds
    step = max(right - left, top - bottom) / POINTS_A_SIDE
    dense = shapely.segmentize(region, step)
    pieces = shapely.segmentize(dense.difference(plane.cut(dense)), step)
    on_globe = _polygons(shapely.transform(pieces, plane.lonlat, interleaved=False))
    whole = shapely.set_precision(shapely.union_all([*on_globe, *_caps(dense, plane)]), 10.0**-DECIMALS)
    tidy = shapely.orient_polygons(shapely.normalize(shapely.simplify(whole, 0)))
    tidy = shapely.transform(tidy, lambda xy: np.round(xy, DECIMALS))
    return Footprint(shapely.geometry.mapping(tidy), _bbox(shapely.get_parts(tidy).tolist()))
