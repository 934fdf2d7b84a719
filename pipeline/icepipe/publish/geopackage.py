"""One layer as a GeoPackage that is the same bytes every time."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from threading import Lock

import pyarrow as pa
import pyogrio

from icepipe.errors import IntegrityError

_ONE_AT_A_TIME = Lock()
"""GDAL's options are of the whole process, and the date of a file is one of them."""


def write_geopackage(path: Path, table: pa.Table, layer: str, geometry_type: str, crs: str, date: dt.date) -> None:
    """Write a table with WKB in its column ``geometry``.

    Parameters
    ----------
    path
        File to write; its name ends in ``.gpkg``.
    table
        The features.
    layer, geometry_type, crs
        Name, kind and coordinate system of the layer.
    date
        The only date in the file, besides those of its features.

    Raises
    ------
    IntegrityError
        If it cannot be written.
    """
    # A spatial index that is built on a thread of its own depends on how the two take turns.
    options = {"OGR_CURRENT_DATE": f"{date.isoformat()}T00:00:00.000Z", "OGR_GPKG_ALLOW_THREADED_RTREE": "NO"}
    with _ONE_AT_A_TIME:
        pyogrio.set_gdal_config_options(options)
        try:
            pyogrio.write_arrow(
                table,
                path,
                driver="GPKG",
                layer=layer,
                geometry_name="geometry",
                geometry_type=geometry_type,
                crs=crs,
            )
        except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FeatureError) as error:
            raise IntegrityError(f"{path.name}: cannot be written ({error})", "check free space") from error
        finally:
            pyogrio.set_gdal_config_options(dict.fromkeys(options))
