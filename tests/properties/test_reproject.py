"""Reprojected polygons: same positions, same areas, no polygon around the whole Earth."""

from __future__ import annotations

import json

import numpy as np
import pyproj
import pytest
import shapely
from affine import Affine
from rasterio.features import rasterize
from scipy import ndimage

from icepipe.classes import ClassCode
from icepipe.errors import ConfigError
from icepipe.geo.densify import OFF_PX
from icepipe.geo.geobox import GeoBox
from icepipe.measure.polygons.reproject import check_reprojectable
from tests.polygons import SEEN, WGS84, drawn, grid_of

GEOD = pyproj.Geod(ellps="WGS84")
P = Affine(25_000, 0, -1_000_000, 0, -25_000, 1_000_000)
PLACES = {
    "the pole within a pixel": (3413, P @ Affine.translation(0.4, 0.2), 3),
    "the pole on a corner, 180 degrees along pixel corners": (3413, P, 3),
    "the pole on a corner, 180 degrees along pixel edges": (3995, P, 3),
    "the pole on an edge": (3995, P @ Affine.translation(0, 0.5), 3),
    "the pole just beside an edge": (3995, P @ Affine.translation(0, 1e-4), 3),
    "noise around the pole": (3995, P, 0),
    "the south pole on a corner": (3031, P, 3),
    "noise around the south pole": (3031, P, 0),
    "an equal-area map": (6931, P, 3),
    "a turned grid": (3995, Affine.rotation(17) @ P, 3),
    "a grid with south up": (3995, P @ Affine.translation(0, 80) @ Affine.scale(1, -1), 3),
    "180 degrees in UTM zone 1": (32601, Affine(500, 0, 150_000, 0, -500, 7_500_000), 3),
    "180 degrees in a Mercator map": (3832, Affine(10_000, 0, 2_500_000, 0, -10_000, 5_000_000), 3),
    "longitudes from 0 to 360": (4326, Affine(0.5, 0, 150, 0, -0.5, 80), 3),
    "far from anything odd": (3413, Affine(250, 0, -650_000, 0, -250, -1_350_000), 3),
}


def blobs(sigma, side=80, seed=1):
    rng = np.random.default_rng(seed)
    if not sigma:
        return rng.integers(1, 4, (side, side)).astype(np.uint8)
    field = ndimage.gaussian_filter(rng.normal(size=(side, side)), sigma)
    return np.digitize(field, [-0.05, 0.05]).astype(np.uint8) + 1


def geodesic_m2(polygons):
    return np.array([GEOD.geometry_area_perimeter(polygon)[0] for polygon in shapely.orient_polygons(polygons)])


def assert_same_places(layers, classes, grid, crs):
    """Random points are in a polygon of their pixel's class, and in no other."""
    rng = np.random.default_rng(0)
    col, row = (rng.uniform(0, side, 3000) for side in (grid.width, grid.height))
    x, y = pyproj.Transformer.from_crs(grid.crs, crs, always_xy=True).transform(*grid.to_map(col, row))
    if crs == WGS84:
        x = (np.asarray(x) + 180) % 360 - 180
    polygons = np.concatenate([layer.geometry for layer in layers])
    codes = np.repeat([layer.code for layer in layers], [len(layer.geometry) for layer in layers])
    place, polygon = shapely.STRtree(polygons).query(shapely.points(x, y), "intersects")
    assert np.array_equal(place, np.arange(3000))
    assert np.array_equal(codes[polygon], classes[row.astype(int), col.astype(int)])


@pytest.mark.parametrize("place", PLACES)
def test_in_longitude_and_latitude(place):
    epsg, transform, sigma = PLACES[place]
    classes = blobs(sigma)
    grid = grid_of(classes, transform, pyproj.CRS(epsg).to_wkt())
    layers, plain = drawn(classes, grid, crs=WGS84), drawn(classes, grid)
    for layer, before in zip(layers, plain, strict=True):
        assert shapely.is_valid(layer.geometry).all()
        np.testing.assert_allclose(geodesic_m2(layer.geometry), layer.area_m2, rtol=1e-3)
        assert np.array_equal(layer.area_m2, before.area_m2)
    everything = np.concatenate([layer.geometry for layer in layers])
    west, south, east, north = shapely.total_bounds(everything)
    assert (west, east) >= (-180, -180)
    assert east <= 180
    assert -90 <= south < north <= 90
    assert shapely.coverage_is_valid(shapely.get_parts(everything))
    assert_same_places(layers, classes, grid, WGS84)


def test_no_band_across_the_world():
    """Only polygons around a pole are 360 degrees wide; a layer across the antimeridian is at both ends of the map."""
    classes = blobs(2)
    grid = grid_of(classes, Affine(5000, 0, 0, 0, -5000, 7_500_000), pyproj.CRS(32601).to_wkt())
    parts = shapely.get_parts(np.concatenate([layer.geometry for layer in drawn(classes, grid, crs=WGS84)]))
    bounds = shapely.bounds(parts)
    assert (bounds[:, 2] - bounds[:, 0]).max() < 15
    assert bounds[:, 0].min() == -180
    assert bounds[:, 2].max() == 180


def test_a_disc_around_the_pole_reaches_it():
    classes = np.where(np.hypot(*np.indices((80, 80)) - 39.5) < 30, 2, 1).astype(np.uint8)
    (ice,) = drawn(classes, grid_of(classes, P, pyproj.CRS(3995).to_wkt()), (ClassCode.ICE,), crs=WGS84)
    assert ice.geometry[0].bounds[::2] == (-180, 180)
    assert ice.geometry[0].bounds[3] == 90
    for lon in (-180, -90, 0.5, 179):
        assert ice.geometry[0].intersects(shapely.Point(lon, 89.99))


@pytest.mark.parametrize(("epsg", "lat"), [(3995, 90), (3031, -90)])
def test_pixels_that_meet_at_a_pole_share_out_all_longitudes(epsg, lat):
    """Four classes of pixels around the pole, a quarter of the longitudes each."""
    classes = np.array([[1, 2], [3, 4]], np.uint8)
    grid = grid_of(classes, Affine(1000, 0, -1000, 0, -1000, 1000), pyproj.CRS(epsg).to_wkt())
    layers = drawn(classes, grid, (*SEEN, ClassCode.CLOUD), crs=WGS84)
    transformer = pyproj.Transformer.from_crs(WGS84, grid.crs, always_xy=True)
    for lon in np.arange(-179.5, 180, 7):
        col, row = grid.to_pixels(*transformer.transform(lon, lat * (1 - 1e-7)))
        code = classes[int(row), int(col)]
        near = shapely.Point(lon, lat * (1 - 1e-14))
        assert [layer.code for layer in layers if layer.geometry[0].covers(near)] == [code]
    for layer in layers:
        edge = layer.geometry[0].intersection(shapely.LineString([(-180, lat), (180, lat)]))
        assert edge.length == pytest.approx(90)


def test_a_ring_around_the_pole_may_cross_180_degrees_again():
    """A disc with an arm that starts east of the antimeridian and crosses it farther out."""
    classes = np.where(np.hypot(*np.indices((80, 80)) - 39.5) < 25, 2, 1).astype(np.uint8)
    classes[5:20, 45:48] = 2
    classes[5:8, 30:48] = 2
    grid = grid_of(classes, P, pyproj.CRS(3995).to_wkt())
    layers = drawn(classes, grid, crs=WGS84)
    assert all(shapely.is_valid(layer.geometry).all() for layer in layers)
    np.testing.assert_allclose(geodesic_m2(layers[1].geometry), layers[1].area_m2, rtol=1e-3)
    assert_same_places(layers, classes, grid, WGS84)


def test_edges_lie_within_the_stated_distance():
    """Points of a border of 100 pixels are within the tolerance of the reprojected edge."""
    classes = np.repeat([[1], [2]], 100, axis=1).astype(np.uint8)
    grid = grid_of(classes)
    (ice,) = drawn(classes, grid, (ClassCode.ICE,), crs=WGS84)
    (straight,) = drawn(classes, grid, (ClassCode.ICE,))
    x, y = shapely.get_coordinates(shapely.segmentize(straight.geometry[0].exterior, 10)).T
    lon, lat = pyproj.Transformer.from_crs(grid.crs, WGS84, always_xy=True).transform(x, y)
    ring = ice.geometry[0].geoms[0].exterior
    near = shapely.get_coordinates(
        [ring.interpolate(ring.project(shapely.Point(p))) for p in zip(lon, lat, strict=True)]
    )
    off_m = GEOD.inv(lon, lat, *near.T)[2]
    side_m = np.sqrt(ice.area_m2.sum() / ice.n_px.sum())
    assert off_m.max() <= 1.01 * OFF_PX * side_m
    assert len(ring.coords) > 20


@pytest.mark.parametrize("epsg", [3857, 3832])
def test_a_system_that_tears_polygons_is_refused(epsg):
    crs = pyproj.CRS(epsg).to_wkt()
    grid = grid_of(blobs(3), P, pyproj.CRS(3995).to_wkt())
    with pytest.raises(ConfigError, match="torn by it"):
        check_reprojectable(shapely.Polygon(grid.corners), grid, crs)
    with pytest.raises(ConfigError, match="torn by it"):
        [layer.geometry for layer in drawn(blobs(3), grid, SEEN, crs=crs)]


def test_to_another_map():
    classes = blobs(3)
    grid, crs = grid_of(classes), pyproj.CRS(6931).to_wkt()
    layers = drawn(classes, grid, crs=crs)
    for layer in layers:
        np.testing.assert_allclose(shapely.area(layer.geometry), layer.area_m2, rtol=1e-4)
    assert shapely.coverage_is_valid(np.concatenate([layer.geometry for layer in layers]))
    assert_same_places(layers, classes, grid, crs)


def test_glacier_outlines_there_and_back(shared_data):
    """Outlines on 10 m cells, vectorized, in EPSG:4326: published areas, and those of the outlines themselves."""
    features = json.loads((shared_data / "glacier-outlines/rgi_baker.json").read_text())["features"]
    utm = pyproj.CRS(32610).to_wkt()
    transformer = pyproj.Transformer.from_crs(WGS84, utm, always_xy=True)
    outlines = [
        shapely.transform(shapely.from_geojson(json.dumps(f["geometry"])), transformer.transform, interleaved=False)
        for f in features
    ]
    west, south, east, north = shapely.total_bounds(outlines)
    grid = GeoBox(
        utm, Affine(10, 0, west - 50, 0, -10, north + 50), int(east - west) // 10 + 12, int(north - south) // 10 + 12
    )
    classes = rasterize([(o, 2) for o in outlines], grid.shape, fill=1, transform=grid.transform, dtype="uint8")
    (ice,) = drawn(classes, grid, (ClassCode.ICE,), crs=WGS84)
    np.testing.assert_allclose(geodesic_m2(ice.geometry), ice.area_m2, rtol=1e-3)
    published_km2 = sum(feature["properties"]["Area"] for feature in features)
    assert geodesic_m2(ice.geometry).sum() / 1e6 == pytest.approx(published_km2, rel=1e-3)
