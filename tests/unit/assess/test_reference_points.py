"""Samples that are not the drawn one or not fully labelled are refused with a helpful message."""

from __future__ import annotations

import json
import shutil
import time

import geopandas
import numpy as np
import pytest
from affine import Affine

from icepipe.assess.design import read_design
from icepipe.assess.draw_sample import SampleOptions, draw_sample, write_sample
from icepipe.assess.estimate import assess_observation
from icepipe.assess.reference_points import check_labels, read_points
from icepipe.errors import ConfigError, InputError, NoUsableInput
from icepipe.publish.run_folder.class_map import open_class_map
from icepipe.publish.run_folder.paths import RunPaths
from tests.labels import write_labels
from tests.rasters import TRANSFORM, paint, write

DAY = "2024-07-01"
LETTERS = np.array(list("wig"))[(np.indices((30, 40)).sum(axis=0) // 9) % 3]


@pytest.fixture
def class_map(run_scenes, tmp_path):
    result = run_scenes(write(tmp_path / "x_20240701.tif", paint(LETTERS)))
    return open_class_map(result.folder, DAY)


@pytest.fixture
def sample(class_map, tmp_path):
    """A sample whose every point is labelled ice."""
    design = draw_sample(class_map, "test", SampleOptions(60, "equal", 0))
    path = write_sample(tmp_path / "sample", design, class_map, None)
    write_labels(path, lambda _: " Ice ")
    return path


def read(path):
    points, design = read_points(path), read_design(path)
    check_labels(path, points, design)
    return points, design


def edit_layer(path, change):
    """The layer read, changed and written again, as an export from QGIS does."""
    frame = change(geopandas.read_file(path, layer="points"))
    path.unlink()
    frame.to_file(path, layer="points", driver="GPKG")


def test_labels_are_read_whatever_their_case_and_spaces(sample, class_map):
    points, design = read(sample)
    assert {point.reference for point in points} == {"ice"}
    assessed = assess_observation(class_map, sample, design, points)
    users = {accuracy.label: accuracy.users.value for accuracy in assessed.assessment.by_class}
    assert users == pytest.approx({"water": 0, "ice": 1, "other": 0})
    assert assessed.same_map
    assert dict(zip(assessed.assessment.classes, assessed.mapped_km2, strict=True))["ice"] == pytest.approx(
        next(row.area_km2 for row in class_map.record.rows if row.class_ == "ice")
    )


def test_an_export_with_its_points_in_another_order_is_the_same_sample(sample):
    edit_layer(sample, lambda frame: frame.iloc[::-1])
    assert len(read(sample)[0]) == 60


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.iloc[1:], r"not those that were drawn \(missing, moved or added: 1\)"),
        (lambda f: f.iloc[:40], "missing, moved or added: 41, 42, 43, 44, 45 and 15 more"),
        (lambda f: f.set_geometry(f.geometry.translate(0.001)), "missing, moved or added: 1, 2, 3, 4, 5 and 55 more"),
        (lambda f: f.iloc[[*range(60), 7]], "some are duplicated"),
        (lambda f: f.iloc[[*range(59), 7]], "missing, moved or added: 60"),
        (lambda f: f.assign(id=f["id"].where(f["id"] != 9)), "missing, moved or added: 0, 9"),
        (lambda f: f.assign(id="one"), "missing, moved or added: 0, 1, 2, 3, 4 and 56 more"),
        (lambda f: f.to_crs(4326), "change nothing in it but the field reference"),
        (lambda f: f.drop(columns="reference"), "the layer points has no field reference; name the GeoPackage"),
        (lambda f: f.drop(columns="id"), "the layer points has no field id"),
        (lambda f: f.assign(reference=None), "60 of 60 points have no reference: 1, 2, 3, 4, 5 and 55 more"),
        (lambda f: f.assign(reference=f["reference"].where(f["id"] > 2, " ")), r"no reference: 1, 2; write water, ice"),
        (lambda f: f.assign(reference="snow"), "point 1: unknown reference 'snow'; write water, ice, other, cloud or"),
    ],
)
def test_points_that_are_not_the_ones_drawn_or_not_labelled(sample, change, message):
    edit_layer(sample, change)
    with pytest.raises(InputError, match=message) as error:
        read(sample)
    assert str(sample) in str(error.value)
    assert error.value.exit_code == 3


def test_points_that_were_not_drawn_by_icepipe(sample):
    copy = shutil.copy(sample, sample.parent / "mine.gpkg")
    with pytest.raises(InputError, match=r"mine.design.json is not next to it, so it is unknown .* drawn at random"):
        read(copy)


def drop_a_stratum(design):
    design["strata"].pop()


@pytest.mark.parametrize(
    "change",
    [
        lambda design: design["strata"][0].update(area_km2=99.0),
        lambda design: design["points"][3].update(
            stratum="ice" if design["points"][3]["stratum"] != "ice" else "water"
        ),
        lambda design: design.update(seed=5),
        drop_a_stratum,
    ],
)
def test_a_design_that_was_changed(sample, change):
    path = sample.with_suffix(".design.json")
    design = json.loads(path.read_text())
    change(design)
    path.write_text(json.dumps(design))
    with pytest.raises(InputError, match=r"design\.json: it was changed after the points were drawn"):
        read(sample)


def test_a_design_that_is_none(sample):
    sample.with_suffix(".design.json").write_text("{}")
    with pytest.raises(InputError, match="not a design that icepipe wrote"):
        read(sample)


def test_a_file_without_the_layer(sample):
    frame = geopandas.read_file(sample, layer="points")
    sample.unlink()
    frame.to_file(sample, layer="mine", driver="GPKG")
    with pytest.raises(InputError, match=r"cannot be read as a sample .*name the GeoPackage"):
        read(sample)


def test_blocks_change_no_point(class_map):
    options = SampleOptions(60, "proportional", 3)
    assert draw_sample(class_map, "test", options) == draw_sample(class_map, "test", options, block_side=16)
    assert draw_sample(class_map, "test", options) != draw_sample(
        class_map, "test", SampleOptions(60, "proportional", 4)
    )


def test_files_do_not_carry_the_clock_or_the_class(class_map, tmp_path):
    design = draw_sample(class_map, "test", SampleOptions(60, "equal", 0))
    first = write_sample(tmp_path / "one", design, class_map, None)
    time.sleep(1.1)
    second = write_sample(tmp_path / "two", design, class_map, None)
    assert first.read_bytes() == second.read_bytes()
    assert b"2024-07-01T00:00:00" in first.read_bytes()
    for word in (b"water", b"stratum", b"class"):
        assert word not in first.read_bytes()


def test_the_order_of_points_is_independent_of_their_class(class_map):
    design = draw_sample(class_map, "test", SampleOptions(90, "equal", 0))
    ranks = {s.label: np.mean([p.id for p in design.points if p.stratum == s.label]) for s in design.strata}
    assert all(abs(mean - 45.5) < 12 for mean in ranks.values()), ranks


def test_points_lie_in_the_middle_of_their_pixels(class_map):
    for point in draw_sample(class_map, "test", SampleOptions(30, "equal", 0)).points:
        assert (point.x, point.y) == (-650_000 + 250 * (point.col + 0.5), -1_350_000 - 250 * (point.row + 0.5))
        assert point.pixel_m2 == pytest.approx(250**2, rel=0.1)


def test_a_map_of_another_place_is_refused(sample, run_scenes, tmp_path):
    moved = write(tmp_path / "y_20240701.tif", paint(LETTERS)[:, :10])
    elsewhere = open_class_map(run_scenes(moved, name="other").folder, DAY)
    with pytest.raises(ConfigError, match="the sample has another extent or coordinate system"):
        assess_observation(elsewhere, sample, *reversed(read(sample)))


def test_a_finer_map_is_looked_up_by_place(sample, class_map, run_scenes, tmp_path):
    pixels = paint(LETTERS).repeat(2, axis=1).repeat(2, axis=2)
    path = write(tmp_path / "y_20240701.tif", pixels, transform=TRANSFORM @ Affine.scale(0.5))
    fine = open_class_map(run_scenes(path, name="fine").folder, DAY)
    points, design = read(sample)
    assessed = assess_observation(fine, sample, design, points)
    assert not assessed.same_map
    assert assessed.assessment.matrix == pytest.approx(
        assess_observation(class_map, sample, design, points).assessment.matrix
    )


def test_a_run_that_has_gone_on_from_another_basis_is_refused(class_map):
    path = RunPaths(class_map.path.parents[2]).basis
    path.write_text(path.read_text().replace('"seed":0', '"seed":1').replace('"seed": 0', '"seed": 1'))
    with pytest.raises(InputError, match="made on another basis than that of the run; run `icepipe run` again"):
        open_class_map(class_map.path.parents[2], DAY)


def test_a_map_that_shows_nothing_is_refused(run_scenes, tmp_path):
    seen = write(tmp_path / "x_20240701.tif", paint(LETTERS))
    write(tmp_path / "masks" / "x_20240701.tif", np.ones((1, 30, 40), np.uint8))
    clouded = write(tmp_path / "x_20240702.tif", paint(LETTERS))
    write(tmp_path / "masks" / "x_20240702.tif", np.zeros((1, 30, 40), np.uint8))
    result = run_scenes([seen, clouded], inputs={"cloud": {"path": str(tmp_path / "masks" / "{stem}.tif")}})
    hidden = open_class_map(result.folder, DAY)
    with pytest.raises(NoUsableInput, match="no pixel shows water, ice or anything else; name another date"):
        draw_sample(hidden, "test", SampleOptions(60, "equal", 0))
