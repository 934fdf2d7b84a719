"""The shapes that the shipped samples are drawn from, as truth for tests."""

from __future__ import annotations

import csv
import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import rasterio

from icepipe.arrays import Bool, Float64
from icepipe.classes import SEEN
from tests.conftest import ROOT

SAMPLES = ROOT / "data" / "samples"


@cache
def generator() -> ModuleType:
    """Return the script that draws the samples, as a module."""
    spec = importlib.util.spec_from_file_location("make_samples", SAMPLES / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["make_samples"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def truth(column: str = "area_km2") -> dict[tuple[str, str], float]:
    """Return a column of ``truth.csv`` by date and class."""
    with (SAMPLES / "truth.csv").open(newline="") as file:
        return {(row["date"], row["class"]): float(row[column]) for row in csv.DictReader(file)}


@cache
def shares(date: str) -> dict[str, Float64]:
    """Return what part of every pixel of a date each class covers on the ground; clouds hide nothing."""
    make = generator()
    picture = make.draw(make.DATES.index(date.replace("-", "")))
    found = dict.fromkeys(("ice", "water", "other", "land"), np.zeros((make.SIZE, make.SIZE)))
    for name, shape in picture.parts.items():
        found[make.CLASS_OF[name]] = found[make.CLASS_OF[name]] + make.share_within(shape)
    return found


def named_and_held(folder: Path, date: str) -> dict[str, tuple[Bool, Float64]]:
    """Return, by class, the seen pixels of a run that have its name, and what part of each seen pixel it covers.

    Ground at the shore, in pixels that the land mask leaves to the sea, is part of ``other``.
    """
    (path,) = (folder / "observations" / date).glob("*_classes.tif")
    with rasterio.open(path) as dataset:
        codes = dataset.read(1)
    seen = np.isin(codes, SEEN)
    ground = shares(date)
    held = ground | {"other": ground["other"] + ground["land"]}
    return {code.label: (codes[seen] == code, held[code.label][seen]) for code in SEEN}
