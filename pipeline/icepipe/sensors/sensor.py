"""Record types of the sensor table: roles of bands and conversion of stored values to reflectance."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from icepipe.arrays import Float64

CLASSES = "classes"
"""Sensor key of class rasters."""

BANDS = "bands"
"""Sensor key of measured bands of no known product; their roles come from the file or from ``inputs.bands``."""

REFLECTANCE_UNIT = 1e-4
"""Unit of stored reflectance: equal reflectances become equal integers whatever the encoding of the product."""


@dataclass(frozen=True)
class Stretch:
    """How an 8-bit picture encodes reflectance.

    Attributes
    ----------
    name
        Name of the curve for messages.
    knots
        (byte, reflectance) pairs, ascending; interpolated linearly.
    source
        Publication that defines the curve.
    """

    name: str
    knots: tuple[tuple[float, float], ...]
    source: str

    def reflectance(self, values: Float64) -> Float64:
        """Decode 8-bit values (any shape, fractions allowed) to reflectance."""
        # Bytes of averaged pixels are fractions, so this is not a table of 256 entries.
        byte, reflectance = np.array(self.knots).T
        return np.asarray(np.interp(values, byte, reflectance), dtype=np.float64)

    def stored(self, reflectance: Float64) -> Float64:
        """Encode reflectance to 8-bit values, with fractions; any shape."""
        byte, knots = np.array(self.knots).T
        return np.asarray(np.interp(reflectance, knots, byte), dtype=np.float64)


@dataclass(frozen=True)
class FixedScaling:
    """Gain and offset that the publisher of a product fixes for all files of a kind.

    Attributes
    ----------
    gain, offset
        Reflectance = gain x stored value + offset.
    source
        Document of the publisher that states them.
    name
        Pattern of the file names the scaling is valid for; None if it is valid for every file of the sensor.
    folders
        Number of parent folders whose names are matched too, the nearest first.
    """

    gain: float
    offset: float
    source: str
    name: re.Pattern[str] | None = None
    folders: int = 0


class MetadataFormat(Enum):
    """Metadata files of a product that hold its radiometric scaling."""

    LANDSAT_MTL = "MTL"
    SENTINEL2_MTD = "MTD_MSI"


@dataclass(frozen=True)
class Sensor:
    """One kind of input.

    Attributes
    ----------
    key
        Name in the config.
    title
        Name for messages and documentation.
    roles
        Roles of the bands used, in feature order.
    rule_set
        Key of the rules that name its clusters.
    stretch
        Encoding of reflectance in the bytes of a picture; None if bands are scaled by gain and offset.
    band_roles
        Band number of the product -> role, for products with one file per band.
    band_description
        Pattern of band descriptions whose only group is a key of ``band_roles``.
    assumed_by_description
        True if such descriptions identify the sensor when the config says ``auto``.
    file_roles
        Roles of all bands in order, for products with all bands in one file.
    fill
        Stored values outside the swath if no nodata tag names them; applied to single-band files with ``band_roles``
        and to files with ``file_roles``.
    metadata
        Format of the metadata files that scale its bands; they take precedence over ``scalings``.
    scalings
        Gains and offsets fixed by the publisher; the first whose name matches is used.
    irradiance
        Band number -> mean solar irradiance (ESUN) in W / (m2 micrometre), for metadata that hold radiance only.
    sun_uncorrected
        Pattern of file names whose fixed scaling does not correct for solar elevation.
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
        """Readable description of the conversion from file values to stored pixels."""
        if self.key == CLASSES:
            return "the table inputs.classes"
        return self.stretch.name if self.stretch else "gain and offset"

    @property
    def bytes_per_px(self) -> int:
        """Memory of a decoded pixel in bytes: stored bands, validity and cloud mask."""
        # Validity and cloud take a byte each; picture bands are uint8, all others 16-bit.
        return 2 + len(self.roles) * (1 if self.stretch else 2)

    def reflectance(self, values: Float64) -> Float64:
        """Return the reflectance of stored pixels (picture bytes or units of reflectance); any shape."""
        return self.stretch.reflectance(values) if self.stretch else values * REFLECTANCE_UNIT

    def stored(self, reflectance: Float64) -> Float64:
        """Return the stored pixels of reflectances, the inverse of :meth:`reflectance`; any shape."""
        return self.stretch.stored(reflectance) if self.stretch else reflectance / REFLECTANCE_UNIT
