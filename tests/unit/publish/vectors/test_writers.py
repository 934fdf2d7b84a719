"""Four vector formats hold the same features, with the types that readers expect."""

from __future__ import annotations

import datetime as dt
import json
import re
import sqlite3
import struct
from itertools import pairwise

import geopandas
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyproj
import pytest
import shapely

from icepipe.classes import CLASS_COLOURS, ClassCode
from icepipe.errors import IntegrityError
from icepipe.inputs.observation_key import ObservationKey
from icepipe.measure.polygons import rings
from icepipe.publish.vectors import shapefile
from icepipe.publish.vectors.change_layer import ChangeLayer, write_change_layer
from icepipe.publish.vectors.features import SCHEMA, Features
from icepipe.publish.vectors.geopackage import write_features
from icepipe.publish.vectors.writers import WRITERS, write_polygons
from tests.polygons import NORTH_UP, WGS84, drawn, grid_of

DAY, MOMENT = dt.date(2024, 7, 1), "2024-07-01T10:30:00Z"
RNG = np.random.default_rng(5)
BUSY = RNG.integers(0, 4, (30, 40)).astype(np.uint8)
RING = np.full((5, 5), 2, np.uint8)
RING[2, 2] = 1
FIELDS = {
    "class": "OFTString",
    "code": "OFTInteger",
    "date": "OFTDate",
    "datetime": "OFTString",
    "area_m2": "OFTReal",
    "area_km2": "OFTReal",
    "perim_m": "OFTReal",
    "n_px": "OFTInteger",
    "id": "OFTInteger",
}
ENDINGS = ("shp", "gpkg", "fgb")


def features(classes=BUSY, crs=None):
    (layer,) = drawn(classes, grid_of(classes), (ClassCode.ICE,), crs=crs)
    return Features(layer, DAY, MOMENT)


def written(folder, content):
    """All four formats as ``x.*``."""
    write_polygons(folder, "x", content, WRITERS)
    write_features(folder / "x.gpkg", content)
    return folder


def frame_of(path):
    if path.suffix == ".parquet":
        return geopandas.read_parquet(path)
    options = {"layer": "ice"} if path.suffix == ".gpkg" else {}
    return pyogrio.read_dataframe(path, **options).sort_values("id", ignore_index=True)


def info_of(path):
    return pyogrio.read_info(path, layer="ice" if path.suffix == ".gpkg" else None, force_feature_count=True)


@pytest.mark.parametrize("crs", [None, WGS84], ids=["the grid's own", "EPSG:4326"])
def test_features_written_some_at_a_time_are_those_written_at_once(tmp_path, crs, monkeypatch):
    (tmp_path / "once").mkdir()
    (tmp_path / "some").mkdir()
    written(tmp_path / "once", features(crs=crs))
    monkeypatch.setattr(rings, "BATCH_POINTS", 40)
    content = features(crs=crs)
    sizes = [len(batch.bounds) for batch in content.batches()]
    assert len(sizes) > 20
    assert len(set(sizes)) > 2
    written(tmp_path / "some", content)
    for ending in (*ENDINGS, "parquet"):
        once, some = (frame_of(tmp_path / name / f"x.{ending}") for name in ("once", "some"))
        assert once.drop(columns="bbox", errors="ignore").equals(some.drop(columns="bbox", errors="ignore"))
        assert some["id"].tolist() == list(range(1, content.count + 1))
        assert once.total_bounds.tolist() == some.total_bounds.tolist()
    assert_geoparquet(tmp_path / "some/x.parquet")


@pytest.mark.parametrize("crs", [None, WGS84], ids=["the grid's own", "EPSG:4326"])
@pytest.mark.parametrize("classes", [BUSY, np.ones((4, 5), np.uint8)], ids=["busy", "empty"])
def test_all_readers_see_the_same(tmp_path, classes, crs):
    content = features(classes, crs)
    folder, table = written(tmp_path, content), content.stream().read_all()
    for ending in (*ENDINGS, "parquet"):
        frame = frame_of(folder / f"x.{ending}")
        assert len(frame) == table.num_rows
        assert [name for name in frame.columns if name not in {"bbox", "geometry"}] == list(FIELDS)
        assert {str(frame[name].dtype) for name in ("code", "n_px", "id")} == {"int32"}
        assert np.array_equal(frame["id"], np.arange(1, table.num_rows + 1))
        assert np.array_equal(frame["area_m2"], table["area_m2"].to_numpy())
        np.testing.assert_allclose(frame["area_km2"], table["area_km2"].to_numpy(), rtol=1e-12)
        assert frame["n_px"].sum() == (classes == 2).sum()
        assert {str(value)[:10] for value in frame["date"]} <= {"2024-07-01"}
        assert set(frame["class"]) <= {"ice"}
        assert frame.crs == pyproj.CRS(3413 if crs is None else 4326)
        ours = shapely.from_wkb(table["geometry"].to_numpy(zero_copy_only=False))
        assert shapely.equals(frame.geometry.to_numpy(), ours).all()


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("classes", [BUSY, np.ones((4, 5), np.uint8)], ids=["busy", "empty"])
def test_gdal_reads_the_published_types(tmp_path, classes, ending):
    content = features(classes)
    info = info_of(written(tmp_path, content) / f"x.{ending}")
    dates = {"date": "OFTDateTime"} if ending == "fgb" else {}
    assert dict(zip(info["fields"], info["ogr_types"], strict=True)) == FIELDS | dates
    assert info["geometry_type"] == "Polygon"
    assert info["features"] == content.count
    assert info["encoding"] == "UTF-8"


def test_duckdb_reads_the_parquet(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    content = features()
    path = written(tmp_path, content) / "x.parquet"
    base = duckdb.connect().execute(
        f"select count(*), sum(area_m2), sum(n_px), min(date), typeof(min(id)), typeof(min(area_m2)) from '{path}'"
    )
    count, area_m2, pixels, day, id_type, area_type = base.fetchone()
    assert (count, pixels, day) == (content.count, (BUSY == 2).sum(), DAY)
    assert area_m2 == pytest.approx(sum(content.stream().read_all()["area_m2"].to_pylist()), rel=1e-12)
    assert (id_type, area_type) == ("INTEGER", "DOUBLE")


def assert_geoparquet(path):
    """Assert what the GeoParquet 1.1.0 specification and its JSON schema require of a file with one WKB column."""
    with pq.ParquetFile(path) as file:
        schema, geo = file.schema_arrow, json.loads(file.metadata.metadata[b"geo"])
    assert re.fullmatch(r"1\.1\.\d+", geo["version"])
    assert geo["primary_column"] in geo["columns"]
    column = geo["columns"][geo["primary_column"]]
    assert schema.field(geo["primary_column"]).type == pa.binary()
    assert column["encoding"] == "WKB"
    assert set(column["geometry_types"]) <= {"Polygon", "MultiPolygon"}
    assert len(set(column["geometry_types"])) == len(column["geometry_types"])
    assert pyproj.CRS.from_json_dict(column["crs"])
    assert column["crs"]["$schema"].startswith("https://proj.org/schemas/")
    assert column["orientation"] == "counterclockwise"
    assert column["edges"] in {"planar", "spherical"}
    assert column["covering"] == {"bbox": {side: ["bbox", side] for side in ("xmin", "ymin", "xmax", "ymax")}}
    sides = schema.field("bbox").type
    assert [sides.field(i).name for i in range(4)] == ["xmin", "ymin", "xmax", "ymax"]
    assert {sides.field(i).type for i in range(4)} == {pa.float64()}
    table = pq.read_table(path)
    shapes = shapely.from_wkb(table["geometry"].to_numpy(zero_copy_only=False))
    assert set(shapely.get_type_id(shapes)) <= {{"Polygon": 3, "MultiPolygon": 6}[k] for k in column["geometry_types"]}
    assert shapely.is_ccw(shapely.get_exterior_ring(shapely.get_parts(shapes))).all()
    boxes = np.array([[row[side] for side in ("xmin", "ymin", "xmax", "ymax")] for row in table["bbox"].to_pylist()])
    assert np.array_equal(boxes.reshape(-1, 4), shapely.bounds(shapes).reshape(-1, 4))
    assert column.get("bbox", []) == (shapely.total_bounds(shapes).tolist() if len(shapes) else [])


@pytest.mark.parametrize("crs", [None, WGS84], ids=["the grid's own", "EPSG:4326"])
@pytest.mark.parametrize("classes", [BUSY, np.ones((4, 5), np.uint8)], ids=["busy", "empty"])
def test_geoparquet_is_as_its_specification_has_it(tmp_path, classes, crs):
    assert_geoparquet(written(tmp_path, features(classes, crs)) / "x.parquet")


def shapefile_rings(path):
    """Rings as they stand in a .shp, by the format's own layout."""
    data, at = path.read_bytes(), 100
    while at < len(data):
        parts, points = struct.unpack_from("<ii", data, at + 44)
        starts = [*struct.unpack_from(f"<{parts}i", data, at + 52), points]
        numbers = np.frombuffer(data, "<f8", 2 * points, at + 52 + 4 * parts).reshape(-1, 2)
        yield [numbers[a:b] for a, b in pairwise(starts)]
        at += 8 + 2 * struct.unpack_from(">i", data, at + 4)[0]


def test_exterior_rings_turn_as_each_format_has_them(tmp_path):
    folder = written(tmp_path, features(RING))
    ((outer, hole),) = shapefile_rings(folder / "x.shp")
    assert not shapely.is_ccw(shapely.linearrings(outer))
    assert shapely.is_ccw(shapely.linearrings(hole))
    assert tuple(outer[0]) == (NORTH_UP.c, NORTH_UP.f)
    for ending in ("gpkg", "fgb", "parquet"):
        (polygon,) = frame_of(folder / f"x.{ending}").geometry
        assert polygon.exterior.is_ccw
        assert not polygon.interiors[0].is_ccw
        assert polygon.exterior.coords[0] == (NORTH_UP.c, NORTH_UP.f)


def test_a_geopackage_has_an_index_and_opens_styled(tmp_path):
    path = tmp_path / "x.gpkg"
    write_features(path, features())
    with sqlite3.connect(path) as base:
        (count,) = base.execute("select count(*) from rtree_ice_geometry").fetchone()
        assert count == features().count
        ((layer, qml, default),) = base.execute("select f_table_name, styleQML, useAsDefault from layer_styles")
        assert {row[0] for row in base.execute("select substr(last_change, 1, 10) from gpkg_contents")} == {
            "2024-07-01"
        }
    base.close()
    red, green, blue = CLASS_COLOURS[ClassCode.ICE]
    assert (layer, default) == ("ice", 1)
    assert f'value="{red},{green},{blue},255"' in qml


def test_a_style_is_written_next_to_the_files(tmp_path):
    folder = written(tmp_path, features())
    names = {p.name for p in folder.iterdir()}
    assert names == {f"x.{end}" for end in ("shp", "shx", "dbf", "prj", "cpg", "qml", "fgb", "parquet", "gpkg")}


@pytest.mark.parametrize("crs", [None, WGS84], ids=["the grid's own", "EPSG:4326"])
def test_the_size_of_a_shapefile_is_known_beforehand(tmp_path, crs):
    content = features(crs=crs)
    shapefile.write_shapefile(tmp_path / "x.shp", content)
    assert shapefile.shapefile_bytes(content) == max((tmp_path / f"x.{end}").stat().st_size for end in ("shp", "dbf"))
    many = features(np.eye(60, dtype=np.uint8) * 2)
    shapefile.write_shapefile(tmp_path / "y.shp", many)
    assert shapefile.shapefile_bytes(many) == max((tmp_path / f"y.{end}").stat().st_size for end in ("shp", "dbf"))


def test_what_a_shapefile_cannot_hold_becomes_a_geopackage(tmp_path, monkeypatch):
    monkeypatch.setattr(shapefile, "LIMIT_BYTES", 1000)
    (remark,) = write_polygons(tmp_path, "x_ice", features(), ["shapefile"])
    assert remark.startswith("x_ice.shp is x_ice.gpkg instead")
    assert {p.name for p in tmp_path.iterdir()} == {"x_ice.gpkg", "x_ice.qml"}
    assert len(frame_of_layer(tmp_path / "x_ice.gpkg")) == features().count


def frame_of_layer(path):
    return pyogrio.read_dataframe(path, layer="ice")


def test_field_names_fit_a_shapefile():
    names = [name for name in SCHEMA.names if name != "geometry"]
    assert shapefile.truncated_names(names) == []
    assert len({name[:10] for name in names}) == len(names)
    assert shapefile.truncated_names(["area_m2_of_ice", "Größe_in_m"]) == ["area_m2_of_ice", "Größe_in_m"]


def test_a_file_that_cannot_be_written_raises(tmp_path):
    with pytest.raises(IntegrityError, match="cannot be written"):
        shapefile.write_shapefile(tmp_path / "no" / "x.shp", features())


def test_changes_written_some_at_a_time_are_numbered_through(tmp_path, monkeypatch):
    monkeypatch.setattr(rings, "BATCH_POINTS", 40)
    gained, lost = (drawn(classes, grid_of(classes), (ClassCode.ICE,))[0] for classes in (BUSY, RING))
    before, after = ObservationKey("2024-06-01"), ObservationKey("2024-07-01")
    write_change_layer(
        tmp_path / "c.gpkg",
        ChangeLayer(before, after, gained.crs, {"ice_gain": gained, "ice_loss": lost}),
    )
    frame = pyogrio.read_dataframe(tmp_path / "c.gpkg")
    count = len(gained.n_px)
    assert frame["id"].tolist() == list(range(1, count + 2))
    assert frame["change"].tolist() == ["ice_gain"] * count + ["ice_loss"]
    assert frame["n_px"].tolist() == [*gained.n_px.tolist(), 24]
    assert {str(day)[:10] for day in frame["from_date"]} == {"2024-06-01"}
