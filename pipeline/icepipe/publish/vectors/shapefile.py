"""Shapefiles, for layers within the limits of the format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from icepipe.publish.vectors.features import GEOMETRY, SCHEMA, Features
from icepipe.publish.vectors.ogr import write_ogr
from icepipe.publish.vectors.validation import check_shapefile

LIMIT_BYTES = 2**31 - 1
"""Largest size of each file: many readers use signed 32-bit offsets and ignore what lies beyond."""

NAME_BYTES = 10
"""Largest length of a field name; longer names are truncated, and can then be equal."""

ENCODING = "UTF-8"
"""Text encoding, which the ``.cpg`` file declares."""

NO_LANGUAGE = "LDID/0"
"""Encoding option with which GDAL writes no ``.cpg`` file: GDAL crashes if it cannot open that file, so
:func:`write_shapefile` writes it."""

ROW_BYTES = 1 + 12 + 9 + 8 + 24 + 3 * 24 + 2 * 9
"""Bytes of a ``.dbf`` row: the deletion flag, and the widths that GDAL gives to text, int32, dates and doubles."""


def shapefile_bytes(features: Features) -> int:
    """Return the size of the largest file, from the layout of the format (ESRI white paper, 1998)."""
    count, extent = features.count, features.extent
    # .shp: file header, then for each record its header, type, bounds, two counts, ring offsets and points.
    shp = 100 + count * (8 + 4 + 32 + 4 + 4) + 4 * extent.rings + 16 * extent.points
    # .dbf: header, a descriptor for each field but the geometry, terminator; an end mark follows the rows.
    header = 32 + 32 * (len(SCHEMA) - 1) + 1
    return max(shp, header + ROW_BYTES * count + 1)


def truncated_names(names: Sequence[str]) -> list[str]:
    """Return the field names that a Shapefile would truncate."""
    return [name for name in names if len(name.encode()) > NAME_BYTES]


def shapefile_obstacle(features: Features) -> str:
    """Return why a Shapefile cannot hold the features; empty if it can."""
    size = shapefile_bytes(features)
    if size > LIMIT_BYTES:
        return f"{size / 1e9:.1f} GB exceed the limit of a Shapefile, {LIMIT_BYTES / 1e9:.1f} GB"
    fields = [name for name in SCHEMA.names if name != GEOMETRY]
    if long := truncated_names(fields):
        return f"a Shapefile would truncate the field names {', '.join(long)}"
    return ""


def write_shapefile(path: Path, features: Features) -> None:
    """Write ``.shp`` with its ``.shx .dbf .prj .cpg``; GDAL makes exterior rings clockwise, as the format requires.

    Raises
    ------
    IntegrityError
        If a file cannot be written, or is not complete when it is read back.
    """
    write_ogr(
        path,
        features.stream(),
        driver="ESRI Shapefile",
        geometry_type="Polygon",
        crs=features.layer.crs,
        DBF_DATE_LAST_UPDATE=features.date.isoformat(),
        encoding=NO_LANGUAGE,
    )
    path.with_suffix(".cpg").write_text(ENCODING, encoding="ascii")
    check_shapefile(path, features)
