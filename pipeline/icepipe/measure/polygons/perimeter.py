"""Perimeters of polygons on the ellipsoid.

Straight map edges are measured as geodesics between points at most ``EDGE_M`` apart at the equator, each as the arc of
a circle of the equator's radius over the chord between its ends. The radii of curvature of an ellipsoid lie between
a (1 - e2) and a / sqrt(1 - e2), within 0.7 % of a. An arc of 20 km is therefore the geodesic to 6e-9 of its length, and
the error of shorter arcs falls with the square of the length.
"""

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
    from icepipe.measure.polygons._kernels import GroundLattice


EDGE_M = 20_000.0
"""A map edge of this length is a geodesic to 1e-5 of its length up to 89 degrees of latitude."""

INTERPOLATION = 1e-9
"""Largest relative error of a length by cubic interpolation between the nodes of a lattice."""

MAX_NODES = 2**18
"""Largest number of nodes of a lattice; where more would be needed, every point is projected."""

CHUNK_POINTS = 2**17
"""Number of points projected together: one polygon can have millions."""


@lru_cache(maxsize=8)
def perimeter_function(grid: GeoBox) -> Callable[[RaggedPolygons], Float64]:
    """Return a function that measures polygons in columns and rows of a grid.

    It returns the length of all rings of each polygon in metres, shape (n,). Points are interpolated between the nodes
    of a lattice where one is accurate enough, which is much faster than projecting each.
    """
    plane = PixelPlane(grid)
    lattice = ground_lattice(plane, grid)
    return partial(projected_perimeters, plane) if lattice is None else partial(interpolated_perimeters, lattice)


def longest_edge(plane: PixelPlane) -> float:
    """Return the length, in map units, of the longest edge that is measured as one arc."""
    axis = plane.ellipsoid.crs.axis_info[0]
    return EDGE_M / axis.unit_conversion_factor / (EQUATOR_M if plane.ellipsoid.crs.is_geographic else 1.0)


def ground_lattice(plane: PixelPlane, grid: GeoBox) -> GroundLattice | None:
    """Compute a lattice fine enough for ``INTERPOLATION``.

    None if it would have more than ``MAX_NODES`` nodes, or if a node has no position on the Earth.
    """
    # Nodes are multiples of the cell from the origin of the CRS, so that tiles of one grid share them. A node more on
    # each side gives the outermost cells the four nodes of a cubic.
    cell = plane.steps(LATTICE_GROUND_M)
    inner = plane.origin + 0.5, plane.origin + np.array([grid.width, grid.height]) - 0.5
    first, last = np.floor(inner[0] / cell) - 1, np.floor(inner[1] / cell) + 2
    steps = cell / 2
    while np.prod((last - first) * cell / steps + 1) <= MAX_NODES:
        nodes = plane.lattice(first * cell, last * cell, steps)
        if not np.isfinite(nodes).all():
            return None
        # Negated, so that an axis whose error is no number is refined, too.
        is_coarse = ~(interpolation_errors(nodes) <= INTERPOLATION)
        if not is_coarse.any():
            layout = np.stack([first * cell - plane.origin, steps])
            return layout, nodes, plane.vectors, longest_edge(plane), 2 * plane.ellipsoid.geod.a
        steps = np.where(is_coarse, steps / 2, steps)
    return None


def interpolation_errors(nodes: Float64) -> Float64:
    """Estimate the largest relative error of interpolated distances along columns and rows; shape (2,).

    The error of a cubic through nodes a step h apart is h4 f4 / 24 (t + 1) t (t - 1) (t - 2). Its slope is largest at
    the inner nodes, h3 f4 / 12.
    """
    errors = []
    for axis in (1, 0):
        # Differences approximate derivatives: the first h f', the fourth h4 f4.
        first, fourth = (np.linalg.norm(np.diff(nodes, n, axis), axis=-1) for n in (1, 4))
        with np.errstate(invalid="ignore", divide="ignore"):
            errors.append((fourth / (12 * np.take(first, np.arange(fourth.shape[axis]) + 1, axis))).max())
    return np.array(errors)


def interpolated_perimeters(lattice: GroundLattice, polygons: RaggedPolygons) -> Float64:
    """Measure polygons by positions that are interpolated on a lattice; metres, shape (n,)."""
    from icepipe.measure.polygons._kernels import ring_lengths

    lengths_m = np.empty(len(polygons.polygon_offsets) - 1)
    ring_lengths(polygons.points, polygons.ring_offsets, polygons.polygon_offsets, lattice, lengths_m)
    return lengths_m


def projected_perimeters(plane: PixelPlane, polygons: RaggedPolygons) -> Float64:
    """Measure polygons by projecting every point; metres, shape (n,).

    Raises
    ------
    NoUsableInput
        If a point has no position on the Earth.
    """
    points, rings = polygons.points, polygons.ring_offsets
    # Consecutive points are an edge, but for the last point of a ring and the first of the next one.
    is_edge = np.ones(len(points) - 1, dtype=bool)
    is_edge[rings[1:-1] - 1] = False
    lengths_m, diameter_m = np.zeros(len(points)), 2 * plane.ellipsoid.geod.a
    for first in range(0, len(is_edge), CHUNK_POINTS):
        edges = slice(first, min(first + CHUNK_POINTS, len(is_edge)))
        vertices, begins = split_edges(points[first : edges.stop + 1], is_edge[edges], plane)
        positions, _ = plane.cartesian(plane.origin + vertices)
        chords_m = np.linalg.norm(np.diff(positions, axis=0), axis=1)
        arcs_m = np.add.reduceat(diameter_m * np.arcsin(chords_m / diameter_m), begins)
        lengths_m[edges] = np.where(is_edge[edges], arcs_m, 0.0)
    if not np.isfinite(lengths_m).all():
        raise NoUsableInput(
            "part of an outline does not lie on the Earth in its coordinate system", "cut the tile or reproject it"
        )
    return np.add.reduceat(lengths_m, rings[polygons.polygon_offsets[:-1]])


def split_edges(points: Float64, is_edge: Bool, plane: PixelPlane) -> tuple[Float64, Int64]:
    """Divide edges evenly into parts no longer than :func:`longest_edge`.

    Returns
    -------
    points
        All points in order, shape (n, 2).
    begins
        Index of the first point of every edge, shape (edges,).
    """
    steps = np.diff(points, axis=0)
    parts = np.ceil(np.hypot(*(plane.vectors @ steps.T)) / longest_edge(plane)).astype(np.int64)
    added = np.where(is_edge, np.maximum(parts - 1, 0), 0)
    begins = np.cumsum(added + 1) - (added + 1)
    # Every added point has an edge, and a number among the points of this edge, from 1.
    edge = np.repeat(np.arange(len(steps)), added)
    nth = np.arange(len(edge)) - np.repeat(np.cumsum(added) - added, added) + 1
    between = points[edge] + steps[edge] * (nth / parts[edge])[:, None]
    return np.insert(points, edge + 1, between, axis=0), begins
