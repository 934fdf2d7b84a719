"""Comparison of coordinate reference systems, and alignment of longitude grids that differ by full circles."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import pyproj
from affine import Affine

from icepipe.geo.geobox import GeoBox
from icepipe.geo.longitude import full_circle

ALIGNED_PX = 1e-3
"""Two grids share their pixels if their origins differ by whole pixels to within this part of a pixel."""


def same_crs(crs1: str, crs2: str) -> bool:
    """Return whether two WKT strings describe the same coordinate system."""
    return crs1 == crs2 or bool(pyproj.CRS.from_wkt(crs1) == pyproj.CRS.from_wkt(crs2))


# Parsing a WKT takes longer than the rest of unwrap_grid, which runs once per source and block.
@lru_cache(maxsize=32)
def _full_circle(crs_wkt: str) -> float:
    return full_circle(pyproj.CRS.from_wkt(crs_wkt))


def unwrap_grid(source: GeoBox, grid: GeoBox) -> GeoBox:
    """Shift a longitude/latitude grid by full circles to the position nearest to another grid.

    Grids of projected or different coordinate systems are returned unchanged.
    """
    circle = _full_circle(source.crs)
    if not circle or not same_crs(source.crs, grid.crs):
        return source
    middles = [box.transform @ (box.width / 2, box.height / 2) for box in (source, grid)]
    circles = round((middles[1][0] - middles[0][0]) / circle)
    return replace(source, transform=Affine.translation(circles * circle, 0) @ source.transform) if circles else source
