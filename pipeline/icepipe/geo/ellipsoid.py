"""Ellipsoid of a coordinate system, and transformation of map points onto it."""

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
"""Equatorial radius of WGS 84."""


@dataclass(frozen=True)
class Ellipsoid:
    """Ellipsoid that the points of a coordinate system are measured on.

    Attributes
    ----------
    crs
        The coordinate system.
    geodetic
        Geographic coordinate system of the same datum.
    surface
        Name of the ellipsoid that lengths and areas are measured on.
    geod
        Geodesic calculations on that ellipsoid.
    """

    crs: pyproj.CRS
    geodetic: pyproj.CRS
    surface: str
    geod: pyproj.Geod

    @classmethod
    def from_wkt(cls, wkt: str) -> Ellipsoid:
        """Return the ellipsoid of a CRS's own datum; WGS 84 for a CRS on a sphere.

        Raises
        ------
        NoUsableInput
            If the CRS has no datum, as a local engineering CRS.
        """
        crs = pyproj.CRS.from_wkt(wkt)
        ellipsoid, geodetic = crs.ellipsoid, crs.geodetic_crs
        if ellipsoid is None or geodetic is None:
            raise NoUsableInput(
                "the coordinate system does not say where on the Earth it is", "assign a geographic or projected CRS"
            )
        a_m, b_m = ellipsoid.semi_major_metre, ellipsoid.semi_minor_metre
        # Products on a sphere (MODIS sinusoidal, EASE-Grid 1.0) store geodetic latitudes: their points are on WGS 84.
        if a_m == b_m:
            return cls(crs, geodetic, "WGS 84 (latitudes on the CRS's sphere taken as geodetic)", WGS84)
        return cls(crs, geodetic, ellipsoid.name, pyproj.Geod(a=a_m, b=b_m))

    @cached_property
    def _transformer(self) -> pyproj.Transformer:
        return pyproj.Transformer.from_crs(self.crs, self.geodetic, always_xy=True)

    def lonlat(self, x: Float64, y: Float64) -> tuple[Float64, Float64]:
        """Return longitudes and latitudes in radians of map coordinates; infinite for points outside the map."""
        lon, lat = self._transformer.transform(x, y)
        unit = self.geodetic.axis_info[0].unit_conversion_factor
        return np.asarray(lon) * unit, np.asarray(lat) * unit

    def cartesian(self, lon: Float64, lat: Float64) -> tuple[Float64, Float64]:
        """Return geocentric coordinates in metres and outward unit normals; shapes (..., 3).

        Parameters
        ----------
        lon, lat
            Radians; infinite points give NaN.
        """
        with np.errstate(invalid="ignore"):
            sine, cosine = np.sin(lat), np.cos(lat)
            normal = np.stack([cosine * np.cos(lon), cosine * np.sin(lon), sine], axis=-1)
        prime_vertical = self.geod.a / np.sqrt(1 - self.geod.es * sine**2)
        # A point is its normal scaled by the prime vertical radius, and by (1 - e^2) along the axis.
        scale = np.stack([prime_vertical, prime_vertical, prime_vertical * (1 - self.geod.es)], axis=-1)
        return scale * normal, normal

    def area_m2(self, shape: BaseGeometry) -> float:
        """Return the geodesic area of a polygon or multipolygon on the map; its edges are taken as geodesics."""
        on_earth = shapely.orient_polygons(shapely.transform(shape, self._degrees, interleaved=False))
        return abs(float(self.geod.geometry_area_perimeter(on_earth)[0]))

    def _degrees(self, x: Float64, y: Float64) -> tuple[Float64, Float64]:
        lon, lat = self.lonlat(x, y)
        return np.degrees(lon), np.degrees(lat)

    def distances_m(self, x: Float64, y: Float64) -> Float64:
        """Return the geodesic distances between consecutive map points; shape (n - 1,)."""
        lon, lat = self._degrees(x, y)
        if len(lon) < 2:
            return np.zeros(0)
        return np.asarray(self.geod.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])[2], dtype=np.float64)
