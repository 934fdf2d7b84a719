"""Models: one for a run, one an observation, or one a scene, fitted on samples of what was seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from importlib import import_module
from threading import Thread

import numpy as np

from icepipe.errors import InputError, NoUsableInput
from icepipe.geo.geobox import Block
from icepipe.inputs.reading.reader import ObservationReader
from icepipe.inputs.reading.scene_order import with_scene_order
from icepipe.inputs.scenes import Observation
from icepipe.raster.blocks import blocks
from icepipe.runtime.parallel import ordered_map, prefetch
from icepipe.segment.clustering.sampling import (
    POOL_FACTOR,
    CandidatePixels,
    PixelSample,
    grid_cells,
    hash_sample,
    thin_sample,
)
from icepipe.segment.clustering.select_k import choose_k
from icepipe.segment.clustering.splitting import empty_fit, fit
from icepipe.segment.model import KPoint, Model
from icepipe.segment.naming import name_clusters
from icepipe.workflow.plan import Clustering, Plan

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many parts of it are finished, and of how many."""

Meanwhile = Callable[[Observation], None]
"""Does something else with the files of an observation while they are read anyway, and raises nothing."""

MIN_SAMPLE = 1_000
"""Where tiles are mostly empty the sample can come out smaller than this; every valid pixel is then looked at."""


def candidate_pixels(plan: Plan, rate: float, observation: Observation) -> CandidatePixels | InputError:
    """Pixels of an observation to choose from, in raster order; the fault where it cannot be read."""
    seed, day = plan.config.segment.seed, observation.date.toordinal()
    parts = []
    try:
        with (
            plan.reader(with_scene_order(observation, plan.config.measure.prefer)) as reader,
            closing(prefetch(lambda part: (part, reader.read(part)), _reached(reader))) as read,
        ):
            for block, pixels in read:
                rows, cols, hashes = hash_sample(seed, day, block, pixels.valid, rate)
                places = grid_cells(plan.grid, block.row + rows, block.col + cols)
                parts.append((pixels.bands[:, rows, cols].T, hashes, places))
    except InputError as fault:
        return fault
    values, hashes, places = (np.concatenate(part) for part in zip(*parts, strict=True))
    return CandidatePixels(values, hashes, places)


def _reached(reader: ObservationReader) -> Iterator[Block]:
    return (part for _, part in reader.parts() if part.width)


def _rate(plan: Plan, n_observations: int) -> float:
    """Part of the pixels that is drawn to choose from."""
    region_pixels = sum(int(plan.regions.mask(block).sum()) for block in blocks(plan.grid))
    return POOL_FACTOR * plan.config.segment.sample / max(1, region_pixels * n_observations)


def _clustering(plan: Plan) -> Clustering:
    assert plan.clustering is not None, "class rasters are not fitted"
    return plan.clustering


def _model_of(plan: Plan, sample: PixelSample) -> Model:
    """Choose k where it is not stated, fit, and name."""
    how = _clustering(plan)
    asked, seed = plan.config.segment.k, plan.config.segment.seed
    curve: tuple[KPoint, ...] = ()
    k = asked if isinstance(asked, int) else 0
    if isinstance(asked, str) and len(sample.values):
        k, curve = choose_k(sample, asked, seed, how.space, how.rules)
    found = fit(sample, k, seed, how.space, how.rules)
    return replace(name_clusters(found, asked, how.space, how.rules, curve), encoding=how.encoding)


def _candidates_while(
    plan: Plan, rate: float, meanwhile: Meanwhile, observation: Observation
) -> CandidatePixels | InputError:
    """Pixels of an observation; nothing waits for the rest of what is done meanwhile where they cannot be read."""
    beside = Thread(target=meanwhile, args=[observation], daemon=True)
    beside.start()
    pool = candidate_pixels(plan, rate, observation)
    if isinstance(pool, CandidatePixels):
        beside.join()
    return pool


def _all_candidates(
    plan: Plan, rate: float, progress: Progress, meanwhile: Meanwhile
) -> tuple[list[CandidatePixels], list[InputError]]:
    """Pixels of all observations to choose from, and the faults of those that cannot be read.

    Raises
    ------
    NoUsableInput
        If none can be read.
    """
    pools: list[CandidatePixels] = []
    faults: list[InputError] = []
    context = partial(_candidates_while, plan, rate, meanwhile)
    for done, pool in enumerate(ordered_map(context, plan.observations, plan.workers), start=1):
        progress("sample", done, len(plan.observations))
        if isinstance(pool, InputError):
            faults.append(pool)
        else:
            pools.append(pool)
    if not pools:
        raise NoUsableInput(f"no usable input: {faults[0]}")
    return pools, faults


def fit_run(plan: Plan, progress: Progress, meanwhile: Meanwhile) -> tuple[Model, list[InputError]]:
    """Fit one model on a sample of every observation; those that cannot be read are left out."""
    rate = _rate(plan, len(plan.observations))
    with ThreadPoolExecutor(1) as beside:
        # What is compiled takes longer to load than a tile to decode, and decoding lets other threads run.
        beside.submit(import_module, "icepipe.segment.clustering._kernels")
        pools, faults = _all_candidates(plan, rate, progress, meanwhile)
        if sum(len(pool.values) for pool in pools) < MIN_SAMPLE and rate < 1:
            pools, faults = _all_candidates(plan, 1.0, progress, meanwhile)
    return _model_of(plan, thin_sample(pools, plan.config.segment.sample)), faults


def _fit_one(plan: Plan, observation: Observation) -> Model:
    """A model of one observation alone; without clusters where nothing was seen.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    rate = _rate(plan, 1)
    pool = candidate_pixels(plan, rate, observation)
    if isinstance(pool, CandidatePixels) and len(pool.values) < MIN_SAMPLE and rate < 1:
        pool = candidate_pixels(plan, 1.0, observation)
    if isinstance(pool, InputError):
        raise pool
    if not len(pool.values):
        how = _clustering(plan)
        return name_clusters(empty_fit(plan.sensor, plan.config.segment.seed), 0, how.space, how.rules)
    return _model_of(plan, thin_sample([pool], plan.config.segment.sample))


def fit_observation(plan: Plan, observation: Observation) -> tuple[Model, ...]:
    """Models of an observation that no other has a part in: one, or one a scene where the config asks for that.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    if plan.config.segment.fit == "observation":
        return (_fit_one(plan, observation),)
    return tuple(_fit_one(plan, replace(observation, scenes=(scene,))) for scene in observation.scenes)
