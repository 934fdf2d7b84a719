"""One cluster of a picture: its pixels, its outline, and its true area where the picture has a place."""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from icepipe.arrays import Bool, UInt8
from icepipe.classes import ClassCode
from icepipe.errors import ConfigError
from icepipe.geo.pixel_area import PixelArea
from icepipe.measure.polygons.polygonize import PolygonLayer, polygonize
from icepipe.picture.clustering.palette import Palette
from icepipe.picture.image import Picture
from icepipe.publish.vectors.features import Features
from icepipe.publish.vectors.ogr import frozen_clock, write_ogr
from icepipe.raster.run_length import RunLengthRaster
from icepipe.storage.atomic import replace_file

_HEX = re.compile(r"#([0-9a-fA-F]{6})")

NO_DATE = dt.date(2000, 1, 1)
"""A picture has none, and a GeoPackage needs one."""

CLASS_FIELDS = ["class", "code", "date", "datetime"]
"""Fields of the polygons of a run that a cluster has nothing to say in."""


@dataclass(frozen=True)
class ClusterMask:
    """One cluster.

    Attributes
    ----------
    number
        From 1, in the order of the palette.
    inside
        True where a pixel is of it; shape (rows, columns).
    layer
        Its polygons, or None where the picture has no place.
    """

    number: int
    inside: Bool
    layer: PolygonLayer | None

    @property
    def pixels(self) -> int:
        """How many."""
        return int(np.count_nonzero(self.inside))

    @property
    def area_km2(self) -> float | None:
        """True area, or None where the picture has no place."""
        return None if self.layer is None else math.fsum(self.layer.area_m2.tolist()) / 1e6


def check_pick(asked: str) -> None:
    """Stop at what is neither a number nor a colour.

    Raises
    ------
    ConfigError
        If it is neither.
    """
    if not (asked.isascii() and asked.isdigit()) and not _HEX.fullmatch(asked):
        raise ConfigError(f"--pick {asked}: neither a number nor a colour", "give one like 2 or '#1b3a5c'")


def picked_number(asked: str, palette: Palette) -> int:
    """Number, from 1, of the cluster that is asked for: by its number, or the nearest to a colour.

    Raises
    ------
    ConfigError
        If there is no such cluster.
    """
    match = _HEX.fullmatch(asked)
    if match:
        shown = np.array([list(bytes.fromhex(colour[1:])) for colour in palette.hexes], dtype=np.float64)
        apart = np.sum((shown - list(bytes.fromhex(match[1]))) ** 2, axis=1)
        return int(np.argmin(np.where(palette.pixels > 0, apart, np.inf))) + 1
    if not 1 <= int(asked) <= len(palette.hexes):
        raise ConfigError(f"--pick {asked}: there is no such colour", f"choose one of 1 to {len(palette.hexes)}")
    return int(asked)


def pick(picture: Picture, labels: UInt8, number: int) -> ClusterMask:
    """Isolate one cluster.

    Raises
    ------
    NoUsableInput
        If part of the picture has no place on the Earth, although it has a coordinate system.
    """
    inside, grid = labels == number - 1, picture.grid
    if grid is None:
        return ClusterMask(number, inside, None)
    area = PixelArea.of(grid)
    codes = np.where(inside, np.uint8(ClassCode.OTHER), np.uint8(ClassCode.OUTSIDE))
    layers = polygonize(RunLengthRaster.from_array(codes), [ClassCode.OTHER], grid, area.units, area.unit_m2)
    return ClusterMask(number, inside, layers[ClassCode.OTHER])


def write_outline(path: Path, layer: PolygonLayer) -> None:
    """Write the polygons as a GeoPackage in the picture's coordinate system.

    Raises
    ------
    IntegrityError
        If it cannot be written.
    """
    table = Features(layer, NO_DATE, "").stream().read_all().drop_columns(CLASS_FIELDS)
    with replace_file(path) as part, frozen_clock(NO_DATE):
        write_ogr(part, table, driver="GPKG", layer="outline", geometry_type="Polygon", crs=layer.crs)
