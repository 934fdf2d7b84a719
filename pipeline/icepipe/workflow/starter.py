"""A first config for a folder of tiles."""

from __future__ import annotations

import glob
import os
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from icepipe.config.inputs import Inputs
from icepipe.errors import InputError, NoUsableInput
from icepipe.inputs.describe import describe, group_files
from icepipe.inputs.discover import RASTER_SUFFIXES
from icepipe.inputs.products.quality import is_quality
from icepipe.inputs.run_grid import run_grid
from icepipe.inputs.scenes import Scene
from icepipe.workflow.plan import MAX_PIXELS

_MASK_NAME = re.compile(r"(?<![a-z])(cloud|clouds|landmask|land|mask|qa|quality)(?![a-z])", re.IGNORECASE)

_TEMPLATE = """# Made by `icepipe init`; every line after a # is a comment.
name: {name}
inputs:
  scenes: {scenes}
  sensor: {sensor}  # what the bands are; auto asks descriptions, colour interpretation and names
{masks}segment:
  k: 6  # clusters that the fit starts from
measure:
  period: {period}  # day: all scenes of a date are one row; scene: each its own
publish:
  folder: {folder}
"""


def _rasters(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in RASTER_SUFFIXES and path.is_file())


def _usable(files: Sequence[Path]) -> tuple[list[Scene], list[InputError]]:
    scenes, faults = [], []
    asked = Inputs(scenes=(".",))
    for group in group_files(files, asked):
        try:
            scenes.append(describe(group, asked))
        except InputError as fault:
            faults.append(fault)
    return scenes, faults


def _common_tail(names: Sequence[str]) -> str:
    shortest = min(map(len, names))
    length = next((n for n in range(shortest) if len({name[-1 - n] for name in names}) > 1), shortest)
    return names[0][len(names[0]) - length :].lstrip("0123456789")


def _patterns(folder: Path, scenes: Sequence[Scene], others: Sequence[Path]) -> list[str]:
    """Globs that name the scenes and none of the other rasters; the files themselves where no glob does."""
    wanted = {path for scene in scenes for path in scene.rasters}
    tail = _common_tail([path.name for path in wanted])
    deep = "" if all(path.parent == folder for path in wanted) else "**/"
    for pattern in (f"{deep}*{tail}", f"{deep}*{Path(tail).suffix}"):
        if wanted == set(folder.glob(pattern)) - set(others) and not set(folder.glob(pattern)) & set(others):
            return [str(Path(glob.escape(str(folder))) / pattern)]
    return [str(path) for path in sorted(wanted)]


def _mask_lines(scenes: Sequence[Scene], masks: Sequence[Path]) -> str:
    """A line for each kind of mask that every scene has beside it, by folder or by stem."""
    lines = []
    names = {path.absolute() for path in masks}
    for key, word in (("cloud", "cloud"), ("land", "land")):
        kinds: dict[str, int] = defaultdict(int)
        for scene in scenes:
            for path in names:
                if word not in path.name.lower():
                    continue
                if path.name.startswith(scene.path.stem):
                    kinds[os.path.relpath(path.parent / path.name.replace(scene.path.stem, "{stem}", 1))] += 1
                elif path.parent == scene.path.parent.absolute():
                    kinds["{folder}/" + path.name] += 1
        complete = [pattern for pattern, count in kinds.items() if count == len(scenes)]
        if complete:
            lines.append(f'  {key}: {{path: "{complete[0]}"}}  # any number but 0 hides the surface\n')
    return "".join(lines) or '  # cloud: {path: "masks/{stem}_cloud.tif", values: [1]}  # no cloud mask was found\n'


def _yaml_list(patterns: Sequence[str]) -> str:
    if len(patterns) == 1:
        return f'"{patterns[0]}"'
    return "".join(f'\n    - "{pattern}"' for pattern in patterns)


def starter_config(folder: Path) -> str:
    """Look at a folder of tiles and write a commented config that runs.

    Parameters
    ----------
    folder
        Looked through with its folders. Paths in the config are relative to the working folder.

    Raises
    ------
    NoUsableInput
        If no tile can be used; the message says what is missing.
    """
    files = _rasters(folder)
    if not files:
        raise NoUsableInput(f"{folder}: holds no GeoTIFF (.tif, .tiff)", "name the folder that does")
    masks = [path for path in files if _MASK_NAME.search(path.stem) or is_quality(path)]
    scenes, faults = _usable([path for path in files if path not in masks])
    if not scenes:
        first = faults[0] if faults else NoUsableInput(f"{folder}: holds nothing but masks")
        raise NoUsableInput(f"none of {len(files)} raster(s) can be used, such as {first}")
    sensors = {scene.sensor for scene in scenes}
    sensor = min(sensors, key=lambda key: (-sum(scene.sensor == key for scene in scenes), key))
    scenes = [scene for scene in scenes if scene.sensor == sensor]
    grid = run_grid(scenes)
    if grid.width * grid.height > MAX_PIXELS:
        raise NoUsableInput(f"{folder}: its tiles lie too far apart for one run", "name a folder of tiles of one place")
    others = [path for path in files if path not in {used for scene in scenes for used in scene.rasters}]
    same_day = len({scene.date for scene in scenes}) < len({(scene.date, scene.platform) for scene in scenes})
    return _TEMPLATE.format(
        name=re.sub(r"[^A-Za-z0-9_-]+", "-", folder.absolute().name).strip("-_")[:64] or "tiles",
        scenes=_yaml_list([os.path.relpath(pattern) for pattern in _patterns(folder, scenes, others)]),
        sensor="auto",
        masks=_mask_lines(scenes, masks),
        period="scene" if same_day else "day",
        folder="out",
    )
