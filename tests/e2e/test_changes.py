"""Change between observations through the real command, and what a rerun leaves alone."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pyogrio
import pytest
import rasterio
from rasterio.features import rasterize

from icepipe.classes import BUDGET, SEEN, ClassCode
from icepipe.flags import Flag, flags_text
from tests.conftest import ROOT
from tests.e2e.test_docs import BLOCK
from tests.rasters import paint, write

FORKED = True

PAGE = ROOT / "docs/how-to/change.md"
KINDS = {"ice_gain": 2, "ice_loss": 2, "water_gain": 1, "water_loss": 1}


@pytest.fixture(scope="module")
def arctic(tmp_path_factory):
    """Run the shipped config from a copy of the repository's folders; give the copy."""
    home = tmp_path_factory.mktemp("home")
    for folder in ("configs", "data"):
        shutil.copytree(ROOT / folder, home / folder)
    command = [f"{sys.prefix}/bin/icepipe", "run", "configs/arctic.yaml"]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return home


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def classes_of(folder, key):
    (path,) = (folder / "observations" / key).glob("*_classes.tif")
    with rasterio.open(path) as dataset:
        return dataset.read(1), dataset.transform


def stamps(folder):
    return {path.name: path.stat().st_mtime_ns for path in sorted(folder.iterdir())}


def test_the_table_of_the_samples_is_what_two_rasters_say(arctic):
    """An independent count: pixels of two GeoTIFFs, and the areas of the series."""
    run = arctic / "out/arctic"
    table = rows_of(run / "change.csv")
    pairs = list(dict.fromkeys((row["from_date"], row["to_date"]) for row in table))
    dates = sorted(path.name for path in (run / "observations").iterdir())
    assert pairs == list(pairwise(dates))
    assert len(table) == len(pairs) * len(BUDGET) ** 2
    areas = {(row["date"], row["class"]): float(row["area_km2"]) for row in rows_of(run / "series.csv")}
    for before, after in pairs:
        rasters = [classes_of(run, key)[0].ravel().tolist() for key in (before, after)]
        counted = Counter(zip(*rasters, strict=True))
        mine = [row for row in table if (row["from_date"], row["to_date"]) == (before, after)]
        for row in mine:
            code = tuple(ClassCode[row[name].upper()] for name in ("from_class", "to_class"))
            assert int(row["n_pixels"]) == counted[code]
        for name in ("ice", "water", "other", "cloud", "land", "unobserved"):
            for column, date in (("from_class", before), ("to_class", after)):
                total = sum(float(row["area_km2"]) for row in mine if row[column] == name)
                assert total == pytest.approx(areas[date, name], rel=1e-9, abs=1e-9)


def test_polygons_cover_what_changed_and_nothing_else(arctic):
    run = arctic / "out/arctic"
    table = rows_of(run / "change.csv")
    for before, after in (("2024-07-04", "2024-07-16"), ("2024-07-28", "2024-08-12")):
        path = run / f"change/{before}_{after}.gpkg"
        assert [name for name, _ in pyogrio.list_layers(path)] == ["change"]
        frame = pyogrio.read_dataframe(path)
        assert frame["id"].tolist() == list(range(1, len(frame) + 1))
        assert set(frame["from_date"].astype(str)) == {before}
        assert set(frame["to_date"].astype(str)) == set(frame["datetime"]) == {after}
        (first, transform), (second, _) = classes_of(run, before), classes_of(run, after)
        seen = np.isin(first, SEEN) & np.isin(second, SEEN)
        for kind, code in KINDS.items():
            mine = frame[frame["change"] == kind]
            gone, there = (first, second) if kind.endswith("gain") else (second, first)
            wanted = seen & (gone != code) & (there == code)
            assert np.array_equal(rasterize(mine.geometry, wanted.shape, transform=transform).astype(bool), wanted)
            assert set(mine["code"]) == {code}
            column = "to_class" if kind.endswith("gain") else "from_class"
            held = sum(
                float(row["area_km2"])
                for row in table
                if (row["from_date"], row["to_date"]) == (before, after)
                and row[column] == ClassCode(code).label
                and row["from_class"] != row["to_class"]
                and {row["from_class"], row["to_class"]} <= {"ice", "water", "other"}
            )
            assert mine["area_km2"].sum() == pytest.approx(held, rel=1e-6)


def test_the_layer_has_the_fields_of_the_others_and_a_style(arctic):
    run = arctic / "out/arctic"
    path = run / "change/2024-07-04_2024-07-16.gpkg"
    theirs = pyogrio.read_info(run / "observations/2024-07-04/arctic_2024-07-04_ice.shp")["fields"]
    info = pyogrio.read_info(path)
    assert list(info["fields"]) == [*theirs, "from_date", "to_date", "change"]
    assert dict(zip(info["fields"], info["ogr_types"], strict=True))["to_date"] == "OFTDate"
    style = ElementTree.fromstring(path.with_suffix(".qml").read_text().split("\n", 1)[1])
    assert style.find("renderer-v2").get("attr") == "change"
    assert [entry.get("value") for entry in style.iter("category")] == list(KINDS)
    assert len(list(style.iter("symbol"))) == len(KINDS)


def test_the_page_shows_what_the_commands_print(arctic, icepipe):
    blocks = list(BLOCK.finditer(PAGE.read_text()))
    assert len(blocks) == 2
    for block in blocks:
        done = icepipe(*shlex.split(block["command"]), cwd=arctic)
        assert done.returncode == 0, done.stderr
        assert done.stdout == block["output"], block["command"]


def test_compare_there_and_back_again(arctic, icepipe, tmp_path):
    run, dates = arctic / "out/arctic", ("2024-06-10", "2024-09-10")
    polygons = tmp_path / "new/c.gpkg"
    documents = []
    for pair in (dates, dates[::-1]):
        done = icepipe("compare", run, *pair, "--json", "--out", polygons)
        assert done.returncode == 0, done.stderr
        documents.append(json.loads(done.stdout.splitlines()[-1]))
    there, back = documents
    for name in ("ice", "water", "other"):
        assert there["classes"][name]["gained_km2"] == back["classes"][name]["lost_km2"]
        assert there["classes"][name]["net_km2"] == -back["classes"][name]["net_km2"]
    ice = {row["date"]: float(row["area_km2"]) for row in rows_of(run / "series.csv") if row["class"] == "ice"}
    assert there["not_compared_km2"] == 0
    assert there["classes"]["ice"]["net_km2"] == pytest.approx(ice[dates[1]] - ice[dates[0]], rel=1e-9)
    assert sum(entry["area_km2"] for entry in there["transitions"]) == pytest.approx(there["region_km2"], rel=1e-9)
    assert there["polygons"] == str(polygons)
    frame = pyogrio.read_dataframe(polygons)
    assert frame[frame["change"] == "ice_gain"].area_km2.sum() == pytest.approx(back["classes"]["ice"]["gained_km2"])
    same = icepipe("compare", run, dates[0], dates[0], "--json")
    assert json.loads(same.stdout.splitlines()[-1])["classes"]["ice"]["lost_km2"] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["2024-06-10", "1999-01-01"], 2, "no observation 1999-01-01; name one of 2024-06-10, "),
        (
            ["2024-06-10", "2024-09-10", "--out", "c.shp"],
            2,
            "polygons are written as GeoPackage; use a file name that",
        ),
        (["2024-06-10"], 2, "Missing argument 'DATE'"),
    ],
)
def test_what_cannot_be_compared_is_told(arctic, icepipe, arguments, code, text):
    done = icepipe("compare", arctic / "out/arctic", *arguments)
    assert done.returncode == code
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def shore(width, day, folder, side=20):
    """A picture of ice on the left and water on the right."""
    return write(folder / f"x_202407{day:02d}.tif", paint(["i" * width + "w" * (side - width)] * side))


@pytest.fixture
def week(tmp_path):
    """Four days of melt, a column a day."""
    return [shore(16 - day, day, tmp_path / "tiles") for day in (1, 2, 4, 5)]


@pytest.mark.usefixtures("week")
def test_only_pairs_whose_members_changed_are_made_again(run_scenes, tmp_path):
    folder = run_scenes(tmp_path / "tiles").folder / "change"
    first = stamps(folder)
    assert [name for name in first if name.endswith(".gpkg")] == [
        f"2024-07-{a}_2024-07-{b}.gpkg" for a, b in (("01", "02"), ("02", "04"), ("04", "05"))
    ]
    run_scenes(tmp_path / "tiles")
    assert stamps(folder) == first
    shore(7, 5, tmp_path / "tiles")
    run_scenes(tmp_path / "tiles")
    again = stamps(folder)
    assert {name for name in first if again[name] != first[name]} == {
        *(f"2024-07-04_2024-07-05.{ending}" for ending in ("gpkg", "qml", "json")),
        "hidden.json",
    }
    mark = folder / "mine.json"
    mark.write_text("{}")
    shore(13, 3, tmp_path / "tiles")
    run_scenes(tmp_path / "tiles")
    late = stamps(folder)
    assert {name for name in late if name.endswith(".gpkg")} == {
        f"2024-07-0{day}_2024-07-0{day + 1}.gpkg" for day in range(1, 5)
    }
    assert not any(name.startswith("2024-07-02_2024-07-04") for name in late)
    assert mark.exists()
    unchanged = [name for name in late if name.startswith(("2024-07-01", "2024-07-04"))]
    assert len(unchanged) == 6
    assert all(late[name] == again[name] for name in unchanged)


@pytest.mark.usefixtures("week")
def test_polygons_that_were_damaged_or_taken_away_come_back(run_scenes, tmp_path):
    folder = run_scenes(tmp_path / "tiles").folder / "change"
    good = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "2024-07-01_2024-07-02.gpkg").write_bytes(b"broken")
    (folder / "2024-07-02_2024-07-04.qml").unlink()
    (folder / "2024-07-04_2024-07-05.json").write_text("{")
    (folder / "hidden.json").write_text("[]")
    run_scenes(tmp_path / "tiles")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == good


@pytest.mark.usefixtures("week")
def test_polygons_can_be_left_out_without_redoing_any_observation(run_scenes, tmp_path):
    result = run_scenes(tmp_path / "tiles")
    table = (result.folder / "change.csv").read_bytes()
    without = run_scenes(tmp_path / "tiles", publish={"change": False})
    assert "4 observation(s) were up to date" in without.notes
    assert {path.suffix for path in (result.folder / "change").iterdir()} == {".json"}
    assert (result.folder / "change.csv").read_bytes() == table
    run_scenes(tmp_path / "tiles")
    assert len(list((result.folder / "change").glob("*.gpkg"))) == 3


@pytest.mark.parametrize("batch", [{"workers": 1}, {"workers": 4}, {"block": 16}], ids=str)
@pytest.mark.usefixtures("week")
def test_the_same_bytes_whatever_the_workers(run_scenes, tmp_path, batch):
    for name, settings in (("a", {}), ("b", batch)):
        run_scenes(tmp_path / "tiles", publish={"folder": str(tmp_path / name)}, batch=settings)
    ours, theirs = (
        {path.name: path.read_bytes() for path in (tmp_path / name / "test/change").iterdir()} for name in ("a", "b")
    )
    assert len(ours) == 10
    assert ours == theirs


def test_one_observation_has_no_change(run_scenes, tmp_path):
    result = run_scenes(shore(5, 1, tmp_path / "tiles"))
    assert rows_of(result.folder / "change.csv") == []
    assert not (result.folder / "change").exists()


def test_what_visible_bands_cannot_tell_has_no_gain_of_water(run_scenes, icepipe, tmp_path):
    for day, width in ((1, 12), (2, 8)):
        ice = np.arange(20) < width
        bands = np.array([np.where(ice, 8000, dark) for dark in (300, 400, 500)], np.int16)
        write(tmp_path / f"tiles/x_202407{day:02d}.tif", np.repeat(bands[:, None], 20, axis=1))
    bands = {"bands": {"red": 1, "green": 2, "blue": 3}, "scale": {"gain": 1e-4}}
    result = run_scenes(tmp_path / "tiles", inputs=bands)
    assert all("water_not_separable" in row.flags for row in result.rows)
    table = rows_of(result.folder / "change.csv")
    unknown = {"water", "cloud", "land"}  # the latter two as no mask was given
    for row in table:
        assert (row["area_km2"] == "") is bool({row["from_class"], row["to_class"]} & unknown)
    frame = pyogrio.read_dataframe(result.folder / "change/2024-07-01_2024-07-02.gpkg")
    assert set(frame["change"]) == {"ice_loss"}
    done = icepipe("compare", result.folder, "2024-07-01", "2024-07-02", "--json")
    figures = json.loads(done.stdout.splitlines()[-1])["classes"]
    assert figures["water"] == {"gained_km2": None, "lost_km2": None, "net_km2": None}
    assert figures["ice"]["lost_km2"] > 0
    assert re.search(r"^water +not known +not known +not known$", done.stdout, re.MULTILINE)


def clouded(folder, hidden, day, side=20):
    """A cloud mask over some columns."""
    mask = np.zeros((1, side, side), np.uint8)
    mask[:, :, hidden] = 1
    write(folder / f"x_202407{day:02d}_cloud.tif", mask)


def test_a_season_whose_clouds_prefer_ice_is_flagged(run_scenes, tmp_path):
    """Ice on the left; on the third and fourth day clouds hide the same half of it, then a strip across both."""
    hidden = {1: slice(0), 2: slice(0), 3: slice(0, 6), 4: slice(0, 6), 5: slice(8, 14)}
    for day, columns in hidden.items():
        shore(12 - (day > 2), day, tmp_path / "tiles")
        clouded(tmp_path / "masks", columns, day)
    cloud = {"path": f"{tmp_path}/masks/{{stem}}_cloud.tif", "values": [1]}
    result = run_scenes(tmp_path / "tiles", inputs={"cloud": cloud})
    flagged = {(row.date, row.class_) for row in result.rows if Flag.CLOUD_BIASED in row.flags}
    assert flagged == {(f"2024-07-0{day}", name) for day in (3, 4) for name in ("ice", "water", "other")}
    notes = [note for note in result.notes if note.startswith("clouds and gaps hide one class more")]
    shares = [re.findall(r"(2024-07-0\d) \((\d+)% of what was last seen as ice, (\d+)% of water\)", notes[0])]
    assert shares == [[("2024-07-03", "50", "0"), ("2024-07-04", "55", "0")]]  # 6 of 12 columns, then 6 of 11
    assert any("cloud_biased" in row["flags"] for row in rows_of(result.folder / "series.csv"))
    records = [path.read_text() for path in result.folder.glob("observations/*/record.json")]
    assert not any("cloud_biased" in text for text in records)


def test_a_jump_and_a_missing_class_are_told_until_the_scene_is_replaced(run_scenes, tmp_path):
    days = range(1, 11)
    for day in days:
        shore(0 if day == 5 else 12, day, tmp_path / "tiles")
    result = run_scenes(tmp_path / "tiles")
    flags = {(row.date, row.class_): flags_text(row.flags) for row in result.rows if "sudden_jump" in row.flags}
    assert flags == {
        ("2024-07-05", "ice"): "class_missing;cloud_not_screened;land_not_masked;sudden_jump",
        ("2024-07-05", "water"): "cloud_not_screened;land_not_masked;sudden_jump",
    }
    shore(12, 5, tmp_path / "tiles")
    assert not any("sudden_jump" in row.flags for row in run_scenes(tmp_path / "tiles").rows)
