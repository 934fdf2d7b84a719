"""The share of ice in every pixel: its sum, its inputs, and when a run writes, keeps and removes it."""

from __future__ import annotations

import csv
import json
from xml.etree import ElementTree

import geopandas
import numpy as np
import pytest
import rasterio
from affine import Affine
from pystac.validation import validate_dict
from rio_cogeo.cogeo import cog_validate
from shapely.geometry import box

from icepipe.classes import SEEN, ClassCode
from icepipe.geo.geobox import Block, GeoBox
from icepipe.geo.pixel_area import PixelArea
from icepipe.publish.run_folder.manifest import write_manifest
from icepipe.publish.run_folder.record import last_record, rewrite_record
from icepipe.publish.run_folder.verify import find_faults
from icepipe.workflow import update_observations
from tests.rasters import GROUND, ICE, TRANSFORM, WATER, write
from tests.stac_schemas import validator

FORKED = True

DAY = "2024-07-01"


def floes(seed=0, side=96):
    """A picture of round floes and an island in water, drawn at four times the resolution; a corner was not seen."""
    draw, fine = np.random.default_rng(seed), 4 * side
    y, x = np.mgrid[:fine, :fine]
    pixels = np.full((fine, fine, 3), WATER, dtype=float)
    for colour, count, sizes in ((ICE, 60, (3, 30)), (GROUND, 1, (50, 51))):
        for _ in range(count):
            row, col, size = *draw.integers(0, fine, 2), draw.integers(*sizes)
            pixels[(y - row) ** 2 + (x - col) ** 2 < size**2] = colour
    means = pixels.reshape(side, 4, side, 4, 3).mean(axis=(1, 3)) + draw.normal(0, 1, (side, side, 3))
    bands = np.clip(np.rint(means), 1, 255).astype(np.uint8).transpose(2, 0, 1)
    bands[:, :20, :30] = 0
    return bands


@pytest.fixture
def scene(tmp_path):
    return write(tmp_path / "tiles" / "x_20240701.tif", floes(), nodata=0)


def paths_of(folder, day=DAY):
    found = folder / "observations" / day
    return found / f"test_{day}_fraction.tif", found / f"test_{day}_classes.tif"


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read(1)


def ice_km2(path):
    """Sum of the true area of every pixel by its percent."""
    with rasterio.open(path) as dataset:
        percent = dataset.read(1)
        grid = GeoBox(dataset.crs.to_wkt(), dataset.transform, dataset.width, dataset.height)
    area = PixelArea.of(grid)
    m2 = area.units(Block(0, 0, *percent.shape)) * area.unit_m2
    return float((m2 * np.where(percent == 255, 0, percent / 100.0)).sum() / 1e6), float(m2[percent <= 100].sum() / 1e6)


def row_of(result, class_="ice", day=DAY):
    return next(row for row in result.rows if (row.class_, row.date) == (class_, day))


def test_the_command_writes_a_concentration_map_that_adds_up_to_the_surface(icepipe, scene, tmp_path):
    config = {"name": "test", "inputs": {"scenes": str(scene)}, "publish": {"folder": "out", "fraction": True}}
    (tmp_path / "c.yaml").write_text(json.dumps(config))
    done = icepipe("run", "c.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "out/test"
    path, classes = paths_of(folder)
    assert cog_validate(path, strict=True) == (True, [], [])
    with rasterio.open(path) as fraction, rasterio.open(classes) as codes:
        assert (fraction.shape, fraction.transform, fraction.crs) == (codes.shape, codes.transform, codes.crs)
        assert (fraction.nodata, fraction.units, fraction.dtypes) == (255, ("%",), ("uint8",))
        percent, code = fraction.read(1), codes.read(1)
    assert np.array_equal(percent == 255, ~np.isin(code, SEEN))
    assert np.array_equal(percent == 255, (floes() == 0).all(axis=0))
    assert np.unique(percent[percent < 255])[[0, -1]].tolist() == [0, 100]
    mixed = (percent > 0) & (percent < 100)
    assert mixed.mean() > 0.03
    # The map holds what the class raster cannot: ice in pixels that are named water, and water in those named ice.
    assert {ClassCode.ICE, ClassCode.WATER} <= set(code[mixed].tolist())
    rows = [row for row in csv.DictReader((folder / "series.csv").read_text().splitlines()) if row["class"] == "ice"]
    (surface, pixels) = (float(rows[0][column]) for column in ("weighted_km2", "area_km2"))
    km2, seen_km2 = ice_km2(path)
    assert km2 == pytest.approx(surface, abs=0.005 * seen_km2)
    # Errors of rounding cancel out, so that the sum is far nearer to the surface than to the area of the pixels.
    assert abs(km2 - surface) < 0.05 * abs(pixels - surface)
    assert icepipe("verify", "out/test", cwd=tmp_path).returncode == 0


def test_stac_and_the_qgis_project_have_the_map(run_scenes, scene):
    folder = run_scenes(scene, publish={"fraction": True}).folder
    path, _ = paths_of(folder)
    item = json.loads((path.parent / f"test_{DAY}.json").read_text())
    assert validate_dict(item, validator=validator())
    classes, fraction = item["assets"]["classes.tif"], item["assets"]["fraction.tif"]
    assert item["assets"]["fraction.qml"]["roles"] == ["style"]
    assert [fraction[name] for name in ("proj:shape", "proj:transform", "type")] == [
        classes[name] for name in ("proj:shape", "proj:transform", "type")
    ]
    (band,) = fraction["bands"]
    side = classes["bands"][0]["raster:spatial_resolution"]
    assert band == {
        "name": "ice fraction",
        "data_type": "uint8",
        "nodata": 255,
        "unit": "%",
        "raster:sampling": "area",
        "raster:spatial_resolution": side,
    }
    project = ElementTree.parse(folder / "test.qgs").getroot()
    layers = {layer.findtext("layername"): layer for layer in project.iter("maplayer")}
    layer = layers[f"ice fraction {DAY}"]
    assert layer.findtext("datasource") == f"./{path.relative_to(folder).as_posix()}"
    assert layer.find("pipe/rasterrenderer").get("type") == "singlebandpseudocolor"
    ticked = {entry.get("name"): entry.get("checked") for entry in project.iter("layer-tree-layer")}
    assert ticked[f"ice fraction {DAY}"] == "Qt::Unchecked"
    order = list(ticked)
    assert order.index(f"water {DAY}") < order.index(f"ice fraction {DAY}") < order.index(f"classes {DAY}")


def test_no_file_is_written_by_default(run_scenes, scene):
    folder = run_scenes(scene).folder
    assert not list(folder.rglob("*fraction*"))
    assert "fraction.tif" not in json.loads((paths_of(folder)[0].parent / f"test_{DAY}.json").read_text())["assets"]


def test_check_counts_the_map_in_the_size_of_the_output(icepipe, tmp_path):
    write(tmp_path / "x_20240701.tif", np.full((3, 1000, 1000), 200, dtype=np.uint8), compress="deflate")
    (tmp_path / "c.yaml").write_text(json.dumps({"name": "test", "inputs": {"scenes": "x_*.tif"}}))
    for options, megabytes in (([], "1.5"), (["--set", "publish.fraction=true"], "2.2")):
        line = next(x for x in icepipe("check", tmp_path / "c.yaml", *options).stdout.splitlines() if "output" in x)
        assert f" {megabytes} MB of output" in line


CONCENTRATION = {"0..150": "water", "150..1000": "ice", "2510": "ice", "2530": "land", "2550": "unobserved"}


@pytest.fixture
def stored(tmp_path):
    """Concentrations in 1/1000 with a pole hole, land and a gap."""
    numbers = np.random.default_rng(3).integers(0, 1001, (40, 50)).astype(np.int16)
    numbers[:4, :4], numbers[10:20, 30:], numbers[30:, :7] = 2510, 2530, 2550
    write(tmp_path / "x_20240701.tif", numbers[None])
    return numbers


@pytest.mark.parametrize("min_patch_m2", [0, 300_000])
def test_concentrations_are_those_of_the_input(run_scenes, tmp_path, stored, min_patch_m2):
    inputs = {"sensor": "classes", "classes": CONCENTRATION | {"weight": 0.001}}
    measure = {"min_patch_m2": min_patch_m2}
    result = run_scenes(tmp_path / "x_*.tif", inputs=inputs, measure=measure, publish={"fraction": True})
    path, classes = paths_of(result.folder)
    is_ice, has_number = read(classes) == ClassCode.ICE, (stored >= 150) & (stored <= 1000)
    expected = np.where(is_ice, np.where(has_number, (stored + 5) // 10, 255), 0)
    expected[np.isin(read(classes), (ClassCode.LAND, ClassCode.UNOBSERVED))] = 255
    assert np.array_equal(read(path), expected)
    km2, seen_km2 = ice_km2(path)
    assert km2 == pytest.approx(row_of(result).weighted_km2, abs=0.005 * seen_km2)
    assert km2 == pytest.approx(row_of(result).weighted_km2, rel=1e-3)
    assert ((stored < 150) & is_ice).any() == bool(min_patch_m2)
    assert list(find_faults(result.folder)) == []


def test_class_rasters_without_concentrations_are_all_ice_or_none(run_scenes, tmp_path):
    write(tmp_path / "x_20240701.tif", np.array([[[1, 1, 0, 3], [0, 1, 9, 8]]], dtype=np.uint8))
    values = {"0": "water", "1": "ice", "3": "other", "8": "land", "9": "unobserved"}
    inputs = {"sensor": "classes", "classes": values}
    result = run_scenes(tmp_path / "x_*.tif", inputs=inputs, publish={"fraction": True})
    path, _ = paths_of(result.folder)
    assert read(path).tolist() == [[100, 100, 0, 0], [0, 100, 255, 255]]
    assert ice_km2(path)[0] == pytest.approx(row_of(result).area_km2, rel=1e-12)
    assert list(find_faults(result.folder)) == []


def test_the_sieve_moves_whole_pixels_and_the_sum_stays_that_of_the_surface(run_scenes, scene):
    sieved = {"min_patch_m2": 4_000_000}
    results = [
        run_scenes(scene, name=name, publish={"fraction": True}, measure=measure)
        for name, measure in (("test", {}), ("sieved", sieved))
    ]
    before, after = (result.folder / "observations" / DAY for result in results)
    plain, merged = read(before / f"test_{DAY}_fraction.tif"), read(after / f"sieved_{DAY}_fraction.tif")
    codes, moved_codes = read(before / f"test_{DAY}_classes.tif"), read(after / f"sieved_{DAY}_classes.tif")
    moved = codes != moved_codes
    assert moved.sum() > 20
    assert np.array_equal(plain[~moved], merged[~moved])
    # A patch takes the class of its surroundings as a whole.
    assert set(merged[moved].tolist()) <= {0, 100}
    km2, seen_km2 = ice_km2(after / f"sieved_{DAY}_fraction.tif")
    assert km2 == pytest.approx(row_of(results[1]).weighted_km2, abs=0.005 * seen_km2)
    assert list(find_faults(results[1].folder)) == []


@pytest.mark.parametrize("measure", [{}, {"min_patch_m2": 4_000_000}], ids=["plain", "sieved"])
def test_the_map_is_the_same_bytes_whatever_blocks_workers_and_tiles(run_scenes, scene, tmp_path, measure):
    pixels = floes()
    for number, (row, col) in enumerate(((0, 0), (0, 50), (40, 0), (40, 50))):
        part, transform = pixels[:, row : row + 56, col : col + 50], TRANSFORM @ Affine.translation(col, row)
        write(tmp_path / "cut" / f"x{number}_20240701.tif", part, transform=transform, nodata=0)
    files = set()
    for label, scenes, batch in (
        ("whole", scene, {}),
        ("small", scene, {"block": 16}),
        ("odd", scene, {"block": 37, "workers": 4}),
        ("cut", tmp_path / "cut", {"block": 40, "workers": 2}),
    ):
        publish = {"folder": str(tmp_path / label), "fraction": True}
        segment = {"sample": 5000}
        folder = run_scenes(scenes, publish=publish, batch=batch, measure=measure, segment=segment).folder
        files.add(paths_of(folder)[0].read_bytes())
    assert len(files) == 1


def test_turning_the_map_on_makes_it_for_existing_dates_and_turning_it_off_removes_it(
    run_scenes, scene, tmp_path, monkeypatch
):
    write(tmp_path / "tiles" / "x_20240703.tif", floes(1), nodata=0)
    tiles = scene.parent
    before = run_scenes(tiles)
    untouched = {path.name: path.read_bytes() for path in paths_of(before.folder)[0].parent.iterdir()}
    on = run_scenes(tiles, publish={"fraction": True})
    assert [paths_of(on.folder, day)[0].is_file() for day in (DAY, "2024-07-03")] == [True, True]
    assert on.rows == before.rows
    assert not (on.folder / "history.csv").exists()
    path, _ = paths_of(on.folder)
    made, data = path.stat().st_mtime_ns, path.read_bytes()
    run_scenes(tiles, publish={"fraction": True})
    assert path.stat().st_mtime_ns == made

    def fail(*_):
        raise AssertionError("pixels are classified again")

    monkeypatch.setattr(update_observations, "process_observation", fail)
    # Other polygons leave the map as it is.
    run_scenes(tiles, publish={"fraction": True, "polygons": {"format": "flatgeobuf"}})
    assert path.read_bytes() == data
    assert (path.parent / f"test_{DAY}_ice.fgb").is_file()
    off = run_scenes(tiles)
    assert off.rows == before.rows
    assert not list(off.folder.rglob("*fraction*"))
    assert {found.name: found.read_bytes() for found in path.parent.iterdir()} == untouched
    assert list(find_faults(off.folder)) == []


def test_a_date_whose_file_is_gone_keeps_its_row_when_the_map_is_turned_on(run_scenes, scene, tmp_path):
    later = write(tmp_path / "tiles" / "x_20240703.tif", floes(1), nodata=0)
    before = run_scenes(scene.parent)
    later.unlink()
    after = run_scenes(scene.parent, publish={"fraction": True})
    assert after.rows == before.rows
    assert [paths_of(after.folder, day)[0].is_file() for day in (DAY, "2024-07-03")] == [True, False]


def change_pixels(path, change):
    with rasterio.open(path) as dataset:
        profile, pixels = dataset.profile, dataset.read(1)
    change(pixels)
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(pixels, 1)


def accept(folder, day=DAY):
    """Make records and manifest say that the files are as they were written."""
    observation = folder / "observations" / day
    record = last_record(observation)
    record = rewrite_record(observation, record, record.made, record.remarks)
    write_manifest(folder, {day: record})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda p: p.__setitem__((40, 40), 101), "1 pixels are neither a percent nor 255"),
        (lambda p: p.__setitem__((slice(0, 2), 0), 0), "2 pixels that were not seen have a share of ice"),
        (lambda p: p.__setitem__((50, 50), 255), "1 pixels that were seen have no share of ice"),
        (lambda p: p.__setitem__(slice(60, None), 100), "km2 of ice in test, and the table says"),
    ],
    ids=["no percent", "unseen", "missing", "sum"],
)
def test_verify_finds_a_map_that_disagrees_with_classes_or_table(run_scenes, scene, change, sentence):
    folder = run_scenes(scene, publish={"fraction": True}).folder
    path, _ = paths_of(folder)
    change_pixels(path, change)
    accept(folder)
    faults = list(find_faults(folder))
    assert len(faults) == 1
    assert faults[0].startswith(f"{path}: ")
    assert sentence in faults[0]


def test_verify_finds_a_map_on_another_grid(run_scenes, scene):
    folder = run_scenes(scene, publish={"fraction": True}).folder
    path, _ = paths_of(folder)
    with rasterio.open(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as dataset:
        dataset.transform = TRANSFORM @ Affine.translation(1, 0)
    accept(folder)
    assert list(find_faults(folder)) == [
        f"{path}: has another grid or nodata value than test_{DAY}_classes.tif",
    ]


def test_verify_compares_every_region(run_scenes, scene, tmp_path):
    west, north = TRANSFORM.c, TRANSFORM.f
    halves = [box(west, north - 24_000, west + 12_000, north), box(west + 12_000, north - 24_000, west + 24_000, north)]
    geopandas.GeoDataFrame({"name": ["left", "right"]}, geometry=halves, crs=3413).to_file(tmp_path / "r.gpkg")
    result = run_scenes(scene, inputs={"regions": str(tmp_path / "r.gpkg")}, publish={"fraction": True})
    assert {row.region for row in result.rows} == {"left", "right"}
    assert list(find_faults(result.folder)) == []
    path, _ = paths_of(result.folder)
    change_pixels(path, lambda pixels: pixels.__setitem__((slice(None), slice(60, None)), 100))
    accept(result.folder)
    (fault,) = find_faults(result.folder)
    assert "km2 of ice in right, and the table says" in fault
