"""Vector files of areas: land, and named regions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from icepipe.config.inputs import Regions
from icepipe.errors import ConfigError, escape_unprintable, is_printable
from icepipe.geo.geobox import Region


@dataclass(frozen=True)
class VectorAreas:
    """Areas of a vector file.

    Attributes
    ----------
    shapes
        Valid polygons, and collections that may hold lines and points where one was repaired; shape (n,).
    fields
        What the file says of each, by the names of its columns; shapes (n,).
    crs
        Their coordinate system.
    """

    shapes: NDArray[np.object_]
    fields: Mapping[str, NDArray[Any]]
    crs: pyproj.CRS


def with_parts(path: Path) -> list[Path]:
    """A vector file, and what goes with it where it is a Shapefile, whether it is there or not."""
    return [path, *(path.with_suffix(ending) for ending in (".shx", ".dbf", ".prj", ".cpg"))]


def read_areas(path: str, key: str) -> VectorAreas:
    """Areas of a vector file, with their coordinate system.

    Raises
    ------
    ConfigError
        If the file cannot be read, does not say its CRS, or holds no areas; ``key`` names the setting.
    """
    from pyogrio.raw import read

    if not Path(path).is_file():
        raise ConfigError(f"{key}: {path} is no file", "correct the path")
    try:
        about, _, geometry, columns = read(path)
        shapes = shapely.from_wkb([] if geometry is None else geometry)
    except (RuntimeError, OSError, shapely.errors.ShapelyError) as error:  # what pyogrio raises is a RuntimeError
        raise ConfigError(f"{key}: {path} cannot be read ({error})", "fetch or write it again") from None
    kinds = {"nothing" if shape is None else shape.geom_type for shape in shapes} or {"nothing"}
    if not kinds <= {"Polygon", "MultiPolygon"}:
        raise ConfigError(
            f"{key}: {path} holds {', '.join(sorted(kinds))} and not areas", "turn coast lines into polygons"
        )
    if about["crs"] is None:
        raise ConfigError(f"{key}: {path} has no coordinate system", "write it with one")
    fields = dict(zip(map(str, about["fields"]), columns, strict=True))
    return VectorAreas(shapely.make_valid(shapes), fields, pyproj.CRS.from_user_input(about["crs"]))


def read_regions(asked: Regions) -> tuple[Region, ...]:
    """Named outlines of a vector file, in the order of their names; those of one name together.

    Raises
    ------
    ConfigError
        If the file cannot be used, has no field of names, or an outline has none.
    """
    areas = read_areas(asked.path, "inputs.regions")
    fields = {name.lower(): name for name in areas.fields}
    field = fields.get(asked.name.lower())
    if field is None:
        raise ConfigError(
            f"inputs.regions: {asked.path} has no field {asked.name}",
            f"name one of {', '.join(fields.values()) or 'none'}: {{path: .., name: ..}}",
        )
    shapes: dict[str, list[BaseGeometry]] = defaultdict(list)
    for name, shape in zip(areas.fields[field], areas.shapes, strict=True):
        text = "" if name is None or name != name else str(name).strip()
        if not text:
            raise ConfigError(f"inputs.regions: an outline of {asked.path} has no {field}", "name every outline")
        if not is_printable(text):
            raise ConfigError(
                f"inputs.regions: {escape_unprintable(text)} in {asked.path} cannot be shown", "use plain letters"
            )
        shapes[text] += mask_areas(shape)
    crs = areas.crs.to_wkt()
    return tuple(
        Region(name, shapely.to_wkt(shapely.union_all(shapes[name]), rounding_precision=-1), crs)
        for name in sorted(shapes)
    )


def mask_areas(shape: BaseGeometry) -> list[BaseGeometry]:
    """The polygons of a shape, without heights; a repaired outline can hold lines and points, too."""
    parts = shapely.get_parts(shapely.force_2d(shape))
    return [area for part in parts for area in shapely.get_parts(part) if area.geom_type == "Polygon"]
