"""The STAC collection of a run: valid without the web, complete, movable, and the same bytes every time."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pyproj
import pystac
import pytest
import rasterio
from affine import Affine
from pystac.validation import validate_dict
from shapely.geometry import Point, shape

from icepipe.classes import CLASS_COLOURS
from tests.rasters import ICE, WATER, write
from tests.stac_schemas import validator


def scene(path, **options):
    pixels = np.empty((3, 24, 20), np.uint8)
    pixels[:] = np.array(WATER)[:, None, None]
    pixels[:, :9] = np.array(ICE)[:, None, None]
    return write(path, pixels, **options)


def read(thing):
    return json.loads(Path(thing.get_self_href()).read_text())


def items_of(folder):
    return list(pystac.Collection.from_file(folder / "collection.json").get_items())


@pytest.fixture
def collection(run_scenes, tmp_path):
    """Two days in one run, moved to another place, as pystac reads it."""
    for day in ("20240701", "20240703"):
        scene(tmp_path / "tiles" / f"x_{day}.tif")
    folder = run_scenes(tmp_path / "tiles", name="bay").folder
    moved = tmp_path / "elsewhere" / "of another name"
    shutil.copytree(folder, moved)
    shutil.rmtree(folder)
    return pystac.Collection.from_file(moved / "collection.json")


def test_every_document_is_valid(collection):
    checker = validator()
    for thing in (collection, *collection.get_items()):
        document = read(thing)
        assert validate_dict(document, validator=checker), thing.id
        assert set(document["stac_extensions"]) <= set(checker.schema_cache)


@pytest.mark.parametrize("break_it", ["datetime", "file:checksum", "proj:shape", "classification:classes", "bbox"])
def test_the_validator_refuses_what_is_wrong(collection, break_it):
    item = read(next(iter(collection.get_items())))
    raster = item["assets"]["classes.tif"]
    places = (item, item["properties"], raster, raster["bands"][0])
    next(place for place in places if break_it in place)[break_it] = "wrong"
    with pytest.raises(pystac.errors.STACValidationError):
        validate_dict(item, validator=validator())


def test_links_lead_from_the_collection_to_every_item_and_back(collection):
    items = list(collection.get_items())
    assert [item.id for item in items] == ["bay_2024-07-01", "bay_2024-07-03"]
    for item in items:
        assert item.get_collection().get_self_href() == collection.get_self_href()
        assert {link.rel for link in item.links} == {"self", "root", "parent", "collection"}


def test_every_file_is_an_asset_with_its_size_and_checksum(collection):
    for thing in (collection, *collection.get_items()):
        folder = Path(thing.get_self_href()).parent
        files = {path.name for path in folder.iterdir() if path.is_file()}
        apart = {".lock", "ledger.sqlite", "manifest.json", "collection.json", "record.json", f"{thing.id}.json"}
        assert {Path(asset.href).name for asset in thing.assets.values()} == files - apart
        for asset in thing.assets.values():
            data = Path(asset.get_absolute_href()).read_bytes()
            assert asset.extra_fields["file:size"] == len(data)
            assert asset.extra_fields["file:checksum"] == "1220" + hashlib.sha256(data).hexdigest()


def test_the_raster_asset_tells_its_grid_and_classes(collection):
    item = next(iter(collection.get_items()))
    asset = item.assets["classes.tif"]
    with rasterio.open(asset.get_absolute_href()) as dataset:
        assert asset.extra_fields["proj:shape"] == list(dataset.shape)
        assert Affine(*asset.extra_fields["proj:transform"]) == dataset.transform
        assert asset.extra_fields["proj:bbox"] == list(dataset.bounds)
        assert pyproj.CRS(item.properties["proj:code"]) == pyproj.CRS(dataset.crs.to_wkt())
    (band,) = asset.extra_fields["bands"]
    classes = {entry["value"]: (entry["name"], entry["color_hint"]) for entry in band["classification:classes"]}
    assert classes == {int(c): (c.label, "{:02X}{:02X}{:02X}".format(*rgb)) for c, rgb in CLASS_COLOURS.items()}
    assert band["raster:spatial_resolution"] == pytest.approx(254, abs=1)


def test_time_and_place_are_those_of_the_observation(collection):
    first, second = collection.get_items()
    assert first.properties["start_datetime"] == "2024-07-01T00:00:00Z"
    assert second.properties["end_datetime"] == "2024-07-03T23:59:59Z"
    assert collection.extent.temporal.to_dict()["interval"] == [["2024-07-01T00:00:00Z", "2024-07-03T23:59:59Z"]]
    lon, lat = pyproj.Transformer.from_crs(3413, 4326, always_xy=True).transform(-648_000, -1_352_000)
    assert shape(first.geometry).contains(Point(lon, lat))
    assert collection.extent.spatial.bboxes == [first.bbox]


def test_a_time_that_is_known_is_the_items(run_scenes, tmp_path):
    scene(tmp_path / "x_20240701T1030.tif")
    folder = run_scenes(tmp_path / "x_20240701T1030.tif", measure={"period": "scene"}).folder
    (item,) = items_of(folder)
    assert item.properties["datetime"] == "2024-07-01T10:30:00Z"
    assert "start_datetime" not in item.properties


def test_a_coordinate_system_without_a_code_is_told_in_full(run_scenes, tmp_path):
    crs = "+proj=laea +lat_0=75 +lon_0=-40 +datum=WGS84"
    scene(tmp_path / "x_20240701.tif", crs=crs)
    (item,) = items_of(run_scenes(tmp_path / "x_20240701.tif").folder)
    assert item.properties["proj:code"] is None
    assert pyproj.CRS(item.properties["proj:wkt2"]).coordinate_operation.method_name == "Lambert Azimuthal Equal Area"
    assert validate_dict(item.to_dict(), validator=validator())


def test_a_scene_across_180_degrees_has_a_box_across_it(run_scenes, tmp_path):
    transform = Affine(0.01, 0, 179.9, 0, -0.01, 71)
    scene(tmp_path / "x_20240701.tif", crs="EPSG:4326", transform=transform)
    (item,) = items_of(run_scenes(tmp_path / "x_20240701.tif").folder)
    assert item.bbox == pytest.approx([179.9, 70.76, -179.9, 71])
    assert item.geometry["type"] == "MultiPolygon"
    assert validate_dict(item.to_dict(), validator=validator())


def test_an_item_is_part_of_its_observations_record(run_scenes, tmp_path):
    path = scene(tmp_path / "x_20240701.tif")
    folder = run_scenes(path).folder / "observations" / "2024-07-01"
    item = folder / "test_2024-07-01.json"
    good = item.read_bytes()
    assert item.name in dict(json.loads((folder / "record.json").read_text())["outputs"])
    item.write_text("{}")
    run_scenes(path)
    assert item.read_bytes() == good
