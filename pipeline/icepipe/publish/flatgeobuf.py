"""FlatGeobuf, which has no dates without a time."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa

from icepipe.publish.features import SCHEMA, Features
from icepipe.publish.ogr import write_ogr


def write_flatgeobuf(path: Path, features: Features) -> None:
    """Write a ``.fgb`` with its spatial index, which orders the features; ``date`` is the start of the day.

    All is held at once, because GDAL goes on in silence where a disk is full for a moment.

    Raises
    ------
    IntegrityError
        If it cannot be written.
    """
    at = SCHEMA.get_field_index("date")
    schema = SCHEMA.set(at, pa.field("date", pa.timestamp("ms")))
    stream = pa.RecordBatchReader.from_batches(schema, (batch.rows.cast(schema) for batch in features.batches()))
    held = io.BytesIO()
    write_ogr(held, stream, driver="FlatGeobuf", geometry_type=features.kind, crs=features.layer.crs, layer=path.stem)
    path.write_bytes(held.getbuffer())
