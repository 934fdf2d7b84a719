"""The order of the stages: the only module that knows it."""

from __future__ import annotations

import platform as host
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from icepipe.config import Config
from icepipe.errors import ConfigError, IcepipeError, InputError
from icepipe.inputs.catalog import Catalog, find_scenes, observations
from icepipe.inputs.grid import blocks, inside, run_grid, union_of_footprints
from icepipe.inputs.pixel_area import PixelArea
from icepipe.inputs.read import ObservationReader
from icepipe.inputs.sensors import SENSORS, Sensor
from icepipe.measure.area import Budget, Tally, budget, edge_units
from icepipe.measure.series import Context, Row, flags_of, rows
from icepipe.measure.vectorize import PolygonLayer, vectorize
from icepipe.publish.atomic import check_writable, replace_folder
from icepipe.publish.explain import explain_document, model_document, model_hash
from icepipe.publish.quicklook import thumbnail_step, write_quicklook
from icepipe.publish.rasters import write_classes
from icepipe.publish.tables import json_text, write_json, write_series
from icepipe.publish.vectors import write_shapefile
from icepipe.records import Block, Bool, ClassCode, GeoBox, Model, Observation, Pixels, UInt8
from icepipe.segment.classify import ColourTable, class_table, stratum_of
from icepipe.segment.cluster import fit, pick
from icepipe.segment.label import name_clusters
from icepipe.segment.rules import RULE_SETS

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many parts of it are finished, and of how many."""


def _silent(_what: str, _done: int, _total: int) -> None:
    return None


@dataclass(frozen=True)
class Plan:
    """Everything a run is made of, before any pixel is read."""

    config: Config
    catalog: Catalog
    observations: tuple[Observation, ...]
    sensor: Sensor
    grid: GeoBox
    region: BaseGeometry
    pixel_area: PixelArea

    @cached_property
    def region_pixels(self) -> int:
        """Pixels of the region on the run grid."""
        return sum(int(inside(self.region, self.grid, block).sum()) for block in blocks(self.grid))

    @cached_property
    def planar_km2_per_pixel(self) -> float | None:
        """What dx times dy says; None where the map's unit is an angle."""
        axis = pyproj.CRS.from_wkt(self.grid.crs).axis_info[0]
        if axis.unit_name in {"degree", "grad", "radian"}:
            return None
        return float(self.grid.planar_pixel_area * axis.unit_conversion_factor**2 / 1e6)


@dataclass(frozen=True)
class Observed:
    """One observation, classified and measured."""

    observation: Observation
    classes: UInt8
    picture: UInt8
    tally: Tally
    budget: Budget
    layers: tuple[PolygonLayer, ...]


@dataclass(frozen=True)
class RunResult:
    """What a run gave.

    Attributes
    ----------
    folder
        Where it was written.
    rows
        The series.
    model
        The named clusters.
    faults
        What failed, each with its reason; the rest is published.
    """

    folder: Path
    rows: tuple[Row, ...]
    model: Model
    faults: tuple[IcepipeError, ...]


def plan(config: Config) -> Plan:
    """Find scenes, observations, grid and region.

    Raises
    ------
    NoUsableInput
        If there is nothing to work on.
    ConfigError
        If the scenes do not belong in one run.
    """
    catalog = find_scenes(config.inputs)
    sensors = sorted({scene.sensor for scene in catalog.scenes})
    if len(sensors) > 1:
        raise ConfigError(f"the scenes are of several sensors: {', '.join(sensors)}", "give each a config of its own")
    grid = run_grid(catalog.scenes)
    return Plan(
        config=config,
        catalog=catalog,
        observations=observations(catalog.scenes, config.measure.period),
        sensor=SENSORS[sensors[0]],
        grid=grid,
        region=union_of_footprints(catalog.scenes),
        pixel_area=PixelArea.of(grid),
    )


def _read(plan: Plan, observation: Observation) -> Iterator[tuple[Block, Pixels, Bool]]:
    """Blocks of an observation with their pixels and what lies in the region."""
    with ObservationReader(observation, plan.grid, len(plan.sensor.roles)) as reader:
        for block in blocks(plan.grid):
            pixels = reader.read(block)
            within = inside(plan.region, plan.grid, block)
            yield block, Pixels(pixels.bands, pixels.valid & within), within


def _sample_of(plan: Plan, observation: Observation, rate: float) -> UInt8:
    picked = [np.zeros((0, len(plan.sensor.roles)), dtype=np.uint8)]
    for block, pixels, _ in _read(plan, observation):
        rows_ = np.arange(block.row, block.row + block.height)
        cols = np.arange(block.col, block.col + block.width)
        chosen = pick(plan.config.segment.seed, observation.date.toordinal(), rows_, cols, rate) & pixels.valid
        picked.append(pixels.bands[:, chosen].T)
    return np.concatenate(picked)


def _fit(plan: Plan, faults: list[IcepipeError], progress: Progress) -> tuple[Model, tuple[Observation, ...]]:
    """Fit one model on a sample of every observation; those that cannot be read are left out."""
    total = len(plan.observations)
    rate = plan.config.segment.sample / max(1, plan.region_pixels * total)
    samples, readable = [], []
    for done, observation in enumerate(plan.observations):
        progress("sample", done, total)
        try:
            samples.append(_sample_of(plan, observation, rate))
            readable.append(observation)
        except InputError as fault:
            faults.append(fault)
    if not readable:
        raise faults[0]
    progress("fit", 0, 1)
    settings = plan.config.segment
    found = fit(np.concatenate(samples), settings.k, settings.seed, plan.sensor, RULE_SETS[plan.sensor.rule_set])
    return name_clusters(found, settings.k, settings.seed, plan.sensor), tuple(readable)


def _classify(plan: Plan, observation: Observation, table: ColourTable, codes: UInt8) -> tuple[UInt8, UInt8, Tally]:
    """Class raster, thumbnail of the colours, and tally of one observation."""
    classes = np.full(plan.grid.shape, ClassCode.OUTSIDE, dtype=np.uint8)
    step = thumbnail_step(plan.grid)
    picture, tally = [], Tally()
    for block, pixels, within in _read(plan, observation):
        strata = table.clusters(pixels)
        strata[~within] = stratum_of(ClassCode.OUTSIDE)
        tally.add(strata, plan.pixel_area.units(block))
        classes[block.slices] = codes[strata]
        first = -block.row % step
        picture.append(pixels.bands[:, first::step, ::step].transpose(1, 2, 0))
    return classes, np.concatenate(picture), tally


def observe(plan: Plan, observation: Observation, model: Model, table: ColourTable) -> Observed:
    """Classify and measure one observation.

    Raises
    ------
    InputError
        If a file cannot be read.
    IntegrityError
        If the budget does not close.
    """
    classes, picture, tally = _classify(plan, observation, table, class_table(model))
    area, unit = plan.pixel_area.units, plan.pixel_area.unit_m2
    measured = budget(tally, model, unit, edge_units(classes, plan.grid, area))
    wanted = [ClassCode[name.upper()] for name in plan.config.publish.polygons.classes]
    layers = tuple(vectorize(classes, code, plan.grid, area, unit) for code in wanted)
    return Observed(observation, classes, picture, tally, measured, layers)


def _moment(observation: Observation) -> str:
    """ISO text of the observation's day, with the time where its scenes share one."""
    times = {scene.time for scene in observation.scenes}
    only = times.pop() if len(times) == 1 else None
    day = observation.date.isoformat()
    return f"{day}T{only.isoformat()}Z" if only else day


def publish_observation(plan: Plan, observed: Observed, model: Model) -> None:
    """Write the folder of one observation; it appears whole or not at all."""
    observation, name = observed.observation, plan.config.name
    stem = f"{name}_{observation.key}"
    with replace_folder(plan.config.run_folder / "observations" / observation.key) as folder:
        write_classes(folder / f"{stem}_classes.tif", observed.classes, plan.grid, observation.date)
        for layer in observed.layers:
            path = folder / f"{stem}_{layer.code.label}.shp"
            write_shapefile(path, layer, observation.date, _moment(observation))
        document = explain_document(observation.key, model, observed.tally, plan.pixel_area.unit_m2)
        (folder / "explain.json").write_text(json_text(document), encoding="utf-8")
        step = thumbnail_step(plan.grid)
        write_quicklook(
            folder / "quicklook.png",
            f"{name}  {observation.key}",
            observed.picture,
            observed.classes[::step, ::step],
            plan.grid,
            observed.budget,
        )


def _rows(plan: Plan, observed: Observed, model: Model) -> tuple[Row, ...]:
    screened: frozenset[ClassCode] = frozenset()
    context = Context(
        region=plan.config.name,
        observation=observed.observation,
        planar_km2_per_pixel=plan.planar_km2_per_pixel,
        flags=flags_of(observed.budget, plan.config.measure.min_valid, screened),
        model=model_hash(model),
        config_hash=plan.config.digest,
        screened=screened,
    )
    return rows(observed.budget, {layer.code: len(layer.geometry) for layer in observed.layers}, context)


_LIBRARIES = ("icepipe", "rasterio", "numpy", "scikit-learn", "pyproj", "shapely", "pyogrio", "geopandas")


def _provenance(plan: Plan, model: Model, faults: list[IcepipeError], seconds: float) -> dict[str, Any]:
    return {
        "name": plan.config.name,
        "config": plan.config.model_dump(mode="json"),
        "config_hash": plan.config.digest,
        "model_hash": model_hash(model),
        "areas_measured_on": plan.pixel_area.surface,
        "area_unit_m2": plan.pixel_area.unit_m2,
        "grid": {
            "crs": plan.grid.crs,
            "transform": list(plan.grid.transform)[:6],
            "width": plan.grid.width,
            "height": plan.grid.height,
        },
        "region_wkt": shapely.to_wkt(plan.region, rounding_precision=-1),
        "scenes": [
            {"file": scene.path.name, "date": scene.date.isoformat(), "platform": scene.platform}
            for scene in plan.catalog.scenes
        ],
        "failed": [str(fault) for fault in faults],
        "versions": {name: version(name) for name in _LIBRARIES} | {"python": host.python_version()},
        "seconds": round(seconds, 3),
    }


def run(config: Config, progress: Progress = _silent) -> RunResult:
    """Do the whole job of a config.

    Parameters
    ----------
    config
        From :func:`icepipe.config.load`.
    progress
        Told how far the run is.

    Returns
    -------
    RunResult
        With the faults of what could not be done; the rest is published.

    Raises
    ------
    IcepipeError
        If nothing can be done, or a budget or a write does not hold.
    """
    started = time.monotonic()
    check_writable(config.run_folder)
    planned = plan(config)
    faults: list[IcepipeError] = list(planned.catalog.faults)
    model, readable = _fit(planned, faults, progress)
    table = ColourTable(model)
    series: list[Row] = []
    for done, observation in enumerate(readable):
        progress(observation.key, done, len(readable))
        try:
            observed = observe(planned, observation, model, table)
        except InputError as fault:
            faults.append(fault)
            continue
        publish_observation(planned, observed, model)
        series.extend(_rows(planned, observed, model))
    progress("publish", len(readable), len(readable))
    write_series(config.run_folder, series)
    write_json(config.run_folder / "model.json", model_document(model))
    seconds = time.monotonic() - started
    write_json(config.run_folder / "run.json", _provenance(planned, model, faults, seconds))
    return RunResult(config.run_folder, tuple(series), model, tuple(faults))
