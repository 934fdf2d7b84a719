"""The main job on the shipped samples, through the real command, against their analytic truth."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.samples import SAMPLES, named_and_held, shares, truth

DATES = sorted({date for date, _ in truth()})


@pytest.fixture(scope="module")
def arctic(tmp_path_factory):
    """Run the shipped config from a copy of the repository's folders; give output folder and process."""
    home = tmp_path_factory.mktemp("home")
    shutil.copytree(ROOT / "configs", home / "configs")
    shutil.copytree(SAMPLES, home / "data" / "samples")
    command = [f"{sys.prefix}/bin/icepipe", "run", "configs/arctic.yaml", "--json"]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return home / "out" / "arctic", done


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def series(folder):
    return {(row["date"], row["class"]): row for row in read(folder / "series.csv")}


def test_cloud_land_and_what_is_unobserved_are_measured_within_one_percent(arctic):
    rows = series(arctic[0])
    assert len({date for date, _ in rows}) == 8
    for (date, name), area in truth("shown_km2").items():
        if name in {"cloud", "land", "unobserved"}:
            assert float(rows[date, name]["area_km2"]) == pytest.approx(area, rel=0.01), (date, name)


def test_pure_pixels_have_the_name_of_what_they_show(arctic):
    """No pixel has a name of which it holds nothing, but ten at most, where the brown of ground fades into water."""
    for date in DATES:
        for name, (named, held) in named_and_held(arctic[0], date).items():
            assert named[held == 1].all(), (date, name)
            assert named[held == 0].sum() <= (10 if name == "ice" else 0), (date, name)


def test_pixels_are_mixed_where_surfaces_meet():
    """Leads are a pixel wide, floes are small: of the sea, 0.8 to 2.2 % of the pixels are not pure."""
    for date in DATES:
        parts = np.stack(list(shares(date).values()))
        assert (parts.sum(axis=0) == 1).all()
        sea = parts[-1] == 0
        assert 0.008 <= (parts[:, sea].max(axis=0) < 1).mean() <= 0.022


def test_the_surface_shown_is_estimated_within_half_a_percent(arctic):
    """The land mask hides 3.3 km2 of water at the shore, which is 0.12 % of the least water."""
    rows = series(arctic[0])
    for (date, name), area in truth("shown_km2").items():
        if name in {"ice", "water"}:
            assert float(rows[date, name]["weighted_km2"]) == pytest.approx(area, rel=0.005), (date, name)


def test_the_island_is_estimated_within_a_tenth_and_the_ground_at_the_shore(arctic):
    """Pixels that the land mask leaves to the sea hold 3.4 km2 of ground, which may be estimated as ``other``, too."""
    rows = series(arctic[0])
    for (date, name), area in truth("shown_km2").items():
        if name == "other":
            assert 0.9 * area <= float(rows[date, name]["weighted_km2"]) <= 1.1 * (area + 3.4), date


def test_truth_lies_within_the_bounds_and_what_is_unknown(arctic):
    rows = series(arctic[0])
    for (date, name), area in truth().items():
        row = rows[date, name]
        if name in {"ice", "water"}:
            high = float(row["area_high_km2"]) + float(row["unknown_km2"])
            assert float(row["area_low_km2"]) <= area <= high, (date, name)


def test_cloudy_and_half_seen_dates_say_so(arctic):
    rows = series(arctic[0])
    flags = {date: row["flags"] for (date, name), row in rows.items() if name == "ice"}
    assert {date for date, text in flags.items() if text} == {"2024-07-28", "2024-08-12"}
    assert float(rows["2024-08-12", "cloud"]["area_km2"]) > 1500
    assert float(rows["2024-07-28", "unobserved"]["area_km2"]) > 4000


def test_truth_lies_within_bounds_that_are_narrow(arctic):
    folder, _ = arctic
    rows = {(row["date"], row["class"]): row for row in read(folder / "series.csv")}
    for (date, name), area in truth().items():
        if name not in {"ice", "water"} or rows[date, name]["flags"]:
            continue
        low, high = float(rows[date, name]["area_low_km2"]), float(rows[date, name]["area_high_km2"])
        assert low <= area <= high, (date, name)
        seen = sum(float(rows[date, c]["area_km2"]) for c in ("ice", "water", "other"))
        assert high - low <= 0.08 * seen


def test_the_budget_of_every_date_closes(arctic):
    folder, _ = arctic
    rows = read(folder / "series.csv")
    for date in {row["date"] for row in rows}:
        mine = [row for row in rows if row["date"] == date]
        assert sum(float(row["area_km2"] or 0) for row in mine) == pytest.approx(float(mine[0]["region_km2"]), rel=1e-9)


@pytest.fixture(scope="module")
def whole(arctic, tmp_path_factory):
    """Run again with the late tile in a copy of the folders; give output folder and process."""
    home = tmp_path_factory.mktemp("late") / "home"
    shutil.copytree(arctic[0].parents[1], home)
    for path in (home / "data/samples/late").iterdir():
        shutil.copy(path, home / "data/samples/arctic")
    command = [f"{sys.prefix}/bin/icepipe", "run", "configs/arctic.yaml"]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return home / "out" / "arctic", done


def test_a_late_tile_changes_the_rows_of_its_date_alone(arctic, whole):
    before, (after, done) = arctic[0], whole
    assert "7 observation(s) were up to date" in done.stdout
    old, new = (folder.joinpath("series.csv").read_text().splitlines() for folder in (before, after))
    assert {line.split(",")[1] for line in set(old) ^ set(new)} == {"2024-07-28"}
    for path in before.joinpath("observations").rglob("*"):
        if path.is_file() and path.parent.name != "2024-07-28":
            assert path.read_bytes() == (after / path.relative_to(before)).read_bytes(), path
    assert (before / "basis.json").read_bytes() == (after / "basis.json").read_bytes()


def test_with_the_late_tile_truth_lies_within_the_bounds_and_pure_pixels_have_their_name(whole):
    rows = series(whole[0])
    for name, (named, held) in named_and_held(whole[0], "2024-07-28").items():
        assert named[held == 1].all(), name
        if name != "other":
            row = rows["2024-07-28", name]
            assert row["unknown_km2"] == "0"
            assert float(row["area_low_km2"]) <= truth()["2024-07-28", name] <= float(row["area_high_km2"])


def test_with_the_late_tile_the_surface_of_the_whole_is_estimated_within_half_a_percent(whole):
    rows = series(whole[0])
    for name in ("ice", "water"):
        area = truth()["2024-07-28", name]
        assert float(rows["2024-07-28", name]["weighted_km2"]) == pytest.approx(area, rel=0.005)


def test_every_promised_file_is_there(arctic):
    folder, _ = arctic
    assert {p.name for p in folder.iterdir()} == {
        ".lock",
        "ledger.sqlite",
        "observations",
        "series.csv",
        "series.parquet",
        "trend.json",
        "change.csv",
        "regions.gpkg",
        "change",
        "model.json",
        "run.json",
        "manifest.json",
        "basis.json",
        "arctic.qgs",
        "collection.json",
        "report.html",
        "series.png",
        "series.svg",
        "timelapse.gif",
    }
    stem = "arctic_2024-07-04"
    shapefiles = {f"{stem}_{c}.{s}" for c in ("ice", "water") for s in ("shp", "shx", "dbf", "prj", "cpg", "qml")}
    rasters = {f"{stem}_classes.tif", f"{stem}_classes.qml", "quicklook.png", "picture.png"}
    expected = {f"{stem}.json", "explain.json", "record.json"} | rasters | shapefiles
    assert {p.name for p in (folder / "observations" / "2024-07-04").iterdir()} == expected
    provenance = json.loads((folder / "run.json").read_text())
    assert provenance["areas_measured_on"] == "WGS 84"
    assert len(provenance["scenes"]) == 15


def test_the_closing_table_and_json_say_the_same(arctic):
    folder, done = arctic
    *table, clouds, overlap, written, last = done.stdout.strip().splitlines()
    assert "1,550.149 km2 (2024-08-12); 100% of that looks like ice" in clouds
    assert overlap.startswith("overlapping scenes: up to ")
    assert written == "Written to out/arctic"
    document = json.loads(last)
    assert document["folder"] == str(folder)
    assert document["observations"] == 8
    assert len(table) == 9
    assert sum("partly_seen" in line for line in table[1:]) == 2
    first = next(row for row in document["rows"] if row["class"] == "ice")
    assert f"{first['area_km2']:,.3f}" in table[1]


def test_explain_gives_a_reason_for_every_cluster(arctic, icepipe):
    folder, _ = arctic
    model = json.loads((folder / "model.json").read_text())
    done = icepipe("explain", folder, "2024-07-04")
    assert done.returncode == 0
    for cluster in model["clusters"]:
        assert cluster["reason"] in " ".join(done.stdout.split())
    assert icepipe("explain", folder, "1999-01-01").returncode == 2


def test_samples_are_small_and_made_again_byte_for_byte(tmp_path):
    subprocess.run([sys.executable, SAMPLES / "make.py", tmp_path], check=True, timeout=300)
    files = [p for p in SAMPLES.rglob("*") if p.is_file() and p.suffix in {".tif", ".csv", ".geojson"}]
    assert sum(p.stat().st_size for p in files) < 3_000_000
    for path in files:
        assert path.read_bytes() == (tmp_path / path.relative_to(SAMPLES)).read_bytes(), path.name


def test_the_run_verifies_as_the_page_shows(arctic, icepipe):
    folder, _ = arctic
    output = icepipe("verify", folder).stdout
    assert output in (ROOT / "docs/how-to/unattended.md").read_text()
