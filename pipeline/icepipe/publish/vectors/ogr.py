"""Writing through GDAL's vector drivers, the one place that calls them, with a clock that stands still.

The library is imported when it is called: where it finds pandas it loads that, too, which takes long.
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
    """GDAL takes the start of a day for now, so that a GeoPackage is the same bytes every time.

    The setting is the process's, so whoever needs another day waits.
    """
    import pyogrio

    with _CLOCK:
        # A spatial index that is built on a thread of its own depends on how the two take turns.
        options = {"OGR_CURRENT_DATE": f"{date.isoformat()}T00:00:00.000Z", "OGR_GPKG_ALLOW_THREADED_RTREE": "NO"}
        pyogrio.set_gdal_config_options(options)
        try:
            yield
        finally:
            pyogrio.set_gdal_config_options(dict.fromkeys(options))


def write_ogr(path: Path | io.BytesIO, features: Any, encoding: str = "UTF-8", **options: Any) -> None:  # noqa: ANN401
    """Write a table, or a stream of them, that has a column ``geometry`` with WKB, to a file or to memory.

    Raises
    ------
    IntegrityError
        If it cannot be written.
    """
    import pyogrio

    with _translate_errors(path):
        pyogrio.write_arrow(features, path, geometry_name="geometry", encoding=encoding, **options)
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

    with _translate_errors(path):
        pyogrio.write_arrow(table, path, layer=layer, driver="GPKG", append=True)
    check_layer(path, layer)


@contextmanager
def _translate_errors(path: Path | io.BytesIO) -> Iterator[None]:
    from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

    try:
        yield
    except (DataSourceError, DataLayerError, FeatureError, RuntimeError) as error:  # the last: a stream that breaks off
        name = path.name if isinstance(path, Path) else "polygons"
        raise IntegrityError(f"{name}: cannot be written ({error})", "check free space") from error
