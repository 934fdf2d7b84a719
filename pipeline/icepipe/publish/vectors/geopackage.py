"""The GeoPackage of a run: the polygons of all observations, collected from the files of each."""

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


def layer_styles(codes: Collection[ClassCode], date: dt.date) -> pa.Table:
    """Return the table ``layer_styles``, from which QGIS loads the style of a layer; columns are defined by QGIS."""
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
    """Write a ``.gpkg`` with one layer per class, and its styles.

    Parameters
    ----------
    path
        File to write; it must not exist yet.
    layers
        Stream of the features of each class.
    crs
        WKT of the coordinates.
    kind
        ``Polygon`` or ``MultiPolygon``.
    date
        Date of the metadata of the file.

    Raises
    ------
    IntegrityError
        If it cannot be written.
    """
    with frozen_clock(date):
        # The first layer creates the file, further ones are appended.
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
        write_attributes(path, layer_styles(layers.keys(), date), "layer_styles")


def write_features(path: Path, features: Features) -> None:
    """Write a layer as a GeoPackage of its own.

    Raises
    ------
    IntegrityError
        If it cannot be written.
    """
    layer = features.layer
    write_geopackage(path, {layer.code: features.stream()}, layer.crs, features.kind, features.date)


OBSERVATION = "observation"
"""Field with the key of the observation of a polygon; several observations can have the same date."""

PART_ENDING = ".parquet"
"""Suffix of the files of an observation from which the GeoPackage of the run is written."""

RUN_SCHEMA = SCHEMA.append(pa.field(OBSERVATION, pa.string()))


@dataclass(frozen=True)
class ObservationParts:
    """The polygon files that the GeoPackage of a run is written from.

    Attributes
    ----------
    folder, name
        Folder and name of the run.
    codes
        Classes; each becomes a layer.
    crs
        WKT of the coordinates.
    multi
        Whether features are multipolygons.
    records
        Records of the observations, in the order of their keys.
    """

    folder: Path
    name: str
    codes: Sequence[ClassCode]
    crs: str
    multi: bool
    records: Mapping[str, Record]

    @property
    def path(self) -> Path:
        """Path of the GeoPackage."""
        return RunPaths(self.folder, self.name).geopackage

    def parts(self, code: ClassCode) -> dict[str, Path]:
        """Return the files of one class, by key of the observation and in the order of the keys."""
        run = RunPaths(self.folder, self.name)
        return {key: run.observation(key).polygon_file(code, PART_ENDING) for key in self.records}

    def stream(self, code: ClassCode) -> pa.RecordBatchReader:
        """Return a reader of the features of one class of all observations, in ``RUN_SCHEMA``."""

        def batches() -> Iterator[pa.RecordBatch]:
            for key, part in self.parts(code).items():
                for rows in read_batches(part):
                    yield rows.append_column(OBSERVATION, pa.array([key] * len(rows), pa.string())).cast(RUN_SCHEMA)

        return pa.RecordBatchReader.from_batches(RUN_SCHEMA, batches())

    @property
    def digest(self) -> str:
        """Digest of everything that decides the bytes of the file: parts, settings and versions of libraries."""
        names = {part.name for code in self.codes for part in self.parts(code).values()}
        # Records hold the fingerprints of the parts, so that no part is read.
        parts = {key: [out for out in record.outputs if out[0] in names] for key, record in self.records.items()}
        code = {line for record in self.records.values() for line in record.made.code}
        made_from = [parts, sorted(code), self.crs, [code.label for code in self.codes], RUN_SCHEMA.names]
        return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:12]


def write_run_geopackage(collected: ObservationParts, before: Mapping[str, str]) -> dict[str, str]:
    """Write ``<name>.gpkg`` if anything that it is made from has changed.

    The whole file is written in the order of the keys, so that its bytes do not depend on the order in which
    observations arrived.

    Parameters
    ----------
    collected
        The parts of the file.
    before
        Return value of the last call for the same file; empty if there was none.

    Returns
    -------
    dict
        ``made_from``, the digest of the parts, and ``fingerprint`` of the file; empty if there is no observation.

    Raises
    ------
    IntegrityError
        If it cannot be written.
    """
    path, digest = collected.path, collected.digest
    if not collected.records:
        return {}
    # A file that was changed or removed since is written again even if its parts are the same.
    if before.get("made_from") == digest and path.is_file() and fingerprint(path) == before.get("fingerprint"):
        return dict(before)
    # The date of the file is that of the data, not that of the run.
    latest = max(row.date for record in collected.records.values() for row in record.rows)
    kind = "MultiPolygon" if collected.multi else "Polygon"
    with replace_file(path) as part:
        layers = {code: collected.stream(code) for code in collected.codes}
        write_geopackage(part, layers, collected.crs, kind, latest.day)
    return {"made_from": digest, "fingerprint": fingerprint(path)}
