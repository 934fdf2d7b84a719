"""Draw a stratified random sample of an observation's pixels, and write it for labelling."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from icepipe.assess.allocation import allocate
from icepipe.assess.chips import read_chip, write_chip
from icepipe.assess.design import Design, DesignPoint, DesignStratum, with_hashes, write_design
from icepipe.assess.options import SampleOptions
from icepipe.assess.random_points import ORDER, PixelSampler, pixel_hashes
from icepipe.assess.reference_points import write_points
from icepipe.assess.stratified_sample import Stratum
from icepipe.classes import SEEN, ClassCode
from icepipe.config.schema import Config
from icepipe.errors import ConfigError, NoUsableInput
from icepipe.inputs.reading.scene_order import with_scene_order
from icepipe.inputs.scenes import Observation
from icepipe.publish.run_folder.class_map import ClassMap
from icepipe.storage.atomic import check_writable, replace_folder
from icepipe.workflow.plan import Plan, make_plan


def draw_points(
    class_map: ClassMap, sampler: PixelSampler, counts: dict[ClassCode, int], seed: int
) -> tuple[DesignPoint, ...]:
    """Return the sampled pixels of each class as points, in a random order that is independent of the class."""
    grid, rows = class_map.basis.grid, []
    for code, count in counts.items():
        pixels = sampler.sample(code, count)
        # Hashes of another stream: those that select pixels are smaller in larger classes.
        order = pixel_hashes(seed, class_map.key.day.toordinal(), ORDER, pixels.row, pixels.col)
        # Map coordinates of pixel centres.
        x, y = grid.to_map(*(index.astype(np.float64) + 0.5 for index in (pixels.col, pixels.row)))
        area_m2 = pixels.units * class_map.basis.unit_m2
        columns = (a.tolist() for a in (order, pixels.row, pixels.col, x, y, area_m2))
        rows += [(*values, code.label) for values in zip(*columns, strict=True)]
    return tuple(
        DesignPoint(id_, row, col, x, y, label, area_m2)
        for id_, (_, row, col, x, y, area_m2, label) in enumerate(sorted(rows), start=1)
    )


def draw_sample(class_map: ClassMap, run: str, options: SampleOptions, block_side: int | None = None) -> Design:
    """Draw a stratified random sample of the observed pixels of a class map.

    Parameters
    ----------
    class_map
        The map.
    run
        Name of its run.
    options
        Size, allocation and seed of the sample.
    block_side
        Side of a block in pixels; does not change the result.

    Raises
    ------
    ConfigError
        If there are too few points for the strata.
    NoUsableInput
        If no pixel was observed.
    """
    pixels = class_map.tally.pixels
    strata = {code: Stratum(code.label, class_map.area_km2(code), pixels[code]) for code in SEEN if pixels[code]}
    if not strata:
        raise NoUsableInput(f"{class_map.path}: no pixel shows water, ice or anything else", "name another date")
    counts = dict(zip(strata, allocate(options.points, list(strata.values()), options.allocation), strict=True))
    # One pass over the raster fills the samples of all classes, so the sampler keeps as many as the largest needs.
    sampler = PixelSampler(options.seed, class_map.key.day.toordinal(), max(counts.values()))
    for block, classes in class_map.blocks(block_side):
        sampler.add(block, classes, class_map.area.units(block))
    return with_hashes(
        Design(
            run=run,
            observation=class_map.key,
            model=class_map.model,
            raster=class_map.fingerprint,
            crs=class_map.basis.crs,
            seed=options.seed,
            allocation=options.allocation,
            strata=tuple(
                DesignStratum(code.label, stratum.area_km2, pixels[code], counts[code])
                for code, stratum in strata.items()
            ),
            points=draw_points(class_map, sampler, counts, options.seed),
        )
    )


def find_scenes(config: Config, class_map: ClassMap) -> tuple[Plan, Observation]:
    """Find the scenes that a class map was made from.

    Raises
    ------
    ConfigError
        If the config has changed since the run, or the scenes are missing.
    """
    alternative = "or name the output folder to draw points without chips"
    plan = make_plan(config)
    # Another basis has another grid: the rows and columns of the points would be those of other places.
    if plan.earlier != class_map.basis:
        raise ConfigError("the config has changed since the run", f"run `icepipe run` again, {alternative}")
    observation = next((o for o in plan.observations if o.key == class_map.key), None)
    if observation is None:
        raise ConfigError(f"the scenes of {class_map.key} are missing", f"restore them, {alternative}")
    return plan, with_scene_order(observation, config.measure.prefer)


def write_chips(folder: Path, plan: Plan, observation: Observation, points: Sequence[DesignPoint]) -> list[str]:
    """Write the image chip of every point, and return their paths relative to the folder, in the points' order."""
    names = {point.id: f"chips/{point.id:04d}.png" for point in points}
    (folder / "chips").mkdir()
    with plan.reader(observation) as reader:
        # Points are numbered at random; raster order lets the reader reuse the tiles that it holds.
        for point in sorted(points, key=lambda p: (p.row, p.col)):
            chip = read_chip(reader.read, plan.grid, plan.sensor, point.row, point.col)
            write_chip(folder / names[point.id], chip)
    return list(names.values())


def write_sample(out: Path, design: Design, class_map: ClassMap, config: Config | None) -> Path:
    """Write points, design and, with a config, image chips.

    Parameters
    ----------
    out
        Folder to create, completely or not at all.
    design
        The sample.
    class_map
        The map that it was drawn from.
    config
        Config of the run, which finds the scenes; None for points without chips.

    Returns
    -------
    Path
        The GeoPackage.

    Raises
    ------
    ConfigError
        If the folder is not empty, or the config does not lead to the scenes of the map.
    """
    # Labels are hours of work: the folder of an earlier sample is never overwritten.
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise ConfigError(f"{out}: already exists and is not empty", "name another folder with --out, or remove it")
    check_writable(out)
    name = f"{design.run}_{design.observation}_sample.gpkg"
    scenes = find_scenes(config, class_map) if config else None
    # The folder appears complete or not at all, as points without their design are refused.
    with replace_folder(out) as part:
        chips = write_chips(part, *scenes, design.points) if scenes else [""] * len(design.points)
        write_points(part / name, design, chips, class_map.key.day)
        write_design(part / name, design)
    return out / name
