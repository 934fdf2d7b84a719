"""Shapefiles, where the format can hold what is to be written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from icepipe.publish.vectors.features import GEOMETRY, SCHEMA, Features
from icepipe.publish.vectors.ogr import write_ogr
from icepipe.publish.vectors.validation import check_shapefile

LIMIT_BYTES = 2**31 - 1
"""Of each of its files: many readers count bytes with 31 bits, and lose what comes after without a word."""

NAME_BYTES = 10
"""Of a field's name; longer ones are cut, and can then be the same."""

ENCODING, NO_LANGUAGE = "UTF-8", "LDID/0"
"""Text stands as UTF-8, which the ``.cpg`` tells. GDAL told to name no language leaves that file to us: where it cannot
open it, it crashes."""

ROW_BYTES = 1 + 12 + 9 + 8 + 24 + 3 * 24 + 2 * 9
"""Of the .dbf, by the widths that GDAL gives text, int32, dates and doubles; a test compares."""


def shapefile_bytes(features: Features) -> int:
    """Size of the largest file, from the layout of the format (ESRI white paper, 1998)."""
    count, extent = features.count, features.extent
    shp = 100 + count * (8 + 4 + 32 + 4 + 4) + 4 * extent.rings + 16 * extent.points
    header = 32 + 32 * (len(SCHEMA) - 1) + 1
    return max(shp, header + ROW_BYTES * count + 1)


def truncated_names(names: Sequence[str]) -> list[str]:
    """Field names that a Shapefile would cut."""
    return [name for name in names if len(name.encode()) > NAME_BYTES]


def shapefile_obstacle(features: Features) -> str:
    """Why features cannot be a Shapefile; empty where they can."""
    size = shapefile_bytes(features)
    if size > LIMIT_BYTES:
        return f"{size / 1e9:.1f} GB pass the Shapefile's limit of {LIMIT_BYTES / 1e9:.1f} GB"
    fields = [name for name in SCHEMA.names if name != GEOMETRY]
    if long := truncated_names(fields):
        return f"a Shapefile would cut the field names {', '.join(long)}"
    return ""


def write_shapefile(path: Path, features: Features) -> None:
    """Write ``.shp`` with its ``.shx .dbf .prj .cpg``; GDAL turns exterior rings clockwise, as the format has them.

    Raises
    ------
    IntegrityError
        If it cannot be written.
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
