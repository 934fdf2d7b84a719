"""Which band is which, and which is validity: from what the file and its name say."""

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
"""Name, less its suffix, of a file that holds one band of a product."""


def alpha_band(dataset: Dataset) -> int | None:
    """1-based number of the alpha band by colour interpretation, or None."""
    for index, meaning in zip(dataset.indexes, dataset.colorinterp, strict=True):
        if meaning == ColorInterp.alpha:
            return int(index)
    return None


def has_palette(dataset: Dataset) -> bool:
    """Whether the only band of colour is a number in a colour table."""
    return bool(dataset.colorinterp[0] == ColorInterp.palette)


def _descriptions(dataset: Dataset) -> list[str]:
    return [(text or "").strip().lower() for text in dataset.descriptions]


def described_roles(dataset: Dataset) -> dict[str, int]:
    """Roles that band descriptions name, with the band's number; a role that several bands claim is left out."""
    names = _descriptions(dataset)
    found = {}
    for role, spellings in ROLE_NAMES.items():
        claims = [index for index, name in enumerate(names, start=1) if name in spellings]
        if len(claims) == 1:
            found[role] = claims[0]
    return found


def numbered_roles(dataset: Dataset, sensor: Sensor) -> dict[str, int]:
    """Roles of bands whose descriptions are the sensor's own band numbers, such as B03, with the band's number."""
    found: dict[str, int] = {}
    for index, name in enumerate(_descriptions(dataset), start=1):
        match = sensor.band_description.match(name) if sensor.band_description else None
        if match and match.group(1).upper() in sensor.band_roles:
            found[sensor.band_roles[match.group(1).upper()]] = index
    return found


def ordered_roles(dataset: Dataset, sensor: Sensor) -> dict[str, int]:
    """Roles of all bands of a product's one file by their order; empty where it has another number of bands."""
    if dataset.count != len(sensor.file_roles):
        return {}
    return {role: index for index, role in enumerate(sensor.file_roles, start=1)}


def by_interpretation(dataset: Dataset, roles: Sequence[str]) -> tuple[int, ...] | None:
    """1-based numbers of the bands with these colour interpretations, or None where not each has exactly one."""
    meanings = [meaning.name for meaning in dataset.colorinterp]
    if all(meanings.count(role) == 1 for role in roles):
        return tuple(meanings.index(role) + 1 for role in roles)
    return None


def picture_bands(path: Path, dataset: Dataset, names_say: bool) -> tuple[int, ...]:
    """Numbers of the red, green and blue band of a picture; of the one band of a palette.

    Raises
    ------
    InputError
        If nothing tells.
    """
    colours = ("red", "green", "blue")
    if has_palette(dataset):
        return (1,)
    described = described_roles(dataset)
    if set(colours) <= described.keys():
        return tuple(described[role] for role in colours)
    silent = not any(_descriptions(dataset))
    found = by_interpretation(dataset, colours) if silent else None
    if found is not None:
        return found
    bands = [index for index in dataset.indexes if index != alpha_band(dataset)]
    if names_say and silent and len(bands) == len(colours):
        return tuple(bands)
    raise InputError(
        path,
        f"its {dataset.count} band(s) do not say which of them is red, green, blue",
        "set their descriptions or colour interpretation (gdal_edit.py -colorinterp_1 red), say inputs.sensor "
        "where the three bands are in that order, or inputs.bands",
    )


def configured_bands(path: Path, dataset: Dataset, asked: Mapping[Role, int | str]) -> dict[str, int]:
    """Roles of one file's bands as a config spells them out, by number or description.

    Raises
    ------
    InputError
        If a band is not there.
    """
    names = _descriptions(dataset)
    found: dict[str, int] = {}
    for role, band in asked.items():
        index = band if isinstance(band, int) else names.index(band.lower()) + 1 if band.lower() in names else 0
        if not 1 <= index <= dataset.count:
            raise InputError(path, f"has no band {band!r} for {role}", "correct inputs.bands (see `icepipe inspect`)")
        found[role] = index
    return found


def configured_role(path: Path, asked: Mapping[Role, int | str]) -> str | None:
    """Role of a file whose name fits a pattern of the config, or None."""
    fitting = [r for r, pattern in asked.items() if isinstance(pattern, str) and fnmatch(path.stem, pattern)]
    return fitting[0] if len(fitting) == 1 else None


def picture_sensor(path: Path, asked: str) -> Sensor:
    """Sensor of a picture by its name, where the config does not say."""
    return SENSORS[asked] if asked != "auto" else sensor_for_picture(path)


def name_tells_colours(path: Path) -> bool:
    """Whether a file's name says that its three bands are red, green and blue."""
    return bool(_RGB_NAME.search(path.name))


def measured_sensor(path: Path, asked: str) -> Sensor:
    """Sensor of measured bands by the config, then by the product's name; bands that only roles are known of else."""
    if asked != "auto":
        return SENSORS[asked]
    told = (sensor_for_product(name) for name in product_names(path))
    return next((sensor for sensor in told if sensor), SENSORS[BANDS])


def product_names(path: Path) -> list[str]:
    """Names that tell a file's product: its own, its folder's, and that of the SAFE folder it lies in."""
    safe = [folder.name for folder in path.absolute().parents if folder.suffix.upper() == ".SAFE"]
    return [path.name, path.parent.name, *safe]


def product_folder(path: Path) -> Path:
    """Folder that holds all bands of a file's product: above Sentinel-2's folders of one resolution each."""
    return path.parent.parent if _RESOLUTION_FOLDER.match(path.parent.name) else path.parent
