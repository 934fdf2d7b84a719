"""Tiles and configs of runs that faults are injected into."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from icepipe.arrays import UInt8
from tests.rasters import paint, write

CLASSES = {"sensor": "classes", "classes": {"1": "ice", "2": "water", "3": "other"}}
"""Inputs of class rasters: a run of them fits nothing, and starts in half the time."""


def letters(rows: Sequence[str]) -> UInt8:
    """Class rasters by letters: i ice, w water, g other; shape (1, rows, columns)."""
    return np.array([[["iwg".index(letter) + 1 for letter in row] for row in rows]], dtype=np.uint8)


def coded(folder: Path, days: int, side: int = 30) -> None:
    """A raster of classes a day."""
    rng = np.random.default_rng(0)
    for day in range(1, days + 1):
        flat = np.kron(np.array([[1, 1, 2, 2], [1, 2, 3, 2]]), np.ones((side, side // 2)))
        pixels = np.where(rng.random(flat.shape) < 0.02, 3 - flat % 3, flat).astype(np.uint8)
        write(folder / f"x_202407{day:02d}.tif", pixels[None])


def noisy(folder: Path, days: int, side: int = 30) -> None:
    """A tile a day, with ice and water to draw, and noise."""
    rng = np.random.default_rng(0)
    for day in range(1, days + 1):
        flat = np.kron(paint(["iiww", "iwgw"]), np.ones((1, side, side // 2)))
        pixels = np.clip(flat + rng.integers(-8, 9, flat.shape), 0, 255).astype(np.uint8)
        write(folder / f"x_202407{day:02d}.tif", pixels)


def settings(tmp_path: Path, days: int, inputs: dict[str, Any] | None = None, **batch: Any) -> Path:
    """A config of some days with results in every format, and its tiles: noisy ones or, by ``inputs``, coded."""
    (coded if inputs else noisy)(tmp_path / "tiles", days)
    told = {
        "name": "bay",
        "inputs": {"scenes": "tiles"} | (inputs or {}),
        "publish": {"folder": "out", "polygons": {"format": ["shapefile", "geopackage", "flatgeobuf", "geoparquet"]}},
        "batch": batch,
    }
    path = tmp_path / "c.yaml"
    path.write_text(json.dumps(told))
    return path
