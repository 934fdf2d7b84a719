"""The drawn scenes of the page on mixed pixels: their truth, their light, and the rows of its tables."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from icepipe.sensors.table import SRGB
from tests.conftest import ROOT


@pytest.fixture
def drawn(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    module = importlib.import_module("drawn_ice")
    monkeypatch.setattr(module, "CELLS", 64)
    return module


@pytest.fixture
def page(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module("mixed_pixels")


def test_floes_cover_the_share_that_is_asked_for(drawn):
    assert drawn.floes(np.random.default_rng(1), share=0.25).ice_percent == 25


def test_leads_are_as_wide_as_they_are_named(drawn, monkeypatch):
    monkeypatch.setattr(drawn, "CELLS", 1012)  # twice the distance of leads along a row
    ground = drawn.leads(np.random.default_rng(1), 16, open_water=0)
    assert ground.ice_percent == pytest.approx(90, abs=0.1)


def test_a_pixel_of_a_picture_shows_the_mean_light_of_its_cells(drawn, monkeypatch):
    monkeypatch.setattr(drawn, "NOISE", 0)
    ice = np.zeros((64, 64), bool)
    ice[:, ::4] = True
    ground = drawn.Ground(drawn.lay(drawn.ICE, ice, drawn.WATER), ice)
    bands = drawn.picture(ground, 4, 0, np.random.default_rng(1))
    assert bands.shape == (3, 16, 16)
    expected = drawn.WATER + 0.25 * (drawn.ICE - drawn.WATER)
    np.testing.assert_allclose(SRGB.reflectance(bands[:, 3, 5].astype(float)), expected, atol=0.003)


def test_a_row_shows_whether_the_bounds_hold_the_truth(page):
    inside = page.Measured(30.0, 36.0, 29.9, 29.0, 37.5, ("mixed_pixels",), np.zeros((3, 1, 1), np.uint8))
    assert inside.cells == "30.00 | 36.00 | 29.90 | 29.00 .. 37.50 | yes | `mixed_pixels` |"
    outside = page.Measured(30.0, 36.0, 36.0, 35.0, 37.5, (), np.zeros((3, 1, 1), np.uint8))
    assert outside.cells == "30.00 | 36.00 | 36.00 | 35.00 .. 37.50 | **no** |  |"
