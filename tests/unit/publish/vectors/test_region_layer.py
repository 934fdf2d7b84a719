"""The region layer has the outlines with their areas on every date."""

from __future__ import annotations

import datetime as dt

import geopandas
import pyogrio
import pytest
from shapely.geometry import box

from tests.rasters import TRANSFORM, paint, write


@pytest.fixture
def two_days(tmp_path):
    write(tmp_path / "x_20240701.tif", paint(["iiww", "iiww"]))
    write(tmp_path / "x_20240703.tif", paint(["iwww", "wwww"]))
    x, y = TRANSFORM @ (0, 0)
    halves = {"left": box(x, y - 500, x + 500, y), "right": box(x + 500, y - 500, x + 1000, y)}
    frame = geopandas.GeoDataFrame({"name": list(halves)}, geometry=list(halves.values()), crs="EPSG:3413")
    frame.to_file(tmp_path / "halves.gpkg")
    return tmp_path


def test_every_region_and_date_is_a_feature_with_the_areas_of_its_rows(run_scenes, two_days):
    result = run_scenes(two_days / "x_*.tif", inputs={"regions": str(two_days / "halves.gpkg")})
    layer = geopandas.read_file(result.folder / "regions.gpkg")
    assert list(zip(layer.region, layer.observation, strict=True)) == [
        ("left", "2024-07-01"),
        ("left", "2024-07-03"),
        ("right", "2024-07-01"),
        ("right", "2024-07-03"),
    ]
    assert layer.crs == "EPSG:3413"
    assert layer.date.dt.date.tolist()[:2] == [dt.date(2024, 7, 1), dt.date(2024, 7, 3)]
    for row in result.rows:
        if row.class_ in {"ice", "water"}:
            feature = layer[(layer.region == row.region) & (layer.observation == row.date)].iloc[0]
            assert feature[f"{row.class_}_km2"] == row.area_km2
            assert feature[f"{row.class_}_high_km2"] == row.area_high_km2
    types = dict(
        zip(*(pyogrio.read_info(result.folder / "regions.gpkg")[key] for key in ("fields", "dtypes")), strict=True)
    )
    assert types["date"] == "datetime64[D]"


def test_what_the_scenes_saw_is_a_region_too_and_the_bytes_stay(run_scenes, two_days):
    folder = run_scenes(two_days / "x_*.tif").folder
    layer = geopandas.read_file(folder / "regions.gpkg")
    assert layer.region.tolist() == ["test", "test"]
    before = (folder / "regions.gpkg").read_bytes()
    run_scenes(two_days / "x_*.tif", only=["2024-07-01"])
    assert (folder / "regions.gpkg").read_bytes() == before


def test_what_is_not_known_is_empty(run_scenes, two_days):
    layer = geopandas.read_file(run_scenes(two_days / "x_*.tif").folder / "regions.gpkg")
    assert layer.cloud_km2.isna().all()
    assert (layer.other_km2 == 0).all()
