"""Metadata files that come with a product: Landsat's MTL and Sentinel-2's MTD."""

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
"""Groups of a metadata file, each with its items."""


def _parse_text(text: str) -> Groups:
    groups: dict[str, dict[str, str]] = {}
    name = ""
    for line in text.replace("\0", "").splitlines():
        key, _, value = (part.strip() for part in line.partition("="))
        if key == "GROUP":
            name = value
        elif key != "END_GROUP" and value:
            groups.setdefault(name, {})[key] = value.strip('"')
    return groups


def read_mtl(path: Path) -> Groups:
    """Groups of a Landsat ``_MTL.txt`` (NUL padding allowed) or ``_MTL.json``.

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
    return _parse_text(text)


def find_mtl(product: Path) -> Path | None:
    """The MTL file of a product given as folder and name start, or None."""
    usual = product.with_name(f"{product.name}_MTL.txt")
    if usual.is_file():
        return usual
    candidates = sorted(product.parent.glob(f"{product.name}*_MTL.txt")) or sorted(
        product.parent.glob(f"{product.name}*_MTL.json")
    )
    return candidates[0] if candidates else None


def earth_sun_distance(day_of_year: int) -> float:
    """Distance in astronomical units, good to 1e-4: Chander and others (2009), after Duffie and Beckman."""
    return 1 - 0.01672 * math.cos(math.radians(0.9856 * (day_of_year - 4)))


def sun_elevation(groups: Groups) -> float | None:
    """Degrees above the horizon, or None where the file does not tell."""
    text = _item(groups, "SUN_ELEVATION")
    return None if text is None else float(text)


def landsat_scale(groups: Groups, sensor: str, number: int, path: Path) -> tuple[float, float]:
    """Gain and offset from stored numbers to reflectance, for one band of a Landsat product.

    Level 2 as its own group says; Level 1 to top-of-atmosphere reflectance with the sun's elevation, by reflectance
    factors where there are any, else by radiance, ESUN and the Earth-Sun distance.

    Raises
    ------
    InputError
        If the metadata do not hold what is needed.
    """
    key_gain, key_offset = f"REFLECTANCE_MULT_BAND_{number}", f"REFLECTANCE_ADD_BAND_{number}"
    surface = groups.get("LEVEL2_SURFACE_REFLECTANCE_PARAMETERS", {})
    try:
        if key_gain in surface:
            return float(surface[key_gain]), float(surface[key_offset])
        sine = math.sin(math.radians(_needed(groups, "SUN_ELEVATION")))
        if _item(groups, key_gain) is not None:
            return _needed(groups, key_gain) / sine, _needed(groups, key_offset) / sine
        gain, offset = _needed(groups, f"RADIANCE_MULT_BAND_{number}"), _needed(groups, f"RADIANCE_ADD_BAND_{number}")
        day = dt.date.fromisoformat(_item(groups, "DATE_ACQUIRED") or "")
        distance = earth_sun_distance(day.timetuple().tm_yday)
        factor = math.pi * distance**2 / (_irradiance(sensor, number) * sine)
    except (KeyError, ValueError) as error:
        raise InputError(
            path, f"its MTL file does not tell band {number}'s reflectance ({error})", "set inputs.scale"
        ) from None
    return gain * factor, offset * factor


def _irradiance(sensor: str, number: int) -> float:
    """ESUN, the mean solar irradiance of a band."""
    known = SENSORS[sensor].irradiance
    if not known:
        raise KeyError(sensor)
    return known[number]


def _item(groups: Groups, key: str) -> str | None:
    """The first item of this name in any group."""
    return next((items[key] for items in groups.values() if key in items), None)


def _needed(groups: Groups, key: str) -> float:
    text = _item(groups, key)
    if text is None:
        raise KeyError(key)
    return float(text)


@dataclass(frozen=True)
class Sentinel2Scale:
    """Radiometry of a Sentinel-2 product.

    Attributes
    ----------
    quantification
        Stored numbers a unit of reflectance.
    offsets
        Number to add, by band number of the metadata (0 is B01); empty before baseline 04.00.
    day
        Sensing day, as YYYYMMDD.
    """

    quantification: float
    offsets: Mapping[int, float]
    day: str


def read_sentinel2(path: Path) -> Sentinel2Scale:
    """Radiometry from ``MTD_MSIL1C.xml`` or ``MTD_MSIL2A.xml``.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    try:
        if path.stat().st_size > MAX_BYTES or b"<!DOCTYPE" in path.read_bytes()[:2000]:
            raise InputError(path, "is no product metadata", "fetch it again")
        root = ET.parse(path).getroot()  # noqa: S314
    except (OSError, ET.ParseError) as error:
        raise InputError(path, f"cannot be read ({error})", "fetch it again") from error
    found: dict[str, str] = {}
    offsets: dict[int, float] = {}
    for element in root.iter():
        tag = element.tag.rsplit("}", 1)[-1]
        if tag in {"BOA_ADD_OFFSET", "RADIO_ADD_OFFSET"}:
            offsets[int(element.get("band_id", "-1"))] = float(element.text or 0)
        elif tag in {
            "QUANTIFICATION_VALUE",
            "BOA_QUANTIFICATION_VALUE",
            "PRODUCT_START_TIME",
            "DATATAKE_SENSING_START",
        }:
            found[tag] = (element.text or "").strip()
    quantification = float(found.get("BOA_QUANTIFICATION_VALUE") or found.get("QUANTIFICATION_VALUE") or 10000)
    start = found.get("PRODUCT_START_TIME") or found.get("DATATAKE_SENSING_START") or ""
    return Sentinel2Scale(quantification, offsets, re.sub(r"\D", "", start)[:8])
