"""Polygons of gain and loss between two observations, as one GeoPackage layer that opens styled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from icepipe.inputs.observation_key import ObservationKey, utc_text
from icepipe.measure.polygons.polygonize import PolygonLayer
from icepipe.publish.vectors.features import SCHEMA, Features
from icepipe.publish.vectors.ogr import frozen_clock, write_ogr
from icepipe.publish.vectors.qml_styles import change_qml
from icepipe.storage.atomic import replace_file

LAYER = "change"


@dataclass(frozen=True)
class ChangeLayer:
    """What changed.

    Attributes
    ----------
    before, after
        Keys of the observations.
    crs
        WKT of the coordinates.
    kinds
        Polygons by kind: ``ice_gain``, ``ice_loss``, ``water_gain``, ``water_loss``.
    """

    before: ObservationKey
    after: ObservationKey
    crs: str
    kinds: Mapping[str, PolygonLayer]


CHANGE_FIELDS = (("from_date", pa.date32()), ("to_date", pa.date32()), ("change", pa.string()))


def _rows(layer: ChangeLayer) -> Iterator[pa.RecordBatch]:
    """Features of every kind, one after the other, numbered through."""
    days, first = [layer.before.day, layer.after.day], 1
    for kind, polygons in layer.kinds.items():
        features = Features(polygons, layer.after.day, utc_text(layer.after.day, layer.after.time))
        for batch in features.batches(first):
            rows = batch.rows
            for (name, data), value in zip(CHANGE_FIELDS, [*days, kind], strict=True):
                rows = rows.append_column(name, pa.array([value] * len(rows), data))
            yield rows
        first += features.count


def _stream(layer: ChangeLayer) -> pa.RecordBatchReader:
    schema = pa.schema([*SCHEMA, *CHANGE_FIELDS])
    return pa.RecordBatchReader.from_batches(schema, (rows.cast(schema) for rows in _rows(layer)))


def write_change_layer(path: Path, layer: ChangeLayer) -> None:
    """Write the GeoPackage, and a ``.qml`` style of the same stem beside it.

    Raises
    ------
    IntegrityError
        If one cannot be written.
    """
    with replace_file(path) as part, frozen_clock(layer.after.day):
        write_ogr(part, _stream(layer), driver="GPKG", layer=LAYER, geometry_type="Polygon", crs=layer.crs)
    with replace_file(path.with_suffix(".qml")) as part:
        part.write_text(change_qml(), encoding="utf-8")
