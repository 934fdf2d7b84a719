"""Named regions: in any coordinate system, across 180 degrees, around the pole, overlapping, and where nothing is."""

from __future__ import annotations

import json

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from pyproj import CRS, Geod
from scipy import ndimage
from shapely.geometry import MultiPolygon, Polygon, box

from icepipe.errors import ConfigError, NoUsableInput
from icepipe.geo.geobox import GeoBox, Region
from icepipe.raster.blocks import blocks
from icepipe.raster.regions import RegionMap
from tests.rasters import TRANSFORM, paint, write

WGS84 = Geod(ellps="WGS84")


def regions_file(path, named, crs="EPSG:3413"):
    frame = geopandas.GeoDataFrame({"name": list(named)}, geometry=list(named.values()), crs=crs)
    frame.to_file(path)
    return str(path)


def square(col, row, width, height):
    x, y = TRANSFORM @ (col, row)
    return box(x, y - 250 * height, x + 250 * width, y)


def of_class(result, name):
    return {row.region: row for row in result.rows if row.class_ == name}


@pytest.fixture
def scene(tmp_path):
    return write(tmp_path / "x_20240701.tif", paint(["iiww", "iiww", "wwww"]))


def test_overlapping_regions_each_count_their_own(run_scenes, scene, tmp_path):
    path = regions_file(tmp_path / "r.gpkg", {"west": square(0, 0, 2, 3), "north": square(0, 0, 4, 2)})
    result = run_scenes(scene, inputs={"regions": path})
    ice, water = of_class(result, "ice"), of_class(result, "water")
    assert (ice["west"].n_pixels, water["west"].n_pixels) == (4, 2)
    assert (ice["north"].n_pixels, water["north"].n_pixels) == (4, 4)
    assert ice["west"].n_polygons == 1
    with rasterio.open(next(result.folder.glob("observations/*/*_classes.tif"))) as dataset:
        classes = dataset.read(1)
    assert classes.tolist() == [[2, 2, 1, 1], [2, 2, 1, 1], [1, 1, 255, 255]]
    for region in ("west", "north"):
        rows = [row for row in result.rows if row.region == region]
        assert sum(row.area_km2 or 0 for row in rows) == pytest.approx(rows[0].region_km2, rel=1e-9)


def test_regions_side_by_side_share_no_pixel_and_lose_none(run_scenes, scene, tmp_path):
    """Their border runs through pixel centres: every centre belongs to one side."""
    halves = {"left": square(0, 0, 1.5, 3), "right": square(1.5, 0, 2.5, 3)}
    result = run_scenes(scene, inputs={"regions": regions_file(tmp_path / "r.gpkg", halves)})
    pixels = [sum(row.n_pixels or 0 for row in result.rows if row.region == name) for name in halves]
    assert sorted(pixels) == [3, 9]


def test_a_region_larger_than_the_scenes_is_unobserved_beyond_them(run_scenes, scene, tmp_path):
    path = regions_file(tmp_path / "r.gpkg", {"sea": square(-2, -2, 8, 7)})
    result = run_scenes(scene, inputs={"regions": path})
    assert of_class(result, "unobserved")["sea"].n_pixels == 56 - 12
    assert of_class(result, "ice")["sea"].valid_fraction == pytest.approx(12 / 56, rel=1e-3)


def test_a_region_that_no_scene_touches_has_its_area_and_nothing_seen(run_scenes, scene, tmp_path):
    lonlat = {"far": box(20, 60, 21, 61), "here": box(-180, 60, 180, 90)}
    path = regions_file(tmp_path / "r.gpkg", {"far": lonlat["far"], "bay": to_lonlat(square(0, 0, 4, 3))}, "EPSG:4326")
    result = run_scenes(scene, inputs={"regions": path})
    ice = of_class(result, "ice")
    assert ice["bay"].n_pixels == 4
    assert ice["far"].area_km2 is None
    assert {"nothing_seen", "off_grid"} <= ice["far"].flags
    expected = abs(WGS84.geometry_area_perimeter(shapely.segmentize(lonlat["far"], 0.01))[0]) / 1e6
    assert ice["far"].region_km2 == pytest.approx(expected, rel=1e-5)


def to_lonlat(shape):
    dense = shapely.segmentize(shape, 50)
    return geopandas.GeoSeries([dense], crs="EPSG:3413").to_crs("EPSG:4326").iloc[0]


def test_no_region_at_all_is_an_error(run_scenes, scene, tmp_path):
    path = regions_file(tmp_path / "r.gpkg", {"far": box(20, 60, 21, 61)}, "EPSG:4326")
    with pytest.raises(NoUsableInput, match="no scene touches any of the regions"):
        run_scenes(scene, inputs={"regions": path})


def test_files_that_name_nothing_are_refused(run_scenes, scene, tmp_path):
    path = tmp_path / "r.gpkg"
    geopandas.GeoDataFrame({"label": ["a"]}, geometry=[square(0, 0, 2, 2)], crs="EPSG:3413").to_file(path)
    with pytest.raises(ConfigError, match=r"has no field name.*name one of label"):
        run_scenes(scene, inputs={"regions": str(path)})
    result = run_scenes(scene, inputs={"regions": {"path": str(path), "name": "label"}})
    assert of_class(result, "ice")["a"].n_pixels == 4
    geopandas.GeoDataFrame({"name": [None]}, geometry=[square(0, 0, 2, 2)], crs="EPSG:3413").to_file(path)
    with pytest.raises(ConfigError, match="has no name"):
        run_scenes(scene, inputs={"regions": str(path)})


def mask_of(shape, crs, grid):
    regions = RegionMap((Region("r", shapely.to_wkt(shape), CRS(crs).to_wkt()),), grid, from_scenes=False)
    (block,) = blocks(grid)
    return regions.mask(block)


ARCTIC = GeoBox(CRS("EPSG:3413").to_wkt(), Affine(50_000, 0, -2_000_000, 0, -50_000, 2_000_000), 80, 80)


def test_around_the_pole_in_longitudes_and_latitudes():
    held = mask_of(box(-180, 80, 180, 90), "EPSG:4326", ARCTIC)
    assert held[40, 40]
    x, y = ARCTIC.to_map(*next(blocks(ARCTIC)).centres)
    inside = np.hypot(x, y) < 1_090_000
    assert np.mean(held == inside) > 0.99
    assert np.array_equal(mask_of(box(0, 80, 360, 90), "EPSG:4326", ARCTIC), held)


def test_across_180_degrees_in_any_turn():
    east = mask_of(box(170, 70, 190, 80), "EPSG:4326", ARCTIC)
    west = mask_of(box(-190, 70, -170, 80), "EPSG:4326", ARCTIC)
    parts = mask_of(MultiPolygon([box(170, 70, 180, 80), box(-180, 70, -170, 80)]), "EPSG:4326", ARCTIC)
    assert east.any()
    assert np.array_equal(east, west)
    assert np.array_equal(east, parts)


def test_holes_are_left_out():
    ring = Polygon(square(0, 0, 4, 4).exterior.coords, [square(1, 1, 2, 2).exterior.coords])
    grid = GeoBox(CRS("EPSG:3413").to_wkt(), TRANSFORM, 4, 4)
    assert mask_of(ring, "EPSG:3413", grid).sum() == 12


def test_many_regions_get_their_own_sets():
    """Twenty overlapping boxes: every pixel's set of regions is what a plain test of each box says."""
    rng = np.random.default_rng(3)
    grid = GeoBox(CRS("EPSG:3413").to_wkt(), TRANSFORM, 30, 20)
    shapes = [square(*rng.integers(0, 15, 2), *rng.integers(1, 14, 2)) for _ in range(20)]
    outlines = tuple(Region(str(i), shapely.to_wkt(s), grid.crs) for i, s in enumerate(shapes))
    regions = RegionMap(outlines, grid, from_scenes=False)
    (block,) = blocks(grid)
    x, y = grid.to_map(*block.centres)
    for number, shape in enumerate(shapes):
        assert np.array_equal(regions.region_mask(number).block(block), shapely.contains_xy(shape, x, y))


def test_sets_that_no_pixel_has_any_more_are_not_kept(monkeypatch):
    """Cells, and zones around all of them: there are as many sets as cells, in place of as many as cells and zones."""
    monkeypatch.setattr("icepipe.raster.regions.FEW_SETS", 5)
    grid = GeoBox(CRS("EPSG:3413").to_wkt(), TRANSFORM, 12, 12)
    cells = [square(col, row, 3, 3) for row in range(0, 12, 3) for col in range(0, 9, 3)]
    shapes = [*cells, *(square(-n, -n, 12 + 2 * n, 12 + 2 * n) for n in range(40)), square(1, 1, 4, 4)]
    outlines = tuple(Region(f"{i:03}", shapely.to_wkt(s), grid.crs) for i, s in enumerate(shapes))
    regions = RegionMap(outlines, grid, from_scenes=False)
    (block,) = blocks(grid)
    assert len(regions.members) == 1 + len(np.unique(regions.set_numbers(block))) == 1 + 12 + 1 + 4
    x, y = grid.to_map(*block.centres)
    for number, shape in enumerate(shapes):
        assert np.array_equal(regions.region_mask(number).block(block), shapely.contains_xy(shape, x, y))


@pytest.mark.parametrize(("folder", "file", "published"), [("glacier-outlines", "rgi_baker.json", 43.034)])
def test_glaciers_on_ten_metres(shared_data, run_scenes, tmp_path, folder, file, published):
    frame = geopandas.read_file(shared_data / folder / file)
    frame["name"] = [f"g{i:02d}" for i in range(len(frame))]
    path = tmp_path / "glaciers.gpkg"
    frame[["name", "geometry"]].to_file(path)
    check_areas(frame, path, run_scenes, tmp_path, published)


def test_glaciers_of_everest_on_ten_metres(shared_data, run_scenes, tmp_path):
    folder = shared_data / "landsat7-everest-2000"
    frame = geopandas.read_file(folder / "15_rgi60_glacier_outlines.gpkg")
    with rasterio.open(next(folder.glob("*_RGB.tif"))) as dataset:
        whole = geopandas.GeoSeries([box(*dataset.bounds)], crs=dataset.crs).to_crs(frame.crs).iloc[0]
    frame = frame[frame.within(whole)].reset_index(drop=True)
    assert len(frame) == 61
    frame["name"] = [f"g{i:02d}" for i in range(len(frame))]
    path = tmp_path / "glaciers.gpkg"
    frame[["name", "geometry"]].to_file(path)
    check_areas(frame, path, run_scenes, tmp_path, 75.309)


def check_areas(frame, path, run_scenes, tmp_path, published):
    """A blank scene under all outlines, on 10 m cells of its UTM zone."""
    crs = frame.estimate_utm_crs()
    west, south, east, north = frame.to_crs(crs).total_bounds
    transform = Affine(500, 0, west // 500 * 500, 0, -500, north // 500 * 500 + 500)
    shape = (3, int((north - south) / 500) + 3, int((east - west) / 500) + 3)
    scene = write(tmp_path / "x_20240701.tif", np.full(shape, 230, np.uint8), crs=crs.to_wkt(), transform=transform)
    grid = {"crs": f"EPSG:{crs.to_epsg()}", "resolution": 10}
    inputs = {"regions": str(path), "grid": grid}
    result = run_scenes(scene, inputs=inputs, publish={"polygons": {"classes": []}})
    sums = {row.region: row.region_km2 for row in result.rows}
    assert len(sums) == len(frame)
    assert sum(sums.values()) == pytest.approx(published, rel=1e-3)


def test_a_changed_file_of_regions_makes_a_new_basis(run_scenes, scene, tmp_path):
    path = tmp_path / "r.gpkg"
    first = run_scenes(scene, inputs={"regions": regions_file(path, {"a": square(0, 0, 2, 2)})})
    path.unlink()
    second = run_scenes(scene, inputs={"regions": regions_file(path, {"a": square(0, 0, 3, 2)})})
    assert of_class(first, "ice")["a"].region_km2 < of_class(second, "ice")["a"].region_km2
    basis = json.loads((second.folder / "basis.json").read_text())
    assert [region["name"] for region in basis["regions"]] == ["a"]


def test_patches_of_a_region_are_those_of_scipy(run_scenes, tmp_path):
    """Counted in the published raster, cut by a plain test of each pixel's centre; none lies on a border."""
    rng = np.random.default_rng(8)
    scene = write(tmp_path / "x_20240701.tif", paint(["".join(rng.choice(["i", "w"], 40)) for _ in range(30)]))
    places = {"east": (25, 8, 8, 8), "west": (12, 10, 9, 9)}
    named = {name: square(*place).centroid.buffer(2430) for name, place in places.items()}
    path = regions_file(tmp_path / "r.gpkg", named)
    result = run_scenes(scene, inputs={"regions": path})
    with rasterio.open(next(result.folder.glob("observations/*/*_classes.tif"))) as dataset:
        classes, transform = dataset.read(1), dataset.transform
    rows, cols = np.indices(classes.shape)
    x, y = transform @ (cols + 0.5, rows + 0.5)
    for name, shape in named.items():
        inside = shapely.contains_xy(shape, x, y)
        for label, code in (("ice", 2), ("water", 1)):
            row = of_class(result, label)[name]
            _, count = ndimage.label((classes == code) & inside)
            assert (row.n_polygons, row.n_pixels) == (count, ((classes == code) & inside).sum())
            assert count > 10
