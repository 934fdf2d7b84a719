"""A real QGIS opens what a run leaves: the project, and each file dragged in alone."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from functools import cache
from itertools import pairwise
from pathlib import Path

import matplotlib.image
import numpy as np
import pyogrio
import pytest
import rasterio

from icepipe.classes import CLASS_COLOURS, SEEN, ClassCode
from tests.conftest import ROOT
from tests.rasters import paint, write

CHECK = Path(__file__).with_name("qgis_check.py")
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
DATES = [f"2024-{day}" for day in ("06-10", "06-22", "07-04", "07-16", "07-28", "08-12", "08-27", "09-10")]
TYPES = {
    **dict.fromkeys(("class", "datetime"), "String"),
    **dict.fromkeys(("code", "n_px", "id"), "Integer"),
    **dict.fromkeys(("area_m2", "area_km2", "perim_m"), "Real"),
    "date": "Date",
}


@cache
def qgis_python() -> str | None:
    """The first python3 on the path that knows QGIS."""
    for folder in os.get_exec_path():
        python = Path(folder) / "python3"
        known = python.is_file() and subprocess.run(
            [python, "-c", "import qgis.core"], env=CLEAN, capture_output=True, check=False
        )
        if known and known.returncode == 0:
            return str(python)
    return None


@pytest.fixture(scope="module", autouse=True)
def _needs_qgis():
    if qgis_python() is None:
        pytest.skip("QGIS for Python is not on this machine: apt-get install python3-qgis qgis-providers")


def ask(*arguments, home):
    env = CLEAN | {"QT_QPA_PLATFORM": "offscreen", "HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    done = subprocess.run(
        [qgis_python(), CHECK, *map(str, arguments)],
        env=env,
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def colour(code):
    return "#{:02x}{:02x}{:02x}".format(*CLASS_COLOURS[code])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Output of the main job, moved after it was written, into a folder with a space in its name."""
    home = tmp_path_factory.mktemp("home")
    for name in ("configs", "data"):
        shutil.copytree(ROOT / name, home / name)
    command = [f"{sys.prefix}/bin/icepipe", "run", "configs/arctic.yaml"]
    subprocess.run(command, cwd=home, capture_output=True, check=True, timeout=300)
    return shutil.move(home / "out" / "arctic", home / "moved away")


@pytest.fixture(scope="module")
def project(folder, tmp_path_factory):
    """What QGIS finds in the project, with its map drawn at one date."""
    home = tmp_path_factory.mktemp("qgis")
    return ask("project", folder / "arctic.qgs", "2024-08-12T12:00:00Z", home / "map.png", home=home), home / "map.png"


def series(folder):
    with (folder / "series.csv").open(newline="") as file:
        return {(row["date"], row["class"]): row for row in csv.DictReader(file)}


def test_the_project_opens_with_every_layer_valid_and_in_its_group(project):
    found, _ = project
    assert found["read"]
    assert found["relative"]
    assert (found["title"], found["crs"]) == ("arctic", "EPSG:3413")
    assert [name for name, layer in found["layers"].items() if not layer["valid"]] == []
    assert list(found["groups"]) == ["change", "ice", "water", "class rasters"]
    for start, group in (("ice", "ice"), ("water", "water"), ("classes", "class rasters")):
        assert found["groups"][group] == [f"{start}_{date.replace('-', '_')}" for date in DATES]
    pairs = [f"{before}_to_{after}".replace("-", "_") for before, after in pairwise(DATES)]
    assert found["groups"]["change"] == [f"change_{pair}" for pair in pairs]
    assert len(found["layers"]) == 3 * len(DATES) + len(pairs) + 2


@pytest.mark.parametrize("code", [ClassCode.ICE, ClassCode.WATER])
def test_polygons_have_the_stated_counts_areas_and_types(project, folder, code):
    rows = series(folder)
    for date in DATES:
        layer = project[0]["layers"][f"{code.label}_{date.replace('-', '_')}"]
        row = rows[date, code.label]
        path = folder / "observations" / date / f"arctic_{date}_{code.label}.shp"
        assert layer["crs"] == "EPSG:3413"
        assert layer["features"] == int(row["n_polygons"]) == pyogrio.read_info(path)["features"]
        assert layer["area_m2"] == pytest.approx(float(row["area_km2"]) * 1e6, rel=1e-9)
        assert layer["types"] == TYPES
        assert layer["colours"] == {"singleSymbol": colour(code)}


def test_rasters_show_every_class_by_name(project):
    told = {code.label: colour(code) for code in ClassCode if code is not ClassCode.OUTSIDE}
    for date in DATES:
        layer = project[0]["layers"][f"classes_{date.replace('-', '_')}"]
        assert (layer["size"], layer["colours"]) == ([400, 400], told)


def test_gain_and_loss_wait_to_be_ticked_and_stand_for_the_later_date(project, folder):
    found, _ = project
    for before, after in pairwise(DATES):
        name = f"change_{before}_to_{after}".replace("-", "_")
        layer = found["layers"][name]
        assert name not in found["ticked"]
        assert layer["features"] == pyogrio.read_info(folder / "change" / f"{before}_{after}.gpkg")["features"] > 0
        assert layer["time"] == {"mode": 0, "start": f"{after}T00:00:00Z", "end": f"{after}T23:59:59Z"}
        assert set(layer["colours"]) == {"ice_gain", "ice_loss", "water_gain", "water_loss"}
        assert layer["colours"]["ice_gain"] != layer["colours"]["ice_loss"]
    assert set(found["layers"]) - set(found["ticked"]) == set(found["groups"]["change"])


def test_regions_stand_over_the_map_with_their_areas(project):
    regions = project[0]["layers"]["areas_by_region"]
    assert regions["features"] == len(DATES)
    assert regions["types"]["ice_km2"] == "Real"
    assert (regions["time"], regions["crs"]) == (None, "EPSG:3413")
    assert project[0]["ticked"][0] == "areas_by_region"


def test_a_run_with_one_geopackage_shows_it_date_by_date(run_scenes, tmp_path):
    """Also where two observations share a minute."""
    for stamp, rows in {
        "0701T1030_aqua": ["iw", "wi"],
        "0701T1030_terra": ["ww", "iw"],
        "0702T1030": ["ww", "ww"],
    }.items():
        write(tmp_path / "t" / f"x_2024{stamp}.tif", paint([row * 4 for row in rows] * 4))
    publish = {"folder": str(tmp_path / "out"), "polygons": {"format": "geopackage"}}
    result = run_scenes(tmp_path / "t", measure={"period": "scene"}, publish=publish)
    found = ask("project", result.folder / "test.qgs", "2024-07-01T10:30:00Z", tmp_path / "map.png", home=tmp_path)
    stated = {(row.date, row.class_): row for row in result.rows}
    assert len({date for date, _ in stated}) == 3
    for (date, class_), row in stated.items():
        if class_ in ("ice", "water"):
            layer = found["layers"]["".join(c if c.isalnum() else "_" for c in f"{class_} {date}")]
            assert layer["valid"]
            assert layer["features"] == row.n_polygons
            assert layer["area_m2"] == pytest.approx(row.area_km2 * 1e6, rel=1e-9)
            assert layer["colours"] == {"singleSymbol": colour(ClassCode[class_.upper()])}
            assert layer["time"]["start"] == f"{date[:10]}T10:30:00Z"


def test_the_series_is_a_table(project, folder):
    table = project[0]["layers"]["series_table"]
    assert table["features"] == len(series(folder))
    assert (table["types"]["date"], table["types"]["area_km2"], table["types"]["n_pixels"]) == (
        "date",
        "double",
        "integer",
    )
    assert table["time"] is None


def test_the_time_slider_is_on_and_stops_at_every_date(project):
    found, _ = project
    assert found["slider"] == {"set": True, "mode": 1, "unit": "xxx"}
    assert found["stops"] == [f"{date}T00:00:00Z" for date in DATES]
    assert found["season"] == [f"{DATES[0]}T00:00:00Z", f"{DATES[-1]}T23:59:59Z"]
    for date in DATES:
        for name in ("ice", "water", "classes"):
            time = found["layers"][f"{name}_{date.replace('-', '_')}"]["time"]
            assert time == {"mode": 0, "start": f"{date}T00:00:00Z", "end": f"{date}T23:59:59Z"}


def test_the_map_at_a_date_shows_that_date(project, folder):
    """Shares of the colours in the picture are those of the classes in that date's raster, and in no other's."""
    picture = np.rint(matplotlib.image.imread(project[1])[..., :3] * 255).astype(int)
    outline = (np.abs(picture - 40) < 60).all(axis=2)
    shown = (picture != 255).any(axis=2) & ~outline
    distances = {
        code: np.abs(picture - CLASS_COLOURS[code]).sum(axis=2) for code in (*SEEN, ClassCode.CLOUD, ClassCode.LAND)
    }
    nearest = np.array(list(distances))[np.argmin(list(distances.values()), axis=0)][shown]
    errors = {}
    for date in DATES:
        with rasterio.open(folder / "observations" / date / f"arctic_{date}_classes.tif") as dataset:
            classes = dataset.read(1)
        errors[date] = max(abs(np.mean(nearest == code) - np.mean(classes == code)) for code in distances)
    assert errors["2024-08-12"] < 0.005
    assert min(error for date, error in errors.items() if date != "2024-08-12") > 0.02


@pytest.mark.parametrize("code", [ClassCode.ICE, ClassCode.WATER])
def test_a_shapefile_dragged_in_alone_comes_styled(folder, tmp_path, code):
    for path in (folder / "observations" / DATES[0]).glob(f"*_{code.label}.*"):
        shutil.copy(path, tmp_path)
    found = ask("file", tmp_path / f"arctic_{DATES[0]}_{code.label}.shp", home=tmp_path)
    assert found["styled"]
    assert found["types"] == TYPES
    assert found["colours"] == {"singleSymbol": colour(code)}


def test_a_class_raster_dragged_in_alone_names_its_classes(folder, tmp_path):
    for path in (folder / "observations" / DATES[0]).glob("*_classes.*"):
        shutil.copy(path, tmp_path)
    found = ask("file", tmp_path / f"arctic_{DATES[0]}_classes.tif", home=tmp_path)
    assert found["styled"]
    assert found["colours"]["ice"] == colour(ClassCode.ICE)
    assert len(found["colours"]) == 6


def test_a_coordinate_system_without_a_code_and_a_minute_are_understood(run_scenes, tmp_path):
    crs = "+proj=sinu +R=6371007.181"
    path = write(tmp_path / "x_20240701T1030.tif", paint(["wwii", "wwii", "wwww"]), crs=crs)
    folder = run_scenes(path, measure={"period": "scene"}).folder
    found = ask("project", folder / "test.qgs", "2024-07-01T10:30:00Z", tmp_path / "map.png", home=tmp_path)
    assert "+proj=sinu" in found["crs"]
    assert {layer["crs"] for name, layer in found["layers"].items() if name != "series_table"} == {found["crs"]}
    assert found["stops"] == ["2024-07-01T10:30:00Z"]
