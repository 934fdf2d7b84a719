"""The scenes that speed is measured on, and the page that shows what was measured."""

from __future__ import annotations

import json
import runpy

import numpy as np
import pytest

from tests.conftest import ROOT

BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture(scope="module")
def compare():
    return runpy.run_path(str(BENCHMARKS / "compare.py"))


def test_a_smaller_scene_is_a_corner_of_a_larger_one():
    scene = runpy.run_path(str(BENCHMARKS / "rasters.py"))["scene"]
    whole = scene(np.arange(200), np.arange(150), 1, 0.0, 0.01)
    corner = scene(np.arange(40, 90), np.arange(30, 70), 1, 0.0, 0.01)
    np.testing.assert_array_equal(whole[:, 30:70, 40:90], corner)
    assert len(np.unique(whole[3])) > 100


def test_the_page_shows_the_figures_that_were_measured(compare):
    page = (ROOT / "docs/explanation/performance.md").read_text()
    figures = json.loads((BENCHMARKS / "figures.json").read_text())
    assert set(figures) == {"A", "B", "C", "E", "M", "S", "Q1", "Q2"}
    for case, found in figures.items():
        assert f"<!-- {case} -->\n{compare['table'](found)}\n<!-- /{case} -->" in page
        assert compare["put"](page, case, compare["table"](found)) == page


def test_a_table_has_medians_of_seconds_and_of_ratios(compare):
    runs = {
        "icepipe": [{"wall_s": 2.0, "cpu_s": 3.0, "peak_mb": 10.0}, {"wall_s": 4.0, "cpu_s": 3.0, "peak_mb": 30.0}],
        "other": [{"wall_s": 8.0, "cpu_s": 8.0, "peak_mb": 50.0}, {"wall_s": 8.0, "cpu_s": 8.0, "peak_mb": 50.0}],
    }
    rows = compare["table"]({"mpx": 1.0, "floors": [1.0, 2.0], "runs": runs}).splitlines()
    assert rows[-2] == "| icepipe | 3.00 | 3.00 | 20 | 1.00 | 2.0 |"
    assert rows[-1] == "| other | 8.00 | 8.00 | 50 | 3.00 | 6.0 |"


def test_a_tool_that_fails_is_told_with_its_last_words(compare, tmp_path):
    with pytest.raises(SystemExit, match="no such thing"):
        compare["timed"](["python3", "-c", "raise SystemExit('no such thing')"], tmp_path / "log")
