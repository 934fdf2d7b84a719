"""Coordinate reference systems that are the same, and grids that differ by whole turns of longitude."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import pyproj
from affine import Affine

from icepipe.geo.geobox import GeoBox
from icepipe.geo.longitude import full_turn

ALIGNED_PX = 1e-3
"""Two grids are one where their origins differ by whole pixels to this part of a pixel."""


def same_crs(one: str, other: str) -> bool:
    """Whether two WKT strings mean one coordinate system."""
    return one == other or bool(pyproj.CRS.from_wkt(one) == pyproj.CRS.from_wkt(other))


@lru_cache(maxsize=32)
def _turn(crs_wkt: str) -> float:
    return full_turn(pyproj.CRS.from_wkt(crs_wkt))


def unwrap_grid(source: GeoBox, grid: GeoBox) -> GeoBox:
    """A longitude/latitude grid turned by whole circles to lie nearest to another; other grids as they are."""
    turn = _turn(source.crs)
    if not turn or not same_crs(source.crs, grid.crs):
        return source
    middles = [box.transform @ (box.width / 2, box.height / 2) for box in (source, grid)]
    turns = round((middles[1][0] - middles[0][0]) / turn)
    return replace(source, transform=Affine.translation(turns * turn, 0) @ source.transform) if turns else source
