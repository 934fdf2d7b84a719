"""Validity, roles of bands, and files refused before a pixel is read."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyproj
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from rasterio.enums import ColorInterp
from rasterio.warp import reproject

from icepipe.config.inputs import Inputs
from icepipe.errors import InputError, NoUsableInput
from icepipe.geo.geobox import Block, GeoBox
from icepipe.inputs.catalog import find_scenes, group_observations
from icepipe.inputs.describe import describe
from icepipe.inputs.discover import find_files
from icepipe.inputs.reading.reader import ObservationReader
from icepipe.inputs.reading.tile_cache import TileCache
from icepipe.inputs.reading.windows import read_window, to_units
from icepipe.inputs.run_grid import run_grid, union_of_footprints
from icepipe.inputs.scenes import Band
from icepipe.inputs.validate import open_raster
from icepipe.raster.blocks import blocks
from icepipe.raster.rasterize import rasterize_polygon, shape_to_pixels
from tests.rasters import ICE, TRANSFORM, WATER, paint, write

PICTURE = paint(["wwi", "i.w", "wwi"])


def inputs(path, **settings) -> Inputs:
    return Inputs.model_validate({"scenes": str(path)} | settings)


def seen(path, **settings):
    scenes = find_scenes(inputs(path, **settings)).scenes
    grid = run_grid(scenes)
    (observation,) = group_observations(scenes, "day")
    with ObservationReader(
        observation,
        grid,
        lambda block: rasterize_polygon(shape_to_pixels(union_of_footprints(scenes, grid), grid), block),
    ) as reader:
        return reader.read(Block(0, 0, grid.height, grid.width))


def test_everything_is_seen_where_nothing_says_otherwise(tmp_path):
    pixels = seen(write(tmp_path / "a_20240701.tif", PICTURE))
    assert pixels.valid.all()
    assert np.array_equal(pixels.bands, PICTURE)


@pytest.mark.parametrize(("right", "down", "doubled"), [(1, 0, 4), (1, 1, 2), (3, 0, 0)])
def test_pixels_that_two_scenes_see_are_counted(tmp_path, right, down, doubled):
    """Three pixels by three, the middle one without data; the second scene lies to the right, or below that, too."""
    write(tmp_path / "a_20240701.tif", PICTURE, nodata=0)
    write(tmp_path / "b_20240701.tif", PICTURE, nodata=0, transform=TRANSFORM @ Affine.translation(right, down))
    assert seen(tmp_path / "*.tif").doubled == doubled


def test_nodata_tag_alpha_mask_and_config(tmp_path):
    hole = np.ones((3, 3), dtype=bool)
    hole[1, 1] = False
    alpha = np.where(hole, 255, 0).astype(np.uint8)
    extra = np.full((3, 3), 7, dtype=np.uint8)
    five = np.stack([*PICTURE, extra, alpha])
    meanings = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.undefined, ColorInterp.alpha]
    for path, settings in (
        (write(tmp_path / "tag_20240701.tif", PICTURE, nodata=0), {}),
        (write(tmp_path / "alpha_20240701.tif", np.stack([*PICTURE, alpha]), alpha="YES"), {}),
        (write(tmp_path / "five_20240701.tif", five, colorinterp=meanings), {}),
        (write(tmp_path / "mask_20240701.tif", PICTURE, mask=hole), {}),
        (write(tmp_path / "config_20240701.tif", PICTURE), {"nodata": 0}),
    ):
        assert np.array_equal(seen(path, **settings).valid, hole), path.name
    assert seen(tmp_path / "tag_20240701.tif", nodata="none").valid.all()


def test_a_zero_in_one_band_is_a_colour_and_not_a_hole(tmp_path):
    picture = PICTURE.copy()
    picture[:, 0, 0] = (0, 20, 60)
    assert seen(write(tmp_path / "a_20240701.tif", picture, nodata=0)).valid[0, 0]


def test_bands_are_told_by_description_then_by_colour_interpretation(tmp_path):
    backwards = np.ascontiguousarray(PICTURE[::-1])
    path = write(tmp_path / "a_20240701.tif", backwards)
    with rasterio.open(path, "r+") as dataset:
        for index, name in enumerate(("Blue", "Green", "Red"), start=1):
            dataset.set_band_description(index, name)
    assert np.array_equal(seen(path).bands, PICTURE)
    meanings = [ColorInterp.blue, ColorInterp.green, ColorInterp.red]
    other = write(tmp_path / "b_20240701.tif", backwards, photometric="MINISBLACK", colorinterp=meanings)
    assert np.array_equal(seen(other).bands, PICTURE)


def test_unlabelled_bands_are_refused_until_a_name_or_the_config_tells(tmp_path):
    plain = [ColorInterp.undefined] * 3
    path = write(tmp_path / "a_20240701.tif", PICTURE, photometric="MINISBLACK", colorinterp=plain)
    with pytest.raises(NoUsableInput, match="do not say which of them is red, green, blue"):
        find_scenes(inputs(path))
    assert np.array_equal(seen(path, sensor="rgb").bands, PICTURE)
    named = write(tmp_path / "a_20240701_RGB.tif", PICTURE, photometric="MINISBLACK", colorinterp=plain)
    assert np.array_equal(seen(named).bands, PICTURE)


def test_a_palette_is_read_as_its_colours(tmp_path):
    table = {0: (*WATER, 255), 1: (*ICE, 255), 2: (9, 9, 9, 255)}
    numbers = np.array([[[0, 1], [1, 2]]], dtype=np.uint8)
    path = write(tmp_path / "a_20240701.tif", numbers, nodata=2)
    with rasterio.open(path, "r+") as dataset:
        dataset.write_colormap(1, table)
    pixels = seen(path)
    assert pixels.bands[:, 0, 0].tolist() == list(WATER)
    assert pixels.bands[:, 1, 0].tolist() == list(ICE)
    assert pixels.valid.tolist() == [[True, True], [True, False]]


def test_sensor_auto_reads_names(tmp_path):
    modis = write(tmp_path / "20240701.250m.aqua.truecolor.tif", PICTURE)
    scene = describe((modis,), inputs(modis))
    assert (scene.sensor, scene.platform) == ("modis-truecolor", "aqua")
    false = write(tmp_path / "20240701.250m.aqua.falsecolor.tif", PICTURE)
    assert describe((false,), inputs(false)).sensor == "modis-721"


def _refused(path, text, **settings):
    with pytest.raises(InputError, match=text) as error:
        describe((path,), inputs(path, **settings))
    assert path.name in str(error.value)


def test_files_that_cannot_be_used_are_refused_by_name(tmp_path):
    text = tmp_path / "text_20240701.tif"
    text.write_text("no raster")
    _refused(text, "not a GeoTIFF")
    _refused(write(tmp_path / "crs_20240701.tif", PICTURE, crs=None), "no coordinate system")
    _refused(write(tmp_path / "two_20240701.tif", PICTURE[:2]), "do not say which")
    _refused(write(tmp_path / "f_20240701.tif", PICTURE.astype("float32"), photometric="RGB"), "8-bit colours")
    local = 'LOCAL_CS["site",UNIT["metre",1]]'
    _refused(write(tmp_path / "local_20240701.tif", PICTURE, crs=local), "where on the Earth|cannot be read")
    folder = tmp_path / "folder_20240701.tif"
    folder.mkdir()
    _refused(folder, "not a regular file")
    fifo = tmp_path / "fifo_20240701.tif"
    os.mkfifo(fifo)
    _refused(fifo, "not a regular file")


def test_ground_control_points_and_missing_places_are_refused(tmp_path):
    _refused(write(tmp_path / "id_20240701.tif", PICTURE, transform=Affine.identity()), "no geotransform")
    path = write(tmp_path / "gcp_20240701.tif", PICTURE, transform=Affine.identity())
    with rasterio.open(path, "r+") as dataset:
        gcp = rasterio.control.GroundControlPoint
        dataset.gcps = ([gcp(0, 0, 10, 70), gcp(0, 3, 11, 70), gcp(3, 0, 10, 69)], rasterio.crs.CRS.from_epsg(4326))
    _refused(path, "ground control points")


def test_files_cut_at_any_length_are_refused(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (3, 80, 90), dtype=np.uint8)
    whole = write(tmp_path / "a_20240701.tif", pixels, tiled=True, blockxsize=32, blockysize=32, compress="deflate")
    data = whole.read_bytes()
    cut = tmp_path / "cut_20240701.tif"
    for length in np.linspace(0, len(data) - 1, 60).astype(int):
        cut.write_bytes(data[:length])
        with pytest.raises(InputError):
            describe((cut,), inputs(cut))


def test_metadata_that_name_other_files_are_refused(tmp_path):
    path = write(tmp_path / "a_20240701.tif", PICTURE)
    victim = write(tmp_path / "b_20240701.tif", PICTURE)
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=str(victim))
    _refused(path, "point to other files")


def test_absent_blocks_are_refused(tmp_path):
    path = tmp_path / "sparse_20240701.tif"
    profile = {"driver": "GTiff", "width": 100, "height": 100, "count": 3, "dtype": "uint8", "crs": "EPSG:3413"}
    options = {"transform": TRANSFORM, "photometric": "RGB", "SPARSE_OK": True, "tiled": True}
    with rasterio.open(path, "w", blockxsize=32, blockysize=32, **profile, **options) as dataset:
        dataset.write(np.full((3, 32, 32), 9, np.uint8), window=rasterio.windows.Window(0, 0, 32, 32))
    _refused(path, "pixels are missing")


def test_a_huge_sparse_file_is_refused_at_once(tmp_path):
    path = tmp_path / "huge_20240701.tif"
    profile = {"driver": "GTiff", "width": 10**6, "height": 10**6, "count": 3, "dtype": "uint8", "crs": "EPSG:3413"}
    options = {"SPARSE_OK": True, "tiled": True, "blockxsize": 4096, "blockysize": 4096, "BIGTIFF": "YES"}
    with rasterio.open(path, "w", transform=TRANSFORM, photometric="RGB", **profile, **options):
        pass
    _refused(path, "pixels are missing|too small")


def test_patterns_folders_and_lists(tmp_path):
    for name in ("b_20240702.tif", "a_20240701.tif", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    both = [tmp_path / "a_20240701.tif", tmp_path / "b_20240702.tif"]
    assert find_files([str(tmp_path)]) == both
    assert find_files([str(tmp_path / "*.tif"), str(both[0])]) == both
    hidden = both[0].rename(tmp_path / ".c_20240701.tif")
    assert find_files([str(tmp_path)]) == sorted([hidden, both[1]]), "as it was named by the folder, and not by a glob"
    both[0] = hidden.rename(both[0])
    with pytest.raises(NoUsableInput, match="no file matches"):
        find_files([str(tmp_path / "*.jp2")])


def test_one_bad_file_among_good_ones_is_a_fault_and_not_the_end(tmp_path):
    write(tmp_path / "a_20240701.tif", PICTURE)
    (tmp_path / "b_20240702.tif").write_bytes(b"rubbish")
    catalog = find_scenes(inputs(tmp_path))
    assert [scene.path.name for scene in catalog.scenes] == ["a_20240701.tif"]
    assert [fault.path.name for fault in catalog.faults] == ["b_20240702.tif"]


def test_periods(tmp_path):
    for name in ("x_20240702.tif", "x_20240701.aqua.tif", "x_20240701.terra.tif", "y_20240701.terra.tif"):
        write(tmp_path / name, PICTURE)
    scenes = find_scenes(inputs(tmp_path)).scenes
    assert [o.key for o in group_observations(scenes, "day")] == ["2024-07-01", "2024-07-02"]
    keys = {o.key: len(o.scenes) for o in group_observations(scenes, "scene")}
    assert keys == {"2024-07-01_aqua": 1, "2024-07-01_terra": 2, "2024-07-02": 1}


def test_tiles_of_one_grid_fill_each_other_once(tmp_path):
    write(tmp_path / "a_20240701.tif", paint(["ww.", "ww."]), nodata=0)
    write(tmp_path / "b_20240701.tif", paint(["iii", "iii"]), nodata=0, transform=TRANSFORM @ Affine.translation(1, 1))
    pixels = seen(tmp_path)
    names = {tuple(WATER): "w", tuple(ICE): "i"}
    drawn = [
        "".join(names[tuple(pixels.bands[:, r, c])] if pixels.valid[r, c] else "." for c in range(4)) for r in range(3)
    ]
    assert drawn == ["ww..", "wwii", ".iii"]
    scenes = find_scenes(inputs(tmp_path)).scenes
    grid = run_grid(scenes)
    within = rasterize_polygon(shape_to_pixels(union_of_footprints(scenes, grid), grid), Block(0, 0, 3, 4))
    assert within.tolist() == [[True, True, True, False], [True] * 4, [False, True, True, True]]


def test_blocks_cover_a_grid_once(tmp_path):
    grid = run_grid(find_scenes(inputs(write(tmp_path / "a_20240701.tif", PICTURE))).scenes)
    big = type(grid)(grid.crs, grid.transform, 3000, 2500)
    for side in (None, 700):
        counted = np.zeros(big.shape, dtype=int)
        for block in blocks(big, side):
            counted[block.slices] += 1
        assert np.all(counted == 1)


def test_a_picture_whose_bytes_mean_something_else_is_refused(tmp_path):
    path = write(tmp_path / "a_20240701.tif", PICTURE)
    _refused(path, "inputs.scale", scale={"gain": 0.01})
    _refused(path, "do not have the names", sensor="landsat-oli")
    with rasterio.open(path, "r+") as dataset:
        dataset.scales = (0.5, 0.5, 0.5)
    _refused(path, "a scale tag")
    _refused(write(tmp_path / "b_20240701.tif", PICTURE // 16, nbits=4), "4 bits per colour")


def units_of(stored, band):
    converted, seen = np.empty(stored.shape, dtype=np.int16), np.ones(stored.shape, dtype=bool)
    to_units(stored, band, converted, seen)
    return converted, seen


@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2"])
def test_looking_a_number_up_is_working_it_out(kind):
    low, high = np.iinfo(kind).min, np.iinfo(kind).max
    stored = np.random.default_rng(0).integers(low, high, (60, 70)).astype(kind)
    band = Band(Path("x.tif"), 1, GeoBox("", Affine.identity(), 1, 1), 0.0137, -0.1, (float(stored[0, 0]), 3.0))
    (units, seen), (units_in_float, seen_in_float) = (
        units_of(numbers, band) for numbers in (stored, stored.astype(np.float64))
    )
    np.testing.assert_array_equal(units, units_in_float)
    np.testing.assert_array_equal(seen, seen_in_float)
    assert not seen[0, 0]


@pytest.mark.parametrize("kind", ["u2", "i2"])
@pytest.mark.parametrize("offset", [0, -0.1, 0.1, 3.2, -3.2, 4])
@pytest.mark.parametrize("nodata", [(), (0.0,), (-9999.0,), (65535.0,), (0.0, 300.0)])
def test_numbers_that_are_units_are_shifted_and_not_looked_up(kind, offset, nodata):
    """Every 16-bit value with the scaling of Sentinel-2, and values that int16 units of reflectance cannot hold."""
    stored = np.arange(2**16, dtype=np.uint16).reshape(256, 256).view(kind)
    band = Band(Path("x.tif"), 1, GeoBox("", Affine.identity(), 1, 1), 0.0001, offset, nodata)
    (units, seen), (units_in_float, seen_in_float) = (
        units_of(numbers, band) for numbers in (stored, stored.astype(np.float64))
    )
    np.testing.assert_array_equal(units, units_in_float)
    np.testing.assert_array_equal(seen, seen_in_float)


@pytest.mark.parametrize("angle", [-35, 20, 180])
@pytest.mark.parametrize("side", [None, 10])
def test_a_turned_scene_is_what_gdal_makes_of_it_however_it_is_cut(tmp_path, angle, side):
    """In strips, whose rows all windows share: windows of the next column of blocks start at the top again."""
    pixels = np.random.default_rng(1).integers(1, 255, (3, 60, 60), dtype=np.uint8)
    turned = TRANSFORM @ Affine.translation(40, 40) @ Affine.rotation(angle)
    path = write(tmp_path / "x_20240701.tif", pixels, transform=turned, blockysize=60, tiled=False)
    grid = GeoBox(pyproj.CRS(3413).to_wkt(), TRANSFORM, 90, 90)
    (observation,) = group_observations((describe((path,), inputs(path)),), "day")
    mosaicked = np.zeros((3, 90, 90), dtype=np.uint8)
    with ObservationReader(observation, grid) as reader:
        for block in blocks(grid, side):
            mosaicked[:, *block.slices] = reader.read(block).bands
    wanted = np.zeros_like(mosaicked)
    with rasterio.open(path) as dataset:
        reproject(rasterio.band(dataset, [1, 2, 3]), wanted, dst_transform=TRANSFORM, dst_crs="EPSG:3413", tolerance=0)
    assert (wanted > 0).mean() > 0.15
    assert np.mean((mosaicked != wanted).any(axis=0)) < 0.001


@examples(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 99), st.integers(1, 40)), min_size=2, max_size=12))
def test_windows_may_come_in_any_order(tmp_path, spans):
    """As for a scene that is rotated on the grid; strips hold whole rows, so all windows share their tiles."""
    pixels = np.random.default_rng(0).integers(0, 255, (3, 100, 90), dtype=np.uint8)
    path = tmp_path / "x_20240701.tif"
    if not path.exists():
        write(path, pixels, blockysize=16, tiled=False)
    scene = describe((path,), inputs(path))
    with open_raster(path) as dataset:
        rows = TileCache(dataset, lambda window: read_window(dataset, scene, scene.bands, window), 4, 2**20)
        for top, height in spans:
            window = Block(top, 5, min(height, 100 - top), 80)
            converted, valid = rows(window)
            np.testing.assert_array_equal(converted, pixels[:, top : top + window.height, 5:85])
            assert valid.shape == (window.height, 80)


@pytest.mark.parametrize(("height", "limit", "reads"), [(7, 2**20, 7), (16, 2**20, 7), (7, 0, 15), (40, 2**20, 6)])
def test_every_row_of_tiles_is_decoded_once(tmp_path, height, limit, reads):
    pixels = np.random.default_rng(0).integers(0, 255, (3, 100, 90), dtype=np.uint8)
    path = write(tmp_path / "x_20240701.tif", pixels, tiled=True, blockxsize=16, blockysize=16, compress="deflate")
    scene, windows = describe((path,), inputs(path)), []
    with open_raster(path) as dataset:

        def read(window):
            windows.append(window)
            return read_window(dataset, scene, scene.bands, window)

        rows = TileCache(dataset, read, 4, limit)
        for top in range(0, 100, height):
            window = Block(top, 5, min(height, 100 - top), 80)
            converted, valid = rows(window)
            np.testing.assert_array_equal(converted, pixels[:, top : top + window.height, 5:85])
            assert valid.shape == (window.height, 80)
    assert len(windows) == reads
