"""What `check` says that a run will take, beside what it takes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import pytest

from icepipe import words
from icepipe.batch.execute import STRATA_BYTES
from tests.conftest import ROOT


def test_the_memory_of_a_small_run_is_as_estimated(icepipe, tmp_path):
    for name in ("configs", "data"):
        shutil.copytree(ROOT / name, tmp_path / name)
    config, log = tmp_path / "configs/arctic.yaml", tmp_path / "log.jsonl"
    said = icepipe("check", config).stdout
    estimated_mb = float(re.search(r"([\d,]+) MB of memory", said)[1].replace(",", ""))
    assert icepipe("run", config).returncode == 0, "which may have to compile, in memory of its own"
    assert icepipe("run", config, "--force", "--log-json", log).returncode == 0
    peak_mb = max(line.get("memory_mb", 0) for line in map(json.loads, log.read_text().splitlines()))
    assert "compiling" not in log.read_text()
    assert 0.7 < peak_mb / estimated_mb < 1.2


def test_the_memory_told_is_not_that_of_the_process_that_started_it():
    ask = "from icepipe.batch.log import peak_memory_mb; print(peak_memory_mb())"
    start = (
        "import subprocess, sys; held = bytearray(b'1') * 700_000_000; subprocess.run([sys.executable, *sys.argv[1:]])"
    )
    told = subprocess.run([sys.executable, "-c", start, "-c", ask], capture_output=True, text=True, check=True).stdout
    assert 5 < float(told) < 300


def test_memory_is_told_from_usual_to_dense_where_these_differ():
    assert words._memory(400 * 400, 2).isdigit()
    usual, most = map(int, words._memory(10_980 * 10_980, 1).split(" to "))
    assert 500 < usual < 700 < 3000 < most
    moving, _ = map(int, words._memory(10_980 * 10_980, 1, STRATA_BYTES).split(" to "))
    assert moving - usual == pytest.approx(2 * 10_980**2 / 1e6, abs=1)
