"""What each kind of input means: which bands it has and how its numbers become reflectance. Data, not code."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from icepipe.arrays import Float64


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


def _srgb_knots() -> tuple[tuple[float, float], ...]:
    encoded = np.arange(256) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return tuple(zip(range(256), linear.tolist(), strict=True))


SRGB = Stretch(
    name="the sRGB curve",
    knots=_srgb_knots(),
    source="IEC 61966-2-1: a picture meant for a screen encodes linear light with the sRGB curve",
)

MODIS_CORRECTED_REFLECTANCE = Stretch(
    name="the MODIS Rapid Response enhancement",
    knots=tuple(
        (byte, scaled / 255 * 1.11 - 0.01)
        for scaled, byte in ((0, 0), (30, 110), (60, 160), (120, 210), (190, 240), (255, 255))
    ),
    source="Gumley, Descloitres and Schmaltz (2007), Creating Reprojected True Color MODIS Images: "
    "corrected reflectance -0.01..1.10 to 0..255, then the Rapid Response enhancement",
)


CLASSES = "classes"
"""Key of rasters that already carry classes."""

REFLECTANCE_UNIT = 1e-4
"""Measured bands are kept as whole numbers of this, so that one reflectance is one number whatever its encoding."""


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
    """

    key: str
    title: str
    roles: tuple[str, ...]
    rule_set: str
    stretch: Stretch | None = None
    band_roles: Mapping[str, str] = field(default_factory=dict, hash=False)

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


_COLOURS = ("red", "green", "blue")
_SIX = ("blue", "green", "red", "nir", "swir1", "swir2")
_TM = {"1": "blue", "2": "green", "3": "red", "4": "nir", "5": "swir1", "7": "swir2"}
_OLI = {"2": "blue", "3": "green", "4": "red", "5": "nir", "6": "swir1", "7": "swir2"}
_MSI = {"02": "blue", "03": "green", "04": "red", "08": "nir", "11": "swir1", "12": "swir2"}

SENSORS: dict[str, Sensor] = {
    sensor.key: sensor
    for sensor in (
        Sensor("rgb", "8-bit colour picture", _COLOURS, "rgb", SRGB),
        Sensor(
            "modis-truecolor",
            "MODIS corrected reflectance, bands 1-4-3",
            _COLOURS,
            "modis-truecolor",
            MODIS_CORRECTED_REFLECTANCE,
        ),
        Sensor(
            "modis-721",
            "MODIS corrected reflectance, bands 7-2-1",
            ("swir2", "nir", "red"),
            "modis-721",
            MODIS_CORRECTED_REFLECTANCE,
        ),
        Sensor("landsat-tm", "Landsat 4 and 5 TM", _SIX, "multispectral", band_roles=_TM),
        Sensor("landsat-etm", "Landsat 7 ETM+", _SIX, "multispectral", band_roles=_TM),
        Sensor("landsat-oli", "Landsat 8 and 9 OLI", _SIX, "multispectral", band_roles=_OLI),
        Sensor("sentinel2-l1c", "Sentinel-2 Level-1C", _SIX, "multispectral", band_roles=_MSI),
        Sensor("sentinel2-l2a", "Sentinel-2 Level-2A", _SIX, "multispectral", band_roles=_MSI),
        Sensor("classes", "class or concentration rasters", ("class",), CLASSES),
        Sensor("bands", "bands named by the file or the config", _SIX, "multispectral"),
    )
}

ROLE_NAMES: dict[str, tuple[str, ...]] = {
    "blue": ("blue",),
    "green": ("green",),
    "red": ("red",),
    "nir": ("nir", "nir08", "near infrared", "near-infrared"),
    "swir1": ("swir1", "swir16", "swir 1", "swir"),
    "swir2": ("swir2", "swir22", "swir 2"),
}
"""What band descriptions call each role, in lower case."""


def with_roles(sensor: Sensor, roles: Collection[str]) -> Sensor | None:
    """A measured sensor that has these roles alone, with the rule set that fits them; None where none does."""
    held = tuple(role for role in _SIX if role in roles)
    for rule_set, needed in (
        ("multispectral", {"blue", "green", "red", "nir", "swir1"}),
        ("near-infrared", {"blue", "green", "red", "nir"}),
        ("green-nir-swir", {"green", "nir", "swir1"}),
        ("visible", {"blue", "green", "red"}),
    ):
        if needed <= set(held):
            return replace(sensor, roles=held, rule_set=rule_set)
    return None


_PRODUCT_SENSORS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), key)
    for pattern, key in (
        (r"^LT0?[45](?=[_\d])", "landsat-tm"),
        (r"^LE0?7(?=[_\d])", "landsat-etm"),
        (r"^L[CO]0?[89](?=[_\d])", "landsat-oli"),
        (r"^S2[A-D]_MSIL1C_", "sentinel2-l1c"),
        (r"^S2[A-D]_MSIL2A_", "sentinel2-l2a"),
    )
)


def sensor_for_product(name: str) -> Sensor | None:
    """Sensor told by a product's name, or None."""
    return next((SENSORS[key] for pattern, key in _PRODUCT_SENSORS if pattern.search(name)), None)


PLATFORMS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in (
        (r"(?<![a-z])terra(?![a-z])", "terra"),
        (r"(?<![a-z])aqua(?![a-z])", "aqua"),
        (r"(?<![a-z0-9])S2A_", "sentinel-2a"),
        (r"(?<![a-z0-9])S2B_", "sentinel-2b"),
        (r"(?<![a-z0-9])S2C_", "sentinel-2c"),
        (r"(?<![a-z0-9])L[TM]0?5(?=[_\d])", "landsat-5"),
        (r"(?<![a-z0-9])LE0?7(?=[_\d])", "landsat-7"),
        (r"(?<![a-z0-9])L[CO]0?8(?=[_\d])", "landsat-8"),
        (r"(?<![a-z0-9])L[CO]0?9(?=[_\d])", "landsat-9"),
    )
)
"""Name pattern -> platform; the first that fits wins."""


def platform_in_name(name: str) -> str:
    """Satellite told by a file or folder name; an empty string where none is."""
    return next((platform for pattern, platform in PLATFORMS if pattern.search(name)), "")
