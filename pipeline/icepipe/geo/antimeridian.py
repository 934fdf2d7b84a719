"""Polygons in longitude and latitude where the sphere is cut open: at 180 degrees, and at the poles.

Rings are laid out in a plane where longitudes go on beyond 180 degrees, closed along the pole where they go around it,
and cut into turns of 360 degrees.
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
"""Steps that a ring which touches a pole takes along it, so that none is half a turn long."""


@dataclass(frozen=True)
class Ring:
    """A ring in longitude and latitude, counter-clockwise around what it encloses; its first point is not repeated.

    Attributes
    ----------
    lon, lat
        In units of ``turn``, longitudes from ``-turn / 2`` to ``turn / 2``.
    pole
        Whether a point is a pole.
    turn
        A full circle.
    """

    lon: Float64
    lat: Float64
    pole: Bool
    turn: float


def _along_pole(ring: Ring) -> Ring:
    """A point at a pole becomes the line of latitude 90 that stands for it, as long as the angle inside the ring there.

    With the inside on the left, it leads west at the north pole and east at the south pole.
    """
    n, lons, lats = len(ring.lon), [], []
    for i in range(n):
        if not ring.pole[i]:
            lons.append(ring.lon[i : i + 1])
            lats.append(ring.lat[i : i + 1])
            continue
        come, go = ring.lon[i - 1], ring.lon[(i + 1) % n]
        east = -1.0 if ring.lat[i] > 0 else 1.0
        lon = come + east * (east * (go - come) % ring.turn) * np.arange(POLE_PARTS + 1) / POLE_PARTS
        lons.append(wrap_longitude(lon, ring.turn))
        lats.append(np.full(POLE_PARTS + 1, ring.lat[i]))
    lon, lat = np.rint(np.concatenate(lons) / TICK) * TICK, np.concatenate(lats)
    return Ring(lon, lat, np.zeros(len(lon), dtype=bool), ring.turn)


def _jumps(lon: Float64, turn: float) -> Int64:
    """Turns, +1 east or -1 west, between each point and the next, the last and the first included."""
    step = np.roll(lon, -1) - lon
    return np.where(is_jump(step, turn), -np.sign(step), 0).astype(np.int64)


def _with_crossings(ring: Ring) -> Ring:
    """The ring with a point on 180 degrees wherever it crosses; the same point from both sides of a border."""
    half, lon, lat = ring.turn / 2, ring.lon, ring.lat
    after_lon, after_lat = np.roll(lon, -1), np.roll(lat, -1)
    inside = (np.abs(lon) < half) & (np.abs(after_lon) < half)
    i = np.flatnonzero((_jumps(lon, ring.turn) != 0) & inside)
    eastern = lon[i] > 0
    east, west = np.where(eastern, lon[i], after_lon[i]), np.where(eastern, after_lon[i], lon[i])
    lat_east, lat_west = np.where(eastern, lat[i], after_lat[i]), np.where(eastern, after_lat[i], lat[i])
    part = (half - east) / ((half - east) + (half + west))
    there = np.rint((lat_east + part * (lat_west - lat_east)) / TICK) * TICK
    lon, lat = np.insert(lon, i + 1, np.copysign(half, lon[i])), np.insert(lat, i + 1, there)
    return Ring(lon, lat, np.zeros(len(lon), dtype=bool), ring.turn)


def _unroll(ring: Ring) -> Polygon:
    """What a ring encloses, in a plane where longitudes go on; the pole closes a ring that goes around it.

    The inside is on the left, so a ring that leads east all around the Earth holds the north pole. It is opened where
    it crosses 180 degrees nearest to the pole, so that the way from there to the pole meets it nowhere else.
    """
    lon, lat, turn = ring.lon, ring.lat, ring.turn
    around = int(_jumps(lon, turn).sum())
    if around:
        start = int(np.argmax(np.where(np.abs(lon) == turn / 2, around * lat, -np.inf)))
        lon, lat = np.roll(lon, -start), np.roll(lat, -start)
        lon[0] = -around * turn / 2
    on = lon + turn * np.concatenate([[0], np.cumsum(_jumps(lon, turn))[:-1]])
    if not around:
        return Polygon(np.column_stack([on, lat]))
    pole, end = around * turn / 4, on[0] + around * turn
    return Polygon([*zip(on, lat, strict=True), (end, lat[0]), (end, pole), (on[0], pole)])


def _wrap(plane: Polygon, turn: float) -> list[Polygon]:
    """The parts of a laid-out polygon within each turn, brought back to -180..180."""
    west, _, east, _ = plane.bounds
    parts = []
    for k in range(round(np.floor(west / turn + 0.5)), round(np.floor(east / turn + 0.5)) + 1):
        part = shapely.intersection(plane, box((k - 0.5) * turn, -turn, (k + 0.5) * turn, turn))
        parts.append(shapely.transform(part, lambda points, shift=k * turn: points - (shift, 0.0)))
    return _areas(parts)


def _areas(shapes: Sequence[object]) -> list[Polygon]:
    """The polygons among shapes and the parts of shapes."""
    return [part for part in shapely.get_parts(shapes).tolist() if part.geom_type == "Polygon" and part.area > 0]


def needs_split(lon: Float64, ring: Int64, pole: Bool, turn: float, count: int) -> Bool:
    """Which of ``count`` rings touch a pole or 180 degrees, or cross it; points of all rings one after another."""
    special = pole | (np.abs(lon) == turn / 2)
    special[:-1] |= is_jump(np.diff(lon), turn) & (ring[1:] == ring[:-1])
    return np.bincount(ring, weights=special, minlength=count) > 0


def split_at_antimeridian(exterior: Ring, holes: Sequence[Ring]) -> list[Polygon]:
    """Parts of a polygon between -180 and 180 degrees.

    Parameters
    ----------
    exterior, holes
        Its rings, each counter-clockwise around what it encloses.
    """
    filled, *empty = (_wrap(_unroll(_with_crossings(_along_pole(ring))), ring.turn) for ring in (exterior, *holes))
    rest = shapely.difference(shapely.union_all(filled), shapely.union_all([part for hole in empty for part in hole]))
    return _areas([rest])
