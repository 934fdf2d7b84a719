"""Straight map edges in another coordinate system, where they bend: as many points as it takes to draw them well.

A border is drawn the same from both its sides, so that neighbours share every point afterwards, too.
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
from icepipe.geo.longitude import full_turn, unwrap_longitude, wrap_longitude

OFF_PX = 2.0**-12
"""How far, in pixel sides, a drawn edge may lie from its true place. Four sides of a pixel that all bend the same way
change its area by less than 0.1 %."""

TOUCH_PX = 1e-6
"""What lies nearer to a pole, in pixel sides, lies on it."""

HALVINGS = 40
"""An edge that is not straight enough after so many is torn."""

TESTED = (0.25, 0.5, 0.75)
"""Where along an edge its true place is looked up; an S-shaped edge is right in its middle."""

TICK = 2.0**-40
"""Longitudes and latitudes are whole numbers of this part of a degree (0.1 micrometres), so that a turn of 360 degrees
and back loses nothing."""

NEAR = 1e-9
"""What lies nearer to 180 degrees, in degrees, lies on it."""


@dataclass(frozen=True)
class DensifySpec:
    """A coordinate system to draw in.

    Attributes
    ----------
    crs
        Its WKT.
    off_m
        How far a drawn edge may lie from its true place.
    touch
        Map distance to a pole under which a point is the pole, in units of the map that is drawn.
    """

    crs: str
    off_m: float
    touch: float

    @classmethod
    def of(cls, crs: str, grid: GeoBox, side_m: float) -> DensifySpec:
        """For polygons of a grid whose pixels have sides of about ``side_m``."""
        return cls(crs, OFF_PX * side_m, TOUCH_PX * float(np.sqrt(grid.planar_pixel_area)))


@dataclass(frozen=True)
class CrsTransform:
    """From one coordinate system to another."""

    source: str
    target: str

    @cached_property
    def earth(self) -> Ellipsoid:
        """The Earth as the target sees it."""
        return Ellipsoid.of(self.target)

    @cached_property
    def turn(self) -> float:
        """A full circle in units of the target; 0 where its coordinates are no angles."""
        return full_turn(self.earth.crs)

    @cached_property
    def longest(self) -> float:
        """Longest edge, in units of the source, that is sure to lead the shorter way around the Earth."""
        return full_turn(Ellipsoid.of(self.source).crs) / 4 or np.inf

    @cached_property
    def _transformer(self) -> pyproj.Transformer:
        return pyproj.Transformer.from_crs(self.source, self.target, always_xy=True)

    def draw(self, x: Float64, y: Float64) -> tuple[Float64, Float64]:
        """Where map points are drawn; longitudes from -180 to 180.

        Raises
        ------
        ConfigError
            If a point has no place there.
        """
        u, v = (np.asarray(values) for values in self._transformer.transform(x, y))
        if not (np.isfinite(u).all() and np.isfinite(v).all()):
            raise self.torn()
        if not self.turn:
            return u, v
        u, v = np.rint(u / TICK) * TICK, np.rint(v / TICK) * TICK
        u = np.where(np.abs(u) > self.turn / 2, wrap_longitude(u, self.turn), u)
        return np.where(self.turn / 2 - np.abs(u) < NEAR, np.copysign(self.turn / 2, u), u), v

    def torn(self) -> ConfigError:
        """What to tell where polygons cannot be drawn."""
        name = self.earth.crs.name
        return ConfigError(
            f"publish.polygons.crs: {name} has no place for the polygons, or tears them", "choose another, or none"
        )

    def between(self, u1: Float64, u2: Float64, part: float) -> Float64:
        """Coordinates a part of the way from one to another, the shorter way around the Earth."""
        return (1 - part) * u1 + part * (unwrap_longitude(u2, u1, self.turn) if self.turn else u2)

    def ground(self, u: Float64, v: Float64) -> Float64:
        """Geocentric coordinates of drawn points in metres, shape (n, 3)."""
        return self.earth.cartesian(*self.earth.lonlat(u, v))[0]

    def poles(self, touch: float) -> list[tuple[float, float, float]]:
        """Map coordinates of the poles that are points of the source's map, with their latitudes."""
        found = []
        for lat in (self.turn / 4, -self.turn / 4) if self.turn else ():
            lon = np.array([-1.0, 0.0, 1.0]) * self.turn / 3
            x, y = (np.asarray(v) for v in self._transformer.transform(lon, np.full(3, lat), direction="INVERSE"))
            if np.isfinite(x).all() and np.ptp(x) < touch and np.ptp(y) < touch:
                found.append((float(x.mean()), float(y.mean()), lat))
        return found


@dataclass(frozen=True)
class RingPath:
    """Points of rings, one ring after another.

    Attributes
    ----------
    x, y
        On the map.
    u, v
        Where they are drawn.
    ring
        Number of each point's ring.
    pole
        Whether a point is a pole, whose longitude is then that of the next point.
    """

    x: Float64
    y: Float64
    u: Float64
    v: Float64
    ring: Int64
    pole: Bool

    @property
    def edges(self) -> Int64:
        """Points that an edge leads on from."""
        return np.flatnonzero(self.ring[1:] == self.ring[:-1])

    def with_points(self, after: Int64, x: Float64, y: Float64, u: Float64, v: Float64, pole: bool) -> RingPath:
        """The path with a point behind each of some."""
        added = (x, y, u, v, self.ring[after], np.full(len(after), pole))
        columns = (self.x, self.y, self.u, self.v, self.ring, self.pole)
        return RingPath(*(np.insert(old, after + 1, new) for old, new in zip(columns, added, strict=True)))


def _through_poles(path: RingPath, way: CrsTransform, touch: float) -> RingPath:
    """The path with a point, marked as such, at every pole that it touches."""
    for x, y, lat in way.poles(touch):
        at_pole = np.hypot(path.x - x, path.y - y) < touch
        path = RingPath(path.x, path.y, path.u, np.where(at_pole, lat, path.v), path.ring, path.pole | at_pole)
        a = path.edges
        a = a[~(at_pole[a] | at_pole[a + 1])]
        dx, dy = path.x[a + 1] - path.x[a], path.y[a + 1] - path.y[a]
        t = ((x - path.x[a]) * dx + (y - path.y[a]) * dy) / (dx**2 + dy**2)
        near = np.hypot(path.x[a] + t * dx - x, path.y[a] + t * dy - y) < touch
        hit = a[near & (t > 0) & (t < 1)]
        same = np.ones(len(hit))
        path = path.with_points(hit, x * same, y * same, 0 * same, lat * same, pole=True)
    return path


def _off_m(path: RingPath, way: CrsTransform, a: Int64) -> Float64:
    """Largest distance of drawn edges, which begin at points ``a``, from their true places.

    In longitude and latitude some readers draw straight lines and others geodesics, so both are looked at.
    """
    b = a + 1
    u1, u2 = np.where(path.pole[a], path.u[b], path.u[a]), np.where(path.pole[b], path.u[a], path.u[b])
    across = np.cross(way.ground(u1, path.v[a]), way.ground(u2, path.v[b]))
    across /= np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1.0)
    found = np.zeros(len(a))
    for part in TESTED:
        x, y = (1 - part) * path.x[a] + part * path.x[b], (1 - part) * path.y[a] + part * path.y[b]
        true = way.ground(*way.draw(x, y))
        drawn = way.ground(way.between(u1, u2, part), (1 - part) * path.v[a] + part * path.v[b])
        found = np.maximum(found, np.linalg.norm(true - drawn, axis=-1))
        if way.turn:
            found = np.maximum(found, np.abs(np.sum(across * true, axis=-1)))
    return found


def densify(x: Float64, y: Float64, ring: Int64, way: CrsTransform, target: DensifySpec) -> RingPath:
    """Rings with as many points as it takes to draw them within ``target.off_m`` of their true places.

    Parameters
    ----------
    x, y
        Map points.
    ring
        Number of each point's ring.
    way, target
        Where to draw them.

    Raises
    ------
    ConfigError
        If they have no place there, or are torn.
    """
    path = _through_poles(RingPath(x, y, *way.draw(x, y), ring, np.zeros(len(x), dtype=bool)), way, target.touch)
    waiting = path.edges
    for _ in range(HALVINGS):
        if not len(waiting):
            return path
        long = np.abs(path.x[waiting + 1] - path.x[waiting]) > way.longest
        a = waiting[long | (_off_m(path, way, waiting) > target.off_m)]
        middle = (path.x[a] + path.x[a + 1]) / 2, (path.y[a] + path.y[a + 1]) / 2
        path = path.with_points(a, *middle, *way.draw(*middle), pole=False)
        first = a + np.arange(len(a))
        waiting = np.sort(np.concatenate([first, first + 1]))
    raise way.torn()
