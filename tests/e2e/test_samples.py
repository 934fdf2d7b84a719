"""The main job on the shipped samples, through the real command, against their analytic truth."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT

SAMPLES = ROOT / "data" / "samples"


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


def truth(column="area_km2"):
    return {(row["date"], row["class"]): float(row[column]) for row in read(SAMPLES / "truth.csv")}


def series(folder):
    return {(row["date"], row["class"]): row for row in read(folder / "series.csv")}


def test_what_is_shown_is_measured_within_one_percent(arctic):
    rows = series(arctic[0])
    assert len({date for date, _ in rows}) == 8
    for (date, name), area in truth("shown_km2").items():
        wide = 0.02 if name == "other" else 0.01  # the island is 271 pixels
        assert float(rows[date, name]["area_km2"]) == pytest.approx(area, rel=wide), (date, name)


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


def test_a_late_tile_changes_the_rows_of_its_date_alone(arctic, tmp_path):
    before = arctic[0]
    home = tmp_path / "home"
    shutil.copytree(before.parents[1], home)
    for path in (home / "data/samples/late").iterdir():
        shutil.copy(path, home / "data/samples/arctic")
    command = [f"{sys.prefix}/bin/icepipe", "run", "configs/arctic.yaml"]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "7 observation(s) were up to date" in done.stdout
    after = home / "out" / "arctic"
    old, new = (folder.joinpath("series.csv").read_text().splitlines() for folder in (before, after))
    assert {line.split(",")[1] for line in set(old) ^ set(new)} == {"2024-07-28"}
    for path in before.joinpath("observations").rglob("*"):
        if path.is_file() and path.parent.name != "2024-07-28":
            assert path.read_bytes() == (after / path.relative_to(before)).read_bytes(), path
    assert (before / "basis.json").read_bytes() == (after / "basis.json").read_bytes()
    whole = series(after)
    for name in ("ice", "water"):
        assert float(whole["2024-07-28", name]["area_km2"]) == pytest.approx(truth()["2024-07-28", name], rel=0.01)


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
