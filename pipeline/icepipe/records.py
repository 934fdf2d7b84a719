"""The frozen values that pass between the rooms."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray

UInt8 = NDArray[np.uint8]
Kept = NDArray[np.integer[Any]]
"""Kept numbers of bands: bytes of a picture, or whole units of reflectance."""
Bool = NDArray[np.bool_]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]


class ClassCode(IntEnum):
    """What a pixel is; the number that stands in every raster and table."""

    UNOBSERVED = 0
    WATER = 1
    ICE = 2
    OTHER = 3
    CLOUD = 4
    LAND = 5
    OUTSIDE = 255

    @property
    def label(self) -> str:
        """Name in tables and file names."""
        return self.name.lower()


CLASS_COLOURS: dict[ClassCode, tuple[int, int, int]] = {
    ClassCode.UNOBSERVED: (136, 136, 136),
    ClassCode.WATER: (0, 68, 136),
    ClassCode.ICE: (187, 238, 255),
    ClassCode.OTHER: (221, 170, 51),
    ClassCode.CLOUD: (238, 238, 238),
    ClassCode.LAND: (102, 85, 34),
    ClassCode.OUTSIDE: (0, 0, 0),
}
"""Red, green, blue of every class, told apart by people with any colour vision (lightness differs)."""

SEEN = (ClassCode.WATER, ClassCode.ICE, ClassCode.OTHER)
"""Classes that come from clusters: what was really seen of the surface."""

BUDGET = (*SEEN, ClassCode.CLOUD, ClassCode.LAND, ClassCode.UNOBSERVED)
"""Classes whose areas add up to the region."""


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
    transform: Affine
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


@dataclass(frozen=True)
class Block:
    """A rectangle of a grid, in pixels."""

    row: int
    col: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the block in an array of the whole grid."""
        return slice(self.row, self.row + self.height), slice(self.col, self.col + self.width)


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
        Numbers of its first band that hide; any number but 0 in any band where there are neither values nor bits.
    bits
        Bits of its first band that hide.
    unseen_values, unseen_bits
        Numbers and bits that mean that the scene was not seen.
    """

    path: Path
    geobox: GeoBox
    bands: tuple[int, ...]
    values: tuple[int, ...] = ()
    bits: tuple[int, ...] = ()
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

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that its pixels depend on."""
        bands = dict.fromkeys(band.path for band in self.bands)
        return (*bands, *(mask.path for mask in (self.cloud, self.land) if mask))


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
        uint8 colours, or int16 units of reflectance; shape (bands, rows, columns).
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
        uint8 colours, or int16 units of reflectance; shape (bands, rows, columns).
    valid
        True where the scene has data; shape (rows, columns).
    cloud
        True where its cloud mask says so.
    """

    target: tuple[slice, slice]
    bands: Kept
    valid: Bool
    cloud: Bool


@dataclass(frozen=True)
class Cluster:
    """One named cluster of a model.

    Attributes
    ----------
    centroid
        Mean of the members' kept numbers, in the order of the roles.
    code
        Class under the middle thresholds.
    could_be
        Classes under any combination of the thresholds' published ranges.
    margin
        Distance to the nearest threshold that alone would change the name, in that threshold's unit; None where
        no single one would.
    reason
        The rule that fired, in words.
    share
        Part of the sample in this cluster, 0..1.
    parent
        Number of the k-means cluster it was split from.
    """

    centroid: tuple[float, ...]
    code: ClassCode
    could_be: tuple[ClassCode, ...]
    margin: float | None
    reason: str
    share: float
    parent: int


@dataclass(frozen=True)
class KPoint:
    """What one number of clusters would give.

    Attributes
    ----------
    k
        The number.
    inertia
        Mean squared distance to the nearest centroid, before splitting.
    silhouette
        Mean silhouette of a part of the sample, before splitting.
    ice_before, ice_after
        Share of the sample named ice, before and after splitting.
    """

    k: int
    inertia: float
    silhouette: float
    ice_before: float
    ice_after: float


@dataclass(frozen=True)
class Model:
    """A fitted and named clustering.

    Attributes
    ----------
    sensor, roles
        Key of the sensor table, and the roles of the bands, that it was fitted on.
    rule_set
        Key of the rules that named the clusters.
    k_asked, k_fitted
        Clusters asked for, and found before splitting.
    seed, n_sample, n_iter, inertia
        How the fit went.
    straddle
        Largest share of the sample that still lies on the other side of a threshold than its centroid.
    spread
        Mean squared distance of the sample to its nearest centroid, after splitting.
    clusters
        In physical order, dark to bright.
    k_curve
        What other numbers of clusters would give, where k was chosen and not stated.
    """

    sensor: str
    roles: tuple[str, ...]
    rule_set: str
    k_asked: int | str
    k_fitted: int
    seed: int
    n_sample: int
    n_iter: int
    inertia: float
    straddle: float
    spread: float
    clusters: tuple[Cluster, ...]
    k_curve: tuple[KPoint, ...] = ()

    @property
    def centroids(self) -> Float64:
        """Shape (clusters, features)."""
        return np.array([c.centroid for c in self.clusters], dtype=np.float64)

    @property
    def codes(self) -> UInt8:
        """Class code of each cluster."""
        return np.array([c.code for c in self.clusters], dtype=np.uint8)


@dataclass(frozen=True)
class Basis:
    """What all dates of a run share, frozen by its first run.

    Attributes
    ----------
    settings
        Digest of the settings it was made with.
    crs, transform, width, height
        The run grid.
    region_wkt
        Outline that areas are reported for, in the grid's CRS.
    unit_m2
        Unit that areas are summed in.
    model
        The named clusters.
    """

    settings: str
    crs: str
    transform: tuple[float, float, float, float, float, float]
    width: int
    height: int
    region_wkt: str
    unit_m2: float
    model: Model

    @property
    def grid(self) -> GeoBox:
        """The run grid."""
        return GeoBox(self.crs, Affine(*self.transform), self.width, self.height)
