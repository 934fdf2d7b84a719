"""Polygon files of an observation in the configured formats."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import pyarrow as pa

from icepipe.publish.vectors import geopackage
from icepipe.publish.vectors.features import SCHEMA, Features
from icepipe.publish.vectors.geoparquet import write_geoparquet
from icepipe.publish.vectors.ogr import write_ogr
from icepipe.publish.vectors.qml_styles import polygon_qml
from icepipe.publish.vectors.shapefile import shapefile_obstacle, write_shapefile


def write_flatgeobuf(path: Path, features: Features) -> None:
    """Write a ``.fgb`` with a spatial index, which sorts the features; ``date`` is the start of the day.

    Raises
    ------
    IntegrityError
        If it cannot be written.
    """
    # FlatGeobuf has no type for dates without a time.
    schema = SCHEMA.set(SCHEMA.get_field_index("date"), pa.field("date", pa.timestamp("ms")))
    stream = pa.RecordBatchReader.from_batches(schema, (batch.rows.cast(schema) for batch in features.batches()))
    # GDAL writes to memory, because it ignores write errors of a disk that is full for a moment.
    buffer = io.BytesIO()
    write_ogr(buffer, stream, driver="FlatGeobuf", geometry_type=features.kind, crs=features.layer.crs, layer=path.stem)
    path.write_bytes(buffer.getbuffer())


WRITERS: Mapping[str, tuple[str, Callable[[Path, Features], None]]] = {
    "shapefile": (".shp", write_shapefile),
    "geoparquet": (".parquet", write_geoparquet),
    "flatgeobuf": (".fgb", write_flatgeobuf),
}
"""Suffix and writer of each format with a file per observation and class."""

SOURCE_FORMATS = {"geopackage": "geoparquet"}
"""Format in which an observation stores its polygons for a file of the whole run."""


def write_polygons(folder: Path, stem: str, features: Features, formats: Collection[str]) -> list[str]:
    """Write one class of an observation, and its ``.qml`` style.

    Parameters
    ----------
    folder, stem
        Folder of the files, and the start of their names.
    features
        The polygons.
    formats
        Names of formats, as in the config.

    Returns
    -------
    list of str
        Sentences about files that were written in another format than configured.

    Raises
    ------
    IntegrityError
        If a file cannot be written.
    """
    remarks = []
    (folder / f"{stem}.qml").write_text(polygon_qml(features.layer.code), encoding="utf-8")
    # Two formats can have one source, which is written once; sorted, so that remarks have a fixed order.
    for name in sorted({SOURCE_FORMATS.get(name, name) for name in formats}):
        ending, write = WRITERS[name]
        path = folder / f"{stem}{ending}"
        if name == "shapefile" and (obstacle := shapefile_obstacle(features)):
            ending, write = ".gpkg", geopackage.write_features
            remarks.append(f"{path.name} is {stem}.gpkg instead: {obstacle}")
        write(folder / f"{stem}{ending}", features)
    return remarks
