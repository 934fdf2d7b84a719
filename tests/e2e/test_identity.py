"""The same bytes from the same scenes, however they are cut, listed, spread over workers or interrupted by reruns."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from tests.rasters import GROUND, ICE, WATER, write

FORKED = True

SIDE = 128
T = Affine(250, 0, -650_000, 0, -250, -1_350_000)


def picture(seed=0):
    """Blobs of ice, thin ice and ground in water, with noise and a few holes."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE]
    pixels = np.empty((SIDE, SIDE, 3))
    pixels[:] = WATER
    for _ in range(25):
        row, col, size = *rng.integers(0, SIDE, 2), rng.integers(4, 20)
        colour = [ICE, (105, 107, 110), GROUND][rng.integers(3)]
        pixels[(y - row) ** 2 + (x - col) ** 2 < size**2] = colour
    pixels = np.clip(np.rint(pixels + rng.normal(0, 3, pixels.shape)), 1, 255).astype(np.uint8).transpose(2, 0, 1)
    pixels[:, :9, :5] = 0
    return pixels


def cut(folder, pixels, boxes, day="20240701"):
    """Tiles of a picture; boxes are (row, column, height, width)."""
    for number, (row, col, height, width) in enumerate(boxes):
        part = pixels[:, row : row + height, col : col + width]
        write(folder / f"t{number:02d}_{day}.tif", part, transform=T @ Affine.translation(col, row), nodata=0)
    return folder


WHOLE = [(0, 0, SIDE, SIDE)]
FOUR = [(r, c, 80, 80) for r in (0, 48) for c in (0, 48)]
MANY = [(r, c, 16, 16) for r in range(0, SIDE, 16) for c in range(0, SIDE, 16)]


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every published file but those that tell of the input files themselves, and the collection of their checksums."""
    skip = {
        "record.json",
        "report.html",
        "run.json",
        "series.csv",
        "series.parquet",
        "collection.json",
        "manifest.json",
        "ledger.sqlite",
    }
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.name not in skip
    }


def rows_without_counts(result):
    return [{k: v for k, v in vars(row).items() if k != "n_scenes"} for row in result.rows]


@pytest.fixture
def runs(run_scenes, tmp_path):
    """Run a folder of tiles into an output of its own; give bytes and rows."""

    def call(tiles, label, **sections):
        result = run_scenes(tiles, publish={"folder": str(tmp_path / label)}, segment={"sample": 5000}, **sections)
        return bytes_of(result.folder), rows_without_counts(result)

    return call


def assert_same(one, other):
    assert one[1] == other[1]
    assert one[0].keys() == other[0].keys()
    for name, data in one[0].items():
        assert data == other[0][name], name


@pytest.mark.parametrize("boxes", [FOUR, MANY], ids=["four overlapping", "64 touching"])
def test_however_a_scene_is_cut(runs, tmp_path, boxes):
    pixels = picture()
    whole = runs(cut(tmp_path / "whole", pixels, WHOLE), "a")
    assert_same(whole, runs(cut(tmp_path / "cut", pixels, boxes), "b"))


@pytest.mark.parametrize(
    "batch", [{"block": 16}, {"block": 50}, {"block": 1000}, {"workers": 1}, {"workers": 4}], ids=str
)
def test_whatever_blocks_and_workers(runs, tmp_path, batch):
    tiles = cut(tmp_path / "tiles", picture(), FOUR)
    for day in ("20240702", "20240703"):
        cut(tiles, picture(int(day) % 10), FOUR, day)
    assert_same(runs(tiles, "a"), runs(tiles, "b", batch=batch))


def test_whatever_the_listing_order(runs, tmp_path):
    tiles = sorted(cut(tmp_path / "tiles", picture(), FOUR).iterdir())
    assert_same(runs(tiles, "a"), runs(tiles[::-1], "b"))


def test_a_rerun_does_nothing_and_force_does_everything_to_the_same_bytes(icepipe, tmp_path):
    cut(tmp_path / "tiles", picture(), FOUR)
    config = tmp_path / "c.yaml"
    config.write_text(json.dumps({"name": "bay", "inputs": {"scenes": "tiles"}, "publish": {"folder": "out"}}))
    outcomes = []
    for options in ([], [], ["--force"], ["--workers", "2", "--force"]):
        done = icepipe("run", config, *options)
        assert done.returncode == 0, done.stderr
        outcomes.append(({p: p.read_bytes() for p in (tmp_path / "out").rglob("[!.l]*") if p.is_file()}, done.stdout))
    assert "1 observation(s) were up to date" in outcomes[1][1]
    assert all("up to date" not in said for _, said in (outcomes[0], *outcomes[2:]))
    assert all(files == outcomes[0][0] for files, _ in outcomes)


def test_a_damaged_output_is_made_again(run_scenes, tmp_path):
    tiles = cut(tmp_path / "tiles", picture(), WHOLE)
    first = run_scenes(tiles)
    target = first.folder / "observations/2024-07-01/test_2024-07-01_ice.dbf"
    good = target.read_bytes()
    target.write_bytes(good[:-3])
    run_scenes(tiles)
    assert target.read_bytes() == good


def test_new_bytes_under_an_old_name_are_noticed(run_scenes, tmp_path):
    tiles = cut(tmp_path / "tiles", picture(), WHOLE)
    before = run_scenes(tiles)
    cut(tiles, picture(1), WHOLE)
    after = run_scenes(tiles)
    assert [r.area_km2 for r in before.rows] != [r.area_km2 for r in after.rows]
    assert before.model == after.model


def test_the_first_run_freezes_region_grid_and_model(run_scenes, tmp_path):
    tiles = cut(tmp_path / "tiles", picture(), WHOLE)
    first = run_scenes(tiles)
    late = tmp_path / "tiles" / "late_20240702.tif"
    write(late, picture(3), transform=T @ Affine.translation(64, 0), nodata=0)
    second = run_scenes(tiles)
    assert second.rows[: len(first.rows)] == first.rows
    assert second.model == first.model
    assert {row.region_km2 for row in second.rows} == {first.rows[0].region_km2}
    (note,) = [note for note in second.notes if "outside" in note]
    assert "late_20240702.tif" in note
    ice = next(row for row in second.rows if row.date == "2024-07-02" and row.class_ == "ice")
    assert ice.valid_fraction == pytest.approx(0.5, abs=0.01)
    assert "partly_seen" in ice.flags


def test_rebase_and_changed_settings_make_a_new_basis(icepipe, tmp_path):
    cut(tmp_path / "tiles", picture(), WHOLE)
    config = tmp_path / "c.yaml"
    config.write_text(json.dumps({"name": "bay", "inputs": {"scenes": "tiles"}, "publish": {"folder": "out"}}))
    basis = tmp_path / "out/bay/basis.json"
    icepipe("run", config)
    first = basis.read_bytes()
    write(tmp_path / "tiles/late_20240702.tif", picture(3), transform=T @ Affine.translation(64, 0), nodata=0)
    icepipe("run", config)
    assert basis.read_bytes() == first
    assert icepipe("run", config, "--rebase").returncode == 0
    wider = json.loads(basis.read_bytes())
    assert wider["width"] == SIDE + 64
    assert icepipe("run", config, "--set", "segment.k=4").returncode == 0
    assert json.loads(basis.read_bytes())["model"]["k_asked"] == 4
    basis.write_text("{}")
    refused = icepipe("run", config)
    assert refused.returncode == 2
    assert "--rebase" in refused.stderr


def test_only_works_on_the_dates_asked_for(icepipe, tmp_path):
    tiles = cut(tmp_path / "tiles", picture(), WHOLE)
    cut(tiles, picture(1), WHOLE, "20240702")
    config = tmp_path / "c.yaml"
    config.write_text(json.dumps({"name": "bay", "inputs": {"scenes": "tiles"}, "publish": {"folder": "out"}}))
    done = icepipe("run", config, "--only", "2024-07-02", "--json")
    assert {row["date"] for row in json.loads(done.stdout.splitlines()[-1])["rows"]} == {"2024-07-02"}
    done = icepipe("run", config, "--only", "2024-07-01", "--json")
    assert {row["date"] for row in json.loads(done.stdout.splitlines()[-1])["rows"]} == {"2024-07-01", "2024-07-02"}
    assert icepipe("run", config, "--only", "1999-01-01").returncode == 2


def prefer_setup(tmp_path):
    """Three scenes of one day: water, ice, ice; the second has the least nodata."""
    folder = tmp_path / "day"
    colours = (("0900", WATER, 3), ("1000", ICE, 1), ("1100", ICE, 2))
    for time, colour, hole in colours:
        pixels = np.empty((3, 10, 10), np.uint8)
        pixels[:] = np.array(colour)[:, None, None]
        pixels[:, :hole, 0] = 0
        write(folder / f"x_20240701T{time}.tif", pixels, nodata=0)
    return folder


@pytest.mark.parametrize(
    ("prefer", "ice", "water"), [("first", 3, 97), ("latest", 100, 0), ("clearest", 100, 0), ("mode", 100, 0)]
)
def test_which_scene_wins(run_scenes, tmp_path, prefer, ice, water):
    result = run_scenes(prefer_setup(tmp_path), measure={"prefer": prefer})
    counts = {row.class_: row.n_pixels for row in result.rows}
    assert counts["ice"] + counts["water"] == 99
    assert (counts["ice"], counts["water"]) == pytest.approx((ice, water), abs=3)
    assert {row.prefer for row in result.rows} == {prefer}
    assert any("counted once" in note for note in result.notes)


def test_cloud_in_one_scene_is_filled_by_another(run_scenes, tmp_path):
    folder = tmp_path / "day"
    shape = (3, 4, 4)
    for name, colour in (("a", WATER), ("b", ICE)):
        write(folder / f"{name}_20240701.tif", np.broadcast_to(np.array(colour, np.uint8)[:, None, None], shape))
    cloud = {"a": np.zeros((1, 4, 4), np.uint8), "b": np.zeros((1, 4, 4), np.uint8)}
    cloud["a"][:, :2] = 1
    cloud["b"][:, :1] = 1
    for name, mask in cloud.items():
        write(tmp_path / "masks" / f"{name}_20240701_cloud.tif", mask)
    result = run_scenes(folder, inputs={"cloud": {"path": str(tmp_path / "masks/{stem}_cloud.tif"), "values": [1]}})
    counts = {row.class_: row.n_pixels for row in result.rows}
    assert (counts["cloud"], counts["ice"], counts["water"], counts["unobserved"]) == (4, 4, 8, 0)


def test_a_scene_without_its_mask_is_an_error_and_masks_are_no_scenes(run_scenes, tmp_path):
    folder = tmp_path / "tiles"
    for day in ("20240701", "20240702"):
        write(folder / f"x_{day}.tif", picture())
        write(folder / f"x_{day}_cloud.tif", np.zeros((1, SIDE, SIDE), np.uint8))
    cloud = {"cloud": {"path": str(folder / "{stem}_cloud.tif")}}
    assert len({row.date for row in run_scenes(folder, inputs=cloud).rows}) == 2
    (folder / "x_20240701_cloud.tif").unlink()
    result = run_scenes(folder, name="again", inputs=cloud)
    assert {row.date for row in result.rows} == {"2024-07-02"}
    assert "cloud mask" in str(result.faults[0])
    assert "x_20240701.tif" in str(result.faults[0])


def test_land_from_raster_and_from_outlines_agree(run_scenes, tmp_path):
    import geopandas
    from shapely.geometry import box

    path = write(tmp_path / "x_20240701.tif", picture())
    land = np.zeros((1, SIDE, SIDE), np.uint8)
    land[:, 20:60, 30:90] = 1
    raster = write(tmp_path / "land.tif", land)
    corners = [T @ (30, 20), T @ (90, 60)]
    outline = geopandas.GeoDataFrame(geometry=[box(*corners[0], *corners[1])], crs=3413).to_crs(4326)
    vector = tmp_path / "land.gpkg"
    outline.to_file(vector)
    results = [run_scenes(path, name=n, inputs={"land": str(p)}) for n, p in (("r", raster), ("v", vector))]
    tables = [{row.class_: row.n_pixels for row in result.rows} for result in results]
    assert tables[0] == tables[1]
    assert tables[0]["land"] == 40 * 60
    assert "land_not_masked" not in results[0].rows[0].flags
    with rasterio.open(results[0].folder / "observations/2024-07-01/r_2024-07-01_classes.tif") as dataset:
        assert np.array_equal(dataset.read(1) == 5, land[0] == 1)


def test_an_observation_of_nothing_is_a_flagged_row(run_scenes, tmp_path):
    folder = cut(tmp_path / "tiles", picture(), WHOLE)
    cut(folder, picture() * 0, WHOLE, "20240702")
    result = run_scenes(folder)
    empty = next(row for row in result.rows if row.date == "2024-07-02" and row.class_ == "ice")
    assert empty.area_km2 is None
    assert "nothing_seen" in empty.flags
    shutil.rmtree(folder)


def test_data_that_moved_away_from_the_model_are_flagged(run_scenes, tmp_path):
    folder = cut(tmp_path / "tiles", picture(), WHOLE)
    cut(folder, picture(4), WHOLE, "20240702")
    assert not any("model_drift" in row.flags for row in run_scenes(folder).rows)
    turned = np.ascontiguousarray(picture(4)[::-1] // 2 + 60)
    cut(folder, turned, WHOLE, "20240703")
    result = run_scenes(folder)
    assert {row.date for row in result.rows if "model_drift" in row.flags} == {"2024-07-03"}
    assert any("farther from the model" in note and "2024-07-03" in note for note in result.notes)


def test_a_copy_of_an_observation_under_another_name_is_not_in_the_series(run_scenes, tmp_path):
    folder = cut(tmp_path / "tiles", picture(), WHOLE)
    cut(folder, picture(4), WHOLE, "20240702")
    first = run_scenes(folder)
    for name in ("2024-07-01 copy", "old"):
        shutil.copytree(first.folder / "observations/2024-07-01", first.folder / "observations" / name)
    again = run_scenes(folder)
    assert again.rows == first.rows
    assert any("left out of the series" in note and "2024-07-01 copy, old" in note for note in again.notes)
