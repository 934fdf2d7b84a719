"""True pixel areas, compared with NSIDC's tables and with pyproj's geodesic polygons."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
from affine import Affine

from icepipe.errors import IcepipeError
from icepipe.geo.geobox import Block, GeoBox
from icepipe.geo.pixel_area import PixelArea

MODIS_SINUSOIDAL = "+proj=sinu +lon_0=0 +x_0=0 +y_0=0 +R=6371007.181 +units=m +no_defs"
SIZE = 4

GRIDS = {
    "polar stereographic north": ("EPSG:3413", 1_200_000, -1_600_000, 2000.0),
    "polar stereographic at the pole": ("EPSG:3413", -4000, 4000, 2000.0),
    "polar stereographic south": ("EPSG:3031", -900_000, 1_800_000, 2000.0),
    "web mercator at 78 N": ("EPSG:3857", 1_800_000, 14_400_000, 2400.0),
    "web mercator at the equator": ("EPSG:3857", 1_800_000, 3_000, 2400.0),
    "utm 33 north": ("EPSG:32633", 400_000, 8_700_000, 2000.0),
    "utm 22 with negative northings": ("EPSG:32622", 600_000, -400_000, 2000.0),
    "ease grid 2 north": ("EPSG:6931", 1_000_000, -2_000_000, 2000.0),
    "modis sinusoidal": (MODIS_SINUSOIDAL, 3_335_851, -2_223_901, 4633.127),
    "lat/lon at 45 N": ("EPSG:4326", 10.0, 45.0, 0.02),
    "lat/lon at 89 N": ("EPSG:4326", 20.0, 89.0, 0.02),
    "lat/lon across 180": ("EPSG:4326", 179.97, -70.0, 0.02),
}
ORIENTATIONS = {
    "north-up": Affine.scale(1, -1),
    "south-up": Affine.identity(),
    "rotated": Affine.rotation(28) @ Affine.scale(1, -1),
}


def geodesic_area(crs: pyproj.CRS, transform: Affine, col: int, row: int) -> float:
    """Area of a pixel as a geodesic polygon with 64 vertices per side, on the ellipsoid of the datum."""
    t = np.linspace(0, 1, 64, endpoint=False)
    u = np.concatenate([t, np.ones_like(t), 1 - t, np.zeros_like(t)]) + col
    v = np.concatenate([np.zeros_like(t), t, np.ones_like(t), 1 - t]) + row
    x, y = transform @ (u, v)
    lon, lat = pyproj.Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True).transform(x, y)
    ellipsoid = crs.ellipsoid
    is_sphere = ellipsoid.semi_major_metre == ellipsoid.semi_minor_metre
    geod = pyproj.Geod(ellps="WGS84") if is_sphere else crs.get_geod()
    return abs(geod.polygon_area_perimeter(lon, lat)[0])


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("place", GRIDS)
def test_pixels_equal_densified_geodesic_polygons(place, orientation):
    code, x, y, size = GRIDS[place]
    crs = pyproj.CRS(code)
    transform = Affine.translation(x, y) @ ORIENTATIONS[orientation] @ Affine.scale(size)
    area = PixelArea.of(GeoBox(crs.to_wkt(), transform, SIZE, SIZE)).m2(Block(0, 0, SIZE, SIZE))
    truth = [[geodesic_area(crs, transform, col, row) for col in range(SIZE)] for row in range(SIZE)]
    np.testing.assert_allclose(area, truth, rtol=1e-6)


@pytest.mark.parametrize(
    ("epsg", "table", "shape", "corner"),
    [
        (3411, "psn25area_v3.dat", (448, 304), (-3_850_000, 5_850_000)),
        (3412, "pss25area_v3.dat", (332, 316), (-3_950_000, 4_350_000)),
    ],
)
def test_nsidc_published_pixel_areas(shared_data, epsg, table, shape, corner):
    published = np.fromfile(shared_data / "nsidc-daily-grids/area_grids" / table, "<i4").reshape(shape) * 1000.0
    transform = Affine(25_000, 0, corner[0], 0, -25_000, corner[1])
    pixels = PixelArea.of(GeoBox(pyproj.CRS(epsg).to_wkt(), transform, shape[1], shape[0]))
    np.testing.assert_allclose(pixels.m2(Block(0, 0, *shape)), published, rtol=3e-6)
    assert pixels.surface == "Hughes 1980"


def test_a_global_grid_adds_up_to_the_ellipsoid():
    step = 0.5
    pixels = PixelArea.of(GeoBox(pyproj.CRS(4326).to_wkt(), Affine(step, 0, -180, 0, -step, 90), 720, 360))
    total = pixels.units(Block(0, 0, 360, 720)).sum() * pixels.unit_m2
    assert total == pytest.approx(510_065_621_724_088.44, rel=1e-8)  # Karney (2013), WGS 84


def test_a_pixel_does_not_depend_on_block_or_tile():
    crs = pyproj.CRS(3413).to_wkt()
    transform = Affine(250, 0, 1_200_000.3, 0, -250, -1_600_000.7)
    whole = PixelArea.of(GeoBox(crs, transform, 300, 200))
    tile = PixelArea.of(GeoBox(crs, transform @ Affine.translation(150, 80), 150, 120))
    expected = whole.units(Block(0, 0, 200, 300))
    assert np.array_equal(whole.units(Block(81, 151, 7, 11)), expected[81:88, 151:162])
    assert np.array_equal(tile.units(Block(0, 0, 120, 150)), expected[80:, 150:])


def test_units_are_a_power_of_two_and_fine():
    pixels = PixelArea.of(GeoBox(pyproj.CRS(3413).to_wkt(), Affine(250, 0, 0, 0, -250, 0), 10, 10))
    assert np.log2(pixels.unit_m2) % 1 == 0
    assert 2**29 <= pixels.units(Block(0, 0, 1, 1))[0, 0] <= 2**31


def test_local_coordinates_are_refused():
    local = pyproj.CRS.from_wkt('LOCAL_CS["site",UNIT["metre",1]]').to_wkt()
    with pytest.raises(IcepipeError, match="where on the Earth"):
        PixelArea.of(GeoBox(local, Affine(1, 0, 0, 0, -1, 0), 10, 10))


def test_a_grid_beyond_the_earth_is_refused():
    crs = pyproj.CRS(3411).to_wkt()
    lonlat = PixelArea.of(GeoBox(pyproj.CRS(4326).to_wkt(), Affine(1, 0, 0, 0, -1, 94), 10, 10))
    with pytest.raises(IcepipeError, match="does not lie on the Earth"):
        lonlat.m2(Block(0, 0, 10, 10))
    with pytest.raises(IcepipeError, match="does not lie on the Earth"):
        lonlat.units(Block(0, 0, 10, 10))
    assert PixelArea.of(GeoBox(crs, Affine(25e3, 0, 0, 0, -25e3, 0), 10, 10)).m2(Block(0, 0, 1, 1)).min() > 0
