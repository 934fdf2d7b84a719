"""Polygons of gain and loss between two observations, as one GeoPackage layer that opens styled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from icepipe.measure.points import day_of
from icepipe.measure.vectorize import PolygonLayer
from icepipe.publish.atomic import replace_file
from icepipe.publish.features import features_of
from icepipe.publish.ogr import clock_at, write_ogr
from icepipe.publish.styles import change_qml

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

    before: str
    after: str
    crs: str
    kinds: Mapping[str, PolygonLayer]


def moment_of_key(key: str) -> str:
    """ISO text of the day of an observation, with the time where its key holds one."""
    day = day_of(key).isoformat()
    time = re.match(r"T(\d\d)(\d\d)(\d\d)?", key[10:])
    return f"{day}T{time[1]}:{time[2]}:{time[3] or '00'}Z" if time else day


def _part(layer: ChangeLayer, kind: str) -> pa.Table:
    table = features_of(layer.kinds[kind], day_of(layer.after), moment_of_key(layer.after)).table
    days = ((name, day_of(key)) for name, key in (("from_date", layer.before), ("to_date", layer.after)))
    for name, day in days:
        table = table.append_column(name, pa.array([day] * table.num_rows, pa.date32()))
    return table.append_column("change", pa.array([kind] * table.num_rows, pa.string()))


def _table(layer: ChangeLayer) -> pa.Table:
    """Features of every kind, one after the other, numbered through."""
    whole = pa.concat_tables([_part(layer, kind) for kind in layer.kinds])
    position = whole.schema.get_field_index("id")
    numbers = pa.array(np.arange(1, whole.num_rows + 1, dtype=np.int32))
    return whole.set_column(position, "id", numbers)


def write_change_layer(path: Path, layer: ChangeLayer) -> None:
    """Write the GeoPackage, and a ``.qml`` style of the same stem beside it.

    Raises
    ------
    IntegrityError
        If one cannot be written.
    """
    with replace_file(path) as part, clock_at(day_of(layer.after)):
        write_ogr(part, _table(layer), driver="GPKG", layer=LAYER, geometry_type="Polygon", crs=layer.crs)
    with replace_file(path.with_suffix(".qml")) as part:
        part.write_text(change_qml(), encoding="utf-8")
