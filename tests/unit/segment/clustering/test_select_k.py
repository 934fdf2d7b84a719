"""Choice of k: published knees and silhouettes, and samples of a known number of colours."""

from __future__ import annotations

import json

import numpy as np
import pytest

from icepipe.segment.clustering.sampling import PixelSample
from icepipe.segment.clustering.select_k import choose_k, knee
from icepipe.segment.features import FeatureSpace
from icepipe.segment.rules import RULE_SETS
from icepipe.sensors.table import SENSORS
from tests.rasters import GROUND, ICE, PLANTS, WATER, paint, write

RGB = SENSORS["rgb"]


def colours(*centres, count=4000, spread=3.0):
    rng = np.random.default_rng(0)
    drawn = [rng.normal(centre, spread, (count, 3)) for centre in centres]
    return np.clip(np.rint(np.concatenate(drawn)), 0, 255).astype(np.uint8)


def test_published_knees(shared_data):
    cases = json.loads((shared_data / "published-numbers/clusters.json").read_text())["cases"]
    (case,) = [case for case in cases if case["id"] == "kneedle"]
    x = np.array(case["inputs"]["x"], dtype=float)
    falling = np.array(case["inputs"]["convex_decreasing"], dtype=float)
    assert x[knee(x, falling)] == 2
    figure = np.linspace(0, 1, 10)
    assert figure[knee(figure, -(5 - 1 / (figure + 0.1)))] == pytest.approx(0.22, abs=0.003)


def test_the_iris_knee(shared_data):
    """Inertia of k = 1..6 as published and recomputed: the knee is at 2."""
    cases = json.loads((shared_data / "published-numbers/clusters.json").read_text())["cases"]
    (case,) = [case for case in cases if case["id"] == "iris_kmeans"]
    inertia = [e["recomputed"] for e in case["expected"] if " inertia" in e["name"] and e["name"].startswith("k=")]
    ks = np.arange(1.0, len(inertia) + 1)
    assert ks[knee(ks, np.array(inertia))] == 2


@pytest.mark.parametrize("how", ["elbow", "silhouette"])
@pytest.mark.parametrize("centres", [(WATER, ICE, GROUND), (WATER, ICE, GROUND, PLANTS, (250, 120, 20))], ids=len)
def test_k_is_the_number_of_colours(how, centres):
    k, curve = choose_k(PixelSample.of(colours(*centres)), how, 0, FeatureSpace(RGB), RULE_SETS["rgb"])
    assert k == len(centres)
    assert [point.k for point in curve] == list(range(2, 13))
    assert all(0 <= point.ice_after <= 1 for point in curve)


def test_one_flat_colour_needs_one_cluster():
    assert choose_k(PixelSample.of(colours(WATER, spread=0)), "elbow", 0, FeatureSpace(RGB), RULE_SETS["rgb"]) == (
        1,
        (),
    )


def test_a_run_publishes_the_scores_of_every_k(run_scenes, tmp_path):
    path = write(tmp_path / "x_20240701.tif", paint(["wwiigg", "wwiigg", "wwiipp"]))
    result = run_scenes(path, segment={"k": "elbow"})
    assert result.model.k_asked == "elbow"
    assert any("chosen by elbow" in note for note in result.notes)
    assert (result.folder / "k.png").read_bytes().startswith(b"\x89PNG")
    table = json.loads((result.folder / "model.json").read_text())["k_curve"]
    assert {"k", "silhouette", "ice_share_before_splitting", "ice_share_after_splitting"} <= table[0].keys()
