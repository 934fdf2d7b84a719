"""GeoParquet 1.1: WKB, with the bounds of every feature as a column that readers can skip by."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyproj

from icepipe.publish.features import GEOMETRY, SCHEMA, Features

VERSION = "1.1.0"
SIDES = ("xmin", "ymin", "xmax", "ymax")
GROUP_ROWS = 50_000
"""Features read or skipped at once."""


def _metadata(features: Features) -> dict[str, Any]:
    """The file's ``geo`` metadata (GeoParquet specification 1.1.0)."""
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": [features.kind] if features.table.num_rows else [],
        "crs": pyproj.CRS.from_wkt(features.crs).to_json_dict(),
        "orientation": "counterclockwise",
        "edges": "planar",
        "covering": {"bbox": {side: ["bbox", side] for side in SIDES}},
    }
    if len(features.bounds):
        column["bbox"] = [*features.bounds[:, :2].min(axis=0).tolist(), *features.bounds[:, 2:].max(axis=0).tolist()]
    return {"version": VERSION, "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}


def write_geoparquet(path: Path, features: Features) -> None:
    """Write a ``.parquet``."""
    sides = pa.StructArray.from_arrays([pa.array(features.bounds[:, i]) for i in range(4)], names=list(SIDES))
    table = features.table.append_column("bbox", sides)
    table = table.replace_schema_metadata({"geo": json.dumps(_metadata(features))})
    pq.write_table(table, path, compression="zstd", row_group_size=GROUP_ROWS)


def read_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """The features of a file that :func:`write_geoparquet` wrote, by ``SCHEMA``, some at a time."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(GROUP_ROWS, columns=SCHEMA.names):
            yield pa.RecordBatch.from_arrays(batch.columns, schema=SCHEMA)
