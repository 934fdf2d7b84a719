"""Awkward files from other people's bug reports: the stated answer, or the stated refusal."""

from __future__ import annotations

import json

import pyogrio
import pyproj
import pytest
import shapely

from icepipe.errors import IcepipeError

CASES = (
    "01-web-mercator-far-north",
    "02-mask-inside-file",
    "03-scale-and-offset",
    "04-near-infrared-first",
    "05-palette",
    "06-rotated-grid",
    "07-across-180-degrees",
    "08-overlapping-tiles",
    "09-two-dates-in-the-name",
    "10-no-coordinate-system",
)


@pytest.mark.parametrize("case", CASES)
def test_case(shared_data, run_scenes, case):
    folder = shared_data / "cases" / case
    expected = json.loads((folder / "expected.json").read_text())
    scenes = [folder / name for name in expected["inputs"]]
    classes = {"polygons": {"classes": ["ice", "water", "other"]}}
    if expected["expect"] == "error":
        with pytest.raises(IcepipeError) as error:
            run_scenes(scenes, publish=classes)
        assert any(text.lower() in str(error.value).lower() for text in expected["error_about"])
        return
    result = run_scenes(scenes, publish=classes)
    assert {row.date for row in result.rows} == {row["date"] for row in expected["rows"]}
    for row in expected["rows"]:
        _assert_row(result, row, expected["relative_tolerance"], expected["absolute_tolerance_km2"])


def _assert_row(result, expected, relative, absolute):
    mine = {row.class_: row for row in result.rows if row.date == expected["date"]}
    for name, area in expected["class_areas_km2"].items():
        assert mine[name].area_km2 == pytest.approx(area, rel=relative, abs=absolute)
    assert mine["ice"].region_km2 == pytest.approx(expected["region_area_km2"], rel=relative, abs=absolute)
    seen = mine["ice"].region_km2 - mine["ice"].unknown_km2
    assert seen == pytest.approx(expected["observed_area_km2"], rel=relative, abs=absolute)
    for point in expected["points"]:
        path = result.folder / "observations" / expected["date"] / f"test_{expected['date']}_{point['class']}.shp"
        layer = pyogrio.read_dataframe(path)
        to_map = pyproj.Transformer.from_crs("EPSG:4326", layer.crs, always_xy=True)
        place = shapely.Point(*to_map.transform(point["lon"], point["lat"]))
        turned = shapely.Point(*to_map.transform(point["lon"] + 360, point["lat"]))
        assert layer.intersects(place).any() or layer.intersects(turned).any(), point
