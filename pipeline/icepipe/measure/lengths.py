"""Lengths of outlines on the ellipsoid."""

from __future__ import annotations

import numpy as np

from icepipe.inputs.earth import Earth
from icepipe.records import Float64, Int64

EDGE_M = 20_000.0
"""A map edge of this length is a geodesic to 1e-5 of its length up to 89 degrees of latitude."""

EQUATOR_M = 6_378_137.0

CHUNK_POINTS = 2**17
"""Points measured at once: one outline can have millions."""


def _with_points_between(points: Float64, offsets: Int64, longest: float) -> tuple[Float64, Int64]:
    """Points and ring offsets with points put in, evenly, where an edge is longer; few are."""
    steps = np.diff(points, axis=0)
    parts = np.ceil(np.hypot(*steps.T) / longest).astype(np.int64)
    parts[offsets[1:-1] - 1] = 1
    too_long = np.flatnonzero(parts > 1)
    added = parts[too_long] - 1
    at = np.repeat(too_long, added)
    nth = np.arange(len(at)) - np.repeat(np.cumsum(added) - added, added) + 1
    between = points[at] + steps[at] * (nth / parts[at])[:, None]
    return np.insert(points, at + 1, between, axis=0), offsets + np.searchsorted(at, offsets)


def _edges_m(points: Float64, earth: Earth) -> Float64:
    """Lengths between consecutive points: arcs of a circle of the equator's radius over the chords between them.

    An ellipsoid's radii of curvature lie between a (1 - e2) and a / sqrt(1 - e2), within 0.7 % of a. So an arc of 20 km
    is the geodesic to 6e-9 of its length, and a shorter one better with the square.
    """
    diameter_m, found = 2 * earth.geod.a, [np.zeros(0)]
    for first in range(0, len(points) - 1, CHUNK_POINTS):
        places, _ = earth.cartesian(*earth.lonlat(*points[first : first + CHUNK_POINTS + 1].T))
        chords_m = np.linalg.norm(np.diff(places, axis=0), axis=1)
        found.append(diameter_m * np.arcsin(chords_m / diameter_m))
    return np.concatenate(found)


def perimeters_m(points: Float64, ring_offsets: Int64, piece_offsets: Int64, crs_wkt: str) -> Float64:
    """Length of all rings of each piece on the ellipsoid, in metres; shape (pieces,).

    Straight map edges are measured as geodesics between points at most ``EDGE_M`` apart at the equator.

    Parameters
    ----------
    points
        Map coordinates, shape (n, 2); first and last point of a ring are the same.
    ring_offsets
        Where each ring begins in ``points``, and the end.
    piece_offsets
        Where each piece begins in the rings, and the end.
    crs_wkt
        Of the coordinates.
    """
    if not len(points):
        return np.zeros(len(piece_offsets) - 1)
    earth = Earth.of(crs_wkt)
    unit_m = earth.crs.axis_info[0].unit_conversion_factor * (EQUATOR_M if earth.crs.is_geographic else 1.0)
    points, offsets = _with_points_between(points, ring_offsets, EDGE_M / unit_m)
    length_m = _edges_m(points, earth)
    length_m[offsets[1:-1] - 1] = 0.0
    piece = np.repeat(np.arange(len(piece_offsets) - 1), np.diff(offsets[piece_offsets]))
    return np.bincount(piece[:-1], weights=length_m, minlength=len(piece_offsets) - 1).astype(np.float64)
