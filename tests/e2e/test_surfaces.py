"""The surface of mixed pixels in everything that a run publishes, and in folders that earlier versions left."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import geopandas
import pyarrow.parquet as pq
import pytest

from icepipe.classes import ClassCode
from icepipe.measure.area import by_region
from icepipe.measure.area.budget import compute_budget
from icepipe.publish.report.page import render_page
from icepipe.publish.report.published_run import read_published_run
from icepipe.publish.report.series_plot import draw_series
from icepipe.publish.run_folder.provenance import MEASUREMENT
from icepipe.publish.run_folder.record import last_record
from icepipe.publish.run_folder.verify import find_faults, surface_faults
from icepipe.storage.ledger import read_ledger
from tests.rasters import paint, write
from tests.series import daily

DAYS = ("2024-07-01", "2024-07-03")


@pytest.fixture
def scenes(tmp_path):
    write(tmp_path / "x_20240701.tif", paint(["iiww", "iiww", "wwww"]))
    write(tmp_path / "x_20240703.tif", paint(["iwww", "iwww", "wwww"]))
    return tmp_path / "*.tif"


@pytest.fixture
def mixed(monkeypatch):
    """A quarter of what the pixels of ice show is water."""

    def with_mixtures(*arguments):
        budget = compute_budget(*arguments)
        ice, water = budget.classes[ClassCode.ICE], budget.classes[ClassCode.WATER]
        surface, moved = 0.75 * ice.area_km2, 0.25 * ice.area_km2
        both = {
            ClassCode.ICE: replace(ice, weighted_km2=surface, low_km2=surface),
            ClassCode.WATER: replace(water, weighted_km2=water.area_km2 + moved, high_km2=water.high_km2 + moved),
        }
        return replace(budget, classes=budget.classes | both, mixed_fraction=0.3)

    monkeypatch.setattr(by_region, "compute_budget", with_mixtures)


def ice_rows(path):
    return [row for row in csv.DictReader(path.read_text().splitlines()) if row["class"] == "ice"]


@pytest.mark.usefixtures("mixed")
def test_everything_that_a_run_publishes_leads_with_the_surface(run_scenes, scenes):
    measure = {"alerts": {"class": "ice", "under_km2": 0.1}, "dates_under_km2": {"ice": 0.1}}
    result = run_scenes(scenes, measure=measure)
    folder = result.folder
    ice = ice_rows(folder / "series.csv")
    pixels = [float(row["area_km2"]) for row in ice]
    surfaces = [float(row["weighted_km2"]) for row in ice]
    assert surfaces == pytest.approx([0.75 * km2 for km2 in pixels])
    assert [row["weighted_est_km2"] for row in ice] == [row["weighted_km2"] for row in ice]
    assert all("mixed_pixels" in row["flags"] for row in ice)
    # Between the two: only the surface of the second day is under the threshold.
    assert surfaces[1] < 0.1 < pixels[1] < surfaces[0]
    (alert,) = csv.DictReader((folder / "alerts.csv").read_text().splitlines())
    assert (alert["date"], alert["quantity"], float(alert["value"])) == ("2024-07-03", "surface", surfaces[1])
    trend = json.loads((folder / "trend.json").read_text())
    assert (trend["area"], trend["other"]) == ("weighted_est_km2", "area_est_km2")
    (series,) = [series for series in trend["series"] if series["class"] == "ice"]
    assert series["quantity"] == "surface"
    assert [value["value_km2"] for value in series["values"]] == pytest.approx(surfaces)
    assert [value["other_km2"] for value in series["values"]] == pytest.approx(pixels)
    assert series["years"][0]["first_under"]["day"] == "2024-07-03"
    layer = geopandas.read_file(folder / "regions.gpkg")
    assert layer.ice_weighted_km2.tolist() == pytest.approx(surfaces)
    assert layer.ice_weighted_est_km2.tolist() == pytest.approx(surfaces)
    assert any(
        note.startswith("many pixels hold more than one class: 2024-07-01, 2024-07-03;") for note in result.notes
    )
    with read_ledger(folder) as ledger:
        entries = ledger.entries()
    assert [(entry.quantity, entry.ice_km2) for entry in entries.values()] == [
        ("surface", pytest.approx(km2)) for km2 in surfaces
    ]
    assert list(find_faults(folder)) == []


@pytest.mark.usefixtures("mixed")
def test_the_report_and_the_plot_name_the_surface(run_scenes, scenes):
    published = read_published_run(run_scenes(scenes).folder)
    (panel,) = draw_series(published).axes
    assert panel.get_ylabel() == "surface, km²"
    page = render_page(published)
    row = ice_rows(published.folder / "series.csv")[-1]
    surface, pixels = (f"{float(row[name]):.3f}" for name in ("weighted_km2", "area_km2"))
    low, high = (f"{float(row[name]):.3f}" for name in ("area_low_km2", "area_high_km2"))
    assert f"{surface} km² of ice</strong> of any stage ({low} to {high} km²)" in page
    assert f"This is the surface; the pixel area is {pixels} km² of ice" in page
    assert "ice surface</th>" in page
    assert "ice pixel area</th>" in page
    assert "Surface over time" in page


def test_class_rasters_show_the_pixel_area(run_scenes, tmp_path):
    write(tmp_path / "x_20240701.tif", paint(["iiww", "iiww"])[:1])
    values = {"40": "water", "225": "ice"}
    result = run_scenes(tmp_path / "*.tif", inputs={"sensor": "classes", "classes": values})
    assert {row.weighted_km2 for row in result.rows} == {row.weighted_est_km2 for row in result.rows} == {None}
    published = read_published_run(result.folder)
    (panel,) = draw_series(published).axes
    assert panel.get_ylabel() == "pixel area, km²"
    assert "ice surface" not in render_page(published)
    assert json.loads((result.folder / "trend.json").read_text())["area"] == "area_est_km2"


@pytest.fixture
def aged(run_scenes, scenes):
    """The folder of a run, as a version without surfaces left it."""
    folder = run_scenes(scenes).folder
    for day in DAYS:
        path = folder / "observations" / day / "record.json"
        document = json.loads(path.read_text())
        document["made"]["code"].remove(MEASUREMENT)
        for row in document["rows"]:
            row["weighted_km2"] = None
            del row["weighted_est_km2"]
        # Such a record holds replaced rows without a reason.
        document["superseded"] = [document["rows"]] if day == DAYS[0] else []
        path.write_text(json.dumps(document))
    table = pq.read_table(folder / "series.parquet").drop_columns(["weighted_km2", "weighted_est_km2"])
    empty = [None] * len(table)
    pq.write_table(table.append_column("weighted_km2", [empty]), folder / "series.parquet")
    (folder / "ledger.sqlite").unlink()
    return folder


def test_a_folder_of_an_earlier_version_is_read_with_its_pixel_areas(aged):
    published = read_published_run(aged)
    assert published.quantity == "pixel area"
    assert {row.weighted_est_km2 for row in published.rows} == {None}
    assert "This is the pixel area. " in render_page(published)
    assert [len(last_record(aged / "observations" / day).superseded) for day in DAYS] == [1, 0]


def test_a_folder_of_an_earlier_version_is_made_again_with_the_reason_in_its_history(aged, run_scenes, scenes):
    result = run_scenes(scenes)
    assert not any("were up to date" in note for note in result.notes)
    ice = {row.date: row for row in result.rows if row.class_ == "ice"}
    assert all(row.weighted_est_km2 == pytest.approx(row.weighted_km2) for row in ice.values())
    lines = ice_rows(aged / "history.csv")
    assert [(line["date"], line["revision"], line["reason"]) for line in lines] == [
        ("2024-07-01", "1", ""),
        ("2024-07-01", "2", f"versions: {MEASUREMENT}"),
        ("2024-07-03", "1", f"versions: {MEASUREMENT}"),
    ]
    for line in lines[1:]:
        row = ice[line["date"]]
        assert (line["weighted_km2"], line["weighted_est_km2"]) == ("", "")
        assert float(line["new_weighted_km2"]) == pytest.approx(row.weighted_km2, rel=1e-11)
        assert line["new_area_km2"] == line["area_km2"]
    # Revision 2 replaced revision 1, which had no surface either.
    assert lines[0]["new_weighted_km2"] == ""
    assert list(find_faults(aged)) == []
    assert "2 observation(s) were up to date" in run_scenes(scenes).notes
    assert ice_rows(aged / "history.csv") == lines


@pytest.mark.usefixtures("aged")
def test_rows_that_cannot_be_made_again_stay_and_are_left_out_of_trends(run_scenes, scenes, tmp_path):
    (tmp_path / "x_20240701.tif").unlink()
    result = run_scenes(scenes)
    kept = next(row for row in result.rows if (row.date, row.class_) == ("2024-07-01", "ice"))
    assert kept.area_km2 is not None
    assert kept.weighted_km2 is None
    (ice,) = [trend for trend in result.trends if trend.class_ == "ice"]
    assert ice.n_left_out == {"surface_not_known": 1}
    assert [value.label for value in ice.values] == ["2024-07-03"]
    assert any(note.startswith("measured by an earlier version") and "2024-07-01" in note for note in result.notes)


def by_class(**changes):
    """Rows of ice, water and other of one region, of which the first gets changes."""
    classes = (("ice", 6.0), ("water", 3.0), ("other", 1.0))
    rows = {label: daily([("2024-07-01", km2)], class_=label, share=1.0)[0] for label, km2 in classes}
    return rows | {"ice": replace(rows["ice"], **changes)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({}, None, id="as published"),
        pytest.param({"valid_fraction": 0.5}, "in the whole region", id="not scaled"),
        pytest.param({"area_low_km2": 6.1}, "outside 6.1 .. 6.0", id="below its low area"),
        pytest.param({"area_high_km2": 5.9}, "outside 6.0 .. 5.9", id="above its high area"),
        pytest.param(
            {"weighted_km2": 5.0, "weighted_est_km2": 5.0, "area_low_km2": 4.0}, "add up to 9.0 km2", id="lost area"
        ),
        pytest.param({"weighted_km2": None}, None, id="not known"),
    ],
)
def test_surfaces_that_break_their_sum_bounds_or_scale_are_found(changes, message):
    faults = list(surface_faults("2024-07-01", by_class(**changes)))
    assert len(faults) == (message is not None)
    assert all(message in fault for fault in faults)


def test_the_surface_of_a_concentration_is_below_its_extent_and_no_fault():
    (ice,) = daily([("2024-07-01", 6.0)], share=0.5, flags="concentration")
    rows = by_class() | {"ice": ice}
    rows |= {label: replace(rows[label], weighted_km2=None) for label in ("water", "other")}
    assert list(surface_faults("2024-07-01", rows)) == []
    (fault,) = surface_faults("2024-07-01", rows | {"ice": replace(ice, weighted_est_km2=1.0)})
    assert "in the whole region" in fault
