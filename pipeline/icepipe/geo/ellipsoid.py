"""Where a coordinate system's points are on the Earth: the ellipsoid, and the way from map to it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from icepipe.arrays import Float64
from icepipe.errors import NoUsableInput

WGS84 = pyproj.Geod(ellps="WGS84")

EQUATOR_M = 6_378_137.0
"""Radius of the equator."""


@dataclass(frozen=True)
class Ellipsoid:
    """The Earth as one coordinate system sees it.

    Attributes
    ----------
    crs
        The coordinate system.
    geodetic
        Its own geographic coordinate system.
    surface
        Name of the ellipsoid that lengths and areas are measured on.
    geod
        That ellipsoid.
    """

    crs: pyproj.CRS
    geodetic: pyproj.CRS
    surface: str
    geod: pyproj.Geod

    @classmethod
    def of(cls, wkt: str) -> Ellipsoid:
        """The ellipsoid of the CRS's own datum.

        A CRS on a sphere (MODIS sinusoidal, EASE-Grid 1.0) stores geodetic latitudes, which mean places on
        WGS 84 and not on the sphere, so WGS 84 is taken there.

        Raises
        ------
        NoUsableInput
            If the CRS does not say where on the Earth it is.
        """
        crs = pyproj.CRS.from_wkt(wkt)
        ellipsoid, geodetic = crs.ellipsoid, crs.geodetic_crs
        if ellipsoid is None or geodetic is None:
            raise NoUsableInput(
                "the coordinate system does not say where on the Earth it is", "assign a geographic or projected CRS"
            )
        a_m, b_m = ellipsoid.semi_major_metre, ellipsoid.semi_minor_metre
        if a_m == b_m:
            return cls(crs, geodetic, "WGS 84 (latitudes on the CRS's sphere taken as geodetic)", WGS84)
        return cls(crs, geodetic, ellipsoid.name, pyproj.Geod(a=a_m, b=b_m))

    @cached_property
    def _transformer(self) -> pyproj.Transformer:
        return pyproj.Transformer.from_crs(self.crs, self.geodetic, always_xy=True)

    def lonlat(self, x: Float64, y: Float64) -> tuple[Float64, Float64]:
        """Longitudes and latitudes in radians of map coordinates; infinite off the map."""
        lon, lat = self._transformer.transform(x, y)
        unit = self.geodetic.axis_info[0].unit_conversion_factor
        return np.asarray(lon) * unit, np.asarray(lat) * unit

    def cartesian(self, lon: Float64, lat: Float64) -> tuple[Float64, Float64]:
        """Geocentric coordinates in metres and outward unit normals of points in radians; shapes (..., 3).

        They are no numbers where the points are infinite.
        """
        with np.errstate(invalid="ignore"):
            sine, cosine = np.sin(lat), np.cos(lat)
            normal = np.stack([cosine * np.cos(lon), cosine * np.sin(lon), sine], axis=-1)
        prime_vertical = self.geod.a / np.sqrt(1 - self.geod.es * sine**2)
        scale = np.stack([prime_vertical, prime_vertical, prime_vertical * (1 - self.geod.es)], axis=-1)
        return scale * normal, normal

    def area_m2(self, shape: BaseGeometry) -> float:
        """Geodesic area of a polygon or several, given on the map; edges are geodesics between their ends."""
        on_earth = shapely.orient_polygons(shapely.transform(shape, self._degrees, interleaved=False))
        return abs(float(self.geod.geometry_area_perimeter(on_earth)[0]))

    def _degrees(self, x: Float64, y: Float64) -> tuple[Float64, Float64]:
        lon, lat = self.lonlat(x, y)
        return np.degrees(lon), np.degrees(lat)

    def distances_m(self, x: Float64, y: Float64) -> Float64:
        """Geodesic lengths between consecutive map points, shape (n - 1,)."""
        lon, lat = self._degrees(x, y)
        if len(lon) < 2:
            return np.zeros(0)
        return np.asarray(self.geod.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])[2], dtype=np.float64)
