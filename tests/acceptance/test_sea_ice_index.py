"""Class and concentration rasters against what NSIDC published: counts, true areas, regions."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from pyproj import Transformer
from scipy.io import netcdf_file

from icepipe.geo.geobox import Block, GeoBox
from icepipe.geo.pixel_area import PixelArea, PixelPlane, area_density
from tests.rasters import write

EXTENT = {0: "water", 1: "ice", 253: "land", 254: "land", 255: "unobserved"}
CONCENTRATION = {
    "0..150": "water",
    "150..1000": "ice",
    2510: "ice",
    2530: "land",
    2540: "land",
    2550: "unobserved",
    "weight": 0.001,
}
MEAN_BELOW_CENTRE = 1.3e-6
"""NSIDC takes the area of a cell from the scale at its centre; the mean over the cell is that much smaller."""


def classes(table):
    return {"sensor": "classes", "classes": table}


def by_date(result, name):
    return {row.date: row for row in result.rows if row.class_ == name}


@pytest.fixture(scope="module")
def published(shared_data):
    with (shared_data / "nsidc-seaice-geotiff/expected.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {f"{row['date'][:4]}-{row['date'][4:6]}-{row['date'][6:]}": row for row in rows}


@pytest.fixture
def of_nsidc(shared_data, run_scenes):
    def call(kind, table, **more):
        scenes = shared_data / f"nsidc-seaice-geotiff/geotiff/*_{kind}_v3.0.tif"
        inputs = classes(table) | more
        return run_scenes(scenes, name=kind, inputs=inputs, publish={"polygons": {"classes": ["ice"]}})

    return call


def test_extent_of_nine_days(of_nsidc, published):
    result = of_nsidc("extent", EXTENT)
    ice, unseen = by_date(result, "ice"), by_date(result, "unobserved")
    assert ice.keys() == published.keys()
    for date, row in published.items():
        assert ice[date].n_pixels == int(row["ice_px"])
        assert ice[date].area_km2 == pytest.approx(float(row["extent_km2_true"]), rel=MEAN_BELOW_CENTRE)
        assert ice[date].planar_km2 == float(row["extent_naive_625"])
        assert unseen[date].n_pixels == int(row["missing_px"])
        assert ice[date].weighted_km2 is None
        assert ice[date].area_low_km2 == ice[date].area_km2 == ice[date].area_high_km2
    assert ice["2025-03-22"].area_km2 == pytest.approx(14.3174e6, abs=50)


def test_at_the_centre_of_its_cells_the_area_is_that_of_nsidc(shared_data, published):
    """The same density without the mean over the cell: the published sums to their last digits."""
    for date, row in published.items():
        path = shared_data / f"nsidc-seaice-geotiff/geotiff/N_{date.replace('-', '')}_extent_v3.0.tif"
        with rasterio.open(path) as dataset:
            grid = GeoBox(dataset.crs.to_wkt(), dataset.transform, dataset.width, dataset.height)
            ice = np.argwhere(dataset.read(1) == 1)
        plane = PixelPlane(grid)
        centres = plane.origin + ice[:, ::-1] + 0.5
        km2 = np.abs(area_density(plane, centres, np.array([0.08, 0.08]))).sum() / 1e6
        assert km2 == pytest.approx(float(row["extent_km2_true"]), rel=1e-6)


def test_concentration_gives_the_same_extent_and_the_weighted_area(of_nsidc, published, shared_data):
    result = of_nsidc("concentration", CONCENTRATION)
    ice = by_date(result, "ice")
    for date, row in published.items():
        assert ice[date].n_pixels == int(row["ice_px"])
        weighted = float(row["area_km2_conc_weighted_no_pole"])
        assert ice[date].weighted_km2 == pytest.approx(weighted, rel=MEAN_BELOW_CENTRE)
        assert "concentration" in ice[date].flags
        assert "cloud_not_screened" not in ice[date].flags
        mask = shared_data / f"nsidc-seaice-geotiff/geotiff/N_{date.replace('-', '')}_extent_v3.0.tif"
        ours = next((result.folder / f"observations/{date}").glob("*_classes.tif"))
        with rasterio.open(mask) as theirs, rasterio.open(ours) as dataset:
            assert np.array_equal(dataset.read(1) == 2, theirs.read(1) == 1)


def test_the_map_of_shares_is_the_concentration_of_every_cell(shared_data, run_scenes):
    path = shared_data / "nsidc-seaice-geotiff/geotiff/N_20250322_concentration_v3.0.tif"
    result = run_scenes(
        path, inputs=classes(CONCENTRATION), publish={"fraction": True, "polygons": {"classes": ["ice"]}}
    )
    with rasterio.open(path) as theirs, rasterio.open(next(result.folder.rglob("*_fraction.tif"))) as dataset:
        stored, percent = theirs.read(1).astype(int), dataset.read(1)
    # Cells under 15 % are named water; the pole hole, land and gaps have no concentration.
    expected = np.where(stored < 150, 0, np.where(stored <= 1000, (stored + 5) // 10, 255))
    assert np.array_equal(percent, expected)


REGIONS = ("Foxe_Basin", "Gesamtregion", "Gulf_of_Boothia", "Hudson_Bay", "Hudson_Strait")


def counted(shared_data, date):
    """Independent: cells whose centre lies in the region, by hand from the files."""
    folder = shared_data / "nsidc-seaice-geotiff"
    with rasterio.open(folder / f"geotiff/N_{date.replace('-', '')}_extent_v3.0.tif") as dataset:
        codes, grid = dataset.read(1), GeoBox(dataset.crs.to_wkt(), dataset.transform, dataset.width, dataset.height)
    x, y = grid.to_map(*Block(0, 0, grid.height, grid.width).centres)
    lon, lat = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform(x, y)
    m2 = PixelArea.of(grid).m2(Block(0, 0, grid.height, grid.width))
    found = {}
    for name in REGIONS:
        outline = json.loads((folder / f"regions/{name}_polygon.geojson").read_text())
        shape = shapely.union_all([shapely.geometry.shape(f["geometry"]) for f in outline["features"]])
        held = shapely.contains_xy(shape, lon, lat) | shapely.contains_xy(shape, lon % 360, lat)
        found[name] = ((held & (codes == 1)).sum(), m2[held & (codes == 1)].sum() / 1e6, m2[held].sum() / 1e6)
    return found


def test_five_regions_of_hudson_bay(of_nsidc, shared_data, tmp_path):
    features = []
    for name in REGIONS:
        outline = json.loads((shared_data / f"nsidc-seaice-geotiff/regions/{name}_polygon.geojson").read_text())
        features += [f | {"properties": {"name": name}} for f in outline["features"]]
    path = tmp_path / "regions.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    result = of_nsidc("extent", EXTENT, regions=str(path))
    assert {row.region for row in result.rows} == set(REGIONS)
    for date in ("2025-01-01", "2025-03-22"):
        expected = counted(shared_data, date)
        rows = {row.region: row for row in result.rows if (row.date, row.class_) == (date, "ice")}
        for name, (pixels, ice_km2, region_km2) in expected.items():
            assert rows[name].n_pixels == pixels
            assert rows[name].area_km2 == pytest.approx(ice_km2, rel=1e-8)
            assert rows[name].region_km2 == pytest.approx(region_km2, rel=1e-8)
        parts = sum(rows[name].area_km2 for name in REGIONS if name != "Gesamtregion")
        assert parts <= rows["Gesamtregion"].area_km2 * 1.001
    for region in REGIONS:
        budget = [row for row in result.rows if (row.region, row.date) == (region, "2025-03-22")]
        assert sum(row.area_km2 or 0 for row in budget) == pytest.approx(budget[0].region_km2, rel=1e-9)


DAILY = {
    "0..37.5": "water",
    "37.5..250": "ice",
    251: "ice",
    "252..254": "land",
    255: "unobserved",
    "weight": 0.004,
}


def raw_grid(path, shape):
    return np.frombuffer(path.read_bytes()[300:], dtype=np.uint8).reshape(shape)


def test_the_daily_grids_of_nsidc(shared_data, run_scenes, tmp_path):
    """NSIDC's own regression figures for the Antarctic, with the weights of its concentrations."""
    folder = shared_data / "nsidc-daily-grids"
    grid = raw_grid(folder / "daily/nt_20150806_f17_nrt_s.bin", (332, 316))
    transform = Affine(25_000, 0, -3_950_000, 0, -25_000, 4_350_000)
    path = write(tmp_path / "s_20150806.tif", grid[None], crs="EPSG:3412", transform=transform)
    result = run_scenes(path, inputs=classes(DAILY))
    rows = {row.class_: row for row in result.rows}
    assert rows["ice"].area_km2 == pytest.approx(12_407_359.088, rel=2e-6)
    assert rows["ice"].weighted_km2 == pytest.approx(9_703_187.590, rel=2e-6)
    assert rows["unobserved"].area_km2 == pytest.approx(11_880_290.578, rel=2e-6)


def test_the_arctic_in_january_with_the_mask_of_valid_ice(shared_data, run_scenes, tmp_path):
    """NSIDC counts ice where ice can be in that month, and the pole hole: 13.722 million km2."""
    folder = shared_data / "nsidc-daily-grids"
    grid = raw_grid(folder / "daily/nt_20010106_f13_v1.1_n.bin", (448, 304)).copy()
    mask = folder / "masks/NIC_valid_ice_mask.N25km.01.1972-2007.nc"
    with netcdf_file(mask, mmap=False) as dataset:
        valid = dataset.variables["valid_ice_flag"][:]
    grid[(grid <= 250) & (valid != 1)] = 0
    transform = Affine(25_000, 0, -3_850_000, 0, -25_000, 5_850_000)
    path = write(tmp_path / "n_20010106.tif", grid[None], crs="EPSG:3411", transform=transform)
    result = run_scenes(path, inputs=classes(DAILY))
    ice = next(row for row in result.rows if row.class_ == "ice")
    assert round(ice.area_km2 / 1e6, 3) == 13.722
