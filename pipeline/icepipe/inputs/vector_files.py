"""Read polygons of land and of named regions from vector files."""

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
    """Polygons of a vector file, with their attributes.

    Attributes
    ----------
    shapes
        Valid polygons; a repaired one can be a collection that also holds lines and points. Shape (n,).
    fields
        Attribute name -> values; shape (n,) each.
    crs
        Coordinate system of the polygons.
    """

    shapes: NDArray[np.object_]
    fields: Mapping[str, NDArray[Any]]
    crs: pyproj.CRS


def with_shapefile_parts(path: Path) -> list[Path]:
    """Return a vector file and the other files of a Shapefile of this name, whether they exist or not."""
    return [path, *(path.with_suffix(ending) for ending in (".shx", ".dbf", ".prj", ".cpg"))]


def read_areas(path: str, key: str) -> VectorAreas:
    """Read the polygons of a vector file.

    Parameters
    ----------
    path
        The file.
    key
        Setting of the config, for messages.

    Raises
    ------
    ConfigError
        If the file cannot be read, has no CRS, or holds anything but polygons.
    """
    from pyogrio.raw import read

    if not Path(path).is_file():
        raise ConfigError(f"{key}: {path} does not exist", "correct the path")
    try:
        metadata, _, geometry, columns = read(path)
        shapes = shapely.from_wkb([] if geometry is None else geometry)
    # The errors of pyogrio are subclasses of RuntimeError.
    except (RuntimeError, OSError, shapely.errors.ShapelyError) as error:
        raise ConfigError(f"{key}: {path} cannot be read ({error})", "fetch or write it again") from None
    kinds = {"nothing" if shape is None else shape.geom_type for shape in shapes} or {"nothing"}
    if not kinds <= {"Polygon", "MultiPolygon"}:
        raise ConfigError(
            f"{key}: {path} holds {', '.join(sorted(kinds))} and not areas", "turn coast lines into polygons"
        )
    if metadata["crs"] is None:
        raise ConfigError(f"{key}: {path} has no coordinate system", "write it with one")
    fields = dict(zip(map(str, metadata["fields"]), columns, strict=True))
    return VectorAreas(shapely.make_valid(shapes), fields, pyproj.CRS.from_user_input(metadata["crs"]))


def read_regions(setting: Regions) -> tuple[Region, ...]:
    """Read named regions from a vector file, sorted by name; polygons of the same name are merged.

    Raises
    ------
    ConfigError
        If the file cannot be used, lacks the field of names, or a polygon has no name.
    """
    areas = read_areas(setting.path, "inputs.regions")
    # Some formats change the case of field names.
    fields = {name.lower(): name for name in areas.fields}
    field = fields.get(setting.name.lower())
    if field is None:
        raise ConfigError(
            f"inputs.regions: {setting.path} has no field {setting.name}",
            f"name one of {', '.join(fields.values()) or 'none'}: {{path: .., name: ..}}",
        )
    shapes: dict[str, list[BaseGeometry]] = defaultdict(list)
    for name, shape in zip(areas.fields[field], areas.shapes, strict=True):
        # A missing name is None or, in a numeric column, NaN.
        text = "" if name is None or name != name else str(name).strip()
        if not text:
            raise ConfigError(f"inputs.regions: an outline of {setting.path} has no {field}", "name every outline")
        if not is_printable(text):
            raise ConfigError(
                f"inputs.regions: a name in {setting.path} has non-printable characters: {escape_unprintable(text)}",
                "rename it",
            )
        shapes[text] += polygon_parts(shape)
    crs = areas.crs.to_wkt()
    return tuple(
        Region(name, shapely.to_wkt(shapely.union_all(shapes[name]), rounding_precision=-1), crs)
        for name in sorted(shapes)
    )


def polygon_parts(shape: BaseGeometry) -> list[BaseGeometry]:
    """Return the polygons of a geometry in two dimensions, without the lines and points of a repaired one."""
    parts = shapely.get_parts(shapely.force_2d(shape))
    return [polygon for part in parts for polygon in shapely.get_parts(part) if polygon.geom_type == "Polygon"]
