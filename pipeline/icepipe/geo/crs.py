"""Coordinate reference systems that are the same, and longitudes that differ by whole turns."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pyproj
from affine import Affine

from icepipe.geo.geobox import GeoBox

ALIGNED_PX = 1e-3
"""Two grids are one where their origins differ by whole pixels to this part of a pixel."""


def same_crs(one: str, other: str) -> bool:
    """Whether two WKT strings mean one coordinate system."""
    return one == other or bool(pyproj.CRS.from_wkt(one) == pyproj.CRS.from_wkt(other))


@lru_cache(maxsize=32)
def _circle(crs_wkt: str) -> float | None:
    """A whole circle in the units of a longitude/latitude grid; None where the coordinates are no angles."""
    crs = pyproj.CRS.from_wkt(crs_wkt)
    return 2 * np.pi / crs.axis_info[0].unit_conversion_factor if crs.is_geographic else None


def unwrap_longitude(source: GeoBox, grid: GeoBox) -> GeoBox:
    """A longitude/latitude grid turned by whole circles to lie nearest to another; other grids as they are."""
    circle = _circle(source.crs)
    if circle is None or not same_crs(source.crs, grid.crs):
        return source
    middles = [box.transform @ (box.width / 2, box.height / 2) for box in (source, grid)]
    turns = round((middles[1][0] - middles[0][0]) / circle)
    return replace(source, transform=Affine.translation(turns * circle, 0) @ source.transform) if turns else source
