"""What each kind of input means: which bands it has and how its numbers become reflectance. Data, not code."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from icepipe.records import Float64


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
    stretch
        How the numbers encode reflectance.
    rule_set
        Rules that name its clusters.
    """

    key: str
    title: str
    roles: tuple[str, ...]
    stretch: Stretch
    rule_set: str


SENSORS: dict[str, Sensor] = {
    sensor.key: sensor
    for sensor in (
        Sensor("rgb", "8-bit colour picture", ("red", "green", "blue"), SRGB, "rgb"),
        Sensor(
            "modis-truecolor",
            "MODIS corrected reflectance, bands 1-4-3",
            ("red", "green", "blue"),
            MODIS_CORRECTED_REFLECTANCE,
            "modis-truecolor",
        ),
    )
}

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


def platform_of(name: str) -> str:
    """Satellite told by a file or folder name; an empty string where none is."""
    return next((platform for pattern, platform in PLATFORMS if pattern.search(name)), "")
