"""The polygon files of an observation, in every format asked for."""

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


WRITERS: Mapping[str, tuple[str, Callable[[Path, Features], None]]] = {
    "shapefile": (".shp", write_shapefile),
    "geoparquet": (".parquet", write_geoparquet),
    "flatgeobuf": (".fgb", write_flatgeobuf),
}
"""Ending and writer of each format that is a file an observation and class."""

SOURCE_FORMATS = {"geopackage": "geoparquet"}
"""The run's GeoPackage is put together from what each observation keeps in this format."""


def write_polygons(folder: Path, stem: str, features: Features, formats: Collection[str]) -> list[str]:
    """Write one class of an observation, and a ``.qml`` style beside it.

    Parameters
    ----------
    folder, stem
        Where to, and how the files' names begin.
    features
        What to write.
    formats
        Names from the config.

    Returns
    -------
    list of str
        What was done otherwise than asked for, in sentences.

    Raises
    ------
    IntegrityError
        If a file cannot be written.
    """
    said = []
    (folder / f"{stem}.qml").write_text(polygon_qml(features.layer.code), encoding="utf-8")
    for name in sorted({SOURCE_FORMATS.get(asked, asked) for asked in formats}):
        ending, write = WRITERS[name]
        path = folder / f"{stem}{ending}"
        if name == "shapefile" and (obstacle := shapefile_obstacle(features)):
            ending, write = ".gpkg", geopackage.write_features
            said.append(f"{path.name} is {stem}.gpkg instead: {obstacle}")
        write(folder / f"{stem}{ending}", features)
    return said
