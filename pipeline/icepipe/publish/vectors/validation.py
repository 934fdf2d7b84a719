"""Read-back checks of Shapefiles and GeoPackages that GDAL has just written.

GDAL ignores write errors of a disk that is full for a moment, which leaves a hole of zeros in the file. The layout of
Shapefiles is that of the ESRI Shapefile Technical Description (1998).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from icepipe.arrays import Int64, UInt8
from icepipe.errors import IntegrityError
from icepipe.publish.vectors.features import GEOMETRY, SCHEMA, Features

HEADER, RECORD_HEADER, POLYGON_HEADER = 100, 8, 44
"""Bytes of the file header, of the header of a record, and of the fixed part of a polygon."""

FILE_CODE, POLYGON = 9994, 5
"""Magic number of the file, and the shape type."""

FIELD, LIVE, HEADER_END, DBASE_III = 32, 0x20, 0x0D, 3
"""Bytes of a field descriptor of a ``.dbf``, its flag of a row that is not deleted, end of its header, its version."""


def read_int32(raw: UInt8, offsets: Int64, dtype: str) -> Int64:
    """Return the four-byte integers at some offsets of a file; ``dtype`` gives their byte order."""
    return np.asarray(raw[offsets[:, None] + np.arange(4)].copy().view(dtype)[:, 0], dtype=np.int64)


def has_valid_header(raw: UInt8, features: Features) -> bool:
    """Return whether the header of a ``.shp`` or ``.shx`` has the size, shape type and bounds of the layer."""
    if raw.size < HEADER:
        return False
    # Sizes are counted in words of 16 bits; the first fields are big-endian, the bounds little-endian.
    code, words = read_int32(raw, np.array([0, 24]), ">i4")
    bounds = raw[36:68].copy().view("<f8")
    has_bounds = not features.count or np.array_equal(bounds, features.extent.bounds)
    return bool(code == FILE_CODE and 2 * words == raw.size and raw[32] == POLYGON and has_bounds)


def has_valid_records(shp: UInt8, shx: UInt8, count: int) -> bool:
    """Return whether every record has the offset and size of the index, its number, and a closed last ring."""
    index = 2 * shx[HEADER:].copy().view(">i4").astype(np.int64).reshape(-1, 2)
    if len(index) != count or (count and int(index[-1].sum()) + RECORD_HEADER != shp.size):
        return False
    offset, length = index[:, 0], index[:, 1]
    has_number = np.array_equal(read_int32(shp, offset, ">i4"), np.arange(1, count + 1))
    has_size = np.array_equal(2 * read_int32(shp, offset + 4, ">i4"), length)
    content = offset + RECORD_HEADER
    if not (has_number and has_size and np.all(read_int32(shp, content, "<i4") == POLYGON)):
        return False
    # GDAL writes a record at once, so that a lost write loses its end: there the last ring must return to its first
    # vertex. A vertex is two doubles; the offset of each ring is an integer in front of the vertices.
    parts = read_int32(shp, content + 36, "<i4")
    first_vertex = read_int32(shp, content + POLYGON_HEADER + 4 * (parts - 1), "<i4")
    start, end = content + POLYGON_HEADER + 4 * parts + 16 * first_vertex, content + length - 16
    vertex = np.arange(16)
    return bool(np.all(shp[start[:, None] + vertex] == shp[end[:, None] + vertex]))


def has_valid_table(dbf: UInt8, features: Features) -> bool:
    """Return whether a ``.dbf`` has the date, fields and number of rows of the layer, and no zero byte in a row."""
    count = int(dbf[4:8].copy().view("<u4")[0])
    start, row_size = map(int, dbf[8:12].copy().view("<u2"))
    if count != features.count or dbf.size - start - 1 != count * row_size:
        return False
    rows = dbf[start:-1].reshape(count, row_size)
    expected = [name for name in SCHEMA.names if name != GEOMETRY]
    header_size = FIELD * (1 + len(expected)) + 1
    fields = dbf[FIELD : header_size - 1].reshape(-1, FIELD)
    names = [bytes(field[:11]).rstrip(b"\0").decode("ascii", "replace") for field in fields]
    day = features.date.year - 1900, features.date.month, features.date.day
    has_header = bytes(dbf[:4]) == bytes((DBASE_III, *day)) and dbf[header_size - 1] == HEADER_END
    # Byte 16 of a descriptor is the width of its field; a row begins with the deletion flag.
    has_fields = names == expected and np.all(fields[:, 11] > 0) and 1 + int(fields[:, 16].sum()) == row_size
    # Values are padded with spaces, so that a zero byte in a row is a hole.
    return bool(has_header and has_fields and np.all(rows[:, 0] == LIVE) and rows.min(initial=LIVE) > 0)


def shapefile_faults(path: Path, features: Features) -> Iterator[str]:
    """Yield the name of each part of a Shapefile that is missing or damaged."""
    shp, shx, dbf = (np.fromfile(path.with_suffix(suffix), dtype=np.uint8) for suffix in (".shp", ".shx", ".dbf"))
    if not (has_valid_header(shp, features) and has_valid_header(shx, features)):
        yield "header"
    elif not has_valid_records(shp, shx, features.count):
        yield "shapes"
    if not has_valid_table(dbf, features):
        yield "table"
    wkt, encoding = (path.with_suffix(suffix).read_bytes() for suffix in (".prj", ".cpg"))
    if b"\0" in wkt or not wkt.endswith(b"]") or wkt.count(b"[") != wkt.count(b"]"):
        yield "coordinate system"
    if encoding != b"UTF-8":
        yield "encoding"


def check_shapefile(path: Path, features: Features) -> None:
    """Check a Shapefile that was just written.

    Raises
    ------
    IntegrityError
        If a part of it is missing or damaged.
    """
    try:
        faults = ", ".join(shapefile_faults(path, features))
    except (OSError, IndexError, ValueError) as error:
        raise IntegrityError(f"{path.name}: cannot be read back ({error})", "check free space") from error
    if faults:
        raise IntegrityError(f"{path.name}: is incomplete; missing or damaged: {faults}", "check free space")


APPLICATION_ID = 0x47504B47
"""``GPKG`` in SQLite's application id (OGC 12-128r19, requirement 2)."""

COUNTING, INDEXING = 2, 7
"""Triggers that GDAL adds to a layer, to maintain its feature count and its spatial index."""


def read_int(file: sqlite3.Connection, query: str, *values: str) -> int:
    """Return the integer that a query selects; 0 if it selects NULL."""
    return int(file.execute(query, values).fetchone()[0] or 0)


def table_faults(file: sqlite3.Connection, layer: str, triggers: int) -> Iterator[str]:
    """Yield the name of each part of a table of a GeoPackage that is missing."""
    # Rows are numbered from 1 without gaps, so that the last number is their count.
    count = read_int(file, f'SELECT max(rowid) FROM "{layer}"')  # noqa: S608
    if read_int(file, "PRAGMA application_id") != APPLICATION_ID:
        yield "header"
    if not read_int(file, "SELECT count(*) FROM gpkg_contents WHERE table_name = ?", layer):
        yield "entry in the list of layers"
    if read_int(file, "SELECT max(feature_count) FROM gpkg_ogr_contents WHERE table_name = ?", layer) != count:
        yield "count of features"
    query = "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?"
    if read_int(file, query, layer) != triggers:
        yield "triggers"


def geometry_faults(file: sqlite3.Connection, layer: str, geometry: str) -> Iterator[str]:
    """Yield the name of each part of a layer that describes its geometries and is missing."""
    count = read_int(file, f'SELECT max(rowid) FROM "{layer}"')  # noqa: S608
    if count and not read_int(file, "SELECT count(min_x) FROM gpkg_contents WHERE table_name = ?", layer):
        yield "extent"
    if not read_int(file, "SELECT count(*) FROM gpkg_geometry_columns WHERE table_name = ?", layer):
        yield "coordinate system"
    if not read_int(file, "SELECT count(*) FROM gpkg_extensions WHERE table_name = ?", layer):
        yield "entry of the spatial index"
    if read_int(file, f'SELECT count(*) FROM "rtree_{layer}_{geometry}_rowid"') != count:  # noqa: S608
        yield "spatial index"


def check_layer(path: Path, layer: str, geometry: str = "") -> None:
    """Check one layer of a GeoPackage that was just written.

    Parameters
    ----------
    path
        The file.
    layer
        Name of the layer. It is part of the queries, so it must be one of icepipe's own names.
    geometry
        Geometry column; empty for a table without geometries.

    Raises
    ------
    IntegrityError
        If a part of the layer is missing, or GDAL left a journal, whose transaction is not in the file.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as file:
            faults = list(table_faults(file, layer, COUNTING + (INDEXING if geometry else 0)))
            faults += geometry_faults(file, layer, geometry) if geometry else ()
    except sqlite3.Error as error:
        raise IntegrityError(f"{path.name}: cannot be read back ({error})", "check free space") from error
    if path.with_name(f"{path.name}-journal").exists():
        faults.append("last transaction")
    if faults:
        parts = ", ".join(faults)
        raise IntegrityError(
            f"{path.name}: layer {layer} is incomplete; missing or damaged: {parts}", "check free space"
        )
