"""Only blocks that files reach are read, and reading more does not change a result."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import geopandas
import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from icepipe.geo import coverage
from icepipe.geo.coverage import covered_columns, covered_window
from icepipe.geo.geobox import Block, GeoBox
from icepipe.geo.pixel_area import PixelArea
from icepipe.geo.resampling import locate_source
from icepipe.publish.run_folder import class_map as mapped
from icepipe.publish.run_folder import record
from tests.rasters import GROUND, ICE, TRANSFORM, WATER, write

POLAR, LONLAT = pyproj.CRS(3413).to_wkt(), pyproj.CRS(4326).to_wkt()
SIDE, TILE = 120, 24
CORNERS = [(0, 0), (0, SIDE - TILE), (SIDE - TILE, 0), (SIDE - TILE, SIDE - TILE)]


def reached_by(source, grid):
    """Rectangle of the grid pixels whose centre is on a source, by locate_source; None if there are none."""
    placement = locate_source(source, grid, Block(0, 0, *grid.shape))
    if placement is None:
        return None
    on = np.zeros(grid.shape, dtype=bool)
    on[placement.target] = True if placement.reached is None else placement.reached
    rows, cols = np.nonzero(on)
    top, left = int(rows.min()), int(cols.min())
    return Block(top, left, int(rows.max()) - top + 1, int(cols.max()) - left + 1)


STEPS = st.one_of(st.integers(-30, 60).map(float), st.floats(-30, 60), st.integers(-60, 120).map(lambda n: n / 2))


def spare(window, read):
    """Pixels on each side of a rectangle beyond those that are read; negative if some are missing."""
    ends = [(block.row + block.height, block.col + block.width) for block in (window, read)]
    return read.row - window.row, read.col - window.col, ends[0][0] - ends[1][0], ends[0][1] - ends[1][1]


@settings(max_examples=300, deadline=None)
@given(
    STEPS,
    STEPS,
    st.sampled_from([1.0, 0.5, 2.0, 1.7, 0.31, 300.0]),
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([0.0, 0.0, 1e-5, -1e-5]),
)
def test_a_rectangle_is_what_is_read(col, row, scale, width, height, sheared):
    """Also for coarse scenes whose shear is small enough to be ignored."""
    grid = GeoBox(POLAR, TRANSFORM, 50, 40)
    at = TRANSFORM @ Affine.translation(col, row) @ Affine.scale(scale) @ Affine(1, sheared * scale, 0, 0, 1, 0)
    source = GeoBox(POLAR, at, width, height)
    window, read = covered_window(source, grid), reached_by(source, grid)
    assert window == read


@settings(max_examples=100, deadline=None)
@given(STEPS, STEPS, st.floats(0, 360), st.booleans())
def test_a_rectangle_of_a_rotated_or_turned_source_holds_what_is_read(col, row, angle, turned):
    grid = GeoBox(LONLAT, Affine(0.1, 0, 179.0, 0, -0.1, 70.0), 50, 40)
    at = grid.transform @ Affine.translation(col, row) @ Affine.rotation(angle)
    source = GeoBox(LONLAT, Affine.translation(-360, 0) @ at if turned else at, 20, 15)
    window, read = covered_window(source, grid), reached_by(source, grid)
    if read:
        assert window
        assert min(spare(window, read)) >= 0


PLACES = {
    "EPSG:32633": (500_000, 8_700_000),
    "EPSG:3413": (0, 0),
    "EPSG:3035": (4_321_000, 5_500_000),
    "EPSG:4326": (179.0, 72.0),
    "+proj=sinu +R=6371007.181 +units=m": (0, 7_900_000),
    "+proj=ortho +lat_0=60 +lon_0=20": (0, 0),
}
"""Coordinate systems, and a point of each; some are near a pole, the antimeridian or the edge of the projection."""


def square_pixels(crs, side_m):
    """Transform of square pixels of about a given size, from the point of a coordinate system."""
    side = side_m * (1 / 111_000 if pyproj.CRS(crs).is_geographic else 1.0)
    return Affine.translation(*PLACES[crs]) @ Affine.scale(side, -side)


@pytest.mark.parametrize("theirs", PLACES)
@pytest.mark.parametrize("ours", PLACES)
@settings(max_examples=12, deadline=None)
@given(
    pixel_m=st.sampled_from([10, 500, 20_000]),
    coarser=st.sampled_from([0.2, 1.0, 7.0]),
    shift=st.tuples(st.floats(-300, 300), st.floats(-300, 300)),
    cells=st.sampled_from([3, 9]),
)
def test_a_rectangle_of_a_source_on_another_map_holds_what_is_read(ours, theirs, pixel_m, coarser, shift, cells):
    grid = GeoBox(pyproj.CRS(ours).to_wkt(), square_pixels(ours, pixel_m) @ Affine.translation(*shift), 150, 130)
    middle = pyproj.Transformer.from_crs(ours, theirs, always_xy=True).transform(*grid.to_map(20.0, 120.0))
    if not np.isfinite(middle).all():
        return
    corner = square_pixels(theirs, pixel_m * coarser)
    at = Affine.translation(middle[0] - corner.c, middle[1] - corner.f) @ corner @ Affine.translation(-30, -20)
    source = GeoBox(pyproj.CRS(theirs).to_wkt(), at, 61, 41)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("icepipe.geo.coverage.MOST_CELLS", cells)
        window, read = coverage.reprojected_window.__wrapped__(source, grid), reached_by(source, grid)
    if read:
        assert window
        assert min(spare(window, read)) >= 0


def test_a_rectangle_on_another_map_is_not_much_larger_than_its_source():
    grid = GeoBox(pyproj.CRS(3035).to_wkt(), Affine(10, 0, 4_321_000, 0, -10, 3_210_000), 4_000, 3_000)
    middle = pyproj.Transformer.from_crs(3035, 32633, always_xy=True).transform(*grid.to_map(1_000.0, 1_800.0))
    source = GeoBox(pyproj.CRS(32633).to_wkt(), Affine(10, 0, middle[0], 0, -10, middle[1]), 400, 400)
    window, read = covered_window(source, grid), reached_by(source, grid)
    assert max(spare(window, read)) <= 3 * 32
    far = GeoBox(source.crs, source.transform @ Affine.translation(12_000, 0), 400, 400)
    assert covered_window(far, grid) is None


def test_centres_on_the_border_of_a_scene_that_lies_on_its_side_are_held():
    """Its corners are exact but for rounding, and pixel centres are on its sides."""
    transform = Affine(1 / 3, 0, -650_000.1, 0, -1 / 3, -1_350_000.7)
    grid = GeoBox(POLAR, transform, 60, 60)
    for col, row, angle, scale, width in (
        (45.5, 19.5, 90, 0.1, 45),
        (16.5, 48.5, 90, 0.1, 7),
        (3.5, 7.5, 135, 1 / 3, 8),
    ):
        at = transform @ Affine.translation(col, row) @ Affine.rotation(angle) @ Affine.scale(scale)
        source = GeoBox(POLAR, at, width, 35)
        window, read = covered_window(source, grid), reached_by(source, grid)
        assert window
        assert min(spare(window, read)) >= 0


def test_columns_go_from_the_first_rectangle_to_the_last():
    rectangles = [Block(0, 5, 10, 5), Block(8, 20, 10, 5), Block(30, 0, 5, 90)]
    assert covered_columns(Block(0, 0, 8, 50), rectangles) == Block(0, 5, 8, 5)
    assert covered_columns(Block(8, 0, 2, 50), rectangles) == Block(8, 5, 2, 20)
    assert covered_columns(Block(8, 8, 2, 14), rectangles) == Block(8, 8, 2, 14)
    assert covered_columns(Block(18, 0, 5, 50), rectangles).width == 0


def tiles(folder, n_days=4, classes=False):
    """One tile per day in a corner of a square, and two on the last day."""
    rng = np.random.default_rng(5)
    for day, (col, row) in [*enumerate(CORNERS[:n_days]), (n_days - 1, (40, 50))]:
        ice = rng.random((TILE // 4, TILE // 4)).repeat(4, 0).repeat(4, 1)
        pixels = np.where(ice > 0.5, np.array(ICE)[:, None, None], np.array(WATER)[:, None, None])
        pixels = np.where(ice > 0.8, np.array(GROUND)[:, None, None], pixels) + rng.integers(-4, 5, (3, TILE, TILE))
        if classes:
            pixels = np.where(ice > 0.8, 3, 1 + (ice > 0.5))[None]
        place = TRANSFORM @ Affine.translation(col, row)
        write(folder / f"{col}_2024070{day + 1}.tif", pixels.astype(np.uint8), transform=place)
    return folder


def outlines(path, *boxes):
    shapes = [box(*(TRANSFORM @ (left, bottom)), *(TRANSFORM @ (right, top))) for left, top, right, bottom in boxes]
    geopandas.GeoDataFrame({"name": list("abc")[: len(shapes)]}, geometry=shapes, crs=3413).to_file(path)
    return str(path)


def published(folder):
    """Bytes of the published files, without the ledger and the fields that record the reach of the files."""
    files = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    contents = {name: data for name, data in files.items() if Path(name).name not in {"ledger.sqlite", "manifest.json"}}
    for name in [name for name in contents if name.endswith("record.json")]:
        contents[name] = {key: value for key, value in json.loads(contents[name]).items() if key != "reached"}
    return contents


def asked(case, folder):
    """Settings of a case."""
    if case == "named regions":
        return {
            "inputs": {"regions": outlines(folder / "r.gpkg", (10, 10, 90, 60), (60, 30, 110, 118), (5, 60, 9, 70))}
        }
    if case == "land":
        return {"inputs": {"land": outlines(folder / "land.gpkg", (15, 10, 60, 110), (100, 100, 118, 119))}}
    if case == "a land raster":
        land = np.zeros((1, 30, 30), np.uint8)
        land[:, 5:20, 3:9] = 1
        path = write(folder / "land.tif", land, transform=TRANSFORM @ Affine.translation(10, 10), nodata=255)
        return {"inputs": {"land": str(path)}}
    if case == "small patches and squares":
        return {"measure": {"min_patch_m2": 20 * 250.0**2}, "batch": {"block": 64}}
    if case == "class rasters":
        return {"inputs": {"sensor": "classes", "classes": {"1": "water", "2": "ice", "3": "land"}}}
    return {"segment": {"fit": "observation"}} if case == "models of their own" else {}


CASES = [
    "plain",
    "named regions",
    "land",
    "a land raster",
    "small patches and squares",
    "models of their own",
    "class rasters",
]


@pytest.mark.parametrize("case", CASES)
def test_what_no_file_reaches_is_as_if_it_had_been_looked_at(run_scenes, tmp_path, monkeypatch, case):
    scenes, sections = tiles(tmp_path / "tiles", classes=case == "class rasters"), asked(case, tmp_path)
    everything = lambda _, grid: Block(0, 0, *grid.shape)  # noqa: E731
    with monkeypatch.context() as patched:
        patched.setattr("icepipe.inputs.reading.reader.covered_window", everything)
        whole = published(run_scenes(scenes, name="x", **sections).folder)
    monkeypatch.setattr("icepipe.raster.blocks.BLOCK_PIXELS", 1500)
    monkeypatch.setattr("icepipe.workflow.changes.compare_maps.SIDE_PX", 16)
    (tmp_path / "out").rename(tmp_path / "before")
    result = run_scenes(scenes, name="x", **sections)
    assert published(result.folder) == whole
    assert len(whole) > 20


DAYS = ["2024-07-01", "2024-07-02", "2024-07-03", "2024-07-04"]


def geodesic_km2(col, row):
    """Area of a tile on the ellipsoid, whose sides are straight on the map."""
    shape = box(*(TRANSFORM @ (col, row + TILE)), *(TRANSFORM @ (col + TILE, row)))
    to_degrees = pyproj.Transformer.from_crs(3413, 4326, always_xy=True)
    lon, lat = to_degrees.transform(*shapely.get_coordinates(shapely.segmentize(shape, 100)).T)
    return abs(pyproj.Geod(ellps="WGS84").polygon_area_perimeter(lon, lat)[0]) / 1e6


def test_what_is_not_seen_has_the_geodesic_area_of_the_tiles_of_other_days(run_scenes, tmp_path, monkeypatch):
    monkeypatch.setattr("icepipe.raster.blocks.BLOCK_PIXELS", 1500)
    areas = [geodesic_km2(*at) for at in [*CORNERS, (40, 50)]]
    for row in run_scenes(tiles(tmp_path / "tiles"), name="x").rows:
        assert row.region_km2 == pytest.approx(sum(areas), rel=1e-8)
        if row.class_ == "unobserved":
            day = DAYS.index(row.date)
            seen = areas[day] + (areas[-1] if row.date == DAYS[-1] else 0)
            assert row.area_km2 == pytest.approx(sum(areas) - seen, rel=1e-8)


def transitions(folder, before, after):
    """Numbers of pixels by class before and after, counted in the class rasters."""
    codes = []
    for key in (before, after):
        with rasterio.open(next((folder / "observations" / key).glob("*_classes.tif"))) as dataset:
            codes.append(dataset.read(1).ravel().tolist())
    return {pair: n for pair, n in Counter(zip(*codes, strict=True)).items() if pair != (255, 255)}


def told_transitions(folder, before, after):
    transitions = json.loads((folder / "change" / f"{before}_{after}.json").read_text())["change"]["transitions"]
    return {(row["before"], row["after"]): row["n_pixels"] for row in transitions if row["n_pixels"]}


@pytest.mark.parametrize("then", [{"only": [DAYS[2]]}, {}])
@pytest.mark.parametrize("case", ["named regions", "plain"])
def test_maps_that_were_made_with_other_land_are_compared_as_they_are(run_scenes, tmp_path, monkeypatch, case, then):
    """They stay if only some dates are requested, and if the scene of a date is missing."""
    monkeypatch.setattr("icepipe.workflow.changes.compare_maps.SIDE_PX", 16)
    sections = asked(case, tmp_path)
    sections.setdefault("inputs", {})["land"] = outlines(tmp_path / "land.gpkg", (40, 40, 60, 60))
    run_scenes(tiles(tmp_path / "tiles"), name="x", **sections)
    (tmp_path / "land.gpkg").unlink()
    outlines(tmp_path / "land.gpkg", (30, 40, 90, 85))
    if not then:
        next((tmp_path / "tiles").glob("*_20240702.tif")).unlink()
    folder = run_scenes(tmp_path / "tiles", name="x", **then, **sections).folder
    for before, after in pairwise(DAYS):
        assert told_transitions(folder, before, after) == transitions(folder, before, after)


def test_land_outlines_that_are_gone_are_a_fault_and_not_the_end(run_scenes, tmp_path):
    sections = {"inputs": {"land": outlines(tmp_path / "land.gpkg", (40, 40, 60, 60))}}
    run_scenes(tiles(tmp_path / "tiles"), name="x", **sections)
    (tmp_path / "land.gpkg").unlink()
    result = run_scenes(tmp_path / "tiles", name="x", **sections)
    assert {row.date for row in result.rows} == set(DAYS)
    assert any("land.gpkg" in str(fault) for fault in result.faults)


def test_records_that_do_not_tell_what_was_reached_stand(run_scenes, tmp_path, monkeypatch):
    """So that runs of an earlier version can be continued."""
    monkeypatch.setattr("icepipe.storage.fingerprint.SETTLED_NS", 0)
    tiles(tmp_path / "tiles")
    late = [path.rename(tmp_path / path.name) for path in sorted((tmp_path / "tiles").glob("*_20240704.tif"))]

    text = record.DOCUMENT.text

    def without_extent(value):
        return json.dumps({key: item for key, item in json.loads(text(value)).items() if key != "reached"})

    with monkeypatch.context() as patched:
        patched.setattr(record.DOCUMENT, "text", without_extent)
        folder = run_scenes(tmp_path / "tiles", name="x").folder
    before = {path: path.stat().st_mtime_ns for path in folder.glob("observations/*/record.json")}
    for path in late:
        path.rename(tmp_path / "tiles" / path.name)
    result = run_scenes(tmp_path / "tiles", name="x")
    assert {row.date for row in result.rows} == set(DAYS)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    for first, second in pairwise(DAYS):
        assert told_transitions(folder, first, second) == transitions(folder, first, second)


def test_an_observation_that_lies_beside_the_grid_has_seen_nothing(run_scenes, tmp_path):
    tiles(tmp_path / "tiles", n_days=1)
    run_scenes(tmp_path / "tiles", name="x")
    elsewhere = TRANSFORM @ Affine.translation(1000, 1000)
    write(tmp_path / "tiles/far_20240709.tif", np.full((3, 9, 9), 220, np.uint8), transform=elsewhere)
    rows = [row for row in run_scenes(tmp_path / "tiles", name="x").rows if row.date == "2024-07-09"]
    assert {row.class_: row.n_pixels for row in rows}["unobserved"] == 2 * TILE * TILE
    assert all("nothing_seen" in row.flags for row in rows)


def test_work_grows_with_what_is_seen_and_not_with_the_grid(run_scenes, tmp_path, monkeypatch):
    """Areas are computed for blocks with tiles, and twice for the grid; maps are read where they have data."""
    asked_for, read, units, read_map = [], [], PixelArea.units, mapped.read_codes

    def counted(area, block):
        asked_for.append(block.height * block.width)
        return units(area, block)

    def counted_map(dataset, block):
        read.append(block.height * block.width)
        return read_map(dataset, block)

    monkeypatch.setattr(PixelArea, "units", counted)
    monkeypatch.setattr(mapped, "read_codes", counted_map)
    monkeypatch.setattr("icepipe.raster.blocks.BLOCK_PIXELS", 4 * SIDE)
    monkeypatch.setattr("icepipe.workflow.changes.compare_maps.SIDE_PX", 8)
    run_scenes(tiles(tmp_path / "tiles"), name="x")
    grid = SIDE * SIDE
    every_time = 4 * 3 * grid  # four dates: counted, measured as polygons, and laid beside others
    assert sum(asked_for) < 0.45 * every_time
    tile, both = TILE * TILE, 80 * 70  # the last date has two tiles, and is looked at from the first to the second
    pairs = 2 * (2 * tile + 2 * tile + tile + both)
    hidden = (2 + 1) * tile + (3 + 2) * tile + (3 * tile + both) + 3 * tile
    assert sum(read) < 1.05 * (pairs + hidden)  # squares do not end where tiles do
