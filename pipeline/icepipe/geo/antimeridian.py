"""Split polygons in longitude and latitude at the antimeridian, and close them along the poles.

Rings are unrolled into a plane whose longitudes continue beyond 180 degrees, closed along the pole if they go around
it, and cut into strips of 360 degrees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import Polygon, box

from icepipe.arrays import Bool, Float64, Int64
from icepipe.geo.densify import TICK
from icepipe.geo.longitude import is_jump, wrap_longitude

POLE_PARTS = 4
"""Steps along the pole of a ring that touches it: more than two, so that no step is half a circle long."""


@dataclass(frozen=True)
class Ring:
    """A ring in longitude and latitude, counter-clockwise around what it encloses; its first point is not repeated.

    Attributes
    ----------
    lon, lat
        In units of ``full_circle``, longitudes from ``-full_circle / 2`` to ``full_circle / 2``.
    pole
        True for points at a pole.
    full_circle
        360 degrees in the unit of the coordinates.
    """

    lon: Float64
    lat: Float64
    pole: Bool
    full_circle: float


def expand_poles(ring: Ring) -> Ring:
    """Replace each point at a pole by a line along latitude 90, as long as the interior angle of the ring there."""
    n, lons, lats = len(ring.lon), [], []
    for i in range(n):
        if not ring.pole[i]:
            lons.append(ring.lon[i : i + 1])
            lats.append(ring.lat[i : i + 1])
            continue
        previous, following = ring.lon[i - 1], ring.lon[(i + 1) % n]
        # The interior is on the left, so the line runs west at the north pole and east at the south pole.
        east = -1.0 if ring.lat[i] > 0 else 1.0
        angle = east * (following - previous) % ring.full_circle
        lon = previous + east * angle * np.arange(POLE_PARTS + 1) / POLE_PARTS
        lons.append(wrap_longitude(lon, ring.full_circle))
        lats.append(np.full(POLE_PARTS + 1, ring.lat[i]))
    lon, lat = np.rint(np.concatenate(lons) / TICK) * TICK, np.concatenate(lats)
    return Ring(lon, lat, np.zeros(len(lon), dtype=bool), ring.full_circle)


def crossings(lon: Float64, circle: float) -> Int64:
    """Return +1 for each edge that crosses the antimeridian eastward, -1 westward, else 0; the last edge closes."""
    step = np.roll(lon, -1) - lon
    return np.where(is_jump(step, circle), -np.sign(step), 0).astype(np.int64)


def insert_crossings(ring: Ring) -> Ring:
    """Insert a point on the antimeridian into each edge that crosses it."""
    half, lon, lat = ring.full_circle / 2, ring.lon, ring.lat
    after_lon, after_lat = np.roll(lon, -1), np.roll(lat, -1)
    inside = (np.abs(lon) < half) & (np.abs(after_lon) < half)
    i = np.flatnonzero((crossings(lon, ring.full_circle) != 0) & inside)
    # Interpolate from east to west in either direction, so that both neighbours of a border get the same point.
    eastern = lon[i] > 0
    east, west = np.where(eastern, lon[i], after_lon[i]), np.where(eastern, after_lon[i], lon[i])
    lat_east, lat_west = np.where(eastern, lat[i], after_lat[i]), np.where(eastern, after_lat[i], lat[i])
    part = (half - east) / ((half - east) + (half + west))
    lat_crossing = np.rint((lat_east + part * (lat_west - lat_east)) / TICK) * TICK
    lon, lat = np.insert(lon, i + 1, np.copysign(half, lon[i])), np.insert(lat, i + 1, lat_crossing)
    return Ring(lon, lat, np.zeros(len(lon), dtype=bool), ring.full_circle)


def unroll(ring: Ring) -> Polygon:
    """Return the polygon of a ring in a plane of continuous longitudes, closed along the pole if it goes around it."""
    lon, lat, circle = ring.lon, ring.lat, ring.full_circle
    # The interior is on the left: a ring that goes once around eastward (+1) holds the north pole, westward the south.
    around = int(crossings(lon, circle).sum())
    if around:
        # Open the ring at its crossing nearest to the pole: the line from there to the pole meets it nowhere else.
        start = int(np.argmax(np.where(np.abs(lon) == circle / 2, around * lat, -np.inf)))
        lon, lat = np.roll(lon, -start), np.roll(lat, -start)
        lon[0] = -around * circle / 2
    continuous = lon + circle * np.concatenate([[0], np.cumsum(crossings(lon, circle))[:-1]])
    if not around:
        return Polygon(np.column_stack([continuous, lat]))
    pole, end = around * circle / 4, continuous[0] + around * circle
    return Polygon([*zip(continuous, lat, strict=True), (end, lat[0]), (end, pole), (continuous[0], pole)])


def wrap_polygon(unrolled: Polygon, circle: float) -> list[Polygon]:
    """Cut an unrolled polygon into strips of a full circle and shift each strip back to -180..180 degrees."""
    west, _, east, _ = unrolled.bounds
    parts = []
    for k in range(round(np.floor(west / circle + 0.5)), round(np.floor(east / circle + 0.5)) + 1):
        part = shapely.intersection(unrolled, box((k - 0.5) * circle, -circle, (k + 0.5) * circle, circle))
        parts.append(shapely.transform(part, lambda points, shift=k * circle: points - (shift, 0.0)))
    return _polygons(parts)


def _polygons(shapes: Sequence[object]) -> list[Polygon]:
    # An intersection along a shared edge also leaves lines and points.
    return [part for part in shapely.get_parts(shapes).tolist() if part.geom_type == "Polygon" and part.area > 0]


def needs_split(lon: Float64, ring: Int64, pole: Bool, circle: float, count: int) -> Bool:
    """Return which rings touch a pole, or touch or cross the antimeridian; shape (count,).

    Parameters
    ----------
    lon, pole
        Longitude, and whether it is a pole, of the points of all rings, one ring after another.
    ring
        Ring number of each point.
    circle
        A full circle in units of ``lon``.
    count
        Number of rings.
    """
    special = pole | (np.abs(lon) == circle / 2)
    # A step from the end of a ring to the start of the next is not an edge.
    special[:-1] |= is_jump(np.diff(lon), circle) & (ring[1:] == ring[:-1])
    return np.bincount(ring, weights=special, minlength=count) > 0


def split_at_antimeridian(exterior: Ring, holes: Sequence[Ring]) -> list[Polygon]:
    """Return the parts of a polygon between -180 and 180 degrees.

    Parameters
    ----------
    exterior, holes
        Rings of the polygon, each counter-clockwise around the area it encloses.
    """
    filled, *empty = (
        wrap_polygon(unroll(insert_crossings(expand_poles(ring))), ring.full_circle) for ring in (exterior, *holes)
    )
    # Holes are subtracted after wrapping: a hole around a pole is a strip of its own in the plane.
    rest = shapely.difference(shapely.union_all(filled), shapely.union_all([part for hole in empty for part in hole]))
    return _polygons([rest])
