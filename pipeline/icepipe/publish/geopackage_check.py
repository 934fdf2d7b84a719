"""Whether a GeoPackage that GDAL has just written is one: GDAL goes on in silence where a step of its own fails."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from icepipe.errors import IntegrityError

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
