"""Isolate one cluster of a picture: its pixels, its outline, and its true area if the picture is georeferenced."""

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

HEX_COLOUR = re.compile(r"#([0-9a-fA-F]{6})")

PLACEHOLDER_DATE = dt.date(2000, 1, 1)
"""Date in the GeoPackage of a picture, which has none of its own; a fixed one keeps the file byte-identical."""

CLASS_FIELDS = ["class", "code", "date", "datetime"]
"""Fields of a run's polygons that do not apply to a cluster."""


@dataclass(frozen=True)
class ClusterMask:
    """Pixels and polygons of one cluster.

    Attributes
    ----------
    number
        Number of the cluster in the palette, from 1.
    inside
        True where a pixel belongs to the cluster; shape (rows, columns).
    layer
        Polygons of the cluster; None if the picture is not georeferenced.
    """

    number: int
    inside: Bool
    layer: PolygonLayer | None

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return int(np.count_nonzero(self.inside))

    @property
    def area_km2(self) -> float | None:
        """True area, or None if the picture is not georeferenced."""
        # fsum does not depend on the order of the polygons.
        return None if self.layer is None else math.fsum(self.layer.area_m2.tolist()) / 1e6


def check_pick(selector: str) -> None:
    """Check that a selector is a number or a hexadecimal colour.

    Raises
    ------
    ConfigError
        If it is neither.
    """
    if not (selector.isascii() and selector.isdigit()) and not HEX_COLOUR.fullmatch(selector):
        raise ConfigError(f"--pick {selector}: neither a number nor a colour", "use a value like 2 or '#1b3a5c'")


def find_cluster(selector: str, palette: Palette) -> int:
    """Return the number, from 1, of a cluster given by its number, or of the cluster nearest to a colour.

    Raises
    ------
    ConfigError
        If the number is not in the palette.
    """
    match = HEX_COLOUR.fullmatch(selector)
    if match:
        colours = np.array([list(bytes.fromhex(colour[1:])) for colour in palette.hexes], dtype=np.float64)
        squared = np.sum((colours - list(bytes.fromhex(match[1]))) ** 2, axis=1)
        # Clusters of the article's method can be empty, and have nothing to isolate.
        return int(np.argmin(np.where(palette.pixels > 0, squared, np.inf))) + 1
    if not 1 <= int(selector) <= len(palette.hexes):
        raise ConfigError(f"--pick {selector}: no such colour", f"choose one of 1 to {len(palette.hexes)}")
    return int(selector)


def isolate_cluster(picture: Picture, labels: UInt8, number: int) -> ClusterMask:
    """Return the pixels and, for a georeferenced picture, the polygons of a cluster.

    Raises
    ------
    NoUsableInput
        If part of a georeferenced picture lies outside the Earth.
    """
    inside, grid = labels == number - 1, picture.grid
    if grid is None:
        return ClusterMask(number, inside, None)
    area = PixelArea.of(grid)
    # The polygonizer works on class codes; any seen class serves for the cluster.
    codes = np.where(inside, np.uint8(ClassCode.OTHER), np.uint8(ClassCode.OUTSIDE))
    layers = polygonize(RunLengthRaster.from_array(codes), [ClassCode.OTHER], grid, area.units, area.unit_m2)
    return ClusterMask(number, inside, layers[ClassCode.OTHER])


def write_outline(path: Path, layer: PolygonLayer) -> None:
    """Write the polygons as a GeoPackage in the picture's coordinate system.

    Raises
    ------
    IntegrityError
        If the file cannot be written.
    """
    table = Features(layer, PLACEHOLDER_DATE, "").stream().read_all().drop_columns(CLASS_FIELDS)
    with replace_file(path) as part, frozen_clock(PLACEHOLDER_DATE):
        write_ogr(part, table, driver="GPKG", layer="outline", geometry_type="Polygon", crs=layer.crs)
