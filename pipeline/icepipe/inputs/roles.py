"""Which band is red, green and blue, and which is validity: from what the file says of itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from rasterio.enums import ColorInterp

from icepipe.errors import InputError
from icepipe.inputs.checks import Dataset
from icepipe.inputs.sensors import SENSORS, Sensor

_TRUE_COLOUR_NAME = re.compile(r"(?<![a-z])true[-_ ]?colou?r", re.IGNORECASE)
_FALSE_COLOUR_NAME = re.compile(r"(?<![a-z])false[-_ ]?colou?r", re.IGNORECASE)
_RGB_NAME = re.compile(r"(?<![a-z])rgb(?![a-z])", re.IGNORECASE)
_MODIS_NAME = re.compile(r"(?<![a-z])(modis|terra|aqua)(?![a-z])", re.IGNORECASE)


def alpha_band(dataset: Dataset) -> int | None:
    """1-based number of the alpha band by colour interpretation, or None."""
    for index, meaning in zip(dataset.indexes, dataset.colorinterp, strict=True):
        if meaning == ColorInterp.alpha:
            return int(index)
    return None


def has_palette(dataset: Dataset) -> bool:
    """Whether the only band of colour is a number in a colour table."""
    return bool(dataset.colorinterp[0] == ColorInterp.palette)


def _by_description(dataset: Dataset, roles: Sequence[str]) -> tuple[int, ...] | None:
    names = [(text or "").strip().lower() for text in dataset.descriptions]
    if all(names.count(role) == 1 for role in roles):
        return tuple(names.index(role) + 1 for role in roles)
    return None


def _by_interpretation(dataset: Dataset, roles: Sequence[str]) -> tuple[int, ...] | None:
    meanings = [meaning.name for meaning in dataset.colorinterp]
    if all(meanings.count(role) == 1 for role in roles):
        return tuple(meanings.index(role) + 1 for role in roles)
    return None


def _described_otherwise(dataset: Dataset) -> bool:
    return any((text or "").strip() for text in dataset.descriptions)


def _bands(path: Path, dataset: Dataset, sensor: Sensor, names_say: bool) -> tuple[int, ...]:
    if has_palette(dataset):
        return (1,)
    found = _by_description(dataset, sensor.roles)
    if found is None and not _described_otherwise(dataset):
        found = _by_interpretation(dataset, sensor.roles)
    if found is not None:
        return found
    colours = [index for index in dataset.indexes if index != alpha_band(dataset)]
    unlabelled = len(colours) == len(sensor.roles) and not _described_otherwise(dataset)
    if names_say and unlabelled:
        return tuple(colours)
    raise InputError(
        path,
        f"its {dataset.count} band(s) do not say which of them is {', '.join(sensor.roles)}",
        "set their descriptions or colour interpretation (gdal_edit.py -colorinterp_1 red), "
        "or say `inputs.sensor: rgb` where the three bands are in that order",
    )


def _told_by_name(path: Path) -> str:
    text = f"{path.parent.name}/{path.name}"
    if _FALSE_COLOUR_NAME.search(path.name):
        raise InputError(
            path, "its name says false colour, which no built-in sensor reads", "use the true-colour picture"
        )
    if _TRUE_COLOUR_NAME.search(path.name) and _MODIS_NAME.search(text):
        return "modis-truecolor"
    return "rgb"


def sensor_and_bands(path: Path, dataset: Dataset, asked: str) -> tuple[Sensor, tuple[int, ...]]:
    """Sensor of a file and its band numbers in the order of the sensor's roles.

    Parameters
    ----------
    path
        The file, whose name may tell.
    dataset
        The open file.
    asked
        ``auto`` or a key of the sensor table.

    Raises
    ------
    InputError
        If the bands cannot be told, or their numbers are not 8-bit colours.
    """
    sensor = SENSORS[_told_by_name(path) if asked == "auto" else asked]
    bands = _bands(path, dataset, sensor, asked != "auto" or bool(_RGB_NAME.search(path.name)))
    kinds = {dataset.dtypes[index - 1] for index in bands}
    if kinds != {"uint8"}:
        raise InputError(
            path,
            f"its numbers are {', '.join(sorted(kinds))}, and the thresholds of {sensor.key} assume 8-bit colours",
            "scale it to 8 bits by a known curve first",
        )
    return sensor, bands
