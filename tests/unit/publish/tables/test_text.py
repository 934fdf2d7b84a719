"""The closing table: which area it shows, and what is beside it."""

from __future__ import annotations

from icepipe.publish.tables.text import series_cells
from tests.series import daily


def table(share=None, flags=""):
    days = [("2024-07-01", 10.0), ("2024-07-02", None)]
    ice = daily(days, share=share, flags=flags)
    # Concentrations are of ice alone.
    water = daily(days, class_="water", share=None if flags else share, flags=flags)
    return series_cells([*ice, *water])


def test_clustered_scenes_lead_with_the_surface():
    header, known, unknown = table(share=0.75)
    assert header[1:6] == ["ice surface km2", "ice low .. high", "pixel area", "water surface km2", "pixel area"]
    assert known[1:6] == ["7.500", "10.000 .. 10.000", "10.000", "7.500", "10.000"]
    assert unknown[1:6] == ["", "not known", "", "", ""]


def test_concentrations_lead_with_the_extent_and_water_has_nothing_beside_it():
    header, known, _ = table(share=0.75, flags="concentration")
    assert header[1:5] == ["ice pixel area km2", "ice low .. high", "surface", "water pixel area km2"]
    assert known[1:5] == ["10.000", "10.000 .. 10.000", "7.500", "10.000"]
    assert header[5] == "unknown km2"


def test_class_rasters_have_the_pixel_area_alone():
    header, known, _ = table()
    assert header[1:5] == ["ice pixel area km2", "ice low .. high", "water pixel area km2", "unknown km2"]
    assert known[1:4] == ["10.000", "10.000 .. 10.000", "10.000"]
