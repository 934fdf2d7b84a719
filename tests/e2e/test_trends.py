"""Trends and alerts through the real command, on the samples of the repository and on drawn Septembers."""

from __future__ import annotations

import csv
import json
import shlex
import shutil

import pytest

from tests.conftest import ROOT
from tests.e2e.test_docs import BLOCK
from tests.rasters import paint, write

FORKED = True

SAMPLES = ROOT / "data/samples"


@pytest.fixture
def arctic(tmp_path):
    """The samples' config, with a ``measure`` section."""

    def call(**measure):
        path = tmp_path / "arctic.yaml"
        inputs = {
            "scenes": str(SAMPLES / "arctic/*.tif"),
            "cloud": {"path": f"{SAMPLES}/masks/{{stem}}_cloud.tif", "values": [1]},
            "land": str(SAMPLES / "land.geojson"),
        }
        path.write_text(
            json.dumps({"name": "arctic", "inputs": inputs, "measure": measure, "publish": {"folder": "out"}})
        )
        return path

    return call


def said(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


def test_alerts_and_trends_of_the_samples(icepipe, arctic, tmp_path):
    out = tmp_path / "out/arctic"
    rule = {"class": "ice", "under_km2": 4000, "faster_km2_per_day": 60}
    done = icepipe("run", arctic(alerts=rule, dates_under_km2={"ice": 4000}), "--json")
    document = said(done)
    lines = [line for line in done.stdout.splitlines() if line.startswith("alert ")]
    assert lines == [
        "alert 2024-07-28  arctic: ice surface 3,885.652 km2 (pixel area 3,933.390), under 4,000 km2",
        "alert 2024-08-27  arctic: ice surface shrank by 60.198 km2 per day since 2024-08-12, more than 60",
    ]
    table = list(csv.DictReader((out / "alerts.csv").read_text().splitlines()))
    assert [row["kind"] for row in table] == [alert["kind"] for alert in document["alerts"]] == ["under", "faster"]
    assert list(table[0]) == [
        *("region", "date", "class", "quantity", "kind", "value", "threshold", "message", "certainty")
    ]
    trend = json.loads((out / "trend.json").read_text())
    assert trend == document["trend"]
    ice, water = trend["series"]
    assert (ice["class"], water["class"], ice["n_days"]) == ("ice", "water", 8)
    assert ice["trend"] is None
    assert ice["no_trend_because"].startswith("8 usable day(s), 10 are needed")
    assert (ice["maximum"]["day"], ice["minimum"]["day"]) == ("2024-06-10", "2024-09-10")
    first = ice["years"][0]["first_under"]
    assert (first["day"], first["beside_day"]) == ("2024-07-28", "2024-07-16")


def test_another_alert_redoes_no_observation_and_none_leaves_no_file(icepipe, arctic, tmp_path):
    out = tmp_path / "out/arctic"
    said(icepipe("run", arctic(alerts={"under_km2": 1}), "--json"))
    assert (out / "alerts.csv").read_text() == "region,date,class,quantity,kind,value,threshold,message,certainty\n"
    again = said(icepipe("run", arctic(alerts={"under_km2": 3000}, season=[9]), "--json"))
    assert "8 observation(s) were up to date" in again["notes"]
    assert [alert["date"] for alert in again["alerts"]] == ["2024-08-27"]
    none = said(icepipe("run", arctic(), "--json"))
    assert none["alerts"] is None
    assert not (out / "alerts.csv").exists()


def test_twelve_septembers_carry_a_trend_and_a_gap(icepipe, tmp_path):
    """One row of ice less a year, of 20 x 20 pixels; no September 2005."""
    years = [year for year in range(2000, 2013) if year != 2005]
    for year in years:
        rows = 20 - (year - 2000)
        picture = paint(["i" * 20] * rows + ["w" * 20] * (20 - rows))
        write(tmp_path / f"tiles/x_{year}0915.tif", picture)
    measure = {"season": [9], "baseline": ["2000-01-01", "2004-12-31"]}
    config = tmp_path / "bay.yaml"
    config.write_text(
        json.dumps({"name": "bay", "inputs": {"scenes": "tiles"}, "measure": measure, "publish": {"folder": "out"}})
    )
    document = said(icepipe("run", config, "--json"))
    ice = document["trend"]["series"][0]
    rows_km2 = 20 * 0.0625
    assert ice["trend"]["slope_km2_per_year"]["value"] == pytest.approx(-rows_km2, rel=0.1)
    percent = ice["trend"]["slope_percent_per_decade"]["value"]
    assert percent == pytest.approx(1000 * ice["trend"]["slope_km2_per_year"]["value"] / ice["baseline"]["mean_km2"])
    assert [(gap["after"], gap["before"]) for gap in ice["gaps"]] == [("2004", "2006")]
    assert [value["label"] for value in ice["values"]] == [str(year) for year in years]
    assert any(note.startswith("trend of bay ice surface: -1.") for note in document["notes"])


def test_the_page_on_trends_shows_what_the_command_prints(icepipe, tmp_path):
    for folder in ("configs", "data"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (block,) = BLOCK.finditer((ROOT / "docs/how-to/trends.md").read_text())
    done = icepipe(*shlex.split(block["command"]), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == block["output"]
