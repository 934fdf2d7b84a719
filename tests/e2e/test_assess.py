"""Draw points, label them as people would, and read them back, through the real command."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter

import numpy as np
import pyogrio
import pytest
import rasterio

from tests.conftest import ROOT
from tests.labels import truth_of_samples, write_labels

PAGE = ROOT / "docs" / "how-to" / "accuracy.md"
BLOCK = re.compile(r"```console\n\$ icepipe (?P<command>[^\n]*)\n(?P<output>.*?)```", re.DOTALL)
CONFIG = re.compile(r"```yaml\n# bare.yaml\n(?P<text>.*?)```", re.DOTALL)
DATE = "2024-08-12"


def command(home, *arguments):
    return subprocess.run(
        [f"{sys.prefix}/bin/icepipe", *map(str, arguments)],
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A run of the shipped samples without masks, by the config that the page shows."""
    home = tmp_path_factory.mktemp("home")
    shutil.copytree(ROOT / "data" / "samples", home / "data" / "samples")
    (home / "bare.yaml").write_text(CONFIG.search(PAGE.read_text())["text"])
    done = command(home, "run", "bare.yaml")
    assert done.returncode == 0, done.stderr
    return home


@pytest.fixture
def home(bare, tmp_path):
    """A copy of it for one test."""
    return shutil.copytree(bare, tmp_path / "home")


def gpkg(home, folder="out/bare/assess/2024-08-12"):
    return home / folder / "bare_2024-08-12_sample.gpkg"


def design(path):
    return json.loads(path.with_suffix(".design.json").read_text())


def test_the_page_shows_what_the_commands_print(home):
    blocks = list(BLOCK.finditer(PAGE.read_text()))
    assert len(blocks) == 2
    for block in blocks:
        done = command(home, *shlex.split(block["command"]))
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == block["output"], block["command"]
        write_labels(gpkg(home), truth_of_samples(DATE))


def test_points_hide_their_class_and_the_design_keeps_it(home):
    assert command(home, "assess", "sample", "bare.yaml", DATE).returncode == 0
    frame = pyogrio.read_dataframe(gpkg(home), layer="points")
    assert list(frame.columns) == ["id", "reference", "chip", "geometry"]
    assert frame["id"].tolist() == list(range(1, 301))
    assert set(frame["reference"]) == {""}
    stored = design(gpkg(home))
    with rasterio.open(home / f"out/bare/observations/{DATE}/bare_{DATE}_classes.tif") as dataset:
        places = zip(frame.geometry.x, frame.geometry.y, strict=True)
        codes = [int(value[0]) for value in dataset.sample(places)]
    names = {1: "water", 2: "ice", 3: "other"}
    assert [point["stratum"] for point in stored["points"]] == [names[code] for code in codes]
    with (home / "out/bare/series.csv").open(newline="") as file:
        pixels = {row["class"]: row["n_pixels"] for row in csv.DictReader(file) if row["date"] == DATE}
        file.seek(0)
        areas = {row["class"]: row["area_km2"] for row in csv.DictReader(file) if row["date"] == DATE}
    drawn = Counter(point["stratum"] for point in stored["points"])
    for stratum in stored["strata"]:
        assert stratum["n_points"] == drawn[stratum["label"]] >= 50
        if areas[stratum["label"]]:  # water has no area where visible bands are all there is
            assert stratum["area_km2"] == pytest.approx(float(areas[stratum["label"]]), rel=1e-9)
            assert stratum["n_pixels"] == int(pixels[stratum["label"]])


def test_chips_show_the_scene_around_the_point(home):
    assert command(home, "assess", "sample", "bare.yaml", DATE, "--points", "40").returncode == 0
    frame = pyogrio.read_dataframe(gpkg(home), layer="points")
    picture = np.zeros((3, 400, 400), np.uint8)
    for tile, first in (("b", 170), ("a", 0)):
        with rasterio.open(home / f"data/samples/arctic/bay_20240812_{tile}.tif") as dataset:
            part = picture[:, :, first : first + dataset.width]
            pixels = dataset.read()
            np.copyto(part, pixels, where=pixels.any(axis=0))
    for point, path in zip(design(gpkg(home))["points"], frame["chip"], strict=True):
        with rasterio.open(gpkg(home).parent / path) as chip:
            dots = chip.read()
        assert dots.shape == (3, 260, 260)
        assert dots[:, 130, 130].tolist() == picture[:, point["row"], point["col"]].tolist()
        assert dots[:, 127, 130].tolist() == [255, 0, 0]
        if 32 <= point["row"] < 368 and 32 <= point["col"] < 368:
            corner = picture[:, point["row"] - 32, point["col"] - 32]
            assert dots[:, 2, 2].tolist() == corner.tolist()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_points(home):
    for folder, seed in (("one", 7), ("two", 7), ("three", 8)):
        done = command(home, "assess", "sample", "bare.yaml", DATE, "--points", 30, "--seed", seed, "--out", folder)
        assert done.returncode == 0, done.stderr
    files = sorted(path.relative_to(home / "one") for path in (home / "one").rglob("*") if path.is_file())
    assert len(files) == 32
    for path in files:
        assert (home / "one" / path).read_bytes() == (home / "two" / path).read_bytes(), path
    one, three = (design(gpkg(home, folder))["points"] for folder in ("one", "three"))
    assert len({(p["row"], p["col"]) for p in one} & {(p["row"], p["col"]) for p in three}) < 10


def test_the_adjusted_areas_hold_the_truth(home):
    """Without masks, cloud and land pass for ice; the labels take them out of its area again."""
    assert command(home, "assess", "sample", "bare.yaml", DATE, "--points", 400).returncode == 0
    write_labels(gpkg(home), truth_of_samples(DATE))
    done = command(home, "assess", "estimate", "out/bare", gpkg(home), "--json")
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout.splitlines()[-1])
    with (ROOT / "data/samples/truth.csv").open(newline="") as file:
        shown = {row["class"]: float(row["shown_km2"]) for row in csv.DictReader(file) if row["date"] == DATE}
    for name in ("ice", "water", "cloud", "land"):
        area = got["by_class"][name]["area_km2"]
        assert area["low"] <= shown[name] <= area["high"], name
    assert any("every point of stratum water has the same label" in note for note in got["notes"])
    mapped = got["by_class"]["ice"]["mapped_km2"]
    assert mapped > 1.3 * shown["ice"]
    assert sum(entry["area_km2"]["value"] for entry in got["by_class"].values()) == pytest.approx(got["total_km2"])
    assert got["strata_are_the_map"] is True


def test_one_labelled_sample_assesses_another_map_of_the_same_day(home):
    assert command(home, "assess", "sample", "bare.yaml", DATE).returncode == 0
    write_labels(gpkg(home), truth_of_samples(DATE))
    text = (home / "bare.yaml").read_text()
    masks = "  cloud: {path: 'data/samples/masks/{stem}_cloud.tif', values: [1]}\n  land: data/samples/land.geojson\n"
    (home / "masked.yaml").write_text(text.replace("bare", "masked").replace("inputs:\n", f"inputs:\n{masks}"))
    assert command(home, "run", "masked.yaml").returncode == 0
    done = command(home, "assess", "estimate", "masked.yaml", gpkg(home), "--json")
    assert done.returncode == 0, done.stderr
    assert "the points were drawn from another map" in done.stdout
    got = json.loads(done.stdout.splitlines()[-1])
    bare = json.loads(command(home, "assess", "estimate", "bare.yaml", gpkg(home), "--json").stdout.splitlines()[-1])
    assert got["strata_are_the_map"] is False
    assert bare["overall_accuracy"]["value"] < 0.85
    assert got["overall_accuracy"]["value"] > 0.985  # in mixed pixels, the centre decides the label and not the name
    for name, entry in bare["by_class"].items():
        assert got["by_class"][name]["area_km2"] == entry["area_km2"]


def test_an_output_folder_gives_points_without_chips(home):
    done = command(home, "assess", "sample", "out/bare", DATE, "--points", 30)
    assert done.returncode == 0
    assert "no image chips" in done.stdout
    assert set(pyogrio.read_dataframe(gpkg(home))["chip"]) == {""}
    assert not (gpkg(home).parent / "chips").exists()


def test_labels_are_never_overwritten(home):
    for allocation in ("equal", "proportional"):
        done = command(home, "assess", "sample", "out/bare", DATE, "--allocation", allocation)
    assert done.returncode == 2
    assert "already exists and is not empty; name another folder with --out" in done.stderr
    assert design(gpkg(home))["allocation"] == "equal"
    assert {stratum["n_points"] for stratum in design(gpkg(home))["strata"]} == {100}


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["sample", "bare.yaml", "1999-01-01"], 2, "no observation 1999-01-01; name one of 2024-06-10, "),
        (["sample", "nowhere.yaml", DATE], 2, "nowhere.yaml: cannot be read"),
        (["sample", "bare.yaml", DATE, "--points", "5"], 2, "5 point(s) are too few for 3 strata; ask for 6 or more"),
        (
            ["sample", "bare.yaml", DATE, "--out", "bare.yaml"],
            2,
            "already exists and is not empty; name another folder with",
        ),
        (["estimate", "bare.yaml", "none.gpkg"], 3, "none.gpkg: there is no such file"),
        (["estimate", "bare.yaml", "bare.yaml"], 3, "bare.yaml: cannot be read as a sample"),
    ],
)
def test_what_cannot_be_done_is_told(home, arguments, code, text):
    done = command(home, "assess", *arguments)
    assert done.returncode == code, done.stderr
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert not (home / "out/bare/assess").exists()


def test_scenes_or_a_config_that_are_no_longer_those_of_the_run_are_told(home):
    for path in (home / "data/samples/arctic").glob("bay_20240812_*"):
        path.unlink()
    done = command(home, "assess", "sample", "bare.yaml", DATE)
    assert done.returncode == 2
    assert "the scenes of 2024-08-12 are missing; restore them, or name the output folder" in done.stderr
    (home / "bare.yaml").write_text((home / "bare.yaml").read_text() + "segment: {k: 9}\n")
    done = command(home, "assess", "sample", "bare.yaml", "2024-07-04")
    assert "the config has changed since the run; run `icepipe run` again" in done.stderr
    assert not (home / "out/bare/assess").exists()


def test_a_map_that_was_changed_is_told(home):
    path = home / f"out/bare/observations/{DATE}/bare_{DATE}_classes.tif"
    path.write_bytes(path.read_bytes() + b" ")
    done = command(home, "assess", "sample", "bare.yaml", DATE)
    assert done.returncode == 3
    assert "its files do not match its record; run `icepipe run` again" in done.stderr


def test_help_comes_at_once(home):
    done = command(home, "assess", "--help")
    assert done.returncode == 0
    assert "sample" in done.stdout
    assert "estimate" in done.stdout
    code = "import sys, icepipe.cli; print(sorted({'numpy', 'rasterio', 'scipy', 'geopandas'} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert loaded.stdout == "[]\n"
