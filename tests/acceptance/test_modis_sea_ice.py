"""Real MODIS sea ice, true colour: true areas, sane ice fractions, polygons that equal the raster."""

from __future__ import annotations

import csv

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from rasterio.features import rasterize

SCENES = {
    "barents_kara_seas-100km-20250507": (10435.934, ("terra", "aqua")),
    "hudson_bay-100km-20060513": (9323.212, ("terra", "aqua")),
    "laptev_sea-200km-20230613": (41363.864, ("terra",)),
}


def fractions(result):
    found = {}
    for date in dict.fromkeys(row.date for row in result.rows):
        areas = {row.class_: row.area_km2 for row in result.rows if row.date == date}
        found[date.rsplit("_", 1)[-1]] = (areas["ice"], areas["ice"] + areas["water"] + areas["other"])
    return found


@pytest.mark.parametrize("folder", SCENES)
def test_areas_and_ice_fractions(shared_data, run_scenes, folder):
    published_km2, platforms = SCENES[folder]
    result = run_scenes(shared_data / "modis-sea-ice" / folder / "*.truecolor.tiff", measure={"period": "scene"})
    found = fractions(result)
    assert set(found) == set(platforms)
    with (shared_data / "modis-sea-ice/expected.csv").open() as file:
        otsu = {(r["scene"], r["satellite"]): float(r["ice_frac_otsu_red"]) for r in csv.DictReader(file)}
    for platform, (ice, seen) in found.items():
        assert seen == pytest.approx(published_km2, rel=1e-6)
        assert -0.01 <= ice / seen - otsu[folder, platform] <= 0.14
    shares = [ice / seen for ice, seen in found.values()]
    assert max(shares) - min(shares) <= 0.015


@pytest.mark.parametrize(("platform", "published_km2"), [("terra", 29135.294), ("aqua", 29064.841)])
def test_greenland_areas(shared_data, run_scenes, platform, published_km2):
    path = shared_data / f"modis-ne-greenland/ne-greenland.20220914.{platform}.250m/truecolor.tiff"
    ((_, seen),) = fractions(run_scenes(path, measure={"period": "scene"})).values()
    assert seen == pytest.approx(published_km2, rel=1e-6)


@pytest.mark.parametrize("folder", SCENES)
def test_polygons_equal_the_raster(shared_data, run_scenes, folder):
    result = run_scenes(
        shared_data / "modis-sea-ice" / folder / "*.truecolor.tiff",
        measure={"period": "scene"},
        publish={"polygons": {"classes": ["ice", "water", "other"]}},
    )
    for row in result.rows:
        if row.class_ not in {"ice", "water", "other"}:
            continue
        stem = result.folder / "observations" / row.date / f"test_{row.date}"
        with rasterio.open(f"{stem}_classes.tif") as dataset:
            held = dataset.read(1) == {"water": 1, "ice": 2, "other": 3}[row.class_]
            transform = dataset.transform
        layer = pyogrio.read_dataframe(f"{stem}_{row.class_}.shp")
        assert shapely.is_valid(layer.geometry.values).all()
        assert len(layer) == row.n_polygons
        assert layer["area_m2"].sum() / 1e6 == pytest.approx(row.area_km2, rel=1e-6)
        if held.any():
            back = rasterize(layer.geometry, held.shape, transform=transform, dtype="uint8")
            assert np.array_equal(back == 1, held)
