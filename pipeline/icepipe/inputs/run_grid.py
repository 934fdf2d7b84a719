"""Choose the run grid, one pixel grid for all dates, and the region that the scenes cover."""

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
from icepipe.geo.longitude import full_circle, is_jump
from icepipe.geo.pixel_area import PixelPlane
from icepipe.inputs.scenes import Scene

OUTLINE_POINTS = 64
"""Vertices per side of a footprint in another projection, where straight sides become curves."""


def footprint_polygon(geobox: GeoBox, crs: str) -> BaseGeometry:
    """Return the footprint of a grid in a coordinate system, with its sides densified if the two differ."""
    if same_crs(geobox.crs, crs):
        return Polygon(geobox.corners)
    t = np.linspace(0, 1, OUTLINE_POINTS, endpoint=False)
    ones, zeros = np.ones_like(t), np.zeros_like(t)
    col = np.concatenate([t, ones, 1 - t, zeros]) * geobox.width
    row = np.concatenate([zeros, t, ones, 1 - t]) * geobox.height
    to_crs = pyproj.Transformer.from_crs(geobox.crs, crs, always_xy=True)
    return Polygon(np.column_stack(to_crs.transform(*geobox.to_map(col, row))))


def finest_scene(scenes: Sequence[Scene]) -> tuple[Scene, float]:
    """Return the scene with the smallest pixels on the ground, and their side in metres."""
    sides = [float(np.sqrt(np.prod(PixelPlane(scene.geobox).sides_m))) for scene in scenes]
    # Sides are compared to the millimetre; the first of equal scenes is taken, so that the choice is stable.
    best = min(range(len(scenes)), key=lambda i: (round(sides[i], 3), i))
    return scenes[best], sides[best]


def covering_grid(scenes: Sequence[Scene], lattice: GeoBox) -> GeoBox:
    """Return the smallest grid on the pixels of another grid that holds every scene.

    Raises
    ------
    InputError
        If a scene is outside the domain of the grid's CRS, or is torn by it.
    """
    circle = full_circle(pyproj.CRS.from_wkt(lattice.crs))
    spans = []
    for scene in scenes:
        x, y = np.asarray(footprint_polygon(unwrap_grid(scene.geobox, lattice), lattice.crs).exterior.coords).T
        if not np.all(np.isfinite(x)) or not np.all(np.isfinite(y)):
            raise InputError(
                scene.path, "it is outside the domain of the run's coordinate system", "set inputs.grid.crs"
            )
        if circle and is_jump(np.diff(x), circle).any() and not same_crs(scene.geobox.crs, lattice.crs):
            raise InputError(
                scene.path,
                "it crosses the antimeridian or holds a pole, which a longitude/latitude grid cannot represent",
                "set inputs.grid.crs to a projected system, or remove it",
            )
        col, row = lattice.to_pixels(x, y)
        spans.append((col.min(), row.min(), col.max(), row.max()))
    lows, highs = np.array(spans)[:, :2].min(axis=0), np.array(spans)[:, 2:].max(axis=0)
    # Edges that are on a pixel border but for rounding do not add a row or column.
    left, top = (math.floor(value + ALIGNED_PX) for value in lows)
    right, bottom = (math.ceil(value - ALIGNED_PX) for value in highs)
    return GeoBox(lattice.crs, lattice.transform @ Affine.translation(left, top), right - left, bottom - top)


def equal_area_crs(scenes: Sequence[Scene]) -> str:
    """Return a Lambert azimuthal equal-area CRS on WGS 84, centred on the scenes to whole degrees."""
    # Means of unit vectors, unlike means of longitudes, are correct at the antimeridian and the poles.
    points = []
    for scene in scenes:
        earth, box = Ellipsoid.from_wkt(scene.geobox.crs), scene.geobox
        x, y = box.transform @ (box.width / 2, box.height / 2)
        points.append(earth.cartesian(*earth.lonlat(np.array(x), np.array(y)))[1])
    x, y, z = np.mean(points, axis=0)
    lat, lon = round(math.degrees(math.atan2(z, math.hypot(x, y)))), round(math.degrees(math.atan2(y, x)))
    return str(pyproj.CRS.from_proj4(f"+proj=laea +lat_0={lat} +lon_0={lon} +datum=WGS84 +units=m").to_wkt())


def configured_grid(scenes: Sequence[Scene], crs: str, resolution: float) -> GeoBox:
    """Return the grid of a given CRS and pixel size that holds every scene; corners are multiples of the pixel size.

    Raises
    ------
    ConfigError
        If the CRS does not exist.
    """
    try:
        wkt = pyproj.CRS.from_user_input(crs).to_wkt()
    except pyproj.exceptions.CRSError:
        raise ConfigError(f"inputs.grid.crs: {crs} does not exist", "correct the EPSG code") from None
    lattice = GeoBox(wkt, Affine.scale(resolution, -resolution), 1, 1)
    return covering_grid(scenes, lattice)


def run_grid(scenes: Sequence[Scene]) -> GeoBox:
    """Return the smallest grid that holds every scene.

    If all scenes share a CRS, it has the pixels of the finest scene, so that scenes on them are not resampled. Else it
    is an equal-area grid whose pixel size is that of the finest scene, to three digits.
    """
    first = scenes[0].geobox
    if all(same_crs(scene.geobox.crs, first.crs) for scene in scenes):
        return covering_grid(scenes, finest_scene(scenes)[0].geobox)
    side = float(f"{finest_scene(scenes)[1]:.3g}")
    return configured_grid(scenes, equal_area_crs(scenes), side)


def union_of_footprints(scenes: Sequence[Scene], grid: GeoBox) -> BaseGeometry:
    """Return the outline of all pixels of the scenes, observed or not, in the CRS of the grid."""
    shapes = []
    for scene in scenes:
        shape = footprint_polygon(unwrap_grid(scene.geobox, grid), grid.crs)
        pixels = shapely.transform(shape, grid.to_pixels, interleaved=False)
        # Snap to whole pixels where the scene is on the pixels of the grid, so that the union does not depend on how
        # the scenes were tiled.
        whole = shapely.transform(pixels, np.rint)
        shapes.append(whole if whole.equals_exact(pixels, ALIGNED_PX) else pixels)
    union = shapely.normalize(shapely.simplify(shapely.union_all(shapes), 0))
    return shapely.transform(union, grid.to_map, interleaved=False)


def outside_km2(scene: Scene, region: BaseGeometry, grid: GeoBox) -> float:
    """Return the true area in km2 of a scene's footprint outside the region; 0 if it is less than a pixel."""
    shape = footprint_polygon(unwrap_grid(scene.geobox, grid), grid.crs)
    rest = shapely.segmentize(shape.difference(region), math.sqrt(shape.area) / OUTLINE_POINTS)
    if rest.area < grid.planar_pixel_area:
        return 0.0
    return Ellipsoid.from_wkt(grid.crs).area_m2(rest) / 1e6
