"""Find the scenes of a config, and group them into observations."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from icepipe.config.inputs import Inputs
from icepipe.errors import InputError, NoUsableInput
from icepipe.geo.ellipsoid import Ellipsoid
from icepipe.inputs.describe import Describe, describe, group_files
from icepipe.inputs.discover import UnlistedFolder, find_files, is_not_a_file, unlisted_folders
from icepipe.inputs.masks import mask_path
from icepipe.inputs.observation_key import ObservationKey
from icepipe.inputs.products.bands import BAND_FILE, product_folder, product_names
from icepipe.inputs.products.dates import acquisition_time
from icepipe.inputs.products.quality import companion_product, is_quality
from icepipe.inputs.products.sensors import platform_in_name
from icepipe.inputs.scenes import Observation, Scene


@dataclass(frozen=True)
class Catalog:
    """Result of the search for scenes.

    Attributes
    ----------
    scenes
        Usable scenes in the order of acquisition.
    faults
        Files that cannot be used and folders that cannot be listed, each with its reason.
    skipped
        Matches of a pattern that are not files: folders, pipes, sockets, devices.
    """

    scenes: tuple[Scene, ...]
    faults: tuple[InputError, ...]
    skipped: tuple[Path, ...]

    @property
    def unlisted(self) -> tuple[UnlistedFolder, ...]:
        """Faults of folders, whose files are unknown."""
        return tuple(fault for fault in self.faults if isinstance(fault, UnlistedFolder))


def time_order(scene: Scene) -> tuple[dt.date, dt.time, str, str, str]:
    """Return the sort key of a scene: date, time, satellite, then names."""
    # Names make the order total, so that it never depends on the order of a directory listing.
    return scene.date, scene.time or dt.time.min, scene.platform, scene.path.name, scene.path.parent.name


def without_masks(files: Sequence[Path], inputs: Inputs) -> list[Path]:
    """Return the files without masks, quality rasters and companions of other files in the list."""
    products = {(product_folder(p), m.group("product")) for p in files if (m := BAND_FILE.match(p.stem))}
    configured = [mask for mask in (inputs.cloud, inputs.land) if mask and mask.path]
    masks = {mask_path(mask, path).absolute() for mask in configured for path in files}
    others = [path for path in files if path.absolute() not in masks and not is_quality(path)]
    # A companion (picture, aerosol, water vapour) is a scene of its own only if the bands of its product are missing.
    return [path for path in others if (product_folder(path), companion_product(path)) not in products]


def find_scenes(inputs: Inputs, describe: Describe = describe) -> Catalog:
    """Find and describe every scene of a config.

    Parameters
    ----------
    inputs
        Section ``inputs`` of the config.
    describe
        Function that describes the scene of a group of files.

    Raises
    ------
    NoUsableInput
        If no file is usable; the message names the first fault.
    """
    scenes: list[Scene] = []
    paths, faults = find_files(inputs.scenes), list[InputError](unlisted_folders(inputs.scenes))
    skipped = tuple(path for path in paths if is_not_a_file(path))
    regular = [path for path in paths if path not in skipped] if skipped else paths
    for files in group_files(without_masks(regular, inputs), inputs):
        try:
            scenes.append(describe(files, inputs))
        except InputError as fault:
            faults.append(fault)
        # The disk can fail for one file: the others are still used.
        except OSError as error:
            faults.append(InputError(files[0], f"cannot be read ({error})", "check the disk and its permissions"))
    if len(skipped) == len(paths):
        raise NoUsableInput(f"{skipped[0]}: not a regular file", "correct inputs.scenes")
    if not faults and not scenes:
        raise NoUsableInput("every file that inputs.scenes names is a mask of another", "correct inputs.scenes")
    if not scenes:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise NoUsableInput(f"no usable input{more}: {faults[0].message}", faults[0].todo)
    return Catalog(tuple(sorted(scenes, key=time_order)), tuple(faults), skipped)


EIGHT_DAYS = 8
"""Length of a period of MODIS composites in days; the first period of each year starts on 1 January."""


def eight_day_key(scene: Scene) -> ObservationKey:
    """Return the key of the MODIS composite period that holds the day of a scene."""
    into = (scene.date.timetuple().tm_yday - 1) % EIGHT_DAYS
    return ObservationKey.of(scene.date - dt.timedelta(days=into))


def solar_day_key(scene: Scene) -> ObservationKey:
    """Return the key of the day by mean solar time at the middle of a scene.

    Raises
    ------
    InputError
        If its time is not known.
    """
    if scene.time is None:
        raise InputError(scene.path, "its time is not known, and solar-day needs it", "use measure.period: day")
    x, y = scene.geobox.transform @ (scene.geobox.width / 2, scene.geobox.height / 2)
    lon, _ = Ellipsoid.from_wkt(scene.geobox.crs).lonlat(np.array(x), np.array(y))
    # The Earth turns 15 degrees of longitude per hour.
    shift = dt.timedelta(hours=float(np.degrees(lon)) / 15)
    return ObservationKey.of((dt.datetime.combine(scene.date, scene.time) + shift).date())


_PERIOD_KEYS: dict[str, Callable[[Scene], ObservationKey]] = {
    "scene": lambda scene: ObservationKey.of(scene.date, scene.time, scene.platform),
    "day": lambda scene: ObservationKey.of(scene.date),
    "solar-day": solar_day_key,
    "8day": eight_day_key,
    "month": lambda scene: ObservationKey.of(scene.date.replace(day=1)),
}


def observations_with_faults(catalog: Catalog, inputs: Inputs, period: str) -> dict[ObservationKey, InputError]:
    """Return the observations that lack an unusable file, with the first fault of each.

    The observation of a fault is known from the name of the file only; faults of undated files are left out.
    """
    faults: dict[ObservationKey, InputError] = {}
    for fault in catalog.faults:
        platform = next(filter(None, map(platform_in_name, product_names(fault.path))), "")
        try:
            day, time = acquisition_time(fault.path, inputs.date, dict)
            # The period functions need a scene; its grid only matters for the solar day.
            lost = replace(catalog.scenes[0], path=fault.path, date=day, time=time, platform=platform)
            faults.setdefault(_PERIOD_KEYS[period](lost), fault)
        except InputError:
            continue
    return faults


def group_observations(scenes: Sequence[Scene], period: str) -> tuple[Observation, ...]:
    """Group scenes into observations, in the order of their keys.

    Parameters
    ----------
    scenes
        Scenes in the order of acquisition.
    period
        ``scene``: one observation per date, time and platform; tiles that share all three belong together. ``day``:
        all scenes of a UTC date. ``solar-day``: all scenes of a date in mean solar time. ``8day`` and ``month``: keyed
        by the first day.

    Raises
    ------
    NoUsableInput
        If the period needs the time of a scene and it is not known.
    """
    groups: dict[ObservationKey, list[Scene]] = defaultdict(list)
    try:
        for scene in scenes:
            groups[_PERIOD_KEYS[period](scene)].append(scene)
    except InputError as fault:
        raise NoUsableInput(fault.message, fault.todo) from fault
    return tuple(Observation(key, tuple(groups[key])) for key in sorted(groups))
