"""GeoPackages: a layer a class, with a spatial index and the style that QGIS opens it with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from pathlib import Path

import pyarrow as pa

from icepipe.classes import ClassCode
from icepipe.publish.features import GEOMETRY, Features
from icepipe.publish.ogr import clock_at, write_attributes, write_ogr
from icepipe.publish.styles import polygon_qml


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
    with clock_at(date):
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
