"""Footprints of regions on the globe, compared with points known from their maps."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
import shapely
from shapely.geometry import Point, box, shape

from icepipe.geo.footprint import footprint

GEOD = pyproj.Geod(ellps="WGS84")
KM = 1000.0
RING = box(-2000 * KM, -2000 * KM, 2000 * KM, 2000 * KM).difference(box(-900 * KM, -900 * KM, 900 * KM, 900 * KM))


def wkt(code):
    return pyproj.CRS(code).to_wkt()


def area_km2(geometry):
    parts = shapely.get_parts(shapely.segmentize(geometry, 0.05))
    return sum(abs(GEOD.geometry_area_perimeter(part)[0]) for part in parts) / 1e6


def places(region, crs, count=8000):
    """Random points in and around a region: longitude, latitude, and whether the region contains them."""
    rng = np.random.default_rng(0)
    left, bottom, right, top = region.buffer(0.2 * (region.bounds[3] - region.bounds[1])).bounds
    x, y = rng.uniform(left, right, count), rng.uniform(bottom, top, count)
    degrees = pyproj.CRS(crs).is_geographic
    to_globe = pyproj.Transformer.from_crs(crs, "OGC:CRS84", always_xy=True)
    lon, lat = (x, y) if degrees else map(np.array, to_globe.transform(x, y))
    images = [x, x - 360, x + 360] if degrees else [x]
    clear = [shapely.distance(region.boundary, shapely.points(image, y)) > (right - left) / 300 for image in images]
    inside = np.any([shapely.contains_xy(region, image, y) for image in images], axis=0)
    usable = np.isfinite(lon) & (np.abs(lat) < 89.9) & np.all(clear, axis=0)
    return (lon[usable] + 180) % 360 - 180, lat[usable], inside[usable]


REGIONS = {
    "plain": (box(-650 * KM, -1450 * KM, -550 * KM, -1350 * KM), "EPSG:3413"),
    "around the north pole": (box(-2000 * KM, -1500 * KM, 1000 * KM, 2500 * KM), "EPSG:3413"),
    "around the south pole": (box(-2000 * KM, -1500 * KM, 1000 * KM, 2500 * KM), "EPSG:3031"),
    "north pole off the middle": (box(-900 * KM, -900 * KM, 1500 * KM, 1500 * KM), "+proj=laea +lat_0=84 +lon_0=100"),
    "ring around the pole": (RING, "EPSG:3413"),
    "corner at the pole": (box(0, 0, 1000 * KM, 1000 * KM), "EPSG:3413"),
    "across 180 on a polar map": (box(-900 * KM, 600 * KM, 0, 1800 * KM), "EPSG:3413"),
    "across 180 in degrees": (box(179.7, 70.5, 180.3, 71.0), "EPSG:4326"),
    "across 180 in negative degrees": (box(-180.3, 70.5, -179.7, 71.0), "EPSG:4326"),
    "across 180 in UTM": (box(400 * KM, 7_700 * KM, 900 * KM, 7_900 * KM), "EPSG:32660"),
    "0 to 360 degrees": (box(0, 60, 360, 80), "EPSG:4326"),
    "-180 to 180 degrees": (box(-180, -90, 180, 90), "EPSG:4326"),
    "two parts": (box(170, 10, 175, 20).union(box(-175, 10, -160, 20)), "EPSG:4326"),
}


@pytest.mark.parametrize("name", REGIONS)
def test_a_place_is_in_the_footprint_where_it_is_in_the_region(name):
    region, crs = REGIONS[name]
    result = footprint(region, wkt(crs))
    geometry = shape(result.geometry)
    assert geometry.is_valid
    west, south, east, north = result.bbox
    lon, lat, inside = places(region, crs)
    contained = shapely.contains_xy(geometry, lon, lat)
    assert inside.sum() > 100
    assert np.mean(contained != inside) < 0.002
    between = (lon >= west) & (lon <= east) if west <= east else (lon >= west) | (lon <= east)
    assert np.all(between[inside] & (lat[inside] >= south) & (lat[inside] <= north))


@pytest.mark.parametrize("name", REGIONS)
def test_no_band_runs_across_the_world(name):
    """Parts stay within 180 and 90 degrees, and exteriors are counter-clockwise, as RFC 7946 requires."""
    geometry = shape(footprint(*(REGIONS[name][0], wkt(REGIONS[name][1]))).geometry)
    left, bottom, right, top = geometry.bounds
    assert left >= -180
    assert right <= 180
    assert bottom >= -90
    assert top <= 90
    assert all(part.exterior.is_ccw for part in shapely.get_parts(geometry))


def test_areas_are_those_of_the_map():
    """On an equal-area map around a point off the pole, areas are those of the globe."""
    region, crs = REGIONS["north pole off the middle"]
    assert area_km2(shape(footprint(region, wkt(crs)).geometry)) == pytest.approx(region.area / 1e6, rel=1e-3)


def test_boxes_around_the_pole_and_across_180_degrees():
    assert footprint(*_of("around the north pole")).bbox[0::2] == (-180, 180)
    assert footprint(*_of("around the north pole")).bbox[3] == 90
    assert footprint(*_of("around the south pole")).bbox[1] == -90
    west, south, east, north = footprint(*_of("across 180 in degrees")).bbox
    assert (west, south, east, north) == pytest.approx((179.7, 70.5, -179.7, 71.0), abs=1e-6)
    assert footprint(*_of("two parts")).bbox == pytest.approx((170, 10, -160, 20), abs=1e-6)
    assert footprint(*_of("0 to 360 degrees")).bbox == (-180, 60, 180, 80)


def test_parts_meet_at_180_degrees():
    geometry = shape(footprint(*_of("across 180 in UTM")).geometry)
    assert {part.bounds[0] == -180 or part.bounds[2] == 180 for part in shapely.get_parts(geometry)} == {True}


def test_points_off_the_map_are_left_out():
    """Corners of a grid of a whole hemisphere can be outside the domain of its projection."""
    side = 9_100 * KM
    region = box(-side, -side, side, side)
    crs = "+proj=laea +lat_0=90 +R=6371228"
    geometry = shape(footprint(region, wkt(crs)).geometry)
    assert geometry.is_valid
    assert geometry.covers(Point(30, 10))


def _of(name):
    region, crs = REGIONS[name]
    return region, wkt(crs)


@pytest.mark.parametrize("name", ["around the north pole", "around the south pole", "north pole off the middle"])
@pytest.mark.parametrize("lat", [85, 89.9, 89.99, 89.9999])
def test_nothing_is_missing_around_a_pole(name, lat):
    geometry = shape(footprint(*_of(name)).geometry)
    lon = np.linspace(-179.999, 179.999, 1001)
    assert shapely.contains_xy(geometry, lon, np.full_like(lon, -lat if "south" in name else lat)).all()
