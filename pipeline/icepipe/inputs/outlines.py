"""Vector files of areas: land, and named regions."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from icepipe.config_inputs import Regions
from icepipe.errors import ConfigError, is_plain, plain
from icepipe.records import Outline

Frame = Any
"""A GeoDataFrame; geopandas is untyped."""


def with_parts(path: Path) -> list[Path]:
    """A vector file, and what goes with it where it is a Shapefile, whether it is there or not."""
    return [path, *(path.with_suffix(ending) for ending in (".shx", ".dbf", ".prj", ".cpg"))]


def read_areas(path: str, key: str) -> Frame:
    """Areas of a vector file, with their coordinate system.

    Raises
    ------
    ConfigError
        If the file cannot be read, does not say its CRS, or holds no areas; ``key`` names the setting.
    """
    import geopandas
    import pyogrio

    if not Path(path).is_file():
        raise ConfigError(f"{key}: {path} is no file", "correct the path")
    try:
        frame = geopandas.read_file(path)
    except (pyogrio.errors.DataSourceError, OSError) as error:
        raise ConfigError(f"{key}: {path} cannot be read ({error})", "correct the path") from None
    if frame.crs is None:
        raise ConfigError(f"{key}: {path} has no coordinate system", "write it with one")
    if frame.empty or not set(frame.geom_type) <= {"Polygon", "MultiPolygon"}:
        kinds = ", ".join(sorted(set(map(str, frame.geom_type)))) or "nothing"
        raise ConfigError(f"{key}: {path} holds {kinds} and not areas", "turn coast lines into polygons")
    return frame


def read_regions(asked: Regions) -> tuple[Outline, ...]:
    """Named outlines of a vector file, in the order of their names; those of one name together.

    Raises
    ------
    ConfigError
        If the file cannot be used, has no field of names, or an outline has none.
    """
    frame = read_areas(asked.path, "inputs.regions")
    fields = {str(column).lower(): column for column in frame.columns if column != frame.geometry.name}
    field = fields.get(asked.name.lower())
    if field is None:
        raise ConfigError(
            f"inputs.regions: {asked.path} has no field {asked.name}",
            f"name one of {', '.join(map(str, fields.values())) or 'none'}: {{path: .., name: ..}}",
        )
    shapes: dict[str, list[BaseGeometry]] = defaultdict(list)
    for name, shape in zip(frame[field], frame.geometry.make_valid(), strict=True):
        text = "" if name is None or name != name else str(name).strip()
        if not text:
            raise ConfigError(f"inputs.regions: an outline of {asked.path} has no {field}", "name every outline")
        if not is_plain(text):
            raise ConfigError(f"inputs.regions: {plain(text)} in {asked.path} cannot be shown", "use plain letters")
        shapes[text] += areas_of(shape)
    crs = frame.crs.to_wkt()
    return tuple(
        Outline(name, shapely.to_wkt(shapely.union_all(shapes[name]), rounding_precision=-1), crs)
        for name in sorted(shapes)
    )


def areas_of(shape: BaseGeometry) -> list[BaseGeometry]:
    """The polygons of a shape, without heights; a repaired outline can hold lines and points, too."""
    parts = shapely.get_parts(shapely.force_2d(shape))
    return [area for part in parts for area in shapely.get_parts(part) if area.geom_type == "Polygon"]
