"""Cloud over sea ice in false colour, mountain shadow in true colour, snow under a low sun."""

from __future__ import annotations

from dataclasses import replace

import geopandas
import numpy as np
import pytest
import rasterio
from rasterio.features import rasterize

from icepipe.segment.rules import RULE_SETS

CLEAR, TERRA, AQUA = (f"ne-greenland.{day}.250m" for day in ("20220913.terra", "20220914.terra", "20220914.aqua"))
RULES = RULE_SETS["modis-721"]
MOVES = [(index, sign) for index in range(len(RULES.thresholds)) for sign in (-1, 1)]


@pytest.fixture
def off_greenland(shared_data, run_scenes):
    def call(day, picture, **segment):
        folder = shared_data / "modis-ne-greenland"
        inputs = {"land": str(folder / CLEAR / "landmask.tiff")}
        publish = {"polygons": {"classes": []}}
        result = run_scenes(
            folder / day / picture,
            f"{day[:20]}-{picture[:4]}".replace(".", "-"),
            inputs=inputs,
            segment=segment,
            publish=publish,
        )
        return {row.class_: row for row in result.rows}

    return call


def shares_of_sea(rows):
    sea = sum(rows[name].area_km2 for name in ("ice", "water", "other"))
    return {name: rows[name].area_km2 / sea for name in ("ice", "water", "other")}


def test_a_clear_day_in_true_and_in_false_colour(off_greenland):
    false = off_greenland(CLEAR, "falsecolor.tiff")
    assert false["land"].n_pixels / sum(row.n_pixels or 0 for row in false.values()) == pytest.approx(0.4141, abs=5e-5)
    labels = {"thresholds": {"ice-brightness": {"feature": "red"}}}
    # The mean over draws of the sample: the difference of one draw moves by a point with its seed.
    differences = [
        shares_of_sea(off_greenland(CLEAR, "truecolor.tiff", labels=labels, seed=seed))["ice"]
        - shares_of_sea(off_greenland(CLEAR, "falsecolor.tiff", seed=seed))["ice"]
        for seed in range(4)
    ]
    assert abs(np.mean(differences)) <= 0.03
    assert shares_of_sea(false)["water"] > 0.3


@pytest.mark.parametrize("day", [TERRA, AQUA])
def test_cloud_is_not_turned_into_ice_in_false_colour(off_greenland, day):
    shares = shares_of_sea(off_greenland(day, "falsecolor.tiff"))
    assert shares["ice"] <= 0.30
    assert shares["other"] >= 0.50


@pytest.mark.parametrize(("index", "sign"), MOVES)
def test_moved_thresholds_turn_no_cloud_into_ice(off_greenland, monkeypatch, index, sign):
    thresholds = list(RULES.thresholds)
    old = thresholds[index]
    thresholds[index] = replace(old, mid=old.mid + sign * (0.05 if old.unit == "index" else 0.1 * old.mid))
    monkeypatch.setitem(RULE_SETS, "modis-721", replace(RULES, thresholds=tuple(thresholds)))
    assert shares_of_sea(off_greenland(TERRA, "falsecolor.tiff"))["ice"] <= 0.30


def test_glaciers_of_everest_in_true_colour(shared_data, run_scenes):
    """Nine tenths of what outlines call glacier is named ice; shadow is named water, which is why a mask is needed."""
    folder = shared_data / "landsat7-everest-2000"
    result = run_scenes(folder / "*_RGB.tif", publish={"polygons": {"classes": []}})
    (path,) = result.folder.glob("observations/*/*_classes.tif")
    with rasterio.open(path) as dataset:
        classes = dataset.read(1)
        outlines = geopandas.read_file(folder / "15_rgi60_glacier_outlines.gpkg").to_crs(dataset.crs)
        inside = rasterize(outlines.geometry, classes.shape, transform=dataset.transform) == 1
    named = np.bincount(classes[inside], minlength=4) / inside.sum()
    assert named[2] >= 0.90
    assert named[1] <= 0.10


def test_snow_around_new_york_is_under_counted_and_flagged(shared_data, run_scenes):
    """Without the sun's elevation a low sun makes snow too dark; snow under trees is no snow to the index."""
    inputs = {"scale": {"gain": 0.00002, "offset": -0.1}, "cloud": {"quality": "landsat-c1"}}
    result = run_scenes(shared_data / "landsat8-newyork-2018/*/*.TIF", inputs=inputs)
    snow = {row.date: row for row in result.rows if row.class_ == "ice"}
    assert all("not_sun_corrected" in row.flags for row in snow.values())
    assert len(snow) == 8
    assert 900 < snow["2018-01-31"].area_km2 < 2838.7
    assert all(row.area_km2 < 50 for date, row in snow.items() if date != "2018-01-31")
