"""Models: one a run, an observation or a scene, or one of an earlier run; thresholds changed, clusters pinned."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from icepipe.errors import ConfigError
from icepipe.segment.model_file import model_hash, read_model
from icepipe.segment.rules import RULE_SETS, RuleSet
from tests.rasters import paint, write

WINTER = ["iiiiww", "iiiiww", "iiiiww"]
SUMMER = ["wwwwwi", "wwwwww", "wwwwww"]


@pytest.fixture
def two_days(tmp_path):
    write(tmp_path / "x_20240301.tif", paint(WINTER))
    write(tmp_path / "x_20240701.tif", paint(SUMMER))
    return tmp_path / "*.tif"


def ice(result):
    return {row.date: row.n_pixels for row in result.rows if row.class_ == "ice"}


@pytest.mark.parametrize("scope", ["run", "observation", "scene"])
def test_every_scope_finds_the_same_ice(run_scenes, two_days, scope):
    result = run_scenes(two_days, segment={"fit": scope})
    assert ice(result) == {"2024-03-01": 12, "2024-07-01": 1}
    assert (result.model is None) == (scope != "run")


def test_observations_fitted_on_their_own_do_not_depend_on_each_other(run_scenes, two_days, tmp_path):
    both = run_scenes(two_days, name="both", segment={"fit": "observation"})
    alone = run_scenes(tmp_path / "x_20240701.tif", name="alone", segment={"fit": "observation"})
    models = [
        json.loads((result.folder / f"observations/2024-07-01/{result.folder.name}_2024-07-01_model.json").read_text())
        for result in (both, alone)
    ]
    assert models[0] == models[1]
    rows = {row.date: row.model for row in both.rows}
    assert rows["2024-07-01"] == models[0]["hash"]


def test_two_scenes_of_a_day_fitted_on_their_own_are_laid_over_each_other(run_scenes, tmp_path):
    write(tmp_path / "a_20240301.tif", paint(["...www"]), nodata=0)
    write(tmp_path / "b_20240301.tif", paint(["iii..."]), nodata=0)
    result = run_scenes(tmp_path / "*.tif", segment={"fit": "scene"})
    assert ice(result) == {"2024-03-01": 3}
    assert {row.n_pixels for row in result.rows if row.class_ == "water"} == {3}
    folder = result.folder / "observations/2024-03-01"
    explained = json.loads((folder / "explain.json").read_text())["clusters"]
    assert [(entry["class"], entry["scene"]) for entry in explained] == [("water", 1), ("ice", 2)]
    assert len(list(folder.glob("*_scene?_model.json"))) == 2


@pytest.mark.parametrize("scope", ["observation", "scene"])
def test_a_date_without_data_has_no_clusters_and_no_area(run_scenes, two_days, tmp_path, scope):
    write(tmp_path / "x_20240801.tif", paint(["......"] * 3), nodata=0)
    result = run_scenes(two_days, segment={"fit": scope})
    assert ice(result)["2024-08-01"] is None
    assert any("nothing_seen" in row.flags for row in result.rows if row.date == "2024-08-01")


def test_the_model_of_an_earlier_run_is_taken_as_it_is(run_scenes, two_days, tmp_path):
    first = run_scenes(tmp_path / "x_20240301.tif", name="first")
    second = run_scenes(two_days, name="second", segment={"fit": str(first.folder / "model.json")})
    assert second.model == first.model
    assert ice(second) == {"2024-03-01": 12, "2024-07-01": 1}


def test_a_model_of_another_sensor_is_refused(run_scenes, two_days):
    first = run_scenes(two_days, name="first")
    with pytest.raises(ConfigError, match="modis-truecolor with red green blue by the MODIS"):
        run_scenes(
            two_days,
            name="second",
            inputs={"sensor": "modis-truecolor"},
            segment={"fit": str(first.folder / "model.json")},
        )


@pytest.mark.parametrize("name", ["first", "second"], ids=["of the basis", "given"])
def test_a_model_of_other_rules_is_refused(run_scenes, two_days, monkeypatch, name):
    """A later version may have other thresholds: the decision would take a condition for another."""
    first = run_scenes(two_days, name="first")
    rules = RULE_SETS["rgb"]
    extra = replace(rules.thresholds[0], key="extra")
    changed = RuleSet((*rules.thresholds, extra), lambda conditions: rules.decide(conditions[:-1]))
    monkeypatch.setitem(RULE_SETS, "rgb", changed)
    segment = {} if name == "first" else {"fit": str(first.folder / "model.json")}
    with pytest.raises(ConfigError, match="the rules have changed since"):
        run_scenes(two_days, name=name, segment=segment)


def test_a_model_that_was_changed_by_hand_is_refused(run_scenes, two_days, tmp_path):
    first = run_scenes(two_days, name="first")
    path = first.folder / "model.json"
    path.write_text(path.read_text().replace('"class": "ice"', '"class": "water"'))
    with pytest.raises(ConfigError, match="was changed since"):
        run_scenes(two_days, name="second", segment={"fit": str(path)})
    path.write_text("{}")
    with pytest.raises(ConfigError, match="is not a model"):
        run_scenes(two_days, name="second", segment={"fit": str(path)})
    with pytest.raises(ConfigError, match="cannot be read"):
        run_scenes(two_days, name="second", segment={"fit": str(tmp_path / "none.json")})


def test_settings_that_a_finished_model_would_ignore_are_refused(run_scenes, two_days):
    with pytest.raises(ValueError, match="already fitted and named: take k out"):
        run_scenes(two_days, segment={"fit": "model.json", "k": 4})


def test_a_model_file_reads_back_to_the_same_model(run_scenes, two_days):
    result = run_scenes(two_days, segment={"k": "elbow"})
    assert read_model(result.folder / "model.json") == result.model


def test_a_pin_renames_one_cluster_and_keeps_the_fit(run_scenes, two_days):
    first = run_scenes(two_days)
    number = next(i for i, c in enumerate(first.model.clusters) if c.code.label == "ice")
    pin = {"model": model_hash(first.model), "clusters": {number: "other"}}
    second = run_scenes(two_days, segment={"labels": {"pin": pin}})
    assert ice(second) == {"2024-03-01": 0, "2024-07-01": 0}
    assert [c.centroid for c in second.model.clusters] == [c.centroid for c in first.model.clusters]
    assert second.model.clusters[number].pinned
    assert second.model.clusters[number].reason.startswith("other: pinned by the config; the rules say ice")
    assert {row.model for row in second.rows} != {row.model for row in first.rows}
    document = json.loads((second.folder / "model.json").read_text())
    assert document["pinned_on"] == pin["model"]
    assert (
        run_scenes(two_days, segment={"labels": {"pin": pin}}).notes[0].startswith("2 observation(s) were up to date")
    )


def test_a_pin_to_another_model_is_refused(run_scenes, two_days):
    pin = {"model": "0123456789ab", "clusters": {0: "ice"}}
    with pytest.raises(ConfigError, match="pin is for model 0123456789ab, and the model of this run is"):
        run_scenes(two_days, segment={"labels": {"pin": pin}})


def test_a_changed_threshold_renames_and_is_recorded(run_scenes, two_days):
    labels = {"thresholds": {"ice-brightness": {"low": 0.9, "mid": 0.95, "high": 0.99}}}
    result = run_scenes(two_days, segment={"labels": labels})
    assert ice(result) == {"2024-03-01": 0, "2024-07-01": 0}
    threshold = json.loads((result.folder / "model.json").read_text())["thresholds"][0]
    assert (threshold["key"], threshold["mid"]) == ("ice-brightness", 0.95)
    assert threshold["source"].startswith("set by the config")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"no-such": {"mid": 0.1}}, "have no no-such"),
        ({"ice-brightness": {"mid": 0.5}}, "not in order"),
        ({"ice-brightness": {"feature": "nir"}}, "no feature nir"),
    ],
)
def test_thresholds_that_make_no_sense_are_refused(run_scenes, two_days, change, message):
    with pytest.raises(ConfigError, match=message):
        run_scenes(two_days, segment={"labels": {"thresholds": change}})


def test_listed_features_still_name_by_the_mean_spectrum(run_scenes, two_days):
    result = run_scenes(two_days, segment={"features": ["brightness", "redness"]})
    assert ice(result) == {"2024-03-01": 12, "2024-07-01": 1}
    assert result.model.features == ("brightness", "redness")
    assert {len(c.centroid) for c in result.model.clusters} == {2}
    assert {len(c.spectrum) for c in result.model.clusters} == {3}
    with pytest.raises(ConfigError, match=r"segment\.features: rgb with red green blue has no ndsi"):
        run_scenes(two_days, segment={"features": ["ndsi"]})


def test_what_clouds_hide_and_look_like_is_told(run_scenes, tmp_path):
    write(tmp_path / "x_20240301.tif", paint(["iiiiww", "iiiiww"]))
    write(tmp_path / "x_20240301_cloud.tif", np.array([[[1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0]]], dtype=np.uint8))
    result = run_scenes(
        tmp_path / "x_20240301.tif", inputs={"cloud": {"path": str(tmp_path / "{stem}_cloud.tif"), "values": [1]}}
    )
    explained = json.loads((result.folder / "observations/2024-03-01/explain.json").read_text())
    clouds = explained["cloud_looks_like_km2"]
    assert clouds["ice"] == pytest.approx(2 * clouds["water"], rel=0.01)
    assert any("67% of that looks like ice" in note for note in result.notes)


THIN = (97, 97, 97)
"""Grey ice between the ends of the published range: ice by the middle threshold, and perhaps water."""


def with_thin_ice(rows, columns, share):
    """Half water, half ice, and a share of thin ice among the water."""
    pixels = np.array(paint(["w" * columns] * rows))
    pixels[:, :, columns // 2 :] = np.array((225, 228, 232), dtype=np.uint8)[:, None, None]
    pixels[:, :, : round(share * columns)] = np.array(THIN, dtype=np.uint8)[:, None, None]
    return pixels


def test_a_late_date_that_the_model_has_no_cluster_for_widens_its_own_bounds(run_scenes, tmp_path):
    """Thin ice turns up after a model of water and ice was frozen: low and high hold what it would be alone."""
    write(tmp_path / "x_20240601.tif", with_thin_ice(40, 100, 0))
    run_scenes(tmp_path / "*.tif")
    write(tmp_path / "x_20240701.tif", with_thin_ice(40, 100, 0.06))
    late = {row.date: row for row in run_scenes(tmp_path / "*.tif").rows if row.class_ == "ice"}["2024-07-01"]
    alone = {r.date: r for r in run_scenes(tmp_path / "x_20240701.tif", name="alone").rows if r.class_ == "ice"}
    own = alone["2024-07-01"]
    assert late.area_low_km2 <= own.area_km2 <= late.area_high_km2
    assert late.area_high_km2 - late.area_low_km2 >= 0.99 * (own.area_high_km2 - own.area_low_km2)
    assert "model_drift" in late.flags


@pytest.mark.parametrize("scope", ["observation", "scene"])
def test_a_date_wholly_under_cloud_has_no_model(run_scenes, two_days, tmp_path, scope):
    for day in ("20240301", "20240701"):
        hidden = np.full((1, 3, 6), day == "20240701", dtype=np.uint8)
        write(tmp_path / f"masks/x_{day}.tif", hidden)
    cloud = {"path": str(tmp_path / "masks/{stem}.tif"), "values": [1]}
    result = run_scenes(two_days, inputs={"cloud": cloud}, segment={"fit": scope})
    assert ice(result) == {"2024-03-01": 12, "2024-07-01": None}
    assert {row.area_km2 for row in result.rows if (row.date, row.class_) == ("2024-07-01", "cloud")} != {None}


def test_a_threshold_of_one_value_has_a_margin(run_scenes, two_days):
    labels = {"thresholds": {"ice-brightness": {"low": 0.11, "mid": 0.11, "high": 0.11}}}
    result = run_scenes(two_days, segment={"labels": labels})
    assert all(cluster.margin is not None for cluster in result.model.clusters)
    # No colour is in doubt; what is left between the bounds are mixtures.
    assert all(cluster.could_be == (cluster.code,) for cluster in result.model.clusters)


def test_a_threshold_on_another_feature_has_its_unit(run_scenes, two_days):
    labels = {"thresholds": {"ice-brightness": {"feature": "ndgi", "low": -0.5, "mid": 0, "high": 0.5}}}
    result = run_scenes(two_days, segment={"labels": labels})
    assert result.model.thresholds[0].unit == "index"


@pytest.mark.parametrize("change", [('"hash"', '"hash_"'), ('"pinned": false', '"pinned": true')])
def test_any_change_of_a_model_file_is_noticed(run_scenes, two_days, tmp_path, change):
    first = run_scenes(two_days, name="first")
    path = tmp_path / "model.json"
    path.write_text((first.folder / "model.json").read_text().replace(*change))
    with pytest.raises(ConfigError, match=r"is not a model|was changed since"):
        run_scenes(two_days, name="second", segment={"fit": str(path)})


def test_the_model_that_a_run_writes_cannot_be_its_own_input(run_scenes, two_days):
    first = run_scenes(two_days)
    with pytest.raises(ConfigError, match="is an output of this run"):
        run_scenes(two_days, segment={"fit": str(first.folder / "model.json")})


def test_a_pin_that_names_what_was_named_changes_the_hash_and_hides_nothing(run_scenes, two_days, tmp_path):
    first = run_scenes(two_days)
    write(tmp_path / "x_20240801.tif", paint(["ggwwww", "wwwwww", "wwwwww"]))
    pin = {"model": model_hash(first.model), "clusters": {i: c.code.label for i, c in enumerate(first.model.clusters)}}
    late = run_scenes(two_days, segment={"labels": {"pin": pin}})
    assert {row.model for row in late.rows}.isdisjoint({row.model for row in first.rows})
    assert all("model_misfit" in row.flags for row in late.rows if row.date == "2024-08-01")


def test_what_an_earlier_scope_left_goes(run_scenes, two_days):
    folder = run_scenes(two_days, segment={"k": "elbow"}).folder
    assert (folder / "k.png").exists()
    run_scenes(two_days, segment={"fit": "observation"})
    assert not (folder / "k.png").exists()
    assert not (folder / "model.json").exists()
    assert json.loads((folder / "run.json").read_text())["fit"] == "observation"


def test_settings_that_change_what_is_seen_make_a_new_model(run_scenes, two_days):
    """One config gives one answer, whatever stood in the folder before."""
    run_scenes(two_days, name="used")
    used, fresh = (run_scenes(two_days, name=name, measure={"prefer": "latest"}) for name in ("used", "fresh"))
    assert used.model == fresh.model
    assert (
        json.loads((used.folder / "basis.json").read_text())["settings"]
        == json.loads((fresh.folder / "basis.json").read_text())["settings"]
    )
