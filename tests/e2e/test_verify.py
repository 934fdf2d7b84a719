"""What a run left is what stands there: every bit, the budget, polygons = raster = table; and what is told of it."""

from __future__ import annotations

import json
import random

import geopandas
import pyarrow.parquet as pq
import pytest
from shapely.geometry import box

from icepipe.errors import IntegrityError
from icepipe.publish.run_folder.manifest import run_files, write_manifest
from icepipe.publish.run_folder.paths import NOT_OUTPUTS, RunPaths
from icepipe.publish.run_folder.record import last_record
from icepipe.publish.run_folder.verify import changed_files, find_faults
from icepipe.storage.fingerprint import fingerprint
from tests.rasters import TRANSFORM, paint, write

FORKED = True

FLIPS, SEED = 500, 20240701


@pytest.fixture
def folder(run_scenes, tmp_path):
    write(tmp_path / "x_20240701.tif", paint(["iiww", "igww", "wwww"]))
    write(tmp_path / "x_20240703.tif", paint(["iwww", "wgww", "wwww"]))
    return run_scenes(tmp_path / "*.tif", segment={"k": "elbow"}).folder


def test_nothing_is_wrong_with_a_fresh_run(folder):
    assert list(find_faults(folder)) == []


@pytest.mark.parametrize("fit", ["run", "observation", "scene"])
def test_every_file_that_a_run_leaves_is_in_the_table_of_outputs(run_scenes, tmp_path, fit):
    for name in ("a_20240701", "b_20240701", "a_20240703", "a_20240705"):
        write(tmp_path / f"{name}.tif", paint(["iiww", "igww", "wwww"]))
    run_scenes(tmp_path / "a_*.tif", segment={"k": "elbow", "fit": fit})
    formats = ["shapefile", "geopackage", "geoparquet", "flatgeobuf"]
    publish = {"polygons": {"format": formats, "classes": ["ice", "water", "other"]}, "change": True, "report": True}
    sections = {"segment": {"k": "elbow", "fit": fit}, "measure": {"alerts": {"class": "ice", "under_km2": 1}}}
    folder = run_scenes(tmp_path / "*.tif", publish=publish, **sections).folder
    run, folders = RunPaths(folder, "test"), {}
    for key in ("2024-07-01", "2024-07-03", "2024-07-05"):
        folders[run.observation(key).folder] = [run.observation(key)]
    folders[run.change] = [run.pair("2024-07-01", "2024-07-03"), run.pair("2024-07-03", "2024-07-05")]
    left = [path for path in folder.rglob("*") if path.is_file() and path.name not in NOT_OUTPUTS]
    rows = set()
    for path in left:
        place = path.relative_to(folder).as_posix()
        found = [*(one.find_row(path.name) for one in folders.get(path.parent, [])), run.find_row(place)]
        assert any(found), path
        rows |= set(found)
    has_own_models = [run.observation("2024-07-01").for_scene(1).model.exists(), run.model.exists()]
    assert has_own_models == {"run": [False, True], "observation": [False, False], "scene": [True, False]}[fit]
    assert rows >= set(RunPaths.rows()) - ({RunPaths.model, RunPaths.k_curve} if fit != "run" else set())


def test_every_flipped_bit_is_found_and_its_file_named(folder):
    """500 single bits in files drawn at random, the manifest among them."""
    draw = random.Random(SEED)
    paths = [*run_files(folder).values(), folder / "manifest.json"]
    found = 0
    for _ in range(FLIPS):
        path = draw.choice(paths)
        data = path.read_bytes()
        place = draw.randrange(len(data))
        path.write_bytes(data[:place] + bytes([data[place] ^ 1 << draw.randrange(8)]) + data[place + 1 :])
        try:
            found += list(changed_files(folder)) == [f"{path}: its bytes have changed"]
        except IntegrityError as error:
            found += str(path) in str(error)
        path.write_bytes(data)
    print(f"{found} of {FLIPS} single-bit flips found, seed {SEED}")
    assert found == FLIPS


def test_missing_and_added_files_are_told(folder):
    (folder / "series.csv").unlink()
    (folder / "notes.txt").write_text("mine")
    assert list(changed_files(folder)) == [
        f"{folder / 'series.csv'}: is missing",
        f"{folder / 'notes.txt'}: is not a file of this run",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"n_pixels": 3', '"n_pixels": 4'),
        ('"area_km2": ', '"area_km2": 1'),
        ('"weighted_km2": ', '"weighted_km2": 1'),
        ('"weighted_est_km2": ', '"weighted_est_km2": 1'),
    ],
)
def test_a_table_that_does_not_agree_is_found_even_where_the_manifest_was_made_to_fit(folder, old, new):
    path = folder / "observations/2024-07-01/record.json"
    path.write_text(path.read_text().replace(old, new, 1))
    records = {key: last_record(folder / "observations" / key) for key in ("2024-07-01", "2024-07-03")}
    write_manifest(folder, records)
    assert list(find_faults(folder))


@pytest.mark.parametrize("region", ["left", "all", "off"])
def test_a_number_of_any_of_several_regions_is_held_against_the_raster(run_scenes, tmp_path, region):
    write(tmp_path / "x_20240701.tif", paint(["iiww", "igww", "wwwi"]))
    left, top, side = TRANSFORM.c, TRANSFORM.f, TRANSFORM.a
    boxes = {
        "left": box(left, top - 3 * side, left + side, top),
        "all": box(left, top - 3 * side, left + 4 * side, top),
        "off": box(left + 90 * side, top, left + 91 * side, top + side),
    }
    outlines = tmp_path / "regions.geojson"
    geopandas.GeoDataFrame({"name": list(boxes)}, geometry=list(boxes.values()), crs=3413).to_file(outlines)
    folder = run_scenes(tmp_path / "*.tif", inputs={"regions": str(outlines)}).folder
    assert list(find_faults(folder)) == []
    path = folder / "observations/2024-07-01/record.json"
    document = json.loads(path.read_text())
    row = next(row for row in document["rows"] if (row["region"], row["class_"]) == (region, "ice"))
    row["n_pixels"] = (row["n_pixels"] or 0) + 1
    path.write_text(json.dumps(document))
    write_manifest(folder, {"2024-07-01": last_record(path.parent)})
    (fault,) = find_faults(folder)
    assert f"pixels of ice in {region}, and the table says" in fault


@pytest.mark.parametrize("form", ["geoparquet", "flatgeobuf"])
def test_polygons_that_lack_one_are_found_even_where_the_manifest_was_made_to_fit(run_scenes, tmp_path, form):
    write(tmp_path / "x_20240701.tif", paint(["iiww", "igww", "wwwi"]))
    folder = run_scenes(tmp_path / "*.tif", publish={"polygons": {"format": form}}).folder
    assert list(find_faults(folder)) == []
    place = folder / "observations/2024-07-01"
    path = next(path for path in place.glob("*_ice.*") if path.suffix in {".parquet", ".fgb"})
    before = {part: fingerprint(part) for part in place.glob(f"{path.stem}.*")}
    if path.suffix == ".parquet":
        pq.write_table(pq.read_table(path).slice(1), path)
    else:
        geopandas.read_file(path)[1:].to_file(path)
    record = (place / "record.json").read_text()
    for part, old in before.items():
        record = record.replace(old, fingerprint(part))
    (place / "record.json").write_text(record)
    write_manifest(folder, {"2024-07-01": last_record(place)})
    faults = list(find_faults(folder))
    assert any(line.startswith(f"{path}: holds") for line in faults), faults


def test_the_commands(icepipe, folder):
    assert "files are unchanged" in icepipe("verify", folder).stdout
    assert "2024-07-01  done: ice" in icepipe("status", folder).stdout
    (folder / "observations/2024-07-01/explain.json").write_text("{}")
    done = icepipe("verify", folder)
    assert done.returncode == 6
    assert "explain.json: its bytes have changed" in done.stdout
    assert icepipe("verify", folder.parent / "none").returncode == 2


def test_what_no_series_needs_is_pruned(icepipe, folder, run_scenes, tmp_path):
    (tmp_path / "x_20240703.tif").unlink()
    run_scenes(tmp_path / "*.tif", segment={"k": 4})
    assert "2024-07-03  stale" in icepipe("status", folder).stdout
    assert icepipe("prune", folder).stdout == "1 observation(s) removed: 2024-07-03\n"
    assert icepipe("verify", folder).returncode == 0
    assert json.loads((folder / "run.json").read_text())["observations"].keys() == {"2024-07-01"}
