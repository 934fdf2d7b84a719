"""Writing through the vector drivers of GDAL, with a frozen clock.

No other module writes with pyogrio. It is imported in functions: it loads pandas if that is installed, which is slow.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from icepipe.errors import IntegrityError
from icepipe.publish.vectors.validation import check_layer

_CLOCK = Lock()


@contextmanager
def frozen_clock(date: dt.date) -> Iterator[None]:
    """Freeze the clock of GDAL at the start of a day, so that GeoPackages are byte-identical.

    The setting is global to the process: a thread that needs another day waits.
    """
    import pyogrio

    with _CLOCK:
        # The bytes of a spatial index that GDAL builds in a second thread depend on how the two threads are scheduled.
        options = {"OGR_CURRENT_DATE": f"{date.isoformat()}T00:00:00.000Z", "OGR_GPKG_ALLOW_THREADED_RTREE": "NO"}
        pyogrio.set_gdal_config_options(options)
        try:
            yield
        finally:
            pyogrio.set_gdal_config_options(dict.fromkeys(options))


def write_ogr(path: Path | io.BytesIO, features: Any, encoding: str = "UTF-8", **options: Any) -> None:  # noqa: ANN401
    """Write a table or a stream of batches with a WKB column ``geometry`` to a file or to memory.

    Raises
    ------
    IntegrityError
        If it cannot be written, or a GeoPackage is not complete when it is read back.
    """
    import pyogrio

    with translate_errors(path):
        pyogrio.write_arrow(features, path, geometry_name="geometry", encoding=encoding, **options)
    # Shapefiles are checked by their writer, and FlatGeobuf is written to memory.
    if options["driver"] == "GPKG" and isinstance(path, Path):
        check_layer(path, options["layer"], options.get("GEOMETRY_NAME", "geom"))


def write_attributes(path: Path, table: Any, layer: str) -> None:  # noqa: ANN401
    """Add a table without geometry to a GeoPackage.

    Raises
    ------
    IntegrityError
        If it cannot be written.
    """
    import pyogrio

    with translate_errors(path):
        pyogrio.write_arrow(table, path, layer=layer, driver="GPKG", append=True)
    check_layer(path, layer)


@contextmanager
def translate_errors(path: Path | io.BytesIO) -> Iterator[None]:
    """Raise errors of GDAL as IntegrityError."""
    from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

    try:
        yield
    # A RuntimeError is raised if the stream that is written fails.
    except (DataSourceError, DataLayerError, FeatureError, RuntimeError) as error:
        name = path.name if isinstance(path, Path) else "polygons"
        raise IntegrityError(f"{name}: cannot be written ({error})", "check free space") from error
