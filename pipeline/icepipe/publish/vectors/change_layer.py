"""Polygons of gain and loss between two observations, as a GeoPackage with a QGIS style."""

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

CHANGE_SCHEMA = pa.schema(
    [*SCHEMA, pa.field("from_date", pa.date32()), pa.field("to_date", pa.date32()), pa.field("change", pa.string())]
)


@dataclass(frozen=True)
class ChangeLayer:
    """Polygons of the changes between two observations.

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

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the features of every kind in ``CHANGE_SCHEMA``; ids continue from one kind to the next."""
        day = self.after.day
        first_id = 1
        for kind, polygons in self.kinds.items():
            features = Features(polygons, day, utc_text(day, self.after.time))
            for batch in features.batches(first_id):
                n = len(batch.rows)
                columns = [
                    pa.array([self.before.day] * n, pa.date32()),
                    pa.array([day] * n, pa.date32()),
                    pa.array([kind] * n, pa.string()),
                ]
                yield pa.RecordBatch.from_arrays([*batch.rows.columns, *columns], schema=CHANGE_SCHEMA)
            # All kinds share one layer, in which ids must be unique.
            first_id += features.count


def write_change_layer(path: Path, layer: ChangeLayer) -> None:
    """Write the GeoPackage, and a ``.qml`` style with the same stem next to it.

    Raises
    ------
    IntegrityError
        If a file cannot be written.
    """
    stream = pa.RecordBatchReader.from_batches(CHANGE_SCHEMA, layer.batches())
    # The date of the file is that of the later observation, so that its bytes do not depend on the day of the run.
    with replace_file(path) as part, frozen_clock(layer.after.day):
        write_ogr(part, stream, driver="GPKG", layer=LAYER, geometry_type="Polygon", crs=layer.crs)
    with replace_file(path.with_suffix(".qml")) as part:
        part.write_text(change_qml(), encoding="utf-8")
