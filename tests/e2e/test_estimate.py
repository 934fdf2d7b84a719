"""What `check` says that a run will take, beside what it takes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from icepipe.cli.plan_text import memory_range_mb
from icepipe.runtime.memory import STRATA_PIXEL_BYTES
from tests.conftest import ROOT
from tests.rasters import TRANSFORM


def test_the_memory_of_a_small_run_is_as_estimated(icepipe, tmp_path):
    for name in ("configs", "data"):
        shutil.copytree(ROOT / name, tmp_path / name)
    config, log = tmp_path / "configs/arctic.yaml", tmp_path / "log.jsonl"
    output = icepipe("check", config).stdout
    estimated_mb = float(re.search(r"([\d,]+) MB of memory", output)[1].replace(",", ""))
    assert icepipe("run", config).returncode == 0, "which may have to compile, in memory of its own"
    assert icepipe("run", config, "--force", "--log-json", log).returncode == 0
    peak_mb = max(line.get("memory_mb", 0) for line in map(json.loads, log.read_text().splitlines()))
    assert "compiling" not in log.read_text()
    assert 0.7 < peak_mb / estimated_mb < 1.2


def peak_mb_of(icepipe, folder, height):
    """Most memory that a run over open water with one floe held."""
    profile = {"width": 1024, "height": height, "count": 1, "dtype": "uint8", "tiled": True, "compress": "zstd"}
    with rasterio.open(folder / "x_20240701.tif", "w", crs=3413, transform=TRANSFORM, **profile) as dataset:
        water = np.ones((1, 1024, 1024), dtype=np.uint8)
        for row in range(0, height, 1024):
            water[:, 300:500, 300:700] = 1 if row else 2
            dataset.write(water, window=Window(0, row, 1024, 1024))
    config, log = folder / "c.yaml", folder / "log.jsonl"
    inputs = {"scenes": str(folder / "*.tif"), "sensor": "classes", "classes": {"1": "water", "2": "ice"}}
    publish = {"folder": str(folder / "runs"), "report": False}
    config.write_text(json.dumps({"name": "sea", "inputs": inputs, "publish": publish}))
    assert icepipe("run", config, "--log-json", log).returncode == 0
    return max(line.get("memory_mb", 0) for line in map(json.loads, log.read_text().splitlines()))


def test_memory_does_not_grow_with_the_pixels(icepipe, tmp_path):
    """Two hundred million more took a byte and more each; what is left is chance, and a list of tiles."""
    peaks = []
    for rows in (1024, 32 * 1024, 256 * 1024):
        (folder := tmp_path / str(rows)).mkdir()
        peaks.append(peak_mb_of(icepipe, folder, rows))
    assert peaks[2] - peaks[1] < 0.2 * 224 * 1024 * 1024 / 1e6


def test_the_memory_told_is_not_that_of_the_process_that_started_it():
    ask = "from icepipe.runtime.log import peak_memory_mb; print(peak_memory_mb())"
    start = (
        "import subprocess, sys; held = bytearray(b'1') * 700_000_000; subprocess.run([sys.executable, *sys.argv[1:]])"
    )
    output = subprocess.run([sys.executable, "-c", start, "-c", ask], capture_output=True, text=True, check=True).stdout
    assert 5 < float(output) < 300


def test_memory_is_told_from_usual_to_dense_where_these_differ():
    assert memory_range_mb(400 * 400, 2).isdigit()
    usual, most = map(int, memory_range_mb(10_980 * 10_980, 1).split(" to "))
    assert 500 < usual < 700 < 3000 < most
    moving, _ = map(int, memory_range_mb(10_980 * 10_980, 1, STRATA_PIXEL_BYTES).split(" to "))
    assert moving - usual == pytest.approx(2 * 10_980**2 / 1e6, abs=1)
