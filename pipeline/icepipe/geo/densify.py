"""Adaptive densification: add vertices to rings until reprojected edges stay within a tolerance.

An edge gets the same vertices in both directions, so that neighbouring polygons still share every vertex.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyproj

from icepipe.arrays import Bool, Float64, Int64
from icepipe.errors import ConfigError
from icepipe.geo.ellipsoid import Ellipsoid
from icepipe.geo.geobox import GeoBox
from icepipe.geo.longitude import full_circle, unwrap_longitude, wrap_longitude

OFF_PX = 2.0**-12
"""Tolerance of a reprojected edge, in pixel sides. If all four sides of a pixel bend the same way by this much, its
area changes by less than 0.1 %."""

TOUCH_PX = 1e-6
"""A point nearer to a pole than this, in pixel sides, is the pole."""

HALVINGS = 40
"""Maximum number of bisections; an edge that is not straight enough after them is torn by the projection."""

TESTED = (0.25, 0.5, 0.75)
"""Fractions of an edge at which its displacement is measured; an S-shaped edge has none at its middle."""

TICK = 2.0**-40
"""Longitudes and latitudes are multiples of this part of a degree (0.1 micrometres), so that adding and subtracting 360
degrees is exact."""

NEAR = 1e-9
"""A point nearer to the antimeridian than this, in degrees, is on it."""


@dataclass(frozen=True)
class DensifySpec:
    """Target coordinate system and tolerances of a densification.

    Attributes
    ----------
    crs
        WKT of the target coordinate system.
    tolerance_m
        Largest distance of a reprojected edge from its true position.
    pole_distance
        Distance to a pole under which a point is the pole, in units of the source map.
    """

    crs: str
    tolerance_m: float
    pole_distance: float

    @classmethod
    def for_grid(cls, crs: str, grid: GeoBox, side_m: float) -> DensifySpec:
        """Return the specification for polygons of a grid whose pixel sides are about ``side_m`` long."""
        return cls(crs, OFF_PX * side_m, TOUCH_PX * float(np.sqrt(grid.planar_pixel_area)))


@dataclass(frozen=True)
class CrsTransform:
    """Transformation of map points from one coordinate system, given as WKT, to another."""

    source: str
    target: str

    @cached_property
    def ellipsoid(self) -> Ellipsoid:
        """Ellipsoid of the target."""
        return Ellipsoid.from_wkt(self.target)

    @cached_property
    def full_circle(self) -> float:
        """A full circle in units of the target; 0 if its coordinates are not angles."""
        return full_circle(self.ellipsoid.crs)

    @cached_property
    def longest_edge(self) -> float:
        """Longest edge, in units of the source, that is certain to go the shorter way around the Earth."""
        return full_circle(Ellipsoid.from_wkt(self.source).crs) / 4 or np.inf

    @cached_property
    def _transformer(self) -> pyproj.Transformer:
        return pyproj.Transformer.from_crs(self.source, self.target, always_xy=True)

    def transform(self, x: Float64, y: Float64) -> tuple[Float64, Float64]:
        """Transform map points to the target; longitudes are from -180 to 180 degrees.

        Raises
        ------
        ConfigError
            If a point is outside the domain of the target.
        """
        u, v = (np.asarray(values) for values in self._transformer.transform(x, y))
        if not (np.isfinite(u).all() and np.isfinite(v).all()):
            raise self.tear_error()
        if not self.full_circle:
            return u, v
        circle = self.full_circle
        u, v = np.rint(u / TICK) * TICK, np.rint(v / TICK) * TICK
        u = np.where(np.abs(u) > circle / 2, wrap_longitude(u, circle), u)
        return np.where(circle / 2 - np.abs(u) < NEAR, np.copysign(circle / 2, u), u), v

    def tear_error(self) -> ConfigError:
        """Return the error for polygons that the target cannot hold."""
        name = self.ellipsoid.crs.name
        return ConfigError(
            f"publish.polygons.crs: the polygons are outside the domain of {name}, or torn by it",
            "choose another coordinate system, or none",
        )

    def interpolate(self, u1: Float64, u2: Float64, part: float) -> Float64:
        """Interpolate between two target coordinates, going the shorter way around the Earth."""
        return (1 - part) * u1 + part * (unwrap_longitude(u2, u1, self.full_circle) if self.full_circle else u2)

    def cartesian(self, u: Float64, v: Float64) -> Float64:
        """Return geocentric coordinates of target points in metres; shape (n, 3)."""
        return self.ellipsoid.cartesian(*self.ellipsoid.lonlat(u, v))[0]

    def poles(self, distance: float) -> list[tuple[float, float, float]]:
        """Return source coordinates and target latitude of each pole that is a single point of the source map."""
        poles = []
        for lat in (self.full_circle / 4, -self.full_circle / 4) if self.full_circle else ():
            # A pole is a point if all its longitudes fall together; on a longitude/latitude map it is a line.
            lon = np.array([-1.0, 0.0, 1.0]) * self.full_circle / 3
            x, y = (np.asarray(v) for v in self._transformer.transform(lon, np.full(3, lat), direction="INVERSE"))
            if np.isfinite(x).all() and np.ptp(x) < distance and np.ptp(y) < distance:
                poles.append((float(x.mean()), float(y.mean()), lat))
        return poles


@dataclass(frozen=True)
class RingPath:
    """Vertices of rings, one ring after another.

    Attributes
    ----------
    x, y
        Coordinates on the source map.
    u, v
        Coordinates in the target.
    ring
        Ring number of each vertex.
    pole
        True for vertices at a pole, whose longitude is undefined; edges take that of their other end.
    """

    x: Float64
    y: Float64
    u: Float64
    v: Float64
    ring: Int64
    pole: Bool

    @property
    def edges(self) -> Int64:
        """Index of the first vertex of each edge."""
        return np.flatnonzero(self.ring[1:] == self.ring[:-1])

    def insert(self, after: Int64, x: Float64, y: Float64, u: Float64, v: Float64, pole: bool) -> RingPath:
        """Return the path with a vertex inserted behind each of the given ones."""
        added = (x, y, u, v, self.ring[after], np.full(len(after), pole))
        columns = (self.x, self.y, self.u, self.v, self.ring, self.pole)
        return RingPath(*(np.insert(old, after + 1, new) for old, new in zip(columns, added, strict=True)))


def insert_poles(path: RingPath, transform: CrsTransform, distance: float) -> RingPath:
    """Mark the vertices at a pole, and insert one into each edge that runs through a pole."""
    for x, y, lat in transform.poles(distance):
        at_pole = np.hypot(path.x - x, path.y - y) < distance
        path = RingPath(path.x, path.y, path.u, np.where(at_pole, lat, path.v), path.ring, path.pole | at_pole)
        a = path.edges
        a = a[~(at_pole[a] | at_pole[a + 1])]
        dx, dy = path.x[a + 1] - path.x[a], path.y[a + 1] - path.y[a]
        # Foot of the perpendicular from the pole, as a fraction of the edge.
        t = ((x - path.x[a]) * dx + (y - path.y[a]) * dy) / (dx**2 + dy**2)
        near = np.hypot(path.x[a] + t * dx - x, path.y[a] + t * dy - y) < distance
        hit = a[near & (t > 0) & (t < 1)]
        ones = np.ones(len(hit))
        path = path.insert(hit, x * ones, y * ones, 0 * ones, lat * ones, pole=True)
    return path


def displacement_m(path: RingPath, transform: CrsTransform, a: Int64) -> Float64:
    """Return the largest distance in metres of reprojected edges, from vertices ``a``, to their true course."""
    b = a + 1
    # At a pole, an edge has the longitude of its other end.
    u1, u2 = np.where(path.pole[a], path.u[b], path.u[a]), np.where(path.pole[b], path.u[a], path.u[b])
    # Unit normal of the plane through both ends and the centre of the Earth; it holds their geodesic, nearly.
    across = np.cross(transform.cartesian(u1, path.v[a]), transform.cartesian(u2, path.v[b]))
    across /= np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1.0)
    largest = np.zeros(len(a))
    for part in TESTED:
        x, y = (1 - part) * path.x[a] + part * path.x[b], (1 - part) * path.y[a] + part * path.y[b]
        true = transform.cartesian(*transform.transform(x, y))
        v = (1 - part) * path.v[a] + part * path.v[b]
        straight = transform.cartesian(transform.interpolate(u1, u2, part), v)
        largest = np.maximum(largest, np.linalg.norm(true - straight, axis=-1))
        # Readers of longitude/latitude files draw edges as straight lines or as geodesics: both have to be near.
        if transform.full_circle:
            largest = np.maximum(largest, np.abs(np.sum(across * true, axis=-1)))
    return largest


def densify(x: Float64, y: Float64, ring: Int64, transform: CrsTransform, target: DensifySpec) -> RingPath:
    """Reproject rings, with vertices added until every edge is within ``target.tolerance_m`` of its true course.

    Parameters
    ----------
    x, y
        Vertices of all rings on the source map.
    ring
        Ring number of each vertex.
    transform, target
        Transformation to the target coordinate system, and its tolerances.

    Raises
    ------
    ConfigError
        If the target coordinate system does not hold the rings, or tears them.
    """
    path = RingPath(x, y, *transform.transform(x, y), ring, np.zeros(len(x), dtype=bool))
    path = insert_poles(path, transform, target.pole_distance)
    pending = path.edges
    for _ in range(HALVINGS):
        if not len(pending):
            return path
        long = np.abs(path.x[pending + 1] - path.x[pending]) > transform.longest_edge
        a = pending[long | (displacement_m(path, transform, pending) > target.tolerance_m)]
        middle = (path.x[a] + path.x[a + 1]) / 2, (path.y[a] + path.y[a + 1]) / 2
        path = path.insert(a, *middle, *transform.transform(*middle), pole=False)
        # Each earlier insertion shifts an index by one; both halves of an edge are measured again.
        first = a + np.arange(len(a))
        pending = np.sort(np.concatenate([first, first + 1]))
    raise transform.tear_error()
