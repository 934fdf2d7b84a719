"""Draw points of one observation for people to label, and write them with what they need to see."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from icepipe.assess.allocation import allocate
from icepipe.assess.chips import read_chip, write_chip
from icepipe.assess.design import Design, DesignPoint, DesignStratum, design_path, dump_design, sealed
from icepipe.assess.options import SampleOptions
from icepipe.assess.random_points import ORDER, PixelSampler, random_numbers
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


def _strata(mapped: ClassMap) -> dict[ClassCode, Stratum]:
    pixels = mapped.tally.pixels
    found = {code: Stratum(code.label, mapped.area_km2(code), pixels[code]) for code in SEEN if pixels[code]}
    if not found:
        raise NoUsableInput(f"{mapped.path}: no pixel shows water, ice or anything else", "name another date")
    return found


def _points(
    mapped: ClassMap, sampler: PixelSampler, counts: dict[ClassCode, int], seed: int
) -> tuple[DesignPoint, ...]:
    """The points in an order that tells nothing of their class."""
    grid, found = mapped.basis.grid, []
    for code, count in counts.items():
        drawn = sampler.drawn(code, count)
        order = random_numbers(seed, mapped.key.day.toordinal(), ORDER, drawn.row, drawn.col)
        x, y = grid.to_map(*(place.astype(np.float64) + 0.5 for place in (drawn.col, drawn.row)))
        area_m2 = drawn.units * mapped.basis.unit_m2
        columns = (a.tolist() for a in (order, drawn.row, drawn.col, x, y, area_m2))
        found += [(*values, code.label) for values in zip(*columns, strict=True)]
    return tuple(
        DesignPoint(number, row, col, x, y, label, area_m2)
        for number, (_, row, col, x, y, area_m2, label) in enumerate(sorted(found), start=1)
    )


def draw(mapped: ClassMap, run: str, asked: SampleOptions, block_side: int | None = None) -> Design:
    """Draw a stratified random sample of a map's seen pixels.

    Parameters
    ----------
    mapped
        The map.
    run
        Name of its run.
    asked
        How many points, and which chance.
    block_side
        Side of a block in pixels; changes nothing.

    Raises
    ------
    ConfigError
        If there are too few points for the strata.
    NoUsableInput
        If nothing was seen.
    """
    strata = _strata(mapped)
    counts = allocate(asked.points, list(strata.values()), asked.allocation)
    sampler = PixelSampler(asked.seed, mapped.key.day.toordinal(), max(counts))
    for block, classes in mapped.blocks(block_side):
        sampler.add(block, classes, mapped.area.units(block))
    return sealed(
        Design(
            run=run,
            observation=mapped.key,
            model=mapped.model,
            raster=mapped.fingerprint,
            crs=mapped.basis.crs,
            seed=asked.seed,
            allocation=asked.allocation,
            strata=tuple(
                DesignStratum(s.label, s.area_km2, s.n_pixels or 0, n)
                for s, n in zip(strata.values(), counts, strict=True)
            ),
            points=_points(mapped, sampler, dict(zip(strata, counts, strict=True)), asked.seed),
        )
    )


def _scenes(config: Config, mapped: ClassMap) -> tuple[Plan, Observation]:
    """The scenes that a map was made of.

    Raises
    ------
    ConfigError
        If the config no longer leads to them.
    """
    without = "or name the output folder to draw points without chips"
    plan = make_plan(config)
    if plan.earlier != mapped.basis:
        raise ConfigError("the config has changed since the run", f"run `icepipe run` again, {without}")
    observation = next((o for o in plan.observations if o.key == mapped.key), None)
    if observation is None:
        raise ConfigError(f"the scenes of {mapped.key} are not there any more", f"fetch them, {without}")
    return plan, with_scene_order(observation, config.measure.prefer)


def _write_chips(folder: Path, plan: Plan, observation: Observation, points: Sequence[DesignPoint]) -> list[str]:
    """Write the image chip of every point, and give their paths relative to the folder."""
    names = {point.id: f"chips/{point.id:04d}.png" for point in points}
    (folder / "chips").mkdir()
    with plan.reader(observation) as reader:
        for point in sorted(points, key=lambda p: (p.row, p.col)):
            chip = read_chip(reader.read, plan.grid, plan.sensor, point.row, point.col)
            write_chip(folder / names[point.id], chip)
    return list(names.values())


def write_sample(out: Path, design: Design, mapped: ClassMap, config: Config | None) -> Path:
    """Write points, design and, where a config tells where the scenes are, image chips.

    Parameters
    ----------
    out
        Folder to make; it appears whole or not at all.
    design
        What was drawn.
    mapped
        The map.
    config
        Config of the run, or None for points without chips.

    Returns
    -------
    Path
        The GeoPackage.

    Raises
    ------
    ConfigError
        If there is something in the folder already: labels are work that nothing may overwrite. If the config no
        longer leads to the scenes of the map.
    """
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise ConfigError(f"{out}: there is something there already", "name another folder with --out, or remove it")
    check_writable(out)
    name = f"{design.run}_{design.observation}_sample.gpkg"
    scenes = _scenes(config, mapped) if config else None
    with replace_folder(out) as part:
        chips = _write_chips(part, *scenes, design.points) if scenes else [""] * len(design.points)
        write_points(part / name, design, chips, mapped.key.day)
        design_path(part / name).write_text(dump_design(design), encoding="utf-8")
    return out / name
