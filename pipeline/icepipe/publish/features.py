"""Polygon layers as tables of features: the published fields with their types, and the geometry as WKB."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import shapely

from icepipe.classes import ClassCode
from icepipe.measure.vectorize import PolygonLayer

GEOMETRY = "geometry"


def _text(name: str, width: int) -> pa.Field:
    """A text field; the width is for Shapefiles, which otherwise take 80 bytes a feature."""
    return pa.field(name, pa.string(), metadata={"GDAL:OGR:width": str(width)})


SCHEMA = pa.schema(
    [
        _text("class", 12),
        pa.field("code", pa.int32()),
        pa.field("date", pa.date32()),
        _text("datetime", 24),
        pa.field("area_m2", pa.float64()),
        pa.field("area_km2", pa.float64()),
        pa.field("perim_m", pa.float64()),
        pa.field("n_px", pa.int32()),
        pa.field("id", pa.int32()),
        pa.field(GEOMETRY, pa.binary()),
    ]
)


@dataclass(frozen=True)
class Features:
    """A polygon layer ready to be written.

    Attributes
    ----------
    code
        The class.
    date
        Day of the observation.
    crs
        WKT of the coordinates.
    kind
        ``Polygon`` or ``MultiPolygon``.
    table
        A row a feature, by ``SCHEMA``; exterior rings are counter-clockwise, as OGC's standards have them.
    bounds
        West, south, east and north of every feature, shape (n, 4).
    points, rings
        Points and rings of all features together.
    """

    code: ClassCode
    date: dt.date
    crs: str
    kind: str
    table: pa.Table
    bounds: np.ndarray[tuple[int, int], np.dtype[np.float64]]
    points: int
    rings: int


def features_of(layer: PolygonLayer, date: dt.date, moment: str) -> Features:
    """A layer as features.

    Parameters
    ----------
    layer
        Polygons of one class.
    date
        Day of the observation.
    moment
        ISO text of the day, and of the time where one is known.
    """
    count, geometry = len(layer.geometry), shapely.orient_polygons(layer.geometry)
    columns = [
        pa.array([layer.code.label] * count, pa.string()),
        pa.array(np.full(count, int(layer.code), dtype=np.int32)),
        pa.array([date] * count, pa.date32()),
        pa.array([moment] * count, pa.string()),
        pa.array(layer.area_m2),
        pa.array(layer.area_m2 / 1e6),
        pa.array(layer.perim_m),
        pa.array(layer.n_px.astype(np.int32)),
        pa.array(np.arange(1, count + 1, dtype=np.int32)),
        pa.array(shapely.to_wkb(geometry).tolist(), pa.binary()),
    ]
    return Features(
        code=layer.code,
        date=date,
        crs=layer.crs,
        kind="MultiPolygon" if layer.multi else "Polygon",
        table=pa.table(columns, schema=SCHEMA),
        bounds=shapely.bounds(geometry).reshape(-1, 4),
        points=int(shapely.get_num_coordinates(geometry).sum()),
        rings=len(shapely.get_rings(shapely.get_parts(geometry))),
    )
