"""The frozen values that pass between the rooms."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, cast

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pydantic import PlainSerializer, PlainValidator

from icepipe.class_values import ClassEntry

UInt8 = NDArray[np.uint8]
UInt16 = NDArray[np.uint16]
UInt32 = NDArray[np.uint32]
UInt64 = NDArray[np.uint64]
Kept = NDArray[np.integer[Any]]
"""Kept numbers of bands: bytes of a picture, or whole units of reflectance."""
Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]


def _six_numbers(transform: Affine) -> list[float]:
    return list(transform)[:6]


def _transform_of(value: Affine | Sequence[float]) -> Affine:
    return value if isinstance(value, Affine) else Affine(*value)


Transform = Annotated[Affine, PlainValidator(_transform_of), PlainSerializer(_six_numbers)]
"""Six numbers in a document, row by row."""


def _apply(transform: Affine, x: Float64, y: Float64) -> tuple[Float64, Float64]:
    """Apply a transform to arrays, which ``@`` does and its types do not say."""
    return cast("tuple[Float64, Float64]", transform @ cast("tuple[float, float]", (x, y)))


@dataclass(frozen=True)
class GeoBox:
    """A pixel grid on the Earth.

    Attributes
    ----------
    crs
        Coordinate reference system as WKT.
    transform
        Pixel (column, row) to CRS coordinates; may be rotated or south-up.
    width, height
        Columns and rows.
    """

    crs: str
    transform: Transform
    width: int
    height: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.height, self.width

    @property
    def planar_pixel_area(self) -> float:
        """Area of a pixel on the map plane, in squared CRS units."""
        return float(abs(self.transform.determinant))

    @cached_property
    def corners(self) -> tuple[tuple[float, float], ...]:
        """CRS coordinates of the four corners, around the outline."""
        pixels = ((0, 0), (self.width, 0), (self.width, self.height), (0, self.height))
        return tuple(self.transform @ corner for corner in pixels)

    def to_map(self, col: Float64, row: Float64) -> tuple[Float64, Float64]:
        """CRS coordinates of pixel positions; any shape."""
        return _apply(self.transform, col, row)

    def to_pixels(self, x: Float64, y: Float64) -> tuple[Float64, Float64]:
        """Pixel positions (columns, rows) of CRS coordinates; any shape."""
        return _apply(~self.transform, x, y)


@dataclass(frozen=True)
class Block:
    """A rectangle of a grid, in pixels."""

    row: int
    col: int
    height: int
    width: int

    @property
    def centres(self) -> tuple[Float64, Float64]:
        """Columns and rows of the pixels' centres on the whole grid; shape (rows, columns) each."""
        col, row = self.col + np.arange(self.width) + 0.5, self.row + np.arange(self.height) + 0.5
        return np.meshgrid(col, row)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the block in an array of the whole grid."""
        return slice(self.row, self.row + self.height), slice(self.col, self.col + self.width)


@dataclass(frozen=True)
class Outline:
    """A named area of the Earth.

    Attributes
    ----------
    name
        What rows call it.
    wkt
        Polygon or multipolygon.
    crs
        WKT of its coordinate system.
    """

    name: str
    wkt: str
    crs: str


@dataclass(frozen=True)
class MaskFile:
    """A raster that says which pixels of a scene are hidden.

    Attributes
    ----------
    path
        The raster.
    geobox
        Its own grid.
    bands
        1-based numbers of the bands to read.
    values
        Numbers of its first band that hide.
    bits
        Bits of its first band that hide.
    nonzero
        Whether any number but 0 in any band hides.
    overlay
        1-based number of the alpha band of a picture that is laid over others: transparent is where it hides nothing.
        None where no data are a gap.
    unseen_values, unseen_bits
        Numbers and bits that mean that the scene was not seen.
    """

    path: Path
    geobox: GeoBox
    bands: tuple[int, ...]
    values: tuple[int, ...] = ()
    bits: tuple[int, ...] = ()
    nonzero: bool = False
    overlay: int | None = None
    unseen_values: tuple[int, ...] = ()
    unseen_bits: tuple[int, ...] = ()


@dataclass(frozen=True)
class Band:
    """One band of a scene.

    Attributes
    ----------
    path, index
        File and 1-based number within it.
    geobox
        Its own grid.
    gain, offset
        From stored numbers to reflectance; 1 and 0 for pictures, whose bytes are kept.
    nodata
        Stored numbers that mean "not seen".
    """

    path: Path
    index: int
    geobox: GeoBox
    gain: float = 1.0
    offset: float = 0.0
    nodata: tuple[float, ...] = ()


@dataclass(frozen=True)
class ClassValues:
    """What the numbers of a class raster mean.

    Attributes
    ----------
    entries
        Ranges in ascending order, then single values, which stand above them.
    weight
        Turns the numbers of ranges of ice into concentrations of 0 to 1; None where they are none.
    """

    entries: tuple[ClassEntry, ...]
    weight: float | None = None


@dataclass(frozen=True)
class Scene:
    """One acquisition, in one file or in one a band.

    Attributes
    ----------
    path
        The raster.
    date, time
        Day and, where known, time (UTC) of the acquisition.
    platform
        Satellite, or an empty string.
    sensor, roles, rule_set
        Key of the sensor table, the roles of the bands that are there, and the rules that fit them.
    geobox
        Grid of its finest band.
    bands
        Where each role's numbers are, in the order of the roles.
    alpha
        1-based number of the alpha band of a picture, or None.
    sun_elevation
        Degrees, or None where not known.
    notes
        What was assumed, as flags of the series.
    cloud, land
        Rasters that say where cloud or land hides the surface, or None where none is asked for.
    values
        What the numbers of a class raster mean; None for what is clustered.
    metadata
        Files of its product that tell how its numbers become reflectance.
    """

    path: Path
    date: dt.date
    time: dt.time | None
    platform: str
    sensor: str
    roles: tuple[str, ...]
    rule_set: str
    geobox: GeoBox
    bands: tuple[Band, ...]
    alpha: int | None = None
    sun_elevation: float | None = None
    notes: tuple[str, ...] = ()
    cloud: MaskFile | None = None
    land: MaskFile | None = None
    values: ClassValues | None = None
    metadata: tuple[Path, ...] = ()

    @property
    def rasters(self) -> tuple[Path, ...]:
        """Every file that it has pixels or masks from."""
        bands = dict.fromkeys(band.path for band in self.bands)
        return (*bands, *(mask.path for mask in (self.cloud, self.land) if mask))

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that its pixels depend on."""
        return (*self.rasters, *self.metadata)


@dataclass(frozen=True)
class Observation:
    """One period of the whole region: the scenes that one row and one class raster are made of."""

    key: str
    date: dt.date
    scenes: tuple[Scene, ...]

    @property
    def sensor(self) -> str:
        """Sensor key, or keys joined by ``+``."""
        return "+".join(sorted({scene.sensor for scene in self.scenes}))


@dataclass(frozen=True)
class Pixels:
    """What was read of one block.

    Attributes
    ----------
    bands
        uint8 colours, or int16 units of reflectance, of the surface or the cloud; shape (bands, rows, columns).
    valid
        True where the surface was seen; shape (rows, columns).
    hidden
        Why a pixel that is not valid has no class of its own: unobserved, cloud, land or outside, as class codes.
    doubled
        Pixels whose surface more than one scene saw.
    """

    bands: Kept
    valid: Bool
    hidden: UInt8
    doubled: int = 0


@dataclass(frozen=True)
class Layer:
    """What one scene shows of a block: its pixels where they were read, and which of them cloud hides.

    Attributes
    ----------
    target
        Rows and columns of the block that the arrays stand for.
    bands
        uint8 colours, int16 units of reflectance, or coded classes; shape (bands, rows, columns).
    valid
        True where the scene has data; shape (rows, columns).
    cloud
        True where its cloud mask says so.
    scene
        Number of the scene in its observation.
    land
        True where a class raster says land; None for other scenes.
    """

    target: tuple[slice, slice]
    bands: Kept
    valid: Bool
    cloud: Bool
    scene: int = 0
    land: Bool | None = None
