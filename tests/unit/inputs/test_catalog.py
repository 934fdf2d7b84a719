"""Periods of observations: a scene, a UTC day, a solar day, eight days, a month."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import pytest
from affine import Affine
from pyproj import CRS

from icepipe.errors import NoUsableInput
from icepipe.geo.geobox import GeoBox
from icepipe.inputs.catalog import group_observations
from icepipe.inputs.scenes import Scene
from tests.rasters import paint, write


def scene(day, time="12:00", lon=0.0, platform="terra"):
    grid = GeoBox(CRS("EPSG:4326").to_wkt(), Affine(0.1, 0, lon - 0.5, 0, -0.1, 70), 10, 10)
    clock = dt.time.fromisoformat(time) if time else None
    return Scene(Path("x.tif"), dt.date.fromisoformat(day), clock, platform, "rgb", (), "rgb", grid, ())


def keys(scenes, period):
    return [(o.key, o.date.isoformat(), len(o.scenes)) for o in group_observations(scenes, period)]


def test_days_months_and_scenes():
    scenes = [scene("2024-06-30"), scene("2024-06-30", "13:30", platform="aqua"), scene("2024-07-01")]
    assert keys(scenes, "day") == [("2024-06-30", "2024-06-30", 2), ("2024-07-01", "2024-07-01", 1)]
    assert keys(scenes, "month") == [("2024-06-01", "2024-06-01", 2), ("2024-07-01", "2024-07-01", 1)]
    assert keys(scenes, "scene")[0][0] == "2024-06-30T1200_terra"


@pytest.mark.parametrize(
    ("day", "start"), [("2024-01-08", "2024-01-01"), ("2024-01-09", "2024-01-09"), ("2024-12-31", "2024-12-26")]
)
def test_eight_days_start_anew_every_year(day, start):
    assert keys([scene(day)], "8day") == [(start, start, 1)]


@pytest.mark.parametrize(
    ("time", "lon", "day"),
    [("23:00", 150.0, "2024-07-02"), ("01:00", -150.0, "2024-06-30"), ("12:00", 150.0, "2024-07-01")],
)
def test_the_day_by_the_sun(time, lon, day):
    assert keys([scene("2024-07-01", time, lon)], "solar-day")[0][0] == day


def test_the_day_by_the_sun_needs_a_time():
    with pytest.raises(NoUsableInput, match="time is not known"):
        group_observations([scene("2024-07-01", "")], "solar-day")


def test_a_month_of_tiles_is_one_row(run_scenes, tmp_path):
    write(tmp_path / "x_20240701.tif", paint(["ii..", "ww.."]), nodata=0)
    write(tmp_path / "x_20240715.tif", paint(["..ii", "..ww"]), nodata=0)
    result = run_scenes(tmp_path / "*.tif", measure={"period": "month"})
    (ice,) = [row for row in result.rows if row.class_ == "ice"]
    assert (ice.date, ice.n_pixels, ice.n_scenes) == ("2024-07-01", 4, 2)
    assert ice.valid_fraction == 1


def test_rows_that_a_late_scene_replaced_stay_readable(run_scenes, tmp_path):
    write(tmp_path / "a_20240701.tif", paint(["ii..", "ww.."]), nodata=0)
    first = run_scenes(tmp_path / "*.tif")
    assert not (first.folder / "history.csv").exists()
    write(tmp_path / "b_20240701.tif", paint(["..iw", "..ww"]), nodata=0)
    second = run_scenes(tmp_path / "*.tif")
    lines = (second.folder / "history.csv").read_text().splitlines()
    (old,) = [row for row in csv.DictReader(lines) if row["class"] == "ice"]
    before, after = (next(row for row in result.rows if row.class_ == "ice") for result in (first, second))
    assert (old["revision"], old["reason"]) == ("1", "other inputs")
    for name in ("area_km2", "area_low_km2", "area_high_km2", "weighted_km2"):
        assert float(old[name]) == pytest.approx(getattr(before, name), rel=1e-11)
        assert float(old[f"new_{name}"]) == pytest.approx(getattr(after, name), rel=1e-11)
    run_scenes(tmp_path / "*.tif")
    assert (second.folder / "history.csv").read_text().splitlines() == lines
