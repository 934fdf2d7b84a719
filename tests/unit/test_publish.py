"""Files appear whole, hold what QGIS and GDAL expect, and carry no clock."""

from __future__ import annotations

import datetime as dt
import time

import numpy as np
import pyogrio
import pyproj
import pytest
import rasterio
from affine import Affine
from rio_cogeo.cogeo import cog_validate

from icepipe.classes import CLASS_COLOURS, ClassCode
from icepipe.errors import IntegrityError
from icepipe.inputs.pixel_area import PixelArea
from icepipe.measure.vectorize import vectorize
from icepipe.publish import vectors
from icepipe.publish.atomic import replace_file, replace_folder
from icepipe.publish.rasters import write_classes
from icepipe.publish.vectors import write_shapefile
from icepipe.records import GeoBox

GRID = GeoBox(pyproj.CRS(3413).to_wkt(), Affine(250, 0, -650_000, 0, -250, -1_350_000), 4, 3)
CLASSES = np.array([[1, 2, 2, 0], [1, 2, 3, 3], [1, 1, 255, 255]], np.uint8)
DAY = dt.date(2024, 7, 1)


def layer(code, classes=CLASSES):
    area = PixelArea.of(GRID)
    return vectorize(classes, code, GRID, area.units, area.unit_m2)


def test_a_shapefile_has_typed_fields_a_projection_and_a_style(tmp_path):
    path = tmp_path / "x_ice.shp"
    write_shapefile(path, layer(ClassCode.ICE), DAY, "2024-07-01T10:30:00Z")
    info = pyogrio.read_info(path)
    assert list(info["fields"]) == ["class", "code", "date", "datetime", "area_m2", "area_km2", "perim_m", "n_px", "id"]
    assert info["geometry_type"] == "Polygon"
    frame = pyogrio.read_dataframe(path)
    assert frame["date"].iloc[0] == np.datetime64("2024-07-01")
    assert frame["n_px"].tolist() == [3]
    assert frame["area_m2"].iloc[0] == pytest.approx(layer(ClassCode.ICE).area_m2[0], rel=1e-9)
    assert pyproj.CRS(info["crs"]) == pyproj.CRS(3413)
    assert {p.suffix for p in tmp_path.iterdir()} == {".shp", ".shx", ".dbf", ".prj", ".cpg", ".qml"}
    red, green, blue = CLASS_COLOURS[ClassCode.ICE]
    assert f'value="{red},{green},{blue},255"' in path.with_suffix(".qml").read_text()


def test_an_empty_class_is_still_a_polygon_layer_with_its_fields(tmp_path):
    path = tmp_path / "x_ice.shp"
    write_shapefile(path, layer(ClassCode.ICE, np.ones((3, 4), np.uint8)), DAY, "2024-07-01")
    info = pyogrio.read_info(path)
    assert (info["geometry_type"], info["features"]) == ("Polygon", 0)
    full = tmp_path / "full.shp"
    write_shapefile(full, layer(ClassCode.ICE), DAY, "2024-07-01")
    assert info["ogr_types"] == pyogrio.read_info(full)["ogr_types"]
    assert "OFTDate" in info["ogr_types"]


def test_a_shapefile_beyond_its_format_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(vectors, "SHAPEFILE_LIMIT_BYTES", 10)
    with pytest.raises(IntegrityError, match="2 GB"):
        write_shapefile(tmp_path / "x.shp", layer(ClassCode.ICE), DAY, "2024-07-01")


def test_the_class_raster_is_a_cog_with_palette_and_names(tmp_path):
    path = tmp_path / "classes.tif"
    write_classes(path, CLASSES, GRID, DAY)
    with rasterio.open(path) as dataset:
        assert np.array_equal(dataset.read(1), CLASSES)
        assert dataset.transform == GRID.transform
        assert dataset.crs == rasterio.crs.CRS.from_wkt(GRID.crs)
        assert dataset.nodata == 255
        assert dataset.colormap(1)[2][:3] == CLASS_COLOURS[ClassCode.ICE]
        assert dataset.tags(1)["CLASS_2"] == "ice"
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    assert [p.name for p in tmp_path.iterdir()] == ["classes.tif"]


def test_overviews_take_the_most_frequent_class(tmp_path):
    classes = np.ones((1024, 1024), np.uint8)
    classes[::2, ::2] = 2
    grid = GeoBox(GRID.crs, GRID.transform, 1024, 1024)
    write_classes(tmp_path / "c.tif", classes, grid, DAY)
    with rasterio.open(tmp_path / "c.tif", OVERVIEW_LEVEL=0) as overview:
        assert set(np.unique(overview.read(1))) == {1}


def test_files_do_not_carry_the_clock(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_classes(tmp_path / name / "c.tif", CLASSES, GRID, DAY)
        write_shapefile(tmp_path / name / "p.shp", layer(ClassCode.ICE), DAY, "2024-07-01")
        time.sleep(1.1)
    for one in (tmp_path / "a").iterdir():
        assert one.read_bytes() == (tmp_path / "b" / one.name).read_bytes(), one.name
    assert (tmp_path / "a/p.dbf").read_bytes()[1:4] == bytes([124, 7, 1])


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path):
    target = tmp_path / "x.json"
    with replace_file(target) as part:
        part.write_text("old")
    with pytest.raises(TypeError), replace_file(target) as part:
        part.write_text("half") + "no number"
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_a_folder_changes_as_one(tmp_path):
    target = tmp_path / "day"
    for text in ("one", "two"):
        with replace_folder(target) as part:
            (part / f"{text}.txt").write_text(text)
            assert not (target / f"{text}.txt").exists()
    assert [p.name for p in target.iterdir()] == ["two.txt"]
    with pytest.raises(IntegrityError, match="cannot be written"), replace_folder(target):
        raise OSError("disk full")
    assert [p.name for p in target.iterdir()] == ["two.txt"]
    assert [p.name for p in tmp_path.iterdir()] == ["day"]


@pytest.mark.parametrize("side", [3, 600, 1500])
def test_the_class_raster_passes_the_cog_validator(tmp_path, side):
    path = tmp_path / "classes.tif"
    classes = np.tile(CLASSES, (side // 3, side // 4 + 1))
    grid = GeoBox(GRID.crs, GRID.transform, classes.shape[1], classes.shape[0])
    write_classes(path, classes, grid, DAY)
    assert cog_validate(path, strict=True) == (True, [], [])
