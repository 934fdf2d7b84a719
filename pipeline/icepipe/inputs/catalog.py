"""From patterns in a config to dated scenes, and from scenes to observations."""

from __future__ import annotations

import datetime as dt
import glob
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from icepipe.config import Inputs
from icepipe.errors import InputError, NoUsableInput
from icepipe.inputs.checks import Dataset, check_raster, open_raster
from icepipe.inputs.dates import stamp_of
from icepipe.inputs.masks import describe_mask, is_vector, mask_path
from icepipe.inputs.roles import alpha_band, sensor_and_bands
from icepipe.inputs.sensors import platform_of
from icepipe.records import GeoBox, Observation, Scene

RASTER_SUFFIXES = {".tif", ".tiff"}


@dataclass(frozen=True)
class Catalog:
    """What was found.

    Attributes
    ----------
    scenes
        Usable scenes in the order of their time.
    faults
        Files that cannot be used, each with its reason.
    """

    scenes: tuple[Scene, ...]
    faults: tuple[InputError, ...]


def _expand(pattern: str) -> Iterable[Path]:
    if Path(pattern).is_dir():
        return (path for path in Path(pattern).iterdir() if path.suffix.lower() in RASTER_SUFFIXES)
    return (Path(name) for name in glob.glob(pattern, recursive=True))  # noqa: PTH207


def find_files(patterns: Sequence[str]) -> list[Path]:
    """Files that patterns name: a glob, a folder of GeoTIFFs, or a file; each once, in the order of their names.

    Raises
    ------
    NoUsableInput
        If a pattern matches nothing.
    """
    found: set[Path] = set()
    for pattern in patterns:
        matches = set(_expand(pattern))
        if not matches:
            raise NoUsableInput(f"no file matches {pattern}", "correct inputs.scenes")
        found |= matches
    return sorted(found)


def _geobox(dataset: Dataset) -> GeoBox:
    return GeoBox(dataset.crs.to_wkt(), dataset.transform, dataset.width, dataset.height)


def _nodata(dataset: Dataset, configured: str | float | tuple[float, ...]) -> tuple[float, ...]:
    if configured == "none":
        return ()
    if isinstance(configured, str):
        return () if dataset.nodata is None else (float(dataset.nodata),)
    return configured if isinstance(configured, tuple) else (float(configured),)


def describe(path: Path, inputs: Inputs) -> Scene:
    """Everything about a file but its pixels.

    Raises
    ------
    InputError
        If the file cannot be used.
    """
    with open_raster(path) as dataset:
        check_raster(path, dataset)
        sensor, bands = sensor_and_bands(path, dataset, inputs.sensor)
        day, time = stamp_of(path, inputs.date, lambda: dict(dataset.tags()))
        return Scene(
            path=path,
            date=day,
            time=time,
            platform=platform_of(path.name) or platform_of(path.parent.name),
            sensor=sensor.key,
            geobox=_geobox(dataset),
            bands=bands,
            nodata=_nodata(dataset, inputs.nodata),
            alpha=alpha_band(dataset),
            cloud=describe_mask(inputs.cloud, path, "cloud") if inputs.cloud else None,
            land=describe_mask(inputs.land, path, "land") if inputs.land and not is_vector(inputs.land) else None,
        )


def time_order(scene: Scene) -> tuple[dt.date, dt.time, str, str, str]:
    """Sort key of scenes: when, by which satellite, then by name; never by the order they were listed in."""
    return scene.date, scene.time or dt.time.min, scene.platform, scene.path.name, scene.path.parent.name


def without_masks(files: Sequence[Path], inputs: Inputs) -> list[Path]:
    """Files less those that are masks of others among them."""
    asked = [mask for mask in (inputs.cloud, inputs.land) if mask]
    masks = {mask_path(mask, path).absolute() for mask in asked for path in files}
    return [path for path in files if path.absolute() not in masks]


def find_scenes(inputs: Inputs) -> Catalog:
    """Find and describe every scene of a config.

    Raises
    ------
    NoUsableInput
        If no file is usable; the message tells the first fault.
    """
    scenes: list[Scene] = []
    faults: list[InputError] = []
    for path in without_masks(find_files(inputs.scenes), inputs):
        try:
            scenes.append(describe(path, inputs))
        except InputError as fault:
            faults.append(fault)
    if not scenes:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise NoUsableInput(f"no usable input{more}: {faults[0]}")
    return Catalog(tuple(sorted(scenes, key=time_order)), tuple(faults))


def _scene_key(scene: Scene) -> str:
    time = scene.time.strftime("T%H%M") if scene.time else ""
    platform = f"_{scene.platform}" if scene.platform else ""
    return f"{scene.date.isoformat()}{time}{platform}"


_PERIOD_KEYS: dict[str, Callable[[Scene], str]] = {
    "day": lambda scene: scene.date.isoformat(),
    "scene": _scene_key,
}


def observations(scenes: Sequence[Scene], period: str) -> tuple[Observation, ...]:
    """Group scenes into observations, in the order of time.

    Parameters
    ----------
    scenes
        In the order of their time.
    period
        ``day``: all scenes of a date. ``scene``: one for each date, time and platform; tiles that share all
        three are parts of one picture.
    """
    groups: dict[str, list[Scene]] = defaultdict(list)
    for scene in scenes:
        groups[_PERIOD_KEYS[period](scene)].append(scene)
    return tuple(Observation(key, members[0].date, tuple(members)) for key, members in sorted(groups.items()))
