"""From patterns in a config to dated scenes, and from scenes to observations."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from icepipe.config.inputs import Inputs
from icepipe.errors import InputError, NoUsableInput
from icepipe.geo.ellipsoid import Ellipsoid
from icepipe.inputs.describe import Describe, describe, group_files
from icepipe.inputs.discover import UnlistedFolder, find_files, is_something_else, unlisted_folders
from icepipe.inputs.masks import mask_path
from icepipe.inputs.observation_key import ObservationKey
from icepipe.inputs.products.bands import BAND_FILE, product_folder, product_names
from icepipe.inputs.products.dates import acquisition_time
from icepipe.inputs.products.quality import companion_product, is_quality
from icepipe.inputs.products.sensors import platform_in_name
from icepipe.inputs.scenes import Observation, Scene


@dataclass(frozen=True)
class Catalog:
    """What was found.

    Attributes
    ----------
    scenes
        Usable scenes in the order of their time.
    faults
        Files that cannot be used and folders that cannot be looked into, each with its reason.
    skipped
        What a pattern found that is no file: folders, pipes, sockets, devices.
    """

    scenes: tuple[Scene, ...]
    faults: tuple[InputError, ...]
    skipped: tuple[Path, ...]

    @property
    def unlisted(self) -> tuple[UnlistedFolder, ...]:
        """Faults of folders, which may hold any file."""
        return tuple(fault for fault in self.faults if isinstance(fault, UnlistedFolder))


def time_order(scene: Scene) -> tuple[dt.date, dt.time, str, str, str]:
    """Sort key of scenes: when, by which satellite, then by name; never by the order they were listed in."""
    return scene.date, scene.time or dt.time.min, scene.platform, scene.path.name, scene.path.parent.name


def without_masks(files: Sequence[Path], inputs: Inputs) -> list[Path]:
    """Files less those that are masks, or quality rasters, of others among them."""
    products = {(product_folder(p), m.group("product")) for p in files if (m := BAND_FILE.match(p.stem))}
    asked = [mask for mask in (inputs.cloud, inputs.land) if mask and mask.path]
    masks = {mask_path(mask, path).absolute() for mask in asked for path in files}
    return [
        path
        for path in files
        if path.absolute() not in masks and not is_quality(path) and not _beside_bands(path, products)
    ]


def _beside_bands(path: Path, products: Collection[tuple[Path, str]]) -> bool:
    """Whether a file is what a product adds to bands that are there too, as a picture, aerosol, water vapour."""
    product = companion_product(path)
    return product is not None and (product_folder(path), product) in products


def find_scenes(inputs: Inputs, describe: Describe = describe) -> Catalog:
    """Find and describe every scene of a config.

    Parameters
    ----------
    inputs
        The section of the config.
    describe
        Describes the scene that some files make.

    Raises
    ------
    NoUsableInput
        If no file is usable; the message tells the first fault.
    """
    scenes: list[Scene] = []
    found, faults = find_files(inputs.scenes), list[InputError](unlisted_folders(inputs.scenes))
    skipped = tuple(path for path in found if is_something_else(path))
    regular = [path for path in found if path not in skipped] if skipped else found
    for files in group_files(without_masks(regular, inputs), inputs):
        try:
            scenes.append(describe(files, inputs))
        except InputError as fault:
            faults.append(fault)
        except OSError as error:
            faults.append(InputError(files[0], f"cannot be read ({error})", "check the disk and its permissions"))
    if len(skipped) == len(found):
        raise NoUsableInput(f"{skipped[0]}: not a regular file", "correct inputs.scenes")
    if not faults and not scenes:
        raise NoUsableInput("every file that inputs.scenes names is a mask of another", "correct inputs.scenes")
    if not scenes:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise NoUsableInput(f"no usable input{more}: {faults[0].message}", faults[0].todo)
    return Catalog(tuple(sorted(scenes, key=time_order)), tuple(faults), skipped)


EIGHT_DAYS = 8
"""Composites of MODIS products start anew on the first of January, and every eight days from there."""


def _eight_days(scene: Scene) -> ObservationKey:
    into = (scene.date.timetuple().tm_yday - 1) % EIGHT_DAYS
    return ObservationKey.of(scene.date - dt.timedelta(days=into))


def _solar_day(scene: Scene) -> ObservationKey:
    """Day by the sun at the middle of the scene: 15 degrees of longitude are an hour.

    Raises
    ------
    InputError
        If its time is not known.
    """
    if scene.time is None:
        raise InputError(scene.path, "its time is not known, which solar-day needs", "use measure.period: day")
    x, y = scene.geobox.transform @ (scene.geobox.width / 2, scene.geobox.height / 2)
    lon, _ = Ellipsoid.of(scene.geobox.crs).lonlat(np.array(x), np.array(y))
    shift = dt.timedelta(hours=float(np.degrees(lon)) / 15)
    return ObservationKey.of((dt.datetime.combine(scene.date, scene.time) + shift).date())


_PERIOD_KEYS: dict[str, Callable[[Scene], ObservationKey]] = {
    "scene": lambda scene: ObservationKey.of(scene.date, scene.time, scene.platform),
    "day": lambda scene: ObservationKey.of(scene.date),
    "solar-day": _solar_day,
    "8day": _eight_days,
    "month": lambda scene: ObservationKey.of(scene.date.replace(day=1)),
}


def observations_with_faults(catalog: Catalog, inputs: Inputs, period: str) -> dict[ObservationKey, InputError]:
    """Observations that lack a file by its name, by key, each with the first fault of such a file."""
    found: dict[ObservationKey, InputError] = {}
    for fault in catalog.faults:
        platform = next(filter(None, map(platform_in_name, product_names(fault.path))), "")
        try:
            day, time = acquisition_time(fault.path, inputs.date, dict)
            lost = replace(catalog.scenes[0], path=fault.path, date=day, time=time, platform=platform)
            found.setdefault(_PERIOD_KEYS[period](lost), fault)
        except InputError:
            continue
    return found


def group_observations(scenes: Sequence[Scene], period: str) -> tuple[Observation, ...]:
    """Group scenes into observations, in the order of time.

    Parameters
    ----------
    scenes
        In the order of their time.
    period
        ``scene``: one for each date, time and platform; tiles that share all three are parts of one picture. ``day``:
        all scenes of a date in UTC. ``solar-day``: of a date by the sun. ``8day`` and ``month``: named by their first
        day.

    Raises
    ------
    NoUsableInput
        If a scene does not tell what its period needs.
    """
    groups: dict[ObservationKey, list[Scene]] = defaultdict(list)
    try:
        for scene in scenes:
            groups[_PERIOD_KEYS[period](scene)].append(scene)
    except InputError as fault:
        raise NoUsableInput(fault.message, fault.todo) from fault
    return tuple(Observation(key, tuple(groups[key])) for key in sorted(groups))
