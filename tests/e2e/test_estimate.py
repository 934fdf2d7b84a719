"""What `check` says that a run will take, beside what it takes."""

from __future__ import annotations

import json
import re
import shutil

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
