"""GeoParquet 1.1: WKB geometries, with a bounding box column by which readers can skip features."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyproj

from icepipe.publish.vectors.features import EMPTY_BOUNDS, GEOMETRY, SCHEMA, Features, merge_bounds

VERSION = "1.1.0"
SIDES = ("xmin", "ymin", "xmax", "ymax")
BBOX_TYPE = pa.struct([pa.field(side, pa.float64()) for side in SIDES])
FILE_SCHEMA = SCHEMA.append(pa.field("bbox", BBOX_TYPE))

STATISTICS_COLUMNS = [name for name in SCHEMA.names if name != GEOMETRY] + [f"bbox.{side}" for side in SIDES]
"""Columns with statistics in the file; those of WKB would be two whole polygons per row group."""

READ_ROWS = 50_000
"""Features per batch on reading."""


def geo_metadata(features: Features, bounds: Sequence[float]) -> dict[str, Any]:
    """Return the ``geo`` metadata of the file (GeoParquet specification 1.1.0)."""
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": [features.kind] if features.count else [],
        "crs": pyproj.CRS.from_wkt(features.layer.crs).to_json_dict(),
        "orientation": "counterclockwise",
        "edges": "planar",
        "covering": {"bbox": {side: ["bbox", side] for side in SIDES}},
    }
    # The specification has no bounds of an empty layer, and JSON no infinity.
    if features.count:
        column["bbox"] = list(bounds)
    return {"version": VERSION, "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}


def write_geoparquet(path: Path, features: Features) -> None:
    """Write a ``.parquet`` file with one row group per batch."""
    # Dictionaries are switched off: hardly a number occurs twice, and Zstandard compresses the texts as well.
    options = {"compression": "zstd", "use_dictionary": False, "write_statistics": STATISTICS_COLUMNS}
    bounds = EMPTY_BOUNDS
    with pq.ParquetWriter(path, FILE_SCHEMA, **options) as writer:
        for batch in features.batches():
            sides = pa.StructArray.from_arrays([pa.array(batch.bounds[:, i]) for i in range(4)], fields=list(BBOX_TYPE))
            writer.write_batch(pa.RecordBatch.from_arrays([*batch.rows.columns, sides], schema=FILE_SCHEMA))
            bounds = merge_bounds(bounds, batch.bounds)
        # The bounds of the layer are known only after the last batch.
        writer.add_key_value_metadata({"geo": json.dumps(geo_metadata(features, bounds))})


def read_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """Yield the features of a file that :func:`write_geoparquet` wrote, in batches of ``SCHEMA``."""
    with pq.ParquetFile(path) as file:
        # The bounding boxes are not read: other formats compute their own index.
        for batch in file.iter_batches(READ_ROWS, columns=SCHEMA.names):
            yield pa.RecordBatch.from_arrays(batch.columns, schema=SCHEMA)
