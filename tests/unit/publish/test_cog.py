"""Files appear whole, hold what QGIS and GDAL expect, and carry no clock."""

from __future__ import annotations

import datetime as dt
import time

import numpy as np
import pyproj
import pytest
import rasterio
from affine import Affine
from rasterio.enums import Resampling
from rio_cogeo.cogeo import cog_validate

from icepipe.classes import CLASS_COLOURS, ClassCode
from icepipe.errors import IntegrityError
from icepipe.geo.geobox import GeoBox
from icepipe.geo.pixel_area import PixelArea
from icepipe.publish import cog as rasters
from icepipe.publish.cog import CLASS_BAND, CLOUD_OPTIMIZED, FRACTION_BAND, write_raster
from icepipe.publish.vectors.features import Features
from icepipe.publish.vectors.geopackage import write_features
from icepipe.publish.vectors.writers import WRITERS, write_polygons
from icepipe.raster.overviews import halve, halve_percent, overview_shapes
from icepipe.raster.run_length import RunLengthRaster
from icepipe.storage.atomic import replace_file, replace_folder
from tests.polygons import layer_of

GRID = GeoBox(pyproj.CRS(3413).to_wkt(), Affine(250, 0, -650_000, 0, -250, -1_350_000), 4, 3)
CLASSES = np.array([[1, 2, 2, 0], [1, 2, 3, 3], [1, 1, 255, 255]], np.uint8)
DAY = dt.date(2024, 7, 1)


def features(code, classes=CLASSES):
    area = PixelArea.of(GRID)
    return Features(layer_of(classes, code, GRID, area), DAY, "2024-07-01T10:30:00Z")


def test_the_class_raster_is_a_cog_with_palette_and_names(tmp_path):
    path = tmp_path / "classes.tif"
    write_raster(path, CLASS_BAND, RunLengthRaster.from_array(CLASSES), GRID, DAY)
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
    write_raster(tmp_path / "c.tif", CLASS_BAND, RunLengthRaster.from_array(classes), grid, DAY)
    with rasterio.open(tmp_path / "c.tif", OVERVIEW_LEVEL=0) as overview:
        assert set(np.unique(overview.read(1))) == {1}


def most_frequent_of_four(classes):
    """Counted plainly: outside counts only where there is nothing else, and the first of equals wins."""
    rows, cols = classes.shape
    found = np.empty((-(-rows // 2), -(-cols // 2)), np.uint8)
    for row, col in np.ndindex(found.shape):
        four = [
            classes[min(r, rows - 1), min(c, cols - 1)] for r in (2 * row, 2 * row + 1) for c in (2 * col, 2 * col + 1)
        ]
        inside = [code for code in four if code != 255] or [255]
        found[row, col] = max(inside, key=inside.count)
    return found


@pytest.mark.parametrize("seed", range(20))
def test_a_half_holds_the_most_frequent_of_every_four(seed):
    rng = np.random.default_rng(seed)
    classes = rng.choice([0, 1, 2, 5, 255], rng.integers(1, 30, 2)).astype(np.uint8)
    assert np.array_equal(halve(classes), most_frequent_of_four(classes))


@pytest.mark.parametrize("strip", [1024, 2])
def test_every_overview_of_the_file_is_half_of_the_one_before(tmp_path, monkeypatch, strip):
    """Also where a strip has fewer rows than all overviews together need to halve it."""
    monkeypatch.setattr(rasters, "STRIP_ROWS", strip)
    classes = np.random.default_rng(0).choice([0, 1, 2, 255], (2743, 1025)).astype(np.uint8)
    grid = GeoBox(GRID.crs, GRID.transform, 1025, 2743)
    write_raster(tmp_path / "c.tif", CLASS_BAND, RunLengthRaster.from_array(classes), grid, DAY)
    assert cog_validate(tmp_path / "c.tif", strict=True)[0]
    shapes = [(1372, 513), (686, 257), (343, 129)]
    assert overview_shapes(classes.shape) == [classes.shape, *shapes]
    for level, shape in enumerate(shapes):
        classes = halve(classes)
        with rasterio.open(tmp_path / "c.tif", OVERVIEW_LEVEL=level) as overview:
            assert overview.shape == shape
            assert np.array_equal(overview.read(1), classes)
            assert overview.colormap(1)[2][:3] == CLASS_COLOURS[ClassCode.ICE]


def percent(shape, seed=0):
    """Random percent with unseen pixels, some of them in whole blocks."""
    draw = np.random.default_rng(seed)
    pixels = draw.integers(0, 101, shape).astype(np.uint8)
    pixels[draw.random(shape) < 0.3] = 255
    pixels[: shape[0] // 4, : shape[1] // 4] = 255
    return pixels


def test_an_ice_fraction_is_a_cog_with_its_unit_and_colours_between_water_and_ice(tmp_path):
    path, pixels = tmp_path / "fraction.tif", np.array([[0, 1, 50, 99], [100, 25, 75, 255], [255, 0, 0, 100]], np.uint8)
    write_raster(path, FRACTION_BAND, RunLengthRaster.from_array(pixels), GRID, DAY)
    assert cog_validate(path, strict=True) == (True, [], [])
    with rasterio.open(path) as dataset:
        assert np.array_equal(dataset.read(1), pixels)
        assert (dataset.transform, dataset.nodata) == (GRID.transform, 255)
        assert (dataset.descriptions, dataset.units) == (("ice fraction",), ("%",))
        colours = [dataset.colormap(1)[value][:3] for value in (0, 50, 100)]
        assert colours == [CLASS_COLOURS[ClassCode.WATER], (94, 153, 196), CLASS_COLOURS[ClassCode.ICE]]


def test_a_half_of_percent_is_the_mean_of_the_seen_pixels_rounded():
    pixels = np.array([[10, 20, 255, 255, 1], [30, 40, 255, 60, 2], [0, 1, 100, 100, 255]], np.uint8)
    # 25; the seen one of four; 1.5 upwards; in the odd last row and column, pixels count twice.
    assert halve_percent(pixels).tolist() == [[25, 60, 2], [1, 100, 255]]


@pytest.mark.parametrize("seed", range(3))
def test_a_half_of_percent_is_that_of_gdal(tmp_path, seed):
    pixels = percent((128, 64), seed)
    profile = {"driver": "GTiff", "width": 64, "height": 128, "count": 1, "dtype": "uint8", "nodata": 255}
    with rasterio.open(tmp_path / "gdal.tif", "w", **profile) as dataset:
        dataset.write(pixels, 1)
        dataset.build_overviews([2], Resampling.average)
    with rasterio.open(tmp_path / "gdal.tif", OVERVIEW_LEVEL=0) as overview:
        assert np.array_equal(halve_percent(pixels), overview.read(1))


def test_every_overview_of_an_ice_fraction_is_half_of_the_one_before(tmp_path, monkeypatch):
    monkeypatch.setattr(rasters, "STRIP_ROWS", 2)
    pixels = percent((1371, 1025))
    grid = GeoBox(GRID.crs, GRID.transform, 1025, 1371)
    write_raster(tmp_path / "f.tif", FRACTION_BAND, RunLengthRaster.from_array(pixels), grid, DAY)
    assert cog_validate(tmp_path / "f.tif", strict=True)[0]
    for level in range(2):
        pixels = halve_percent(pixels)
        with rasterio.open(tmp_path / "f.tif", OVERVIEW_LEVEL=level) as overview:
            assert np.array_equal(overview.read(1), pixels)


def test_files_do_not_carry_the_clock(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_raster(tmp_path / name / "c.tif", CLASS_BAND, RunLengthRaster.from_array(CLASSES), GRID, DAY)
        write_polygons(tmp_path / name, "p", features(ClassCode.ICE), WRITERS)
        write_features(tmp_path / name / "p.gpkg", features(ClassCode.ICE))
        time.sleep(1.1)
    for one in (tmp_path / "a").iterdir():
        assert one.read_bytes() == (tmp_path / "b" / one.name).read_bytes(), one.name
    assert (tmp_path / "a/p.dbf").read_bytes()[1:4] == bytes([124, 7, 1])


@pytest.mark.parametrize("seed", range(3))
def test_the_class_raster_is_the_same_bytes_on_any_number_of_threads(tmp_path, monkeypatch, seed):
    coarse = np.random.default_rng(seed).choice([0, 1, 2, 4, 255], (75, 90)).astype(np.uint8)
    classes = np.kron(coarse, np.ones((40, 40), dtype=np.uint8))
    grid = GeoBox(GRID.crs, GRID.transform, classes.shape[1], classes.shape[0])
    for threads in (1, 2, 4):
        monkeypatch.setitem(CLOUD_OPTIMIZED, "num_threads", threads)
        write_raster(tmp_path / f"{threads}.tif", CLASS_BAND, RunLengthRaster.from_array(classes), grid, DAY)
    one, *others = (path.read_bytes() for path in sorted(tmp_path.iterdir()))
    assert all(other == one for other in others)


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
    write_raster(path, CLASS_BAND, RunLengthRaster.from_array(classes), grid, DAY)
    assert cog_validate(path, strict=True) == (True, [], [])
