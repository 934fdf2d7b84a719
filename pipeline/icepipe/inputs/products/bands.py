"""Identify the role of each band, by the config, band descriptions, colour interpretation and file name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path

from rasterio.enums import ColorInterp

from icepipe.arrays import Dataset
from icepipe.config.inputs import Role
from icepipe.errors import InputError
from icepipe.inputs.products.sensors import sensor_for_picture, sensor_for_product
from icepipe.sensors.sensor import BANDS, Sensor
from icepipe.sensors.table import ROLE_NAMES, SENSORS

_RGB_NAME = re.compile(r"(?<![a-z])rgb(?![a-z])", re.IGNORECASE)
_RESOLUTION_FOLDER = re.compile(r"^R\d{2}m$")

BAND_FILE = re.compile(r"^(?P<product>.+?)_(?:SR_|TOA_)?B(?P<band>\d{1,2}A?)(?:_(?P<metres>\d{2})m)?$", re.IGNORECASE)
"""Stem of a file that holds one band of a product."""


def alpha_band(dataset: Dataset) -> int | None:
    """Return the 1-based number of the alpha band by colour interpretation, or None."""
    for index, meaning in zip(dataset.indexes, dataset.colorinterp, strict=True):
        if meaning == ColorInterp.alpha:
            return int(index)
    return None


def has_palette(dataset: Dataset) -> bool:
    """Return whether the first band holds indices into a colour table."""
    return bool(dataset.colorinterp[0] == ColorInterp.palette)


def band_descriptions(dataset: Dataset) -> list[str]:
    """Return the descriptions of all bands in lower case; empty for bands without one."""
    return [(text or "").strip().lower() for text in dataset.descriptions]


def described_roles(dataset: Dataset) -> dict[str, int]:
    """Return the band number of each role that a description names; roles that several bands claim are left out."""
    names = band_descriptions(dataset)
    numbers = {}
    for role, spellings in ROLE_NAMES.items():
        claims = [index for index, name in enumerate(names, start=1) if name in spellings]
        if len(claims) == 1:
            numbers[role] = claims[0]
    return numbers


def numbered_roles(dataset: Dataset, sensor: Sensor) -> dict[str, int]:
    """Return the band number of each role whose description is a band name of the sensor, such as B03."""
    numbers: dict[str, int] = {}
    for index, name in enumerate(band_descriptions(dataset), start=1):
        match = sensor.band_description.match(name) if sensor.band_description else None
        if match and match.group(1).upper() in sensor.band_roles:
            numbers[sensor.band_roles[match.group(1).upper()]] = index
    return numbers


def ordered_roles(dataset: Dataset, sensor: Sensor) -> dict[str, int]:
    """Return the band number of each role by the band order of the sensor; empty if the number of bands differs."""
    if dataset.count != len(sensor.file_roles):
        return {}
    return {role: index for index, role in enumerate(sensor.file_roles, start=1)}


def by_interpretation(dataset: Dataset, roles: Sequence[str]) -> tuple[int, ...] | None:
    """Return the band numbers with these colour interpretations; None unless each has exactly one band."""
    meanings = [meaning.name for meaning in dataset.colorinterp]
    if all(meanings.count(role) == 1 for role in roles):
        return tuple(meanings.index(role) + 1 for role in roles)
    return None


def picture_bands(path: Path, dataset: Dataset, assume_rgb: bool) -> tuple[int, ...]:
    """Return the numbers of the red, green and blue band of a picture, or of the single band of a palette.

    Parameters
    ----------
    path, dataset
        The open file.
    assume_rgb
        Take three bands without descriptions as red, green and blue.

    Raises
    ------
    InputError
        If the colours cannot be identified.
    """
    colours = ("red", "green", "blue")
    if has_palette(dataset):
        return (1,)
    described = described_roles(dataset)
    if set(colours) <= described.keys():
        return tuple(described[role] for role in colours)
    # GDAL writes three 8-bit bands as red, green, blue by default, so descriptions take precedence.
    undescribed = not any(band_descriptions(dataset))
    interpreted = by_interpretation(dataset, colours) if undescribed else None
    if interpreted is not None:
        return interpreted
    bands = [index for index in dataset.indexes if index != alpha_band(dataset)]
    if assume_rgb and undescribed and len(bands) == len(colours):
        return tuple(bands)
    raise InputError(
        path,
        f"its {dataset.count} band(s) do not say which of them is red, green, blue",
        "set their descriptions or colour interpretation (gdal_edit.py -colorinterp_1 red), inputs.sensor "
        "if the three bands are in that order, or inputs.bands",
    )


def configured_bands(path: Path, dataset: Dataset, setting: Mapping[Role, int | str]) -> dict[str, int]:
    """Return the band number of each role of ``inputs.bands``, given there by number or description.

    Raises
    ------
    InputError
        If the file does not have such a band.
    """
    names = band_descriptions(dataset)
    numbers: dict[str, int] = {}
    for role, band in setting.items():
        index = band if isinstance(band, int) else names.index(band.lower()) + 1 if band.lower() in names else 0
        if not 1 <= index <= dataset.count:
            raise InputError(path, f"has no band {band!r} for {role}", "correct inputs.bands (see `icepipe inspect`)")
        numbers[role] = index
    return numbers


def configured_role(path: Path, setting: Mapping[Role, int | str]) -> str | None:
    """Return the role whose pattern in ``inputs.bands`` matches a file name; None unless exactly one does."""
    fitting = [r for r, pattern in setting.items() if isinstance(pattern, str) and fnmatch(path.stem, pattern)]
    return fitting[0] if len(fitting) == 1 else None


def picture_sensor(path: Path, configured: str) -> Sensor:
    """Return the sensor of a picture by the config; for ``auto``, by its name."""
    return SENSORS[configured] if configured != "auto" else sensor_for_picture(path)


def is_named_rgb(path: Path) -> bool:
    """Return whether the file name contains the word RGB."""
    return bool(_RGB_NAME.search(path.name))


def measured_sensor(path: Path, configured: str) -> Sensor:
    """Return the sensor of measured bands by the config; for ``auto``, by the product name, else ``bands``."""
    if configured != "auto":
        return SENSORS[configured]
    candidates = (sensor_for_product(name) for name in product_names(path))
    return next((sensor for sensor in candidates if sensor), SENSORS[BANDS])


def is_known_product(path: Path) -> bool:
    """Return whether the names of a file and its folders are those of a product of measured bands."""
    return measured_sensor(path, "auto").key != BANDS


def product_names(path: Path) -> list[str]:
    """Return the names that can identify a file's product: of the file, its folder, and the SAFE folders above it."""
    safe = [folder.name for folder in path.absolute().parents if folder.suffix.upper() == ".SAFE"]
    return [path.name, path.parent.name, *safe]


def product_folder(path: Path) -> Path:
    """Return the folder that holds all bands of a file's product."""
    # Sentinel-2 Level-2A has a folder for each resolution (R10m, R20m, R60m).
    return path.parent.parent if _RESOLUTION_FOLDER.match(path.parent.name) else path.parent
