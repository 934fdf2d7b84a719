"""Runs that faults are injected into."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.faults.runs import CLASSES, letters
from tests.rasters import write


@pytest.fixture
def tiles(tmp_path: Path) -> Path:
    """A folder with one good tile."""
    write(tmp_path / "tiles/a_20240701.tif", letters(["iiww", "iwww"]))
    return tmp_path / "tiles"


@pytest.fixture
def config(tmp_path: Path, tiles: Path) -> Path:
    """A config of that folder; results go to ``out/bay``."""
    path = tmp_path / "c.yaml"
    inputs = {"scenes": tiles.name} | CLASSES
    path.write_text(json.dumps({"name": "bay", "inputs": inputs, "publish": {"folder": "out"}}))
    return path
