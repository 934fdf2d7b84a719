"""Lengths of outlines on the ellipsoid."""

from __future__ import annotations

import numpy as np

from icepipe.inputs.earth import Earth
from icepipe.measure.shapes import Outlines
from icepipe.records import Bool, Float64, Int64

EDGE_M = 20_000.0
"""A map edge of this length is a geodesic to 1e-5 of its length up to 89 degrees of latitude."""

EQUATOR_M = 6_378_137.0

CHUNK_POINTS = 2**17
"""Points measured at once: one outline can have millions."""


def _cut(points: Float64, joined: Bool, longest: float) -> tuple[Float64, Int64]:
    """Points with others put between them, evenly, where an edge is longer; and where each edge begins in them."""
    steps = np.diff(points, axis=0)
    parts = np.ceil(np.hypot(*steps.T) / longest).astype(np.int64)
    added = np.where(joined, np.maximum(parts - 1, 0), 0)
    if not added.any():
        return points, np.arange(len(steps))
    begins = np.cumsum(added + 1) - (added + 1)
    at = np.repeat(np.arange(len(steps)), added)
    nth = np.arange(len(at)) - np.repeat(np.cumsum(added) - added, added) + 1
    between = points[at] + steps[at] * (nth / parts[at])[:, None]
    return np.insert(points, at + 1, between, axis=0), begins


def _edges_m(points: Float64, joined: Bool, longest: float, earth: Earth) -> Float64:
    """Lengths between consecutive points that are joined, and 0 between the others.

    Edges that are longer on the map are measured in equal parts. A part is the arc of a circle of the equator's radius
    over the chord between its ends: an ellipsoid's radii of curvature lie between a (1 - e2) and a / sqrt(1 - e2),
    within 0.7 % of a, so that an arc of 20 km is the geodesic to 6e-9 of its length, and a shorter one better with the
    square.
    """
    drawn, begins = _cut(points, joined, longest)
    places, _ = earth.cartesian(*earth.lonlat(*drawn.T))
    diameter_m, chords_m = 2 * earth.geod.a, np.linalg.norm(np.diff(places, axis=0), axis=1)
    arcs_m = np.add.reduceat(diameter_m * np.arcsin(chords_m / diameter_m), begins)
    return np.where(joined, arcs_m, 0.0)


def perimeters_m(outlines: Outlines, crs_wkt: str) -> Float64:
    """Length of all rings of each polygon on the ellipsoid, in metres; shape (polygons,).

    Straight map edges are measured as geodesics between points at most ``EDGE_M`` apart at the equator.

    Parameters
    ----------
    outlines
        The polygons, one at least.
    crs_wkt
        Of their coordinates.
    """
    from icepipe.measure.kernels import add_up

    points, rings, pieces = outlines.points, outlines.ring_offsets, outlines.piece_offsets
    earth = Earth.of(crs_wkt)
    unit_m = earth.crs.axis_info[0].unit_conversion_factor * (EQUATOR_M if earth.crs.is_geographic else 1.0)
    joined = np.ones(len(points) - 1, dtype=bool)
    joined[rings[1:-1] - 1] = False
    length_m = np.empty(len(joined))
    for first in range(0, len(joined), CHUNK_POINTS):
        here = slice(first, first + CHUNK_POINTS)
        length_m[here] = _edges_m(points[first : first + CHUNK_POINTS + 1], joined[here], EDGE_M / unit_m, earth)
    total_m = np.empty(len(pieces) - 1)
    add_up(length_m, rings[pieces], total_m)
    return total_m
