"""Real measured bands: water and ice against hand polygons, published outlines and quality rasters."""

from __future__ import annotations

import csv

import geopandas
import numpy as np
import pytest
import rasterio
from rasterio.features import rasterize

from icepipe.errors import NoUsableInput
from icepipe.inputs.products.sensors import with_roles
from icepipe.segment.features import compute_features
from icepipe.segment.rules import RULE_SETS
from icepipe.sensors.table import SENSORS


def classes_of(result):
    (path,) = result.folder.glob("observations/*/*_classes.tif")
    with rasterio.open(path) as dataset:
        return dataset.read(1), dataset.transform, dataset.crs


def drawn(frame, shape, transform):
    return rasterize(frame.geometry, shape, transform=transform) == 1


def iou(one, other):
    return (one & other).sum() / (one | other).sum()


def areas(result):
    return {row.class_: row.area_km2 for row in result.rows}


def test_landsat5_water_against_hand_polygons(shared_data, run_scenes):
    folder = shared_data / "landsat5-1988"
    result = run_scenes(folder / "*.TIF")
    classes, transform, crs = classes_of(result)
    labels = geopandas.read_file(folder / "trainingPolygons_lsat.geojson").to_crs(crs)
    column = next(c for c in labels.columns if labels[c].astype(str).str.contains("water").any())
    water, forest = (drawn(labels[labels[column] == name], classes.shape, transform) for name in ("water", "forest"))
    labelled = drawn(labels, classes.shape, transform)
    assert iou((classes == 1) & labelled, water) >= 0.97
    assert (forest & (classes == 1)).sum() <= 2
    assert 12.0 <= areas(result)["water"] <= 14.9
    assert areas(result)["ice"] == 0


@pytest.mark.parametrize(("k", "least"), [(4, 0.75), (6, 0.80), (8, 0.75), (12, 0.75)])
def test_lake_burley_griffin(shared_data, run_scenes, k, least):
    folder = shared_data / "landsat5-lake-burley-griffin-1992"
    bands = {"blue": "*_B10", "green": "*_B20", "red": "*_B30", "nir": "*_B40", "swir1": "*_B50", "swir2": "*_B70"}
    inputs = {"bands": bands, "scale": {"gain": 0.0001}}
    result = run_scenes(folder / "*NBAR*.tif", inputs=inputs, segment={"k": k})
    classes, transform, crs = classes_of(result)
    water = drawn(geopandas.read_file(folder / "waterbodies_canberra.shp").to_crs(crs), classes.shape, transform)
    seen = np.isin(classes, (1, 2, 3))
    assert iou((classes == 1) & seen, water & seen) >= least


@pytest.mark.parametrize("k", [4, 6, 12])
def test_an_ice_sheet_has_no_water(shared_data, run_scenes, k):
    cloud = {"quality": "landsat-c2", "hide": []}
    result = run_scenes(
        shared_data / "landsat8-greenland-2015/*.TIF",
        inputs={"cloud": cloud},
        segment={"k": k},
        publish={"polygons": {"classes": []}},
    )
    found = areas(result)
    seen = found["ice"] + found["water"] + found["other"]
    assert seen == pytest.approx(36599.3, abs=0.05)
    assert found["water"] == 0
    assert found["ice"] >= 0.85 * seen


def test_the_offset_of_sentinel2_is_applied_once(shared_data, run_scenes):
    folder = shared_data / "sentinel2-parana"
    first = areas(run_scenes(folder / "20231217.tif", name="first"))
    with pytest.raises(NoUsableInput, match="processing baseline is unknown"):
        run_scenes(folder / "20240101.tif", name="second")
    scale = {"scale": {"gain": 0.0001, "offset": -0.1}}
    second = areas(run_scenes(folder / "20240101.tif", name="third", inputs=scale))
    assert first["water"] == pytest.approx(3.595, rel=0.02)
    assert second["water"] == pytest.approx(3.603, rel=0.02)
    assert first["ice"] == second["ice"] == 0


@pytest.mark.parametrize(
    ("scenes", "bands", "scale"),
    [
        ("landsat5-1988/*_B[123].TIF", ("*_B1", "*_B2", "*_B3"), "auto"),
        ("landsat5-lake-burley-griffin-1992/*NBAR*_B[123]0.tif", ("*_B10", "*_B20", "*_B30"), {"gain": 0.0001}),
    ],
)
def test_visible_bands_alone_give_no_water_area(shared_data, run_scenes, scenes, bands, scale):
    named = dict(zip(("blue", "green", "red"), bands, strict=True))
    result = run_scenes(shared_data / scenes, inputs={"bands": named, "scale": scale})
    assert areas(result)["water"] is None
    assert all("water_not_separable" in row.flags for row in result.rows)


def spectra(path, columns, offset):
    with path.open() as file:
        rows = list(csv.DictReader(file))
    values = np.array([[float(row[column]) - offset for column in columns] for row in rows])
    return values * 1e4, np.array([int(float(row["class"])) for row in rows])


TABLES = {
    "Sentinel-2": ("Sentinel-2_SR_training_data.csv", ("B2", "B3", "B4", "B8", "B11", "B12"), 0.0),
    "Landsat 8": ("Landsat_training_data.csv", ("SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B6", "SR_B7"), 0.2),
}


@pytest.mark.parametrize("name", TABLES)
def test_single_spectra_of_glaciers_are_named_as_people_name_them(shared_data, name):
    file, columns, offset = TABLES[name]
    values, labels = spectra(shared_data / "glacier-spectra" / file, columns, offset)
    sensor = with_roles(SENSORS["sentinel2-l2a"], ("blue", "green", "red", "nir", "swir1", "swir2"))
    codes = RULE_SETS[sensor.rule_set].codes(compute_features(values, sensor))
    recall = {
        label: (codes[labels == label] == code).mean() for label, code in ((1, 2), (2, 2), (3, 2), (4, 3), (5, 1))
    }
    print(name, recall)
    for label, least in ((1, 0.9), (2, 0.7), (3, 0.8), (4, 0.8), (5, 0.8)):
        if (labels == label).any():
            assert recall[label] >= least, (label, recall)
