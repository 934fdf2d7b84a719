"""The run grid: one pixel grid for all dates, its blocks, and the region that areas are reported for."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyproj
import shapely
from affine import Affine
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from icepipe.errors import ConfigError, InputError
from icepipe.geo.crs import ALIGNED_PX, same_crs, unwrap_grid
from icepipe.geo.ellipsoid import Ellipsoid
from icepipe.geo.geobox import GeoBox
from icepipe.geo.longitude import full_turn, is_jump
from icepipe.geo.pixel_area import PixelPlane
from icepipe.inputs.scenes import Scene

OUTLINE_POINTS = 64
"""Points a side of a footprint that is bent by another projection."""


def footprint_polygon(geobox: GeoBox, crs: str) -> BaseGeometry:
    """Footprint of a grid in a coordinate system; shape of its sides kept where the two differ."""
    if same_crs(geobox.crs, crs):
        return Polygon(geobox.corners)
    t = np.linspace(0, 1, OUTLINE_POINTS, endpoint=False)
    one, zero = np.ones_like(t), np.zeros_like(t)
    col = np.concatenate([t, one, 1 - t, zero]) * geobox.width
    row = np.concatenate([zero, t, one, 1 - t]) * geobox.height
    to_crs = pyproj.Transformer.from_crs(geobox.crs, crs, always_xy=True)
    return Polygon(np.column_stack(to_crs.transform(*geobox.to_map(col, row))))


def _finest(scenes: Sequence[Scene]) -> tuple[Scene, float]:
    """Scene with the smallest pixels on the ground, the first of equals, and their side in metres."""
    sides = [float(np.sqrt(np.prod(PixelPlane(scene.geobox).sides_m))) for scene in scenes]
    best = min(range(len(scenes)), key=lambda i: (round(sides[i], 3), i))
    return scenes[best], sides[best]


def _cover(scenes: Sequence[Scene], lattice: GeoBox) -> GeoBox:
    """Smallest grid on a lattice of pixels that holds every scene.

    Raises
    ------
    InputError
        If a scene has no place in the lattice's CRS, or that CRS tears it.
    """
    turn = full_turn(pyproj.CRS.from_wkt(lattice.crs))
    spans = []
    for scene in scenes:
        x, y = np.asarray(footprint_polygon(unwrap_grid(scene.geobox, lattice), lattice.crs).exterior.coords).T
        if not np.all(np.isfinite(x)) or not np.all(np.isfinite(y)):
            raise InputError(scene.path, "it does not lie within the run's coordinate system", "set inputs.grid.crs")
        if turn and is_jump(np.diff(x), turn).any() and not same_crs(scene.geobox.crs, lattice.crs):
            raise InputError(
                scene.path,
                "it lies across 180 degrees or over a pole, where a grid of longitudes and latitudes breaks",
                "set inputs.grid.crs to a projected system, or leave it out",
            )
        col, row = lattice.to_pixels(x, y)
        spans.append((col.min(), row.min(), col.max(), row.max()))
    lows, highs = np.array(spans)[:, :2].min(axis=0), np.array(spans)[:, 2:].max(axis=0)
    left, top = (math.floor(value + ALIGNED_PX) for value in lows)
    right, bottom = (math.ceil(value - ALIGNED_PX) for value in highs)
    return GeoBox(lattice.crs, lattice.transform @ Affine.translation(left, top), right - left, bottom - top)


def _equal_area_crs(scenes: Sequence[Scene]) -> str:
    """Lambert azimuthal equal-area system around the middle of the scenes, on WGS 84, to whole degrees."""
    points = []
    for scene in scenes:
        earth, box = Ellipsoid.of(scene.geobox.crs), scene.geobox
        x, y = box.transform @ (box.width / 2, box.height / 2)
        points.append(earth.cartesian(*earth.lonlat(np.array(x), np.array(y)))[1])
    x, y, z = np.mean(points, axis=0)
    lat, lon = round(math.degrees(math.atan2(z, math.hypot(x, y)))), round(math.degrees(math.atan2(y, x)))
    return str(pyproj.CRS.from_proj4(f"+proj=laea +lat_0={lat} +lon_0={lon} +datum=WGS84 +units=m").to_wkt())


def configured_grid(scenes: Sequence[Scene], crs: str, resolution: float) -> GeoBox:
    """Grid of a stated CRS and pixel size, on whole multiples of it, that holds every scene.

    Raises
    ------
    ConfigError
        If there is no such CRS.
    """
    try:
        wkt = pyproj.CRS.from_user_input(crs).to_wkt()
    except pyproj.exceptions.CRSError:
        raise ConfigError(f"inputs.grid.crs: there is no {crs}", "correct the number") from None
    lattice = GeoBox(wkt, Affine.scale(resolution, -resolution), 1, 1)
    return _cover(scenes, lattice)


def run_grid(scenes: Sequence[Scene]) -> GeoBox:
    """Smallest grid that holds every scene.

    The pixels of the finest scene where all share a CRS, so that scenes on them are not resampled; else an equal-area
    grid with pixels as large as the finest scene's, to three digits.
    """
    first = scenes[0].geobox
    if all(same_crs(scene.geobox.crs, first.crs) for scene in scenes):
        return _cover(scenes, _finest(scenes)[0].geobox)
    side = float(f"{_finest(scenes)[1]:.3g}")
    return configured_grid(scenes, _equal_area_crs(scenes), side)


def union_of_footprints(scenes: Sequence[Scene], grid: GeoBox) -> BaseGeometry:
    """Outline of everything the scenes cover, seen or not, in the grid's CRS.

    Corners of scenes on the grid's own pixels are put onto them, so that the outline does not depend on how a
    scene was cut.
    """
    shapes = []
    for scene in scenes:
        shape = footprint_polygon(unwrap_grid(scene.geobox, grid), grid.crs)
        pixels = shapely.transform(shape, grid.to_pixels, interleaved=False)
        whole = shapely.transform(pixels, np.rint)
        shapes.append(whole if whole.equals_exact(pixels, ALIGNED_PX) else pixels)
    union = shapely.normalize(shapely.simplify(shapely.union_all(shapes), 0))
    return shapely.transform(union, grid.to_map, interleaved=False)


def outside_km2(scene: Scene, region: BaseGeometry, grid: GeoBox) -> float:
    """Part of a scene's footprint that lies outside the region, in true km2; 0 where it is less than a pixel."""
    shape = footprint_polygon(unwrap_grid(scene.geobox, grid), grid.crs)
    rest = shapely.segmentize(shape.difference(region), math.sqrt(shape.area) / OUTLINE_POINTS)
    if rest.area < grid.planar_pixel_area:
        return 0.0
    return Ellipsoid.of(grid.crs).area_m2(rest) / 1e6
