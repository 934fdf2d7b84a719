"""The run's GeoPackage: all dates in one file, put together from what each observation keeps."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from icepipe.classes import ClassCode
from icepipe.publish.run_folder.paths import RunPaths
from icepipe.publish.run_folder.record import Record
from icepipe.publish.vectors.features import GEOMETRY, SCHEMA, Features
from icepipe.publish.vectors.geoparquet import read_batches
from icepipe.publish.vectors.ogr import frozen_clock, write_attributes, write_ogr
from icepipe.publish.vectors.qml_styles import polygon_qml
from icepipe.storage.atomic import replace_file
from icepipe.storage.fingerprint import fingerprint


def _styles(codes: Collection[ClassCode], date: dt.date) -> pa.Table:
    """The table ``layer_styles``, in which QGIS looks for the style of a layer; names and types are QGIS's."""
    count, labels = len(codes), [code.label for code in codes]
    empty = pa.array([""] * count, pa.string())
    day = dt.datetime.combine(date, dt.time())
    return pa.table(
        {
            "f_table_catalog": empty,
            "f_table_schema": empty,
            "f_table_name": pa.array(labels, pa.string()),
            "f_geometry_column": pa.array([GEOMETRY] * count, pa.string()),
            "styleName": pa.array(labels, pa.string()),
            "styleQML": pa.array([polygon_qml(code) for code in codes], pa.string()),
            "styleSLD": empty,
            "useAsDefault": pa.array([True] * count, pa.bool_()),
            "description": pa.array([f"colour of the class {label}" for label in labels], pa.string()),
            "owner": empty,
            "ui": empty,
            "update_time": pa.array([day] * count, pa.timestamp("ms")),
        }
    )


def write_geopackage(
    path: Path, layers: Mapping[ClassCode, pa.RecordBatchReader], crs: str, kind: str, date: dt.date
) -> None:
    """Write a ``.gpkg``.

    Parameters
    ----------
    path
        File to write; there must be none yet.
    layers
        Features of each class, read as they are written.
    crs
        WKT of the coordinates.
    kind
        ``Polygon`` or ``MultiPolygon``.
    date
        The only date in the file beside those of the features.

    Raises
    ------
    IntegrityError
        If it cannot be written.
    """
    with frozen_clock(date):
        for code, features in layers.items():
            write_ogr(
                path,
                features,
                driver="GPKG",
                layer=code.label,
                geometry_type=kind,
                crs=crs,
                append=path.exists(),
                GEOMETRY_NAME=GEOMETRY,
                SPATIAL_INDEX="YES",
            )
        write_attributes(path, _styles(layers.keys(), date), "layer_styles")


def write_features(path: Path, features: Features) -> None:
    """Write one layer as a GeoPackage of its own.

    Raises
    ------
    IntegrityError
        If it cannot be written.
    """
    layer = features.layer
    write_geopackage(path, {layer.code: features.stream()}, layer.crs, features.kind, features.date)


OBSERVATION = "observation"
"""Field with the key of the observation that a polygon is of; several can share a date."""

PART_ENDING = ".parquet"
"""Of the files that an observation keeps for the run's GeoPackage."""

RUN_SCHEMA = SCHEMA.append(pa.field(OBSERVATION, pa.string()))


@dataclass(frozen=True)
class ObservationParts:
    """What a run's GeoPackage holds.

    Attributes
    ----------
    folder, name
        Of the run.
    codes
        Classes, a layer each.
    crs
        WKT of the coordinates.
    multi
        Whether features are multipolygons.
    records
        The observations, by key and in the order of the keys.
    """

    folder: Path
    name: str
    codes: Sequence[ClassCode]
    crs: str
    multi: bool
    records: Mapping[str, Record]

    @property
    def path(self) -> Path:
        """Its file."""
        return RunPaths(self.folder, self.name).geopackage

    def parts(self, code: ClassCode) -> dict[str, Path]:
        """Files with one class of every observation, by key and in the order of the keys."""
        run = RunPaths(self.folder, self.name)
        return {key: run.observation(key).polygon_file(code, PART_ENDING) for key in self.records}

    @property
    def digest(self) -> str:
        """Changes with everything that the file is made from: its parts, and the code that writes it."""
        names = {part.name for code in self.codes for part in self.parts(code).values()}
        parts = {key: [o for o in record.outputs if o[0] in names] for key, record in self.records.items()}
        code = {line for record in self.records.values() for line in record.made.code}
        made_from = [parts, sorted(code), self.crs, [code.label for code in self.codes], RUN_SCHEMA.names]
        return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:12]


def _stream(parts: Mapping[str, Path]) -> pa.RecordBatchReader:
    def batches() -> Iterator[pa.RecordBatch]:
        for key, part in parts.items():
            for rows in read_batches(part):
                yield rows.append_column(OBSERVATION, pa.array([key] * len(rows), pa.string())).cast(RUN_SCHEMA)

    return pa.RecordBatchReader.from_batches(RUN_SCHEMA, batches())


def write_run_geopackage(collected: ObservationParts, before: Mapping[str, str]) -> dict[str, str]:
    """Bring ``<name>.gpkg`` up to date.

    It is written from the beginning, observations in the order of their keys, so that it does not depend on the order
    in which they came; and only where something changed.

    Parameters
    ----------
    collected
        What it holds.
    before
        What this function gave when the file was written last, or nothing.

    Returns
    -------
    dict
        ``made_from`` and ``fingerprint`` of the file; nothing where there is no observation.

    Raises
    ------
    IntegrityError
        If it cannot be written.
    """
    path, digest = collected.path, collected.digest
    if not collected.records:
        return {}
    if before.get("made_from") == digest and path.is_file() and fingerprint(path) == before.get("fingerprint"):
        return dict(before)
    latest = max(row.date for record in collected.records.values() for row in record.rows)
    kind = "MultiPolygon" if collected.multi else "Polygon"
    with replace_file(path) as part:
        layers = {code: _stream(collected.parts(code)) for code in collected.codes}
        write_geopackage(part, layers, collected.crs, kind, latest.day)
    return {"made_from": digest, "fingerprint": fingerprint(path)}
