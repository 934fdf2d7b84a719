"""FlatGeobuf, which has no dates without a time."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa

from icepipe.publish.features import Features
from icepipe.publish.ogr import write_ogr


def write_flatgeobuf(path: Path, features: Features) -> None:
    """Write a ``.fgb`` with its spatial index, which orders the features; ``date`` is the start of the day.

    Raises
    ------
    IntegrityError
        If it cannot be written.
    """
    table = features.table
    at = table.schema.get_field_index("date")
    table = table.set_column(at, "date", table.column("date").cast(pa.timestamp("ms")))
    held = io.BytesIO()
    write_ogr(held, table, driver="FlatGeobuf", geometry_type=features.kind, crs=features.crs, layer=path.stem)
    path.write_bytes(held.getbuffer())
