"""Any ice or white ice only: the choice is in every output, and no model serves the other choice."""

from __future__ import annotations

import csv
import json
import re

import geopandas
import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio

from icepipe.errors import ConfigError
from icepipe.publish.tables.explanation import explain_text
from icepipe.publish.tables.text import series_cells
from icepipe.segment.model_file import model_hash
from tests.rasters import paint, write

WHITE = {"labels": {"ice": "white"}}


@pytest.fixture
def scene(tmp_path):
    """Six pixels of white ice, four of grey ice with a reflectance of 0.2, and eight of water."""
    pixels = paint(["iiiwww", "iiiwww", "wwwwww"])
    pixels[:, 1:3, 4:6] = 124
    return write(tmp_path / "x_20240301.tif", pixels)


def counts(result):
    return {row.class_: row.n_pixels for row in result.rows if row.n_pixels}


def rows_of(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_grey_ice_is_ice_or_other_and_never_water(run_scenes, scene):
    by_any, by_white = run_scenes(scene, name="any"), run_scenes(scene, name="white", segment=WHITE)
    assert counts(by_any) == {"water": 8, "ice": 10}
    assert counts(by_white) == {"water": 8, "ice": 6, "other": 4}
    (path,) = by_white.folder.glob("observations/*/*_classes.tif")
    with rasterio.open(path) as dataset:
        assert (dataset.read(1)[1:3, 4:6] == 3).all()
    (path,) = by_white.folder.glob("observations/*/*_ice.shp")
    ice = next(row for row in by_white.rows if row.class_ == "ice")
    assert geopandas.read_file(path)["area_km2"].sum() == pytest.approx(ice.area_km2)


@pytest.mark.parametrize("choice", ["any", "white"])
def test_every_output_says_which_ice_it_counts(run_scenes, scene, choice):
    result = run_scenes(scene, segment={"labels": {"ice": choice}})
    folder = result.folder
    assert {row.ice for row in result.rows} == {choice}
    header = (folder / "series.csv").read_text().splitlines()[0].split(",")
    assert header[header.index("prefer") + 1] == "ice"
    assert {row["ice"] for row in rows_of(folder / "series.csv")} == {choice}
    assert set(pq.read_table(folder / "series.parquet")["ice"].to_pylist()) == {choice}
    assert set(geopandas.read_file(folder / "regions.gpkg")["ice"]) == {choice}
    assert json.loads((folder / "run.json").read_text())["ice"] == choice
    assert json.loads((folder / "model.json").read_text())["ice"] == choice
    explained = json.loads((folder / "observations/2024-03-01/explain.json").read_text())
    assert explained["ice"] == choice
    first = {"any": "ice of any stage", "white": "white ice only"}[choice]
    assert explain_text(explained).splitlines()[0] == f"2024-03-01 (model {explained['model']}; {first})"
    assert series_cells(result.rows)[0][1] == {"any": "ice surface km2", "white": "white ice surface km2"}[choice]
    sentence = re.search(r'<p class="lead">(.*?)</p>', (folder / "report.html").read_text(), re.DOTALL)[1]
    sentence = " ".join(re.sub("<[^>]*>", "", sentence).split())
    expected = {"any": r"[\d.]+ km² of ice of any stage \(", "white": r"[\d.]+ km² of white ice \("}[choice]
    assert re.search(expected, sentence), sentence
    assert re.search(r"and [\d.]+ km² of water \(", sentence), sentence


def test_class_rasters_do_not_say_which_stages_they_count(run_scenes, tmp_path):
    write(tmp_path / "x_20240301.tif", np.array([[[0, 1]]], dtype=np.uint8))
    result = run_scenes(tmp_path / "*.tif", inputs={"sensor": "classes", "classes": {0: "water", 1: "ice"}})
    assert "of any stage" not in (result.folder / "report.html").read_text()
    with pytest.raises(ValueError, match="class rasters are not clustered: take labels out"):
        run_scenes(tmp_path / "*.tif", inputs={"sensor": "classes", "classes": {0: "water", 1: "ice"}}, segment=WHITE)


def test_the_other_choice_makes_a_new_model_and_keeps_the_old_rows(run_scenes, scene):
    first = run_scenes(scene)
    second = run_scenes(scene, segment=WHITE)
    fresh = run_scenes(scene, name="fresh", segment=WHITE)
    assert second.model == fresh.model != first.model
    assert {row["ice"] for row in rows_of(second.folder / "history.csv")} == {"any"}
    third = run_scenes(scene)
    assert third.model == first.model
    assert [row["ice"] for row in rows_of(third.folder / "history.csv")[::6]] == ["any", "white"]


@pytest.mark.parametrize("scope", ["observation", "scene"])
def test_models_of_single_dates_count_white_ice_too(run_scenes, scene, scope):
    result = run_scenes(scene, segment=WHITE | {"fit": scope})
    assert counts(result) == {"water": 8, "ice": 6, "other": 4}


def test_a_model_serves_its_own_choice_only(run_scenes, scene):
    models = {
        choice: run_scenes(scene, name=choice, segment={"labels": {"ice": choice}}) for choice in ("any", "white")
    }
    for own, other in (("any", "white"), ("white", "any")):
        fit = str(models[own].folder / "model.json")
        with pytest.raises(ConfigError, match=f"labels.ice is {other}, and the clusters of model.json .* for {own}"):
            run_scenes(scene, name="other", segment={"fit": fit, "labels": {"ice": other}})
        again = run_scenes(scene, name=f"again-{own}", segment={"fit": fit, "labels": {"ice": own}})
        assert counts(again) == counts(models[own])
    with pytest.raises(ConfigError, match=r"named for white; set segment\.labels\.ice: white"):
        run_scenes(scene, name="silent", segment={"fit": str(models["white"].folder / "model.json")})


def test_a_choice_that_was_edited_into_a_model_is_noticed(run_scenes, scene, tmp_path):
    path = tmp_path / "model.json"
    path.write_text((run_scenes(scene).folder / "model.json").read_text().replace('"ice": "any"', '"ice": "white"'))
    with pytest.raises(ConfigError, match="was changed since"):
        run_scenes(scene, name="second", segment={"fit": str(path)} | WHITE)


def test_a_pin_overrules_the_choice_for_its_cluster(run_scenes, scene):
    model = run_scenes(scene, segment=WHITE).model
    grey = next(number for number, cluster in enumerate(model.clusters) if cluster.code.label == "other")
    pin = {"model": model_hash(model), "clusters": {grey: "ice"}}
    assert counts(run_scenes(scene, segment={"labels": {"ice": "white", "pin": pin}})) == {"water": 8, "ice": 10}
    with pytest.raises(ConfigError, match="pin is for model"):
        run_scenes(scene, segment={"labels": {"ice": "any", "pin": pin}})


def test_thresholds_of_the_config_apply_to_either_choice(run_scenes, scene):
    lower = {"white-brightness": {"low": 0.12, "mid": 0.15, "high": 0.18}}
    result = run_scenes(scene, segment={"labels": {"ice": "white", "thresholds": lower}})
    assert counts(result) == {"water": 8, "ice": 10}
    with pytest.raises(ConfigError, match="these rules have no white-brightness"):
        run_scenes(scene, segment={"labels": {"thresholds": lower}})
    higher = {"ice-brightness": {"mid": 0.4, "high": 0.5}}
    with pytest.raises(ConfigError, match=r"white-brightness \(0\.32\) is under ice-brightness \(0\.4\)"):
        run_scenes(scene, segment={"labels": {"ice": "white", "thresholds": higher}})


def test_a_folder_made_before_there_was_a_choice_counts_any_ice(run_scenes, scene):
    """Its records, basis and model have no ``ice``; the digest of its basis is another. Its replaced rows are kept."""
    old = run_scenes(scene)
    write(scene, paint(["iwwwww"] * 3))
    first = run_scenes(scene)
    history = (first.folder / "history.csv").read_text()
    record = first.folder / "observations/2024-03-01/record.json"
    document = json.loads(record.read_text())
    for row in (*document["rows"], *(row for revision in document["superseded"] for row in revision["rows"])):
        del row["ice"]
    document["made"]["basis"] = "0123456789ab"
    record.write_text(json.dumps(document))
    basis = first.folder / "basis.json"
    document = json.loads(basis.read_text())
    del document["model"]["ice"]
    basis.write_text(json.dumps(document))
    for path in first.folder.glob("ledger.sqlite*"):
        path.unlink()
    second = run_scenes(scene)
    assert not any("up to date" in note for note in second.notes)
    assert second.rows == first.rows
    assert second.model == first.model == old.model
    assert {row["ice"] for row in rows_of(second.folder / "series.csv")} == {"any"}
    assert (second.folder / "history.csv").read_text() == history
    assert {row["ice"] for row in rows_of(second.folder / "history.csv")} == {"any"}
