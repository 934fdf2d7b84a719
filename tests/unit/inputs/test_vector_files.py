"""Vector files: polygons are those that geopandas reads, and files that cannot be used are refused."""

from __future__ import annotations

import geopandas
import numpy as np
import pytest
import shapely
from pyproj import CRS
from shapely.geometry import LineString, MultiPolygon, Polygon, box

from icepipe.config.inputs import Regions
from icepipe.errors import ConfigError
from icepipe.inputs.vector_files import read_areas, read_regions

BOW_TIE = Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
HIGH = Polygon([(0, 0, 7), (4, 0, 7), (4, 4, 7)], [[(2, 1, 7), (3, 1, 7), (3, 2, 7)]])
SHAPES = [box(5, 5, 9, 9), BOW_TIE, MultiPolygon([box(20, 0, 21, 1), box(22, 0, 23, 1)]), HIGH]


@pytest.mark.parametrize("name", ["a.gpkg", "a.geojson", "a.shp", "a.fgb"])
@pytest.mark.parametrize("crs", ["EPSG:3413", "EPSG:4326", "+proj=laea +lat_0=80 +lon_0=10 +datum=WGS84"])
def test_areas_are_those_that_geopandas_reads(tmp_path, name, crs):
    shapes = SHAPES[:3] if name.endswith(".fgb") else SHAPES  # no FlatGeobuf has some heights and some none
    geopandas.GeoDataFrame({"name": list("dcba")[: len(shapes)]}, geometry=shapes, crs=crs).to_file(tmp_path / name)
    frame, areas = geopandas.read_file(tmp_path / name), read_areas(str(tmp_path / name), "inputs.regions")
    assert areas.crs == frame.crs
    assert list(areas.fields["name"]) == list(frame["name"])
    assert np.array_equal(shapely.to_wkb(areas.shapes), shapely.to_wkb(frame.geometry.make_valid().to_numpy()))


@pytest.mark.parametrize(
    ("names", "expected"), [([10, 9], ["10", "9"]), ([2.5, 1.0], ["1.0", "2.5"]), (["ö", " a "], ["a", "ö"])]
)
def test_names_are_text_and_in_order(tmp_path, names, expected):
    geopandas.GeoDataFrame({"Name": names}, geometry=SHAPES[:2], crs=3413).to_file(tmp_path / "r.gpkg")
    outlines = read_regions(Regions(path=str(tmp_path / "r.gpkg")))
    assert [outline.name for outline in outlines] == expected
    assert {CRS(outline.crs).to_epsg() for outline in outlines} == {3413}


def test_outlines_of_one_name_are_one_region(tmp_path):
    shapes = [box(0, 0, 2, 2), box(1, 0, 3, 2), box(5, 5, 6, 6)]
    geopandas.GeoDataFrame({"name": ["a", "a", "b"]}, geometry=shapes, crs=3413).to_file(tmp_path / "r.shp")
    first, second = read_regions(Regions(path=str(tmp_path / "r.shp")))
    assert shapely.from_wkt(first.wkt).equals(box(0, 0, 3, 2))
    assert shapely.from_wkt(second.wkt).equals(box(5, 5, 6, 6))


@pytest.mark.parametrize("missing", [None, "", "  "])
def test_an_outline_without_a_name_is_refused(tmp_path, missing):
    geopandas.GeoDataFrame({"name": ["a", missing]}, geometry=SHAPES[:2], crs=3413).to_file(tmp_path / "r.gpkg")
    with pytest.raises(ConfigError, match=r"an outline of .*r\.gpkg has no name"):
        read_regions(Regions(path=str(tmp_path / "r.gpkg")))


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([box(0, 0, 1, 1), LineString([(0, 0), (1, 1)])], "holds LineString, Polygon and not areas"),
        ([box(0, 0, 1, 1), None], "holds Polygon, nothing and not areas"),
        ([], "holds nothing and not areas"),
    ],
)
def test_what_is_no_area_is_refused(tmp_path, shapes, message):
    geopandas.GeoDataFrame({"name": [""] * len(shapes)}, geometry=shapes, crs=3413).to_file(tmp_path / "r.gpkg")
    with pytest.raises(ConfigError, match=rf"^inputs\.land: .*r\.gpkg {message}"):
        read_areas(str(tmp_path / "r.gpkg"), "inputs.land")


@pytest.mark.filterwarnings("ignore:'crs' was not provided:UserWarning")
def test_a_file_without_coordinate_system_is_refused(tmp_path):
    geopandas.GeoDataFrame({"name": ["a"]}, geometry=SHAPES[:1]).to_file(tmp_path / "r.shp")
    with pytest.raises(ConfigError, match="has no coordinate system"):
        read_areas(str(tmp_path / "r.shp"), "inputs.land")


def test_a_table_without_shapes_is_refused(tmp_path):
    (tmp_path / "r.csv").write_text("name,km2\na,1\n")
    with pytest.raises(ConfigError, match=r"r\.csv (holds nothing and not areas|cannot be read)"):
        read_areas(str(tmp_path / "r.csv"), "inputs.land")


@pytest.mark.parametrize("name", ["r.gpkg", "r.geojson", "r.fgb"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_part_of_a_file_is_refused(tmp_path, name, part):
    corners = np.random.default_rng(1).integers(0, 1000, (400, 2))
    shapes = [box(x, y, x + 5, y + 5) for x, y in corners]
    geopandas.GeoDataFrame({"name": ["a"] * 400}, geometry=shapes, crs=3413).to_file(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(ConfigError, match=r"cannot be read|holds nothing"):
        read_areas(str(tmp_path / name), "inputs.land")
