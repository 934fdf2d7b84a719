"""Lengths of outlines on the ellipsoid."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from icepipe.inputs.pixel_area import LATTICE_GROUND_M
from icepipe.inputs.plane import Plane
from icepipe.measure.shapes import Outlines
from icepipe.records import Float64, GeoBox

if TYPE_CHECKING:
    from icepipe.measure.length_kernel import Ground

EDGE_M = 20_000.0
"""A map edge of this length is a geodesic to 1e-5 of its length up to 89 degrees of latitude."""

INTERPOLATION = 1e-9
"""Largest part of a length that may be off because places between the nodes of a lattice are worked out by cubics."""

EQUATOR_M = 6_378_137.0


@lru_cache(maxsize=8)
def _ground(grid: GeoBox) -> Ground:
    """Where the plane of a grid lies on the Earth.

    The nodes lie within those that the area of its pixels is worked out by, so they have a place there.
    """
    plane = Plane(grid)
    cell = plane.steps(LATTICE_GROUND_M)
    inner = plane.origin + 0.5, plane.origin + np.array([grid.width, grid.height]) - 0.5
    first, last = np.floor(inner[0] / cell) - 1, np.floor(inner[1] / cell) + 2
    steps = cell / 2
    places = plane.lattice(first * cell, last * cell, steps)
    while (coarse := (_errors(places) > INTERPOLATION) & (steps > 1)).any():
        steps = np.where(coarse, steps / 2, steps)
        places = plane.lattice(first * cell, last * cell, steps)
    corner = np.stack([first * cell - plane.origin, steps])
    unit_m = plane.earth.crs.axis_info[0].unit_conversion_factor
    unit_m *= EQUATOR_M if plane.earth.crs.is_geographic else 1.0
    return corner, places, plane.vectors, EDGE_M / unit_m, 2 * plane.earth.geod.a


def _errors(places: Float64) -> Float64:
    """Largest part by which distances between cubics through nodes can be off, along columns and rows; shape (2,).

    A cubic through nodes a step h apart strays by h4 f4 / 24 (t + 1) t (t - 1) (t - 2), which changes by h3 f4 / 12 at
    the node in the middle, faster than anywhere between it and the next.
    """
    found = []
    for axis in (1, 0):
        first, fourth = (np.linalg.norm(np.diff(places, n, axis), axis=-1) for n in (1, 4))
        found.append((fourth / (12 * np.take(first, np.arange(fourth.shape[axis]) + 1, axis))).max())
    return np.array(found)


def perimeters_m(outlines: Outlines, grid: GeoBox) -> Float64:
    """Length of all rings of each polygon on the ellipsoid, in metres; shape (polygons,).

    Straight map edges are measured as geodesics between points at most ``EDGE_M`` apart at the equator: each as the arc
    of a circle of the equator's radius over the chord between its ends. An ellipsoid's radii of curvature lie between
    a (1 - e2) and a / sqrt(1 - e2), within 0.7 % of a, so that an arc of 20 km is the geodesic to 6e-9 of its length,
    and a shorter one better with the square.

    Parameters
    ----------
    outlines
        The polygons, in columns and rows of the grid.
    grid
        The grid, all of it on the Earth.
    """
    from icepipe.measure.length_kernel import measure

    lengths_m = np.empty(len(outlines.piece_offsets) - 1)
    measure(outlines.points, outlines.ring_offsets, outlines.piece_offsets, _ground(grid), lengths_m)
    return lengths_m
