"""Situations that once gave a wrong number, a lost row or a traceback."""

from __future__ import annotations

import json

import geopandas
import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp
from shapely.geometry import LineString, box

from icepipe.errors import ConfigError, NoUsableInput
from tests.rasters import ICE, TRANSFORM, WATER, paint, write

FORKED = True


def flat(colour, side=40, seed=0):
    """One colour with noise."""
    noise = np.random.default_rng(seed).integers(-8, 9, (1, side, side))
    return np.clip(np.array(colour)[:, None, None] + noise, 0, 255).astype(np.uint8)


def half(side=40):
    pixels = flat(WATER, side)
    pixels[:, :, : side // 2] = flat(ICE, side)[:, :, : side // 2]
    return pixels


def table(result, date=None):
    return {row.class_: row for row in result.rows if date in {None, row.date}}


def test_a_model_without_a_cluster_for_water_does_not_call_water_ice(run_scenes, tmp_path):
    tiles = tmp_path / "tiles"
    write(tiles / "a_20240301.tif", flat(ICE))
    run_scenes(tiles)
    write(tiles / "a_20240801.tif", flat(WATER))
    result = run_scenes(tiles)
    summer = table(result, "2024-08-01")
    assert summer["ice"].area_km2 is None
    assert summer["water"].area_km2 is None
    assert {"model_drift", "model_misfit"} <= summer["ice"].flags
    assert any("--rebase" in note and "2024-08-01" in note for note in result.notes)
    assert table(result, "2024-03-01")["ice"].area_km2 > 0


@pytest.mark.parametrize("west", [190.0, -170.0, 179.5])
def test_land_outlines_hold_whatever_the_turn_of_longitudes(run_scenes, tmp_path, west):
    transform = Affine(0.01, 0, west, 0, -0.01, 72.0)
    path = write(tmp_path / "a_20240301.tif", flat(ICE, 100), crs="EPSG:4326", transform=transform)
    shapes = [box(-180, 71.5, -169, 73), box(179, 71.5, 180, 73)]
    geopandas.GeoDataFrame(geometry=shapes, crs=4326).to_file(tmp_path / "land.geojson")
    counts = table(run_scenes(path, inputs={"land": str(tmp_path / "land.geojson")}))
    assert counts["land"].n_pixels == 50 * 100


def test_land_around_the_pole_keeps_its_true_area(run_scenes, tmp_path):
    transform = Affine(20_000, 0, -1_000_000, 0, -20_000, 1_000_000)
    path = write(tmp_path / "a_20240301.tif", flat(ICE, 100), transform=transform)
    shapes = [box(-180, 85, 180, 90), box(-180, -90, 180, -65)]
    geopandas.GeoDataFrame(geometry=shapes, crs=4326).to_file(tmp_path / "land.geojson")
    land = table(run_scenes(path, inputs={"land": str(tmp_path / "land.geojson")}))["land"].area_km2
    cap = 2 * np.pi * 6371.007**2 * (1 - np.sin(np.radians(84.9833)))  # geodetic 85 N is 84.98 authalic
    assert land == pytest.approx(cap, rel=0.01)


def test_coast_lines_are_no_land(run_scenes, tmp_path):
    path = write(tmp_path / "a_20240301.tif", half())
    line = LineString([TRANSFORM @ (0, 0), TRANSFORM @ (40, 40)])
    geopandas.GeoDataFrame(geometry=[line], crs=3413).to_file(tmp_path / "coast.gpkg")
    with pytest.raises(ConfigError, match="LineString and not areas"):
        run_scenes(path, inputs={"land": str(tmp_path / "coast.gpkg")})


def test_the_doubled_share_is_a_share(run_scenes, tmp_path):
    for name in ("a", "b"):
        write(tmp_path / "tiles" / f"{name}_20240301.tif", half())
    land = np.ones((1, 40, 40), np.uint8)
    land[:, :4] = 0
    result = run_scenes(tmp_path / "tiles", inputs={"land": str(write(tmp_path / "land.tif", land))})
    assert any("up to 100.0%" in note for note in result.notes)


def test_side_files_count_as_input(run_scenes, tmp_path):
    path = write(tmp_path / "tiles" / "a_20240301.tif", half())
    assert table(run_scenes(tmp_path / "tiles"))["unobserved"].n_pixels == 0
    mask = np.full((40, 40), 255, np.uint8)
    mask[:, :10] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as dataset:
        dataset.write_mask(mask)
    assert path.with_name("a_20240301.tif.msk").exists()
    assert table(run_scenes(tmp_path / "tiles"))["unobserved"].n_pixels == 400


def test_files_that_others_put_beside_the_outputs_change_nothing(icepipe, tmp_path):
    for day in ("20240301", "20240302"):
        write(tmp_path / "tiles" / f"a_{day}.tif", half())
    config = tmp_path / "c.yaml"
    config.write_text(json.dumps({"name": "bay", "inputs": {"scenes": "tiles"}, "publish": {"folder": "out"}}))
    icepipe("run", config)
    series = (tmp_path / "out/bay/series.csv").read_bytes()
    folder = tmp_path / "out/bay/observations/2024-03-01"
    (folder / "bay_2024-03-01_classes.tif.aux.xml").write_text("<PAMDataset/>")
    (folder / "notes").mkdir()
    done = icepipe("run", config, "--only", "2024-03-02")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/bay/series.csv").read_bytes() == series
    done = icepipe("run", config, "--only", "2024-03-02", "--set", "measure.min_valid=0.4")
    assert "left out of the series" in done.stdout
    assert "2024-03-01" in done.stdout


def test_brackets_in_names_are_names(run_scenes, tmp_path):
    path = write(tmp_path / "b[1]_20240301.tif", half())
    assert table(run_scenes(path))["ice"].area_km2 > 0


def test_scenes_that_are_all_masks(run_scenes, tmp_path):
    write(tmp_path / "a_20240301.tif", half())
    with pytest.raises(NoUsableInput, match="is a mask"):
        run_scenes(tmp_path, inputs={"cloud": "{folder}/{stem}.tif"})


@pytest.mark.parametrize(
    ("inputs", "code", "text"),
    [
        ({"date": "("}, 2, "neither a day nor a pattern"),
        ({"date": "(zzz)?_(20)"}, 3, "finds no date"),
        ({"scenes": "~nobody-of-that-name/x.tif"}, 2, "names no home folder"),
        ({"land": ""}, 2, "inputs.land"),
        ({"grid": {"crs": "EPSG:3413", "resolution": 1e-300}}, 2, "inputs.grid"),
        ({"grid": {"crs": "EPSG:3413", "resolution": 0.001}}, 2, "the run grid would have"),
        ({"grid": {"crs": "EPSG:999999", "resolution": 100}}, 2, "EPSG:999999"),
    ],
    ids=str,
)
def test_odd_values_are_refused_without_a_traceback(icepipe, tmp_path, inputs, code, text):
    write(tmp_path / "tiles" / "a_20240301.tif", half())
    config = tmp_path / "c.yaml"
    settings = {"name": "bay", "inputs": {"scenes": "tiles"} | inputs, "publish": {"folder": "out"}}
    config.write_text(json.dumps(settings))
    done = icepipe("run", config)
    assert done.returncode == code, done.stderr
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_a_day_without_quotes_or_dashes(run_scenes, tmp_path):
    result = run_scenes(write(tmp_path / "a.tif", half()), inputs={"date": 20240301})
    assert {row.date for row in result.rows} == {"2024-03-01"}


@pytest.mark.parametrize("nodata", [False, True])
def test_a_land_raster_says_nothing_where_it_is_not(run_scenes, tmp_path, nodata):
    path = write(tmp_path / "a_20240301.tif", half())
    land = np.full((1, 40, 40 if nodata else 20), 255, np.uint8)
    land[:, :, :10], land[:, :, 10:20] = 1, 0
    mask = write(tmp_path / "land.tif", land, **({"nodata": 255} if nodata else {}))
    counts = {name: row.n_pixels for name, row in table(run_scenes(path, inputs={"land": str(mask)})).items()}
    assert (counts["land"], counts["unobserved"], counts["ice"], counts["water"]) == (400, 800, 400, 0)


@pytest.mark.parametrize("resolution", [0.1, 0.3, 30.0])
def test_blocks_change_nothing_where_the_region_ends_on_pixel_centres(run_scenes, tmp_path, resolution):
    crs, corner = ("EPSG:4326", (10.3, 70.7)) if resolution == 0.1 else ("EPSG:32633", (500_000.3, 8_600_000.7))
    grid = Affine(resolution, 0, corner[0], 0, -resolution, corner[1])
    write(tmp_path / "tiles/a_20240301.tif", half(60), crs=crs, transform=grid)
    write(tmp_path / "tiles/b_20240301.tif", half(60), crs=crs, transform=grid @ Affine.translation(40.5, 30.5))
    rows = []
    for name, block in (("a", "auto"), ("b", 16), ("c", 37)):
        result = run_scenes(tmp_path / "tiles", name=name, batch={"block": block})
        rows.append([(r.class_, r.area_km2, r.region_km2, r.n_pixels, r.edge_km2) for r in result.rows])
    assert rows[0] == rows[1] == rows[2]
    assert next(r for r in rows[0] if r[0] == "unobserved")[3] == 0


def test_the_seam_of_land_at_180_degrees_is_land(run_scenes, tmp_path):
    transform = Affine(20_000, 0, -1_000_000, 0, -20_000, 1_000_000)
    path = write(tmp_path / "a_20240301.tif", flat(ICE, 100), transform=transform)
    geopandas.GeoDataFrame(geometry=[box(-180, 85, 180, 90)], crs=4326).to_file(tmp_path / "land.geojson")
    result = run_scenes(path, inputs={"land": str(tmp_path / "land.geojson")})
    with rasterio.open(next(result.folder.glob("observations/*/*_classes.tif"))) as dataset:
        land = dataset.read(1) == 5
    assert land[35:65, 35:65].all()


def test_rows_whose_files_are_gone_are_told(run_scenes, tmp_path):
    for day in ("20240301", "20240302"):
        write(tmp_path / "tiles" / f"a_{day}.tif", half())
    run_scenes(tmp_path / "tiles")
    (tmp_path / "tiles/a_20240302.tif").rename(tmp_path / "tiles/a_20240305.tif")
    result = run_scenes(tmp_path / "tiles")
    assert any("files are gone or broken: 2024-03-02" in note for note in result.notes)


def test_a_basis_made_without_a_broken_file_says_so(run_scenes, tmp_path):
    write(tmp_path / "tiles/a_20240301.tif", half())
    (tmp_path / "tiles/b_20240301.tif").write_bytes(b"broken")
    assert any("made without the files that failed" in note for note in run_scenes(tmp_path / "tiles").notes)


def test_values_of_outlines_and_patterns_without_a_day_are_refused(run_scenes, tmp_path):
    path = write(tmp_path / "a_20240301.tif", half())
    geopandas.GeoDataFrame(geometry=[box(0, 0, 1, 1)], crs=4326).to_file(tmp_path / "land.geojson")
    with pytest.raises(ConfigError, match="values apply to a raster"):
        run_scenes(path, inputs={"land": {"path": str(tmp_path / "land.geojson"), "values": [7]}})
    with pytest.raises(ValueError, match="does not give the day"):
        run_scenes(path, inputs={"date": "%Y"})


@pytest.mark.parametrize("corner", [(-1_500_000, 1_500_000), (-50_000, 50_000)], ids=["180 degrees", "pole"])
def test_a_grid_of_degrees_does_not_tear_a_polar_tile(run_scenes, tmp_path, corner):
    transform = Affine(2500, 0, corner[0], 0, -2500, corner[1])
    path = write(tmp_path / "a_20240301.tif", half(), transform=transform)
    with pytest.raises(NoUsableInput, match="crosses the antimeridian or holds a pole"):
        run_scenes(path, inputs={"grid": {"crs": "EPSG:4326", "resolution": 0.05}})
    assert table(run_scenes(path, name="own"))["ice"].n_pixels == 800


def test_explain_of_an_odd_date_is_one_sentence(icepipe, tmp_path):
    for date in ("/x", "../..", "*"):
        done = icepipe("explain", tmp_path, date)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


def test_a_mostly_empty_tile_is_measured_all_the_same(run_scenes, tmp_path):
    pixels = np.zeros((3, 1000, 1000), np.uint8)
    pixels[:, 500:510, 500:510] = np.array(ICE)[:, None, None]
    path = write(tmp_path / "a_20240301.tif", pixels, nodata=0)
    assert table(run_scenes(path, segment={"sample": 1000}))["ice"].n_pixels == 100


def test_a_mask_of_nan_says_nothing(run_scenes, tmp_path):
    path = write(tmp_path / "a_20240301.tif", half())
    mask = np.zeros((1, 40, 40), np.float32)
    mask[:, :10], mask[:, 10:20] = np.nan, 1
    cloud = {"path": str(write(tmp_path / "cloud.tif", mask))}
    counts = {name: row.n_pixels for name, row in table(run_scenes(path, inputs={"cloud": cloud})).items()}
    assert (counts["unobserved"], counts["cloud"], counts["ice"], counts["water"]) == (400, 400, 400, 400)


def test_a_land_picture_is_sea_where_it_is_transparent_whatever_colour_that_has(run_scenes, tmp_path):
    """Land drawn over a map: opaque grey is land; transparent is sea, in white as in black."""
    scene = write(tmp_path / "x_20240701.tif", paint(["wwwwww"]))
    land = np.zeros((4, 1, 6), dtype=np.uint8)
    land[:3, :, :2] = 75
    land[:3, :, 2:4] = 255
    land[3, :, :2] = 255
    options = {"colorinterp": [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]}
    mask = write(tmp_path / "land.tif", land, **options)
    rows = {row.class_: row for row in run_scenes(scene, inputs={"land": str(mask)}).rows}
    assert (rows["land"].n_pixels, rows["water"].n_pixels, rows["unobserved"].n_pixels) == (2, 4, 0)


@pytest.mark.parametrize("values", [{}, {"values": [1]}])
def test_a_cloud_mask_without_data_says_nothing(run_scenes, tmp_path, values):
    scene = write(tmp_path / "x_20240701.tif", paint(["wwwwww"]))
    cloud = np.array([[[1, 0, 0, 0, 0, 0]], [[255, 255, 255, 0, 0, 0]]], dtype=np.uint8)
    mask = write(tmp_path / "cloud.tif", cloud, colorinterp=[ColorInterp.gray, ColorInterp.alpha])
    rows = {row.class_: row for row in run_scenes(scene, inputs={"cloud": {"path": str(mask)} | values}).rows}
    assert (rows["cloud"].n_pixels, rows["water"].n_pixels, rows["unobserved"].n_pixels) == (1, 2, 3)
