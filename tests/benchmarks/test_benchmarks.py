"""The scenes that speed is measured on, and the page that shows what was measured."""

from __future__ import annotations

import json
import runpy
import sys

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
        assert f"<!-- {case} -->\n{compare['case_table'](found)}\n<!-- /{case} -->" in page
        assert compare["replace_table"](page, case, compare["case_table"](found)) == page


def test_a_table_has_medians_of_seconds_and_of_ratios(compare):
    runs = {
        "icepipe": [{"wall_s": 2.0, "cpu_s": 3.0, "peak_mb": 10.0}, {"wall_s": 4.0, "cpu_s": 3.0, "peak_mb": 30.0}],
        "other": [{"wall_s": 8.0, "cpu_s": 8.0, "peak_mb": 50.0}, {"wall_s": 8.0, "cpu_s": 8.0, "peak_mb": 50.0}],
    }
    rows = compare["case_table"]({"mpx": 1.0, "floors": [1.0, 2.0], "runs": runs}).splitlines()
    assert rows[-2] == "| icepipe | 3.00 | 3.00 | 20 | 1.00 | 2.0 |"
    assert rows[-1] == "| other | 8.00 | 8.00 | 50 | 3.00 | 6.0 |"


def test_a_tool_that_fails_is_told_with_its_last_words(compare, tmp_path):
    with pytest.raises(SystemExit, match="no such thing"):
        compare["run_process"](["python3", "-c", "raise SystemExit('no such thing')"], tmp_path / "log")


OTHER = """#!{python}
import json, sys
from pathlib import Path
config = Path(sys.argv[-1])
with open({log!r}, "a") as log:
    log.write(json.dumps([{name!r}, *sys.argv[1:-1], json.loads(config.read_text())["segment"]]) + "\\n")
"""


def test_two_versions_run_the_same_config_by_turns(compare, tmp_path, monkeypatch, capsys):
    log = tmp_path / "log"
    for name in ("this", "other"):
        (tmp_path / name).write_text(OTHER.format(python=sys.executable, log=str(log), name=name))
        (tmp_path / name).chmod(0o755)
    monkeypatch.setitem(compare["measure_versions"].__globals__, "ICEPIPE", str(tmp_path / "this"))
    monkeypatch.setenv("ICEPIPE_BENCH_DIR", str(tmp_path))
    pairs = compare["measure_versions"]("T", 3, str(tmp_path / "other"))
    calls = [json.loads(line) for line in log.read_text().splitlines()]
    assert [name for name, *_ in calls] == ["this", "other", "other", "this", "this", "other"]
    assert all(call[1:] == ["run", "-q", {"k": 6, "features": ["blue", "green", "red", "nir"]}] for call in calls)
    assert len(pairs) == 3
    assert "T 3/3" in capsys.readouterr().out


def test_the_table_of_two_versions_has_medians_and_the_median_of_ratios_by_round(compare):
    run = compare["Run"]
    pairs = [(run(1.0, 1.0, 100.0), run(2.0, 1.0, 50.0)), (run(3.0, 1.0, 100.0), run(3.0, 2.0, 100.0))]
    pairs += [(run(4.0, 1.0, 300.0), run(16.0, 4.0, 100.0))]
    assert compare["versions_table"]("S", pairs).splitlines()[-3:] == [
        "| s | 3.00 | 3.00 | 0.500 |",
        "| processor s | 1.00 | 2.00 | 0.500 |",
        "| peak MB | 100 | 100 | 2.000 |",
    ]
