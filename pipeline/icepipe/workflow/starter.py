"""Write a first config for a folder of tiles."""

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

_TEMPLATE = """# Written by `icepipe init`; text after a # is a comment.
name: {name}
inputs:
  scenes: {scenes}
  sensor: {sensor}  # kind of bands; auto: from band descriptions, colour interpretation and file names
{masks}segment:
  k: 6  # number of clusters that the fit starts with
measure:
  period: {period}  # day: one row for all scenes of a date; scene: one row for each scene
publish:
  folder: {folder}
"""


def usable_scenes(files: Sequence[Path]) -> tuple[list[Scene], list[InputError]]:
    """Return the scenes that a run could use, and the faults of the other files."""
    scenes = []
    faults = []
    inputs = Inputs(scenes=(".",))
    for group in group_files(files, inputs):
        try:
            scenes.append(describe(group, inputs))
        except InputError as fault:
            faults.append(fault)
    return scenes, faults


def scene_patterns(folder: Path, scenes: Sequence[Scene], others: Sequence[Path]) -> list[str]:
    """Return globs that match the scenes and none of the other rasters, or the files if no glob does."""
    wanted = {path for scene in scenes for path in scene.rasters}
    # The suffix is the common end of the file names, without digits at its start: they belong to a date or tile number.
    names = [path.name for path in wanted]
    shortest = min(map(len, names))
    length = next((n for n in range(shortest) if len({name[-1 - n] for name in names}) > 1), shortest)
    tail = names[0][len(names[0]) - length :].lstrip("0123456789")
    deep = "" if all(path.parent == folder for path in wanted) else "**/"
    # A glob also matches tiles that arrive later, a list of files does not: try the narrow glob, then the suffix.
    for pattern in (f"{deep}*{tail}", f"{deep}*{Path(tail).suffix}"):
        matches = set(folder.glob(pattern))
        if wanted == matches - set(others) and not matches & set(others):
            return [str(Path(glob.escape(str(folder))) / pattern)]
    return [str(path) for path in sorted(wanted)]


def mask_lines(scenes: Sequence[Scene], masks: Sequence[Path]) -> str:
    """Return the lines of the config for each kind of mask that every scene has, by file stem or by folder."""
    lines = []
    names = {path.absolute() for path in masks}
    for key in ("cloud", "land"):
        patterns: dict[str, int] = defaultdict(int)
        for scene in scenes:
            for path in names:
                if key not in path.name.lower():
                    continue
                if path.name.startswith(scene.path.stem):
                    patterns[os.path.relpath(path.parent / path.name.replace(scene.path.stem, "{stem}", 1))] += 1
                elif path.parent == scene.path.parent.absolute():
                    patterns["{folder}/" + path.name] += 1
        complete = [pattern for pattern, count in patterns.items() if count == len(scenes)]
        if complete:
            lines.append(f'  {key}: {{path: "{complete[0]}"}}  # every value but 0 hides the surface\n')
    return "".join(lines) or '  # cloud: {path: "masks/{stem}_cloud.tif", values: [1]}  # no cloud mask was found\n'


def starter_config(folder: Path) -> str:
    """Return a commented config that runs on a folder of tiles.

    Parameters
    ----------
    folder
        The folder, searched with all folders below it. Paths in the config are relative to the working folder.

    Raises
    ------
    NoUsableInput
        If no tile can be used; the message says what is missing.
    """
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in RASTER_SUFFIXES and p.is_file())
    if not files:
        raise NoUsableInput(f"{folder}: no GeoTIFF (.tif, .tiff) in this folder", "name a folder with GeoTIFFs")
    # Masks are recognised by name, as a mask is a raster like a tile.
    masks = [path for path in files if _MASK_NAME.search(path.stem) or is_quality(path)]
    scenes, faults = usable_scenes([path for path in files if path not in masks])
    if not scenes:
        first = faults[0] if faults else NoUsableInput(f"{folder}: all rasters are masks")
        raise NoUsableInput(f"none of {len(files)} raster(s) can be used; the first fault: {first}")
    # One config takes one sensor: the most frequent one, and the first by name among equals.
    sensors = {scene.sensor for scene in scenes}
    sensor = min(sensors, key=lambda key: (-sum(scene.sensor == key for scene in scenes), key))
    scenes = [scene for scene in scenes if scene.sensor == sensor]
    grid = run_grid(scenes)
    if grid.width * grid.height > MAX_PIXELS:
        raise NoUsableInput(
            f"{folder}: its tiles are too far apart for one run", "name a folder with tiles of one area"
        )
    others = [path for path in files if path not in {used for scene in scenes for used in scene.rasters}]
    # Two satellites on one date would be merged into one row per day.
    same_day = len({scene.date for scene in scenes}) < len({(scene.date, scene.platform) for scene in scenes})
    patterns = [os.path.relpath(pattern) for pattern in scene_patterns(folder, scenes, others)]
    return _TEMPLATE.format(
        name=re.sub(r"[^A-Za-z0-9_-]+", "-", folder.absolute().name).strip("-_")[:64] or "tiles",
        scenes=f'"{patterns[0]}"' if len(patterns) == 1 else "".join(f'\n    - "{path}"' for path in patterns),
        sensor="auto",
        masks=mask_lines(scenes, masks),
        period="scene" if same_day else "day",
        folder="out",
    )
