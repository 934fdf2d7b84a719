"""A file that GDAL wrote while the disk was full for a moment is detected before it is published."""

from __future__ import annotations

import datetime as dt
import errno
import random
import sqlite3

import numpy as np
import pyarrow as pa
import pytest
import shapely

from icepipe.classes import ClassCode
from icepipe.errors import InputError, IntegrityError
from icepipe.measure.polygons.geometry import ShapelyPolygons
from icepipe.measure.polygons.polygonize import PolygonLayer
from icepipe.publish.run_folder.record import last_record
from icepipe.publish.vectors import geopackage
from icepipe.publish.vectors.features import SCHEMA, Features
from icepipe.publish.vectors.ogr import write_ogr
from icepipe.publish.vectors.shapefile import write_shapefile
from icepipe.publish.vectors.validation import check_layer, check_shapefile
from icepipe.storage.fingerprint import FolderSnapshot

SEED = 8


@pytest.fixture
def features():
    shapes = np.array([shapely.box(x, 0, x + 1, 2 + x) for x in range(5)])
    shapes[3] = shapely.box(10, 10, 20, 20).difference(shapely.box(12, 12, 13, 13))
    size = np.ones(5)
    layer = PolygonLayer(ClassCode.ICE, "EPSG:3413", (ShapelyPolygons(shapes),), size, size, size.astype(np.int64))
    return Features(layer, dt.date(2024, 7, 1), "2024-07-01")


@pytest.mark.parametrize("ending", [".shp", ".shx", ".dbf", ".prj", ".cpg"])
def test_a_hole_or_an_end_too_soon_in_a_shapefile_is_found(tmp_path, features, ending):
    path = tmp_path / "x.shp"
    write_shapefile(path, features)
    whole = path.with_suffix(ending).read_bytes()
    draw = random.Random(SEED)
    for _ in range(200):
        size = min(len(whole), draw.choice((16, 24, 100)))
        start = draw.randrange(len(whole) - size + 1)
        with_hole = whole[:start] + bytes(size) + whole[start + size :]
        if ending == ".shp" and not is_detectable(whole, start, size):
            continue
        for damaged in ({with_hole} - {whole}) | {whole[:start]}:
            path.with_suffix(ending).write_bytes(damaged)
            with pytest.raises(IntegrityError):
                check_shapefile(path, features)
    path.with_suffix(ending).write_bytes(whole)
    check_shapefile(path, features)


def is_detectable(whole, start, size):
    """Return whether a hole reaches the end of a record: GDAL writes each at once, so that its tail is lost."""
    ends, at = [100], 100
    while at < len(whole):
        at += 8 + 2 * int.from_bytes(whole[at + 4 : at + 8], "big")
        ends.append(at)
    return start + size in ends and start >= 100 and any(whole[start : start + size])


STEPS = [
    "PRAGMA application_id = 0",
    "DELETE FROM gpkg_contents WHERE table_name = 'ice'",
    "UPDATE gpkg_contents SET min_x = NULL",
    "UPDATE gpkg_ogr_contents SET feature_count = 4",
    "DELETE FROM gpkg_geometry_columns",
    "DELETE FROM gpkg_extensions",
    "DROP TRIGGER trigger_insert_feature_count_ice",
    "DROP TRIGGER rtree_ice_geometry_delete",
    "DELETE FROM rtree_ice_geometry_rowid WHERE rowid = 1",
    "DROP TABLE gpkg_ogr_contents",
]


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_did_not_happen_in_a_geopackage_is_found(tmp_path, features, step):
    path = tmp_path / "x.gpkg"
    geopackage.write_features(path, features)
    check_layer(path, "ice", "geometry")
    with sqlite3.connect(path) as file:
        file.execute(step)
    file.close()
    with pytest.raises(IntegrityError, match=r"x\.gpkg"):
        check_layer(path, "ice", "geometry")


def test_a_stream_that_breaks_off_is_no_bug(tmp_path):
    def broken():
        yield from ()
        raise OSError(errno.EMFILE, "Too many open files")

    stream = pa.RecordBatchReader.from_batches(SCHEMA, broken())
    with pytest.raises(IntegrityError, match="cannot be written"):
        write_ogr(tmp_path / "x.gpkg", stream, driver="GPKG", layer="x", geometry_type="Polygon", crs="EPSG:3413")


def test_a_record_that_cannot_be_read_is_not_one_that_is_missing(tmp_path):
    assert last_record(tmp_path) is None
    (tmp_path / "record.json").mkdir()
    with pytest.raises(IntegrityError, match=r"record\.json: cannot be read"):
        last_record(tmp_path)


def test_a_folder_that_cannot_be_read_is_not_an_empty_one(tmp_path):
    assert FolderSnapshot().file_stat(tmp_path / "no" / "x.msk") is None
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(InputError, match="cannot be read"):
        FolderSnapshot().file_stat(loop / "x.msk")
