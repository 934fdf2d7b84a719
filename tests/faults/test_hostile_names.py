"""Names that try to leave the run's folder, or to be a command in what they are written into."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import xml.etree.ElementTree as ET

import geopandas
import pytest
import shapely

from tests.faults.injected import ICEPIPE
from tests.faults.runs import letters, settings
from tests.rasters import write

FORKED = True

OUTSIDE = ["../../x", "/x", "", "a/b", "-x", ".", "x" * 300, "a\0b", "a\nb", "con.", "\u202ex", "a b"]


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_run_cannot_be_named_out_of_its_folder(icepipe, config, tmp_path, name):
    config.write_text(json.dumps(json.loads(config.read_text()) | {"name": name}))
    done = icepipe("run", config)
    assert done.returncode == 2
    assert "name" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.yaml", "tiles"]


@pytest.mark.parametrize(
    "name", ["x\nicepipe: all is well_20240702.tif", "x\x1b[2J_20240702.tif", "x\u202efit_20240702.tif"]
)
def test_file_names_that_forge_lines_are_refused_and_shown_with_escapes(icepipe, config, tiles, name):
    shutil.copy(tiles / "a_20240701.tif", tiles / name)
    done = icepipe("run", config)
    assert done.returncode == 4
    assert "the file name contains non-printable characters" in done.stderr
    assert name not in done.stderr + done.stdout
    assert not [line for line in done.stderr.splitlines() if line.startswith("icepipe: all is well")]


def test_a_file_name_that_is_no_text_is_refused(icepipe, config, tiles):
    shutil.copy(tiles / "a_20240701.tif", os.fsencode(tiles) + b"/x\xff_20240702.tif")
    done = icepipe("run", config)
    assert done.returncode == 4
    assert "_20240702.tif: the file name contains non-printable characters" in done.stderr


ODD = ["'; DROP TABLE file; --_20240702.tif", '<b>&amp;"_20240702.tif', "=cmd()_20240702.tif"]


def test_odd_names_are_only_names(icepipe, config, tiles, tmp_path):
    for name in ODD:
        shutil.copy(tiles / "a_20240701.tif", tiles / name)
    assert icepipe("run", config).returncode == 0
    assert icepipe("run", config).returncode == 0
    assert icepipe("verify", tmp_path / "out/bay").returncode == 0
    inputs = json.loads((tmp_path / "out/bay/run.json").read_text())["observations"]["2024-07-02"]["inputs"]
    assert sorted(inputs) == sorted(ODD)


def test_twins_by_case_or_composition_are_two_files_of_one_picture(icepipe, config, tiles, tmp_path):
    for name in ("A_20240701.tif", "\u00e9_20240701.tif", "e\u0301_20240701.tif"):
        shutil.copy(tiles / "a_20240701.tif", tiles / name)
    assert icepipe("run", config).returncode == 0
    with (tmp_path / "out/bay/series.csv").open() as file:
        ice = next(row for row in csv.DictReader(file) if row["class"] == "ice")
    assert (ice["n_scenes"], ice["n_pixels"]) == ("4", "3")


REGIONS = ["=cmd()|'/C calc'!A0", "+1", "-1", "@x", '<b>&"</script>', "../../x", "'; DROP TABLE region; --", "x" * 300]


@pytest.fixture
def regions(tmp_path, tiles, config):
    """A run over regions with odd names, each a stripe of the tile."""
    write(tiles / "a_20240702.tif", letters(["iwww", "iwww"]))
    stripes = [
        shapely.box(-650_000 + 125 * i, -1_350_500, -650_000 + 125 * (i + 1), -1_350_000) for i in range(len(REGIONS))
    ]
    frame = geopandas.GeoDataFrame({"name": REGIONS}, geometry=stripes, crs="EPSG:3413")
    frame.to_file(tmp_path / "regions.gpkg")
    settings = json.loads(config.read_text())
    settings["inputs"]["regions"] = {"path": "regions.gpkg", "name": "name"}
    settings["publish"]["polygons"] = {"format": ["geopackage", "shapefile"]}
    config.write_text(json.dumps(settings))
    return config


def test_names_of_regions_are_text_in_every_table_and_file(icepipe, regions, tmp_path):
    done = icepipe("run", regions)
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out/bay"
    with (out / "series.csv").open() as file:
        cells = {row["region"] for row in csv.DictReader(file)}
    assert cells == {f"'{name}" if name[0] in "=+-@" else name for name in REGIONS}
    assert set(geopandas.read_file(out / "regions.gpkg")["region"]) == set(REGIONS)
    for path in [*out.rglob("*.qgs"), *out.rglob("*.qml")]:
        ET.parse(path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.yaml", "out", "regions.gpkg", "tiles"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["bay"]
    assert icepipe("verify", out).returncode == 0


def test_a_region_with_a_line_break_in_its_name_is_refused(icepipe, regions, tmp_path):
    frame = geopandas.read_file(tmp_path / "regions.gpkg")
    frame.loc[0, "name"] = "a\nb"
    frame.to_file(tmp_path / "regions.gpkg")
    done = icepipe("run", regions)
    assert done.returncode == 2
    assert "a\\nb" in done.stderr


@pytest.mark.parametrize("what", ["observations", "change"])
def test_a_folder_of_outputs_that_is_a_link_is_refused(icepipe, config, tmp_path, what):
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "mine").write_text("mine")
    (tmp_path / "out/bay").mkdir(parents=True)
    (tmp_path / "out/bay" / what).symlink_to(victim)
    done = icepipe("run", config)
    assert done.returncode == 2
    assert f"{what} is a link" in done.stderr
    assert [path.name for path in victim.iterdir()] == ["mine"]


@pytest.mark.parametrize("name", ["series.csv", "run.json", "observations/2024-07-01", "bay.qgs"])
def test_an_output_that_is_a_link_is_refused_and_its_victim_unchanged(icepipe, config, tmp_path, name):
    victim = tmp_path / "victim"
    victim.mkdir() if name.startswith("observations") else victim.write_text("mine")
    target = tmp_path / "out/bay" / name
    target.parent.mkdir(parents=True)
    target.symlink_to(victim)
    done = icepipe("run", config)
    assert done.returncode == 6
    assert "is a link" in done.stderr
    assert list(victim.iterdir()) == [] if victim.is_dir() else victim.read_text() == "mine"


def test_a_temporary_file_that_is_a_link_does_not_reach_its_victim(icepipe, config, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    out = tmp_path / "out/bay"
    out.mkdir(parents=True)
    for name in (".series.part.csv", ".run.part.json"):
        (out / name).symlink_to(victim)
    assert icepipe("run", config).returncode == 0
    assert victim.read_text() == "mine"
    assert not (out / "series.csv").is_symlink()


def test_a_run_folder_reached_by_a_link_is_one_folder(icepipe, config, tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk")
    assert icepipe("run", config).returncode == 0
    assert (tmp_path / "disk/bay/series.csv").is_file()
    assert "Written to" in icepipe("run", config, cwd=tmp_path).stdout


def test_a_folder_swapped_for_a_link_in_mid_run_does_not_reach_its_victim(tmp_path):
    config = settings(tmp_path, 6, workers=1)
    victim, places = tmp_path / "victim", tmp_path / "out/bay/observations"
    victim.mkdir()
    with subprocess.Popen([ICEPIPE, "run", config], stderr=subprocess.PIPE, text=True) as running:
        next(line for line in running.stderr if "2024-07-01 (1/6)" in line)
        places.rename(tmp_path / "aside")
        places.symlink_to(victim)
        told = running.stderr.read()
    assert running.returncode == 6, told
    assert "is a link" in told or "changed by another program" in told
    assert list(victim.iterdir()) == []
