"""Fields of the table of sensors: what the bands of an input mean and how their numbers become reflectance."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from icepipe.arrays import Float64

CLASSES = "classes"
"""Key of rasters that already carry classes."""

BANDS = "bands"
"""Key of measured bands of no known product; what they are comes from the file or from ``inputs.bands``."""

REFLECTANCE_UNIT = 1e-4
"""Measured bands are kept as whole numbers of this, so that one reflectance is one number whatever its encoding."""


@dataclass(frozen=True)
class Stretch:
    """How an 8-bit picture encodes reflectance.

    Attributes
    ----------
    name
        What people call the curve.
    knots
        (byte, reflectance) pairs, ascending; linear in between.
    source
        Where the curve is published.
    """

    name: str
    knots: tuple[tuple[float, float], ...]
    source: str

    def reflectance(self, values: Float64) -> Float64:
        """Decode 8-bit values (any shape, fractions allowed) to reflectance."""
        byte, reflectance = np.array(self.knots).T
        return np.asarray(np.interp(values, byte, reflectance), dtype=np.float64)


@dataclass(frozen=True)
class FixedScaling:
    """A gain and an offset that a publisher states for all files of a kind.

    Attributes
    ----------
    gain, offset
        Reflectance = gain x number + offset.
    source
        Where the publisher states it.
    name
        What the name of the file holds where the scaling is valid; None where it is valid for every file of the sensor.
    folders
        How many folders above the file may hold the name instead, the nearest first.
    """

    gain: float
    offset: float
    source: str
    name: re.Pattern[str] | None = None
    folders: int = 0


class MetadataFormat(Enum):
    """Metadata files, beside the bands of a product, that say how its numbers become reflectance."""

    LANDSAT_MTL = "MTL"
    SENTINEL2_MTD = "MTD_MSI"


@dataclass(frozen=True)
class Sensor:
    """One kind of input.

    Attributes
    ----------
    key
        What a config says.
    title
        What people read.
    roles
        Role of each band used, in feature order.
    rule_set
        Rules that name its clusters.
    stretch
        How the bytes of a picture encode reflectance; None where bands hold reflectance by gain and offset.
    band_roles
        Role of each band as products number them, for products of one file a band.
    band_description
        Descriptions that give the bands of one file their numbers of ``band_roles``, in the only group.
    assumed_by_description
        Whether such descriptions are enough to take a file for one of this sensor where the config says ``auto``.
    file_roles
        Role of each band of a file, in order, for products that keep all their bands in one file.
    fill
        Stored numbers of pixels outside the swath, where no nodata tag names them: in files of one band by
        ``band_roles``, and in files of ``file_roles``.
    metadata
        Metadata files that scale its bands; they win over ``scalings``.
    scalings
        Gains and offsets that are fixed by the publisher; the first whose name fits.
    irradiance
        Mean solar irradiance by number of the band, in W / (m2 micrometre), for metadata that give radiance alone.
    sun_uncorrected
        What the name of a file holds whose numbers a gain alone does not correct for the height of the sun.
    """

    key: str
    title: str
    roles: tuple[str, ...]
    rule_set: str
    stretch: Stretch | None = None
    band_roles: Mapping[str, str] = field(default_factory=dict, hash=False)
    band_description: re.Pattern[str] | None = None
    assumed_by_description: bool = False
    file_roles: tuple[str, ...] = ()
    fill: tuple[float, ...] = ()
    metadata: MetadataFormat | None = None
    scalings: tuple[FixedScaling, ...] = ()
    irradiance: Mapping[int, float] = field(default_factory=dict, hash=False)
    sun_uncorrected: re.Pattern[str] | None = None

    @property
    def encoding(self) -> str:
        """How stored numbers become what is kept, for people."""
        if self.key == CLASSES:
            return "the table inputs.classes"
        return self.stretch.name if self.stretch else "gain and offset"

    @property
    def bytes_per_px(self) -> int:
        """Bytes that a pixel takes once it is read: kept numbers, whether there are any, whether cloud hides it."""
        return 2 + len(self.roles) * (1 if self.stretch else 2)

    def reflectance(self, values: Float64) -> Float64:
        """Reflectance of kept numbers (bytes of a picture, or units of reflectance); any shape."""
        return self.stretch.reflectance(values) if self.stretch else values * REFLECTANCE_UNIT
