"""Whether a Shapefile that GDAL has just written is whole: GDAL goes on in silence where a disk was full for a moment.

Such a write leaves a hole of zeros. The layout is that of the ESRI Shapefile Technical Description (1998); dBASE fields
are padded with spaces, so that a zero among them is a hole.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from icepipe.arrays import Bool, Int64, UInt8
from icepipe.errors import IntegrityError
from icepipe.publish.vectors.features import GEOMETRY, SCHEMA, Features

HEADER, RECORD_HEADER, POLYGON_HEADER = 100, 8, 44
FILE_CODE, POLYGON = 9994, 5
FIELD, LIVE, HEADER_END, DBASE_III = 32, 0x20, 0x0D, 3


def _numbers(raw: UInt8, at: Int64, kind: str) -> Int64:
    """Numbers of four bytes at some places of a file."""
    return np.asarray(raw[at[:, None] + np.arange(4)].copy().view(kind)[:, 0], dtype=np.int64)


def _has_header(raw: UInt8, features: Features) -> bool:
    """Whether the header of a ``.shp`` or ``.shx`` tells its size, its kind and the bounds of its features."""
    if raw.size < HEADER:
        return False
    code, words = _numbers(raw, np.array([0, 24]), ">i4")
    bounds = raw[36:68].copy().view("<f8")
    told = not features.count or np.array_equal(bounds, features.extent.bounds)
    return bool(code == FILE_CODE and 2 * words == raw.size and raw[32] == POLYGON and told)


def _is_closed(raw: UInt8, start: Int64, length: Int64) -> Bool:
    """Whether the last ring of each record ends in the point that it began with."""
    parts = _numbers(raw, start + 36, "<i4")
    first = _numbers(raw, start + POLYGON_HEADER + 4 * (parts - 1), "<i4")
    begins, ends = start + POLYGON_HEADER + 4 * parts + 16 * first, start + length - 16
    point = np.arange(16)
    return np.asarray(np.all(raw[begins[:, None] + point] == raw[ends[:, None] + point], axis=1))


def _has_shapes(shp: UInt8, shx: UInt8, count: int) -> bool:
    """Whether every record stands where the index says, by its number, and its last ring is closed."""
    index = 2 * shx[HEADER:].copy().view(">i4").astype(np.int64).reshape(-1, 2)
    if len(index) != count or (count and int(index[-1].sum()) + RECORD_HEADER != shp.size):
        return False
    at, length = index[:, 0], index[:, 1]
    numbered = np.array_equal(_numbers(shp, at, ">i4"), np.arange(1, count + 1))
    sized = np.array_equal(2 * _numbers(shp, at + 4, ">i4"), length)
    kind = np.all(_numbers(shp, at + RECORD_HEADER, "<i4") == POLYGON)
    return bool(numbered and sized and kind) and bool(_is_closed(shp, at + RECORD_HEADER, length).all())


def _has_fields(dbf: UInt8, features: Features, size: int) -> bool:
    """Whether the header of a ``.dbf`` tells its day and its fields, whose widths add up to a row's."""
    names = [name for name in SCHEMA.names if name != GEOMETRY]
    start = FIELD * (1 + len(names)) + 1
    fields = dbf[FIELD : start - 1].reshape(-1, FIELD)
    held = [bytes(field[:11]).rstrip(b"\0").decode("ascii", "replace") for field in fields]
    day = features.date.year - 1900, features.date.month, features.date.day
    told = bytes(dbf[:4]) == bytes((DBASE_III, *day)) and dbf[start - 1] == HEADER_END
    return bool(told and held == names and np.all(fields[:, 11] > 0) and 1 + int(fields[:, 16].sum()) == size)


def _has_table(dbf: UInt8, features: Features) -> bool:
    """Whether a ``.dbf`` has its fields and rows, and no hole among them."""
    count = int(dbf[4:8].copy().view("<u4")[0])
    start, size = map(int, dbf[8:12].copy().view("<u2"))
    if count != features.count or dbf.size - start - 1 != count * size:
        return False
    rows = dbf[start:-1].reshape(count, size)
    return _has_fields(dbf, features, size) and bool(np.all(rows[:, 0] == LIVE) and rows.min(initial=LIVE) > 0)


def _lacking(path: Path, features: Features) -> Iterator[str]:
    shp, shx, dbf = (np.fromfile(path.with_suffix(ending), dtype=np.uint8) for ending in (".shp", ".shx", ".dbf"))
    if not (_has_header(shp, features) and _has_header(shx, features)):
        yield "header"
    elif not _has_shapes(shp, shx, features.count):
        yield "shapes"
    if not _has_table(dbf, features):
        yield "table"
    system, encoding = (path.with_suffix(ending).read_bytes() for ending in (".prj", ".cpg"))
    if b"\0" in system or not system.endswith(b"]") or system.count(b"[") != system.count(b"]"):
        yield "coordinate system"
    if encoding != b"UTF-8":
        yield "encoding"


def check_shapefile(path: Path, features: Features) -> None:
    """Check a Shapefile that was just written.

    Raises
    ------
    IntegrityError
        If a part of it is missing or has a hole.
    """
    try:
        lacking = ", ".join(_lacking(path, features))
    except (OSError, IndexError, ValueError) as error:
        raise IntegrityError(f"{path.name}: cannot be read back ({error})", "check free space") from error
    if lacking:
        raise IntegrityError(f"{path.name}: was not written whole, it lacks its {lacking}", "check free space")


APPLICATION_ID = 0x47504B47
"""``GPKG`` in SQLite's application id (OGC 12-128r19, requirement 2)."""

COUNTING, INDEXING = 2, 7
"""Triggers that GDAL adds to a layer, to keep its number of features and its spatial index."""


def _one(file: sqlite3.Connection, query: str, *values: str) -> int:
    return int(file.execute(query, values).fetchone()[0] or 0)


def _of_the_table(file: sqlite3.Connection, layer: str, triggers: int) -> Iterator[str]:
    count = _one(file, f'SELECT max(rowid) FROM "{layer}"')  # noqa: S608
    if _one(file, "PRAGMA application_id") != APPLICATION_ID:
        yield "header"
    if not _one(file, "SELECT count(*) FROM gpkg_contents WHERE table_name = ?", layer):
        yield "entry in the list of layers"
    if _one(file, "SELECT max(feature_count) FROM gpkg_ogr_contents WHERE table_name = ?", layer) != count:
        yield "count of features"
    if _one(file, "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", layer) != triggers:
        yield "triggers"


def _of_the_places(file: sqlite3.Connection, layer: str, geometry: str) -> Iterator[str]:
    count = _one(file, f'SELECT max(rowid) FROM "{layer}"')  # noqa: S608
    if count and not _one(file, "SELECT count(min_x) FROM gpkg_contents WHERE table_name = ?", layer):
        yield "extent"
    if not _one(file, "SELECT count(*) FROM gpkg_geometry_columns WHERE table_name = ?", layer):
        yield "coordinate system"
    if not _one(file, "SELECT count(*) FROM gpkg_extensions WHERE table_name = ?", layer):
        yield "entry of the spatial index"
    if _one(file, f'SELECT count(*) FROM "rtree_{layer}_{geometry}_rowid"') != count:  # noqa: S608
        yield "spatial index"


def check_layer(path: Path, layer: str, geometry: str = "") -> None:
    """Check one layer of a GeoPackage that was just written.

    Parameters
    ----------
    path
        The file.
    layer
        Name of the layer, one of icepipe's own.
    geometry
        Its column of geometries; none for a table of attributes.

    Raises
    ------
    IntegrityError
        If something of it is missing, or its writer left a journal.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as file:
            lacking = list(_of_the_table(file, layer, COUNTING + (INDEXING if geometry else 0)))
            lacking += _of_the_places(file, layer, geometry) if geometry else ()
    except sqlite3.Error as error:
        raise IntegrityError(f"{path.name}: cannot be read back ({error})", "check free space") from error
    if path.with_name(f"{path.name}-journal").exists():
        lacking.append("last transaction")
    if lacking:
        told = ", ".join(lacking)
        raise IntegrityError(f"{path.name}: was not written whole, {layer} lacks its {told}", "check free space")
