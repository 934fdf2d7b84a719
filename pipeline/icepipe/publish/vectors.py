"""Polygon layers as Shapefiles that open styled, with the right field types."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyogrio
import shapely

from icepipe.errors import IntegrityError
from icepipe.measure.vectorize import PolygonLayer
from icepipe.publish.styles import polygon_qml

SHAPEFILE_LIMIT_BYTES = 2 * 10**9


def to_geodataframe(layer: PolygonLayer, date: dt.date, moment: str) -> Any:  # noqa: ANN401
    """A layer as a GeoDataFrame with the published fields.

    Parameters
    ----------
    layer
        Polygons of one class.
    date
        Day of the observation.
    moment
        ISO text of the day, and of the time where one is known.
    """
    import geopandas

    count = len(layer.geometry)
    return geopandas.GeoDataFrame(
        {
            "class": np.full(count, layer.code.label, dtype=object),
            "code": np.full(count, int(layer.code), dtype=np.int32),
            "date": np.full(count, date, dtype=object),
            "datetime": np.full(count, moment, dtype=object),
            "area_m2": layer.area_m2,
            "area_km2": layer.area_m2 / 1e6,
            "perim_m": layer.perim_m,
            "n_px": layer.n_px.astype(np.int32),
            "id": np.arange(1, count + 1, dtype=np.int32),
        },
        geometry=layer.geometry,
        crs=layer.crs,
    )


_TYPES = {"class": pa.string(), "code": pa.int32(), "date": pa.date32(), "datetime": pa.string()}


def arrow_table(frame: Any) -> pa.Table:  # noqa: ANN401
    """Arrow table with WKB geometry; every field keeps its type, in an empty layer too."""
    table = pa.table(frame.to_arrow(index=False, geometry_encoding="WKB"))
    for name, kind in _TYPES.items():
        position = table.schema.get_field_index(name)
        table = table.set_column(position, name, table.column(name).cast(kind))
    return table


def write_shapefile(path: Path, layer: PolygonLayer, date: dt.date, moment: str) -> None:
    """Write ``.shp`` with its ``.shx .dbf .prj .cpg`` and a ``.qml`` style of the same stem.

    Raises
    ------
    IntegrityError
        If it cannot be written, or would pass the format's 2 GB.
    """
    if 64 * len(layer.geometry) + 16 * int(shapely.get_num_coordinates(layer.geometry).sum()) > SHAPEFILE_LIMIT_BYTES:
        raise IntegrityError(
            f"{path.name}: the polygons would pass the Shapefile's limit of 2 GB", "cut the region into parts"
        )
    try:
        pyogrio.write_arrow(
            arrow_table(to_geodataframe(layer, date, moment)),
            path,
            driver="ESRI Shapefile",
            geometry_name="geometry",
            geometry_type="Polygon",
            crs=layer.crs,
            encoding="UTF-8",
            DBF_DATE_LAST_UPDATE=date.isoformat(),
        )
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        pyogrio.errors.FeatureError,
    ) as error:
        raise IntegrityError(f"{path.name}: cannot be written ({error})", "check free space") from error
    path.with_suffix(".qml").write_text(polygon_qml(layer.code), encoding="utf-8")
