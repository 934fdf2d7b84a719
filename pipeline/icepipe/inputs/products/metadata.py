"""Read radiometric scaling from the metadata files of products: Landsat MTL and Sentinel-2 MTD."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from icepipe.errors import InputError
from icepipe.sensors.table import SENSORS

MAX_BYTES = 20_000_000

Groups = Mapping[str, Mapping[str, str]]
"""Group name -> item name -> value."""


def parse_mtl_text(text: str) -> Groups:
    """Parse an MTL file in ODL text format."""
    groups: dict[str, dict[str, str]] = {}
    name = ""
    # Some copies of MTL files are padded with NUL characters.
    for line in text.replace("\0", "").splitlines():
        key, _, value = (part.strip() for part in line.partition("="))
        if key == "GROUP":
            name = value
        elif key != "END_GROUP" and value:
            groups.setdefault(name, {})[key] = value.strip('"')
    return groups


def read_mtl(path: Path) -> Groups:
    """Read the groups of a Landsat ``_MTL.txt`` or ``_MTL.json``.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(path, "is too large for a metadata file", "fetch it again")
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.suffix.lower() == ".json":
            (root,) = json.loads(text).values()
            return {name: {key: str(value) for key, value in items.items()} for name, items in root.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(path, f"cannot be read ({error})", "fetch it again") from error
    return parse_mtl_text(text)


def find_mtl(product: Path) -> Path | None:
    """Return the MTL file of a product, given as its folder and the start of its file names; None if missing."""
    usual = product.with_name(f"{product.name}_MTL.txt")
    if usual.is_file():
        return usual
    candidates = sorted(product.parent.glob(f"{product.name}*_MTL.txt")) or sorted(
        product.parent.glob(f"{product.name}*_MTL.json")
    )
    return candidates[0] if candidates else None


def earth_sun_distance(day_of_year: int) -> float:
    """Return the Earth-Sun distance in astronomical units, accurate to 1e-4.

    Source: Chander, Markham and Helder (2009), after Duffie and Beckman.
    """
    return 1 - 0.01672 * math.cos(math.radians(0.9856 * (day_of_year - 4)))


def sun_elevation(groups: Groups) -> float | None:
    """Return the solar elevation in degrees; None if the file does not hold it."""
    text = first_item(groups, "SUN_ELEVATION")
    return None if text is None else float(text)


def first_item(groups: Groups, key: str) -> str | None:
    """Return the first item of this name in any group, or None."""
    return next((items[key] for items in groups.values() if key in items), None)


def required_number(groups: Groups, key: str) -> float:
    """Return the first item of this name as a number.

    Raises
    ------
    KeyError
        If no group has it.
    """
    text = first_item(groups, key)
    if text is None:
        raise KeyError(key)
    return float(text)


def solar_irradiance(sensor: str, number: int) -> float:
    """Return ESUN, the mean solar irradiance of a band in W / (m2 micrometre).

    Raises
    ------
    KeyError
        If the table of sensors does not have it.
    """
    irradiance = SENSORS[sensor].irradiance
    if number not in irradiance:
        raise KeyError(f"ESUN of {sensor} band {number}")
    return irradiance[number]


def landsat_scale(groups: Groups, sensor: str, number: int, path: Path) -> tuple[float, float]:
    """Return gain and offset from stored values to reflectance for one band of a Landsat product.

    Level 2 gives surface reflectance. Level 1 gives top-of-atmosphere reflectance, corrected for solar elevation.

    Raises
    ------
    InputError
        If the metadata lack a factor.
    """
    key_gain, key_offset = f"REFLECTANCE_MULT_BAND_{number}", f"REFLECTANCE_ADD_BAND_{number}"
    surface = groups.get("LEVEL2_SURFACE_REFLECTANCE_PARAMETERS", {})
    try:
        if key_gain in surface:
            return float(surface[key_gain]), float(surface[key_offset])
        # Level-1 factors give reflectance for a sun at the zenith.
        sine = math.sin(math.radians(required_number(groups, "SUN_ELEVATION")))
        if first_item(groups, key_gain) is not None:
            return required_number(groups, key_gain) / sine, required_number(groups, key_offset) / sine
        # Older products hold radiance only: reflectance = pi d^2 L / (ESUN sin(elevation)).
        gain = required_number(groups, f"RADIANCE_MULT_BAND_{number}")
        offset = required_number(groups, f"RADIANCE_ADD_BAND_{number}")
        day = dt.date.fromisoformat(first_item(groups, "DATE_ACQUIRED") or "")
        distance = earth_sun_distance(day.timetuple().tm_yday)
        factor = math.pi * distance**2 / (solar_irradiance(sensor, number) * sine)
    except (KeyError, ValueError) as error:
        raise InputError(
            path, f"its MTL file lacks a factor for the reflectance of band {number} ({error})", "set inputs.scale"
        ) from None
    return gain * factor, offset * factor


@dataclass(frozen=True)
class Sentinel2Scale:
    """Radiometry of a Sentinel-2 product.

    Attributes
    ----------
    quantification
        Stored value of reflectance 1.
    offsets
        Band index of the metadata (0 is B01) -> value to add; empty before processing baseline 04.00.
    day
        Sensing day, as YYYYMMDD.
    """

    quantification: float
    offsets: Mapping[int, float]
    day: str


def read_sentinel2(path: Path) -> Sentinel2Scale:
    """Read the radiometry from ``MTD_MSIL1C.xml`` or ``MTD_MSIL2A.xml``.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    try:
        # Without a document type, an XML file cannot define entities that expand without limit.
        if path.stat().st_size > MAX_BYTES or b"<!DOCTYPE" in path.read_bytes()[:2000]:
            raise InputError(path, "is not product metadata", "fetch it again")
        root = ET.parse(path).getroot()  # noqa: S314
    except (OSError, ET.ParseError) as error:
        raise InputError(path, f"cannot be read ({error})", "fetch it again") from error
    texts: dict[str, str] = {}
    offsets: dict[int, float] = {}
    for element in root.iter():
        # Names without their namespace, which differs between processing baselines.
        tag = element.tag.rsplit("}", 1)[-1]
        if tag in {"BOA_ADD_OFFSET", "RADIO_ADD_OFFSET"}:
            offsets[int(element.get("band_id", "-1"))] = float(element.text or 0)
        elif tag in {
            "QUANTIFICATION_VALUE",
            "BOA_QUANTIFICATION_VALUE",
            "PRODUCT_START_TIME",
            "DATATAKE_SENSING_START",
        }:
            texts[tag] = (element.text or "").strip()
    quantification = float(texts.get("BOA_QUANTIFICATION_VALUE") or texts.get("QUANTIFICATION_VALUE") or 10000)
    start = texts.get("PRODUCT_START_TIME") or texts.get("DATATAKE_SENSING_START") or ""
    return Sentinel2Scale(quantification, offsets, re.sub(r"\D", "", start)[:8])
