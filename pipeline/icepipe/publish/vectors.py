"""The polygon files of an observation, in every format asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from icepipe.publish import geopackage
from icepipe.publish.features import Features
from icepipe.publish.flatgeobuf import write_flatgeobuf
from icepipe.publish.geoparquet import write_geoparquet
from icepipe.publish.shapefile import shapefile_obstacle, write_shapefile
from icepipe.publish.styles import polygon_qml

WRITERS: Mapping[str, tuple[str, Callable[[Path, Features], None]]] = {
    "shapefile": (".shp", write_shapefile),
    "geoparquet": (".parquet", write_geoparquet),
    "flatgeobuf": (".fgb", write_flatgeobuf),
}
"""Ending and writer of each format that is a file an observation and class."""

KEPT_FOR = {"geopackage": "geoparquet"}
"""The run's GeoPackage is put together from what each observation keeps in this format."""


def write_polygons(folder: Path, stem: str, features: Features, formats: Collection[str]) -> list[str]:
    """Write one class of an observation, and a ``.qml`` style beside it.

    Parameters
    ----------
    folder, stem
        Where to, and how the files' names begin.
    features
        What to write.
    formats
        Names from the config.

    Returns
    -------
    list of str
        What was done otherwise than asked for, in sentences.

    Raises
    ------
    IntegrityError
        If a file cannot be written.
    """
    said = []
    (folder / f"{stem}.qml").write_text(polygon_qml(features.layer.code), encoding="utf-8")
    for name in sorted({KEPT_FOR.get(asked, asked) for asked in formats}):
        ending, write = WRITERS[name]
        path = folder / f"{stem}{ending}"
        if name == "shapefile" and (obstacle := shapefile_obstacle(features)):
            ending, write = ".gpkg", geopackage.write_features
            said.append(f"{path.name} is {stem}.gpkg instead: {obstacle}")
        write(folder / f"{stem}{ending}", features)
    return said
