"""Lengths of outlines on the ellipsoid."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np

from icepipe.arrays import Bool, Float64, Int64
from icepipe.errors import NoUsableInput
from icepipe.geo.ellipsoid import EQUATOR_M
from icepipe.geo.geobox import GeoBox
from icepipe.geo.pixel_area import LATTICE_GROUND_M, PixelPlane
from icepipe.measure.polygons.geometry import RaggedPolygons

if TYPE_CHECKING:
    from icepipe.measure.polygons._kernels import Ground


EDGE_M = 20_000.0
"""A map edge of this length is a geodesic to 1e-5 of its length up to 89 degrees of latitude."""

INTERPOLATION = 1e-9
"""Largest part of a length that may be off because places between the nodes of a lattice are worked out by cubics."""

MAX_NODES = 2**18
"""Of a lattice; where more would be needed, every point is projected."""

CHUNK_POINTS = 2**17
"""Points projected at once: one outline can have millions."""


@lru_cache(maxsize=8)
def perimeter_function(grid: GeoBox) -> Callable[[RaggedPolygons], Float64]:
    """What measures polygons given in columns and rows of a grid: length of all rings of each in metres, shape (n,).

    Straight map edges are measured as geodesics between points at most ``EDGE_M`` apart at the equator: each as the arc
    of a circle of the equator's radius over the chord between its ends. An ellipsoid's radii of curvature lie between
    a (1 - e2) and a / sqrt(1 - e2), within 0.7 % of a, so that an arc of 20 km is the geodesic to 6e-9 of its length,
    and a shorter one better with the square.
    """
    plane = PixelPlane(grid)
    ground = _ground(plane, grid)
    return partial(_projected, plane) if ground is None else partial(_between_nodes, ground)


def _longest(plane: PixelPlane) -> float:
    """Length on the map of the longest edge that is measured as one."""
    axis = plane.earth.crs.axis_info[0]
    return EDGE_M / axis.unit_conversion_factor / (EQUATOR_M if plane.earth.crs.is_geographic else 1.0)


def _ground(plane: PixelPlane, grid: GeoBox) -> Ground | None:
    """A lattice fine enough for the plane of a grid; None where that has too many nodes, or one off the Earth."""
    cell = plane.steps(LATTICE_GROUND_M)
    inner = plane.origin + 0.5, plane.origin + np.array([grid.width, grid.height]) - 0.5
    first, last = np.floor(inner[0] / cell) - 1, np.floor(inner[1] / cell) + 2
    steps = cell / 2
    while np.prod((last - first) * cell / steps + 1) <= MAX_NODES:
        places = plane.lattice(first * cell, last * cell, steps)
        if not np.isfinite(places).all():
            return None
        coarse = ~(_errors(places) <= INTERPOLATION)
        if not coarse.any():
            corner = np.stack([first * cell - plane.origin, steps])
            return corner, places, plane.vectors, _longest(plane), 2 * plane.earth.geod.a
        steps = np.where(coarse, steps / 2, steps)
    return None


def _errors(places: Float64) -> Float64:
    """Largest part by which distances between cubics through nodes can be off, along columns and rows; shape (2,).

    A cubic through nodes a step h apart strays by h4 f4 / 24 (t + 1) t (t - 1) (t - 2), which changes by h3 f4 / 12 at
    the node in the middle, faster than anywhere between it and the next.
    """
    found = []
    for axis in (1, 0):
        first, fourth = (np.linalg.norm(np.diff(places, n, axis), axis=-1) for n in (1, 4))
        with np.errstate(invalid="ignore", divide="ignore"):
            found.append((fourth / (12 * np.take(first, np.arange(fourth.shape[axis]) + 1, axis))).max())
    return np.array(found)


def _between_nodes(ground: Ground, outlines: RaggedPolygons) -> Float64:
    from icepipe.measure.polygons._kernels import ring_lengths

    lengths_m = np.empty(len(outlines.polygon_offsets) - 1)
    ring_lengths(outlines.points, outlines.ring_offsets, outlines.polygon_offsets, ground, lengths_m)
    return lengths_m


def _projected(plane: PixelPlane, outlines: RaggedPolygons) -> Float64:
    """Lengths by the place of every point.

    Raises
    ------
    NoUsableInput
        If one has no place on the Earth.
    """
    points, rings = outlines.points, outlines.ring_offsets
    joined = np.ones(len(points) - 1, dtype=bool)
    joined[rings[1:-1] - 1] = False
    length_m = np.zeros(len(points))
    for first in range(0, len(joined), CHUNK_POINTS):
        here = slice(first, min(first + CHUNK_POINTS, len(joined)))
        length_m[here] = _edges_m(points[first : here.stop + 1], joined[here], plane)
    if not np.isfinite(length_m).all():
        raise NoUsableInput(
            "part of an outline does not lie on the Earth in its coordinate system", "cut the tile or reproject it"
        )
    return np.add.reduceat(length_m, rings[outlines.polygon_offsets[:-1]])


def _edges_m(points: Float64, joined: Bool, plane: PixelPlane) -> Float64:
    """Lengths between consecutive points that are joined, and 0 between the others."""
    drawn, begins = _cut(points, joined, plane)
    places, _ = plane.place(plane.origin + drawn)
    diameter_m, chords_m = 2 * plane.earth.geod.a, np.linalg.norm(np.diff(places, axis=0), axis=1)
    arcs_m = np.add.reduceat(diameter_m * np.arcsin(chords_m / diameter_m), begins)
    return np.where(joined, arcs_m, 0.0)


def _cut(points: Float64, joined: Bool, plane: PixelPlane) -> tuple[Float64, Int64]:
    """Points with others put between them, evenly, where an edge is longer; and where each edge begins in them."""
    steps = np.diff(points, axis=0)
    parts = np.ceil(np.hypot(*(plane.vectors @ steps.T)) / _longest(plane)).astype(np.int64)
    added = np.where(joined, np.maximum(parts - 1, 0), 0)
    begins = np.cumsum(added + 1) - (added + 1)
    at = np.repeat(np.arange(len(steps)), added)
    nth = np.arange(len(at)) - np.repeat(np.cumsum(added) - added, added) + 1
    between = points[at] + steps[at] * (nth / parts[at])[:, None]
    return np.insert(points, at + 1, between, axis=0), begins
