"""Rooms together: class rasters, regions, periods, clouds, formats in combinations that once went wrong."""

from __future__ import annotations

import json

import geopandas
import numpy as np
import pytest
from affine import Affine
from shapely.geometry import Polygon, box

from icepipe.errors import NoUsableInput
from tests.rasters import TRANSFORM, paint, write

TABLE = {"sensor": "classes", "classes": {0: "water", 1: "ice", 254: "land", 99: "cloud"}}


def codes(rows):
    """A class raster from rows of letters: w water, i ice, l land, c cloud."""
    numbers = {"w": 0, "i": 1, "l": 254, "c": 99}
    return np.array([[[numbers[letter] for letter in row] for row in rows]], dtype=np.uint8)


def square(col, row, width, height):
    x, y = TRANSFORM @ (col, row)
    return box(x, y - 250 * height, x + 250 * width, y)


def regions(path, named, crs="EPSG:3413"):
    geopandas.GeoDataFrame({"name": list(named)}, geometry=list(named.values()), crs=crs).to_file(path)
    return str(path)


def of_class(result, name, date=None):
    return {row.region: row for row in result.rows if row.class_ == name and date in {None, row.date}}


@pytest.mark.parametrize("prefer", ["first", "latest", "clearest", "mode"])
def test_land_is_land_under_another_scenes_cloud(run_scenes, tmp_path, prefer):
    write(tmp_path / "a_20240701T1030.tif", codes(["llii", "llww"]))
    write(tmp_path / "b_20240701T1130.tif", codes(["cccc", "cccc"]))
    result = run_scenes(tmp_path / "*.tif", inputs=TABLE, measure={"prefer": prefer})
    rows = {row.class_: row for row in result.rows}
    assert {name: row.n_pixels for name, row in rows.items()} == {
        "ice": 2,
        "water": 2,
        "other": 0,
        "cloud": 0,
        "land": 4,
        "unobserved": 0,
    }
    assert rows["ice"].area_est_km2 == pytest.approx(rows["ice"].area_km2)


def test_clouds_that_prefer_a_class_are_told_region_by_region(run_scenes, tmp_path):
    """West has its ice under cloud and east its water: each is biased, and a third region, seen whole, is not."""
    for day in ("20240601", "20240602"):
        write(tmp_path / f"x_{day}.tif", codes(["iiwwiiwwiw"] * 4))
    write(tmp_path / "x_20240603.tif", codes(["ccwwiicciw"] * 4))
    named = {"west": square(0, 0, 4, 4), "east": square(4, 0, 4, 4), "far": square(8, 0, 2, 4)}
    inputs = TABLE | {"regions": regions(tmp_path / "r.gpkg", named)}
    result = run_scenes(tmp_path / "x_*.tif", inputs=inputs)
    flagged = {name for name, row in of_class(result, "ice", "2024-06-03").items() if "cloud_biased" in row.flags}
    assert flagged == {"west", "east"}
    (note,) = [note for note in result.notes if note.startswith("cloud masks hide")]
    assert "looks like ice" not in note


def test_neighbours_in_degrees_share_no_pixel(run_scenes, tmp_path):
    """Their border runs through pixel centres of a grid of degrees."""
    transform = Affine(0.01, 0, 10.0, 0, -0.01, 70.0)
    scene = write(tmp_path / "x_20240701.tif", paint(["w" * 20] * 10), crs="EPSG:4326", transform=transform)
    named = {"left": box(10.0, 69.9, 10.105, 70.0), "right": box(10.105, 69.9, 10.2, 70.0)}
    path = regions(tmp_path / "r.gpkg", named, "EPSG:4326")
    rows = of_class(run_scenes(scene, inputs={"regions": path}), "water")
    assert sum(row.n_pixels for row in rows.values()) == 200


@pytest.mark.parametrize("period", ["scene", "month", "8day", "solar-day"])
@pytest.mark.parametrize("form", ["geopackage", "shapefile"])
def test_every_period_in_every_kind_of_file(run_scenes, tmp_path, period, form):
    """Scenes at 150 degrees west, half an hour after midnight in UTC: by the sun it is the day before."""
    transform = Affine(0.01, 0, -150.0, 0, -0.01, 70.0)
    for stamp in ("20240715T0030", "20240716T0030"):
        write(tmp_path / f"x_{stamp}.tif", paint(["iiww"]), crs="EPSG:4326", transform=transform)
    folder = run_scenes(tmp_path / "x_*.tif", measure={"period": period}, publish={"polygons": {"format": form}}).folder
    collection = json.loads((folder / "collection.json").read_text())
    ((start, end),) = collection["extent"]["temporal"]["interval"]
    assert (start[:10], end[:10]) == ("2024-07-15", "2024-07-16")
    for path in folder.glob("observations/*/test_*.json"):
        if not path.name.endswith("_model.json"):
            assert json.loads(path.read_text())["properties"]["datetime"][:10] in {"2024-07-15", "2024-07-16"}


def test_a_broken_file_without_a_time_fails_no_other_day_by_the_sun(run_scenes, tmp_path):
    for stamp in ("20240601T1030", "20240602T1030"):
        write(tmp_path / f"x_{stamp}.tif", paint(["iiww"]))
    (tmp_path / "y_20240602.tif").write_bytes(b"II*\0 junk")
    result = run_scenes(tmp_path / "*.tif", measure={"period": "solar-day"})
    assert [fault.path.name for fault in result.faults] == ["y_20240602.tif"]
    assert len({row.date for row in result.rows}) == 2


def test_outlines_with_spikes_heights_and_less_than_a_pixel(run_scenes, tmp_path):
    scene = write(tmp_path / "x_20240701.tif", paint(["iiww", "iiww"]))
    x, y = TRANSFORM @ (0, 0)
    spike = Polygon([(x, y), (x + 500, y), (x + 500, y - 500), (x + 500, y + 300), (x + 500, y - 500), (x, y - 500)])
    tall = Polygon([(x + 500, y, 9), (x + 1000, y, 9), (x + 1000, y - 500, 9), (x + 500, y - 500, 9)])
    path = regions(tmp_path / "r.gpkg", {"spike": spike, "tall": tall, "tiny": square(0.1, 0.1, 0.1, 0.1)})
    result = run_scenes(scene, inputs={"regions": path})
    ice = of_class(result, "ice")
    assert (ice["spike"].n_pixels, ice["tall"].n_pixels) == (4, 0)
    assert {"nothing_seen", "off_grid"} <= ice["tiny"].flags
    path = regions(tmp_path / "t.gpkg", {"tiny": square(0.1, 0.1, 0.1, 0.1)})
    with pytest.raises(NoUsableInput, match="no valid pixel"):
        run_scenes(scene, name="alone", inputs={"regions": path})


def test_a_region_of_land_has_no_ice_and_that_is_known(run_scenes, tmp_path):
    write(tmp_path / "x_20240701.tif", codes(["llii", "llww"]))
    named = {"ground": square(0, 0, 2, 2), "sea": square(2, 0, 2, 2)}
    result = run_scenes(tmp_path / "x_*.tif", inputs=TABLE | {"regions": regions(tmp_path / "r.gpkg", named)})
    ice = of_class(result, "ice")
    assert ice["ground"].area_km2 == 0
    assert "nothing_seen" not in ice["ground"].flags


def test_another_format_is_no_revision(run_scenes, tmp_path):
    scene = write(tmp_path / "x_20240701.tif", paint(["iiww"]))
    run_scenes(scene)
    folder = run_scenes(scene, publish={"polygons": {"format": "flatgeobuf"}}).folder
    assert not (folder / "history.csv").exists()


def test_explained_areas_and_moved_patches_add_up(run_scenes, tmp_path):
    scene = write(tmp_path / "x_20240701.tif", paint(["wwwwww", "wiwwii", "wwwwii"]))
    result = run_scenes(scene, measure={"min_patch_m2": 100_000})
    document = json.loads(next(result.folder.glob("observations/*/explain.json")).read_text())
    total_km2 = sum(c["area_km2"] for c in document["clusters"]) + sum(document["small_patches_moved_km2"].values())
    seen = sum(row.area_km2 for row in result.rows if row.class_ in {"ice", "water", "other"})
    assert total_km2 == pytest.approx(seen, rel=1e-12)
