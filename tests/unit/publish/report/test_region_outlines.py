"""Outlines of regions on the map of the report: the pixels that are measured, on a smaller map."""

from __future__ import annotations

from types import SimpleNamespace

import pyproj
import pytest
from affine import Affine
from shapely.geometry import Point, box

from icepipe.geo.geobox import GeoBox, Region
from icepipe.publish.report import region_outlines as outlines
from icepipe.publish.report.region_outlines import region_paths

GRID = GeoBox(pyproj.CRS("EPSG:3413").to_wkt(), Affine(250, 0, -1_000_000, 0, -250, -500_000), 1280, 640)


def traced(*regions):
    named = tuple(Region(name, shape.wkt, crs) for name, shape, crs in regions)
    return region_paths(SimpleNamespace(grid=GRID, regions=named), named=True)


def test_a_box_and_a_hole_on_a_map_of_a_quarter():
    left, top = -1_000_000, -500_000
    block = box(left, top - 32_000, left + 8_000, top) - box(left + 2_000, top - 4_000, left + 4_000, top - 2_000)
    outline = traced(("block", block, GRID.crs), ("far", Point(3e6, 3e6).buffer(1e5), GRID.crs))
    assert (outline["width"], outline["height"]) == (320, 160)
    assert outline["paths"] == {"block": "M0 0h8v32h-8zM2 2v2h2v-2z", "far": ""}


def test_longitude_and_latitude_are_brought_to_the_map():
    degrees = traced(("cap", box(-180, 80.5, 180, 90), pyproj.CRS("EPSG:4326").to_wkt()))["paths"]["cap"]
    assert degrees.startswith("M")
    assert degrees.endswith("z")


def test_a_region_smaller_than_a_cell_is_outlined_all_the_same():
    x, y = -1_000_000 + 10_100, -500_000 - 20_100
    assert traced(("rock", box(x, y - 500, x + 500, y), GRID.crs))["paths"]["rock"] == "M10 20h1v1h-1z"


def test_without_named_regions_there_is_none():
    assert region_paths(SimpleNamespace(grid=GRID, regions=()), named=False) is None


@pytest.mark.parametrize("side", [10, 320])
def test_the_longer_side_of_the_map_has_the_given_pixels(monkeypatch, side):
    monkeypatch.setattr(outlines, "SIDE_PX", side)
    assert traced(("all", box(-2e6, -2e6, 2e6, 2e6), GRID.crs))["paths"]["all"] == f"M0 0h{side}v{side // 2}h-{side}z"
