"""The comparison with other tools: scores that a reader checks by eye, peers, and the page that shows the figures."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import numpy as np
import pytest
import rasterio
from affine import Affine
from pyproj import CRS, Geod, Transformer

from icepipe.geo.geobox import GeoBox
from tests.conftest import ROOT

BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture
def accuracy(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("accuracy")


@pytest.fixture
def labelled(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("labelled_scenes")


def mask(*rows):
    return np.array([[cell == "#" for cell in row] for row in rows])


TRUTH = mask("##.", "##.", "...")
FOUND = mask(".##", ".##", "...")
"""Two pixels shared, six in either."""


def test_iou_is_what_two_masks_share_over_what_either_has(accuracy):
    assert accuracy.iou(FOUND, TRUTH) == 2 / 6
    assert accuracy.iou(TRUTH, TRUTH) == 1
    assert accuracy.iou(~TRUTH, TRUTH) == 0
    assert accuracy.iou(FOUND, np.zeros_like(TRUTH)) is None


def test_pixels_that_were_not_labelled_or_not_seen_do_not_count(accuracy, labelled):
    label = labelled.Label("water", TRUTH, where=mask("###", "###", ".#."))
    seen = mask("###", ".##", "###")
    km2 = np.array([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0], [64.0, 128.0, 256.0]])
    masks = {"one": {"water": FOUND}, "all": {"water": ~mask("...", "...", "...")}, "other": {"ice": FOUND}}
    scores = accuracy.score(label, masks, seen, km2)
    assert scores["truth_km2"] == 1 + 2 + 16
    assert scores["tools"] == {
        "one": {"iou": 2 / 5, "km2": 2 + 4 + 16 + 32},
        "all": {"iou": 3 / 6, "km2": 1 + 2 + 4 + 16 + 32 + 128},
    }


def test_a_label_without_a_mask_has_an_area_and_no_iou(accuracy, labelled):
    label = labelled.Label("ice", None, where=np.ones((3, 3), bool), km2=5.5)
    scores = accuracy.score(label, {"one": {"ice": FOUND}}, np.ones((3, 3), bool), np.full((3, 3), 2.0))
    assert scores == {"class": "ice", "truth_km2": 5.5, "tools": {"one": {"iou": None, "km2": 8.0}}}


def test_the_area_of_a_pixel_is_that_of_its_outline_on_the_ellipsoid(accuracy):
    grid = GeoBox(CRS("EPSG:3413").to_wkt(), Affine(250, 0, -650_000, 0, -250, -1_350_000), 3, 2)
    to_degrees = Transformer.from_crs(grid.crs, 4326, always_xy=True).transform
    x, y = np.array([[2, 3, 3, 2], [1, 1, 2, 2]], float)
    outline, _ = Geod(ellps="WGS84").polygon_area_perimeter(*to_degrees(*grid.to_map(x, y)))
    assert accuracy.pixel_km2(grid).shape == (2, 3)
    assert accuracy.pixel_km2(grid)[1, 2] == pytest.approx(abs(outline) / 1e6, rel=1e-6)
    assert abs(accuracy.pixel_km2(grid)[1, 2] - 0.0625) > 1e-3


ROWS = [
    {"region": "a", "class": "ice", "area_km2": "3.0", "area_low_km2": "2.0", "area_high_km2": "4.0", "flags": ""},
    {"region": "b", "class": "ice", "area_km2": "", "area_low_km2": "", "area_high_km2": "", "flags": "cloudy"},
]
"""Rows of a series without the column weighted_km2."""


def test_areas_are_read_from_the_row_of_the_region_and_empty_ones_are_unknown(accuracy):
    first = accuracy.row_cells(ROWS, "a", "ice")
    assert (first["area_km2"], first["weighted_km2"]) == (3.0, None)
    assert accuracy.row_cells([ROWS[0] | {"weighted_km2": "2.5"}], None, "ice")["weighted_km2"] == 2.5
    second = accuracy.row_cells(ROWS, "b", "ice")
    assert (second["area_km2"], second["flags"]) == (None, "cloudy")
    assert accuracy.bounds(second) == "-"


def drawn_scene(labelled, **fields):
    return labelled.LabelledScene("bay", "A bay", lambda _: {}, lambda _: [], is_truth=True, **fields)


def figures_of_bay():
    row = {"area_km2": 3.0, "weighted_km2": 2.5, "area_low_km2": 2.0, "area_high_km2": 1234.5, "flags": ""}
    tools = {"icepipe": {"iou": 0.5, "km2": 3.0}, "otsu": {"iou": 0.9996, "km2": 123.45}}
    label = {"class": "ice", "truth_km2": 4.0, "tools": tools, "row": row}
    return {"bay": {"missing": {"waterdetect": "not installed", "kmeans3": "failed"}, "labels": [label]}}


def test_tables_show_surface_and_pixels_and_name_what_a_peer_lacks(accuracy, labelled):
    lines = accuracy.scene_tables([drawn_scene(labelled)], figures_of_bay()).splitlines()
    assert lines[2] == "| A bay: ice | 0.500 | not installed | **1.000** | - | failed | - |"
    assert lines[-3] == (
        "| A bay: ice | 4.000 | 3.000 | 2.500 | 2.000 .. 1,234 | not installed | 123.5 | - | failed | - |"
    )


def test_bounds_hold_the_truth_where_it_is_between_them(accuracy, labelled):
    assert "within low .. high in 1 of 1 rows" in accuracy.scene_tables([drawn_scene(labelled)], figures_of_bay())
    row = {"area_low_km2": 2.0, "area_high_km2": 4.0}
    assert [accuracy.holds(row, km2) for km2 in (1.9, 2.0, 4.0, 4.1)] == [False, True, True, False]
    assert not accuracy.holds({"area_low_km2": None, "area_high_km2": None}, 0.0)


def test_a_scene_without_true_neighbours_has_no_surface(accuracy, labelled):
    lines = accuracy.scene_tables([drawn_scene(labelled, is_thinned=True)], figures_of_bay()).splitlines()
    assert "| 3.000 | - | 2.000 .. 1,234 |" in lines[-3]


def test_the_page_shows_the_figures_that_were_measured(accuracy, labelled):
    text = accuracy.PAGE.read_text()
    figures = json.loads(accuracy.FIGURES.read_text())
    assert set(figures) == {scene.key for scene in labelled.SCENES}
    assert accuracy.page(text, figures) == text
    assert all(f"| {scene.title}: " in text for scene in labelled.SCENES)


SPECTRA = {
    "green": [[0.06, 0.80, 0.10], [0.06, 0.80, 0.10], [0.06, 0.80, np.nan]],
    "nir": [[0.02, 0.70, 0.30], [0.02, 0.70, 0.30], [0.02, 0.70, 0.02]],
    "swir1": [[0.01, 0.10, 0.20], [0.01, 0.10, 0.20], [0.01, 0.10, 0.01]],
}
"""Water, snow and plants side by side; one pixel was not seen."""


@pytest.mark.parametrize(
    ("method", "water", "ice"),
    [
        ("indices", mask("##.", "##.", "##."), mask(".#.", ".#.", ".#.")),
        ("kmeans3", mask("#..", "#..", "#.."), mask(".#.", ".#.", ".#.")),
    ],
)
def test_peers_name_water_and_ice_by_their_own_rules(tmp_path, method, water, ice):
    with rasterio.open(tmp_path / "in.tif", "w", "GTiff", 3, 3, 3, dtype="float32", nodata=np.nan) as dataset:
        dataset.write(np.array(list(SPECTRA.values()), np.float32))
        dataset.descriptions = tuple(SPECTRA)
    command = [sys.executable, BENCHMARKS / "peers/water_and_ice.py", tmp_path / "in.tif", tmp_path / "out.tif", method]
    subprocess.run(command, check=True, capture_output=True)
    with rasterio.open(tmp_path / "out.tif") as dataset:
        named = dict(zip(dataset.descriptions, dataset.read() == 1, strict=True))
    assert named.keys() == {"water", "ice"}
    np.testing.assert_array_equal(named["water"], water)
    np.testing.assert_array_equal(named["ice"], ice)


def test_a_peer_that_fails_is_named_with_its_last_words(accuracy, tmp_path, capsys):
    assert accuracy.peer_masks(sys.executable, "otsu", tmp_path / "none.tif") is None
    assert "Otsu failed: " in capsys.readouterr().out


@pytest.mark.usefixtures("shared_data")
@pytest.mark.parametrize(
    ("key", "n_pixels", "km2"),
    [
        ("landsat5-1998", 23, 338.9),
        ("landsat7-2021", 147, 2246.3),
        ("new-york", 310, 2838.7),
        ("canberra", None, 6.785),
    ],
)
def test_labels_have_the_published_area(accuracy, labelled, tmp_path, key, n_pixels, km2):
    (scene,) = (scene for scene in labelled.SCENES if scene.key == key)
    reading = accuracy.read_scene({"name": "run", "inputs": scene.make_inputs(tmp_path)})
    (label,) = scene.read_labels(reading.grid)
    held = label.mask & label.where & reading.seen
    assert n_pixels in (None, held.sum())
    assert accuracy.pixel_km2(reading.grid)[held].sum() == pytest.approx(km2, abs=0.06)
