"""Fit models on samples of pixels: one for the run, one for each observation, or one for each scene."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from importlib import import_module
from threading import Thread

import numpy as np

from icepipe.classes import ClassCode
from icepipe.errors import ConfigError, InputError, NoUsableInput
from icepipe.inputs.reading.scene_order import with_scene_order
from icepipe.inputs.scenes import Observation
from icepipe.publish.run_folder.basis import Basis
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
from icepipe.segment.model_file import model_hash
from icepipe.segment.naming import name_clusters, pin_names
from icepipe.workflow.plan import Plan

Progress = Callable[[str, int, int], None]
"""Called with the current step, the number of its parts that are done, and the number of its parts."""

PrefetchFiles = Callable[[Observation], None]
"""Called with an observation while its files are read for the sample; must not raise."""

MIN_SAMPLE = 1_000
"""A sample smaller than this, as mostly empty tiles give, is drawn again from every valid pixel."""


def candidate_pixels(plan: Plan, rate: float, observation: Observation) -> CandidatePixels | InputError:
    """Return the pixels of an observation to sample from, in raster order, or the fault if it cannot be read."""
    seed = plan.config.segment.seed
    day = observation.date.toordinal()
    values, hashes, cells = [], [], []
    try:
        with plan.reader(with_scene_order(observation, plan.config.measure.prefer)) as reader:
            reached = (part for _, part in reader.parts() if part.width)
            with closing(prefetch(lambda part: (part, reader.read(part)), reached)) as read:
                for block, pixels in read:
                    # A hash of seed, date and place chooses pixels: the sample does not depend on files or block size.
                    rows, cols, row_hashes = hash_sample(seed, day, block, pixels.valid, rate)
                    values.append(pixels.bands[:, rows, cols].T)
                    hashes.append(row_hashes)
                    cells.append(grid_cells(plan.grid, block.row + rows, block.col + cols))
    except InputError as fault:
        return fault
    return CandidatePixels(np.concatenate(values), np.concatenate(hashes), np.concatenate(cells))


def sampling_rate(plan: Plan, n_observations: int) -> float:
    """Return the share of pixels to draw as candidates."""
    region_pixels = sum(int(plan.regions.mask(block).sum()) for block in blocks(plan.grid))
    return POOL_FACTOR * plan.config.segment.sample / max(1, region_pixels * n_observations)


def fit_model(plan: Plan, sample: PixelSample) -> Model:
    """Fit a model on a sample: choose k unless the config states it, fit, and name the clusters."""
    how, k_option, seed = plan.clustering, plan.config.segment.k, plan.config.segment.seed
    assert how is not None, "class rasters are not fitted"
    curve: tuple[KPoint, ...] = ()
    # k cannot be chosen on an empty sample, which the fit refuses with a message of its own.
    k = k_option if isinstance(k_option, int) else 0
    if isinstance(k_option, str) and len(sample.values):
        k, curve = choose_k(sample, k_option, seed, how.space, how.rules)
    clusters = fit(sample, k, seed, how.space, how.rules)
    return replace(name_clusters(clusters, k_option, how.space, how.rules, curve), encoding=how.encoding)


def all_candidates(
    plan: Plan, rate: float, progress: Progress, prefetch_files: PrefetchFiles
) -> tuple[list[CandidatePixels], list[InputError]]:
    """Return the candidate pixels of all observations, and the faults of those that cannot be read.

    Raises
    ------
    NoUsableInput
        If no observation can be read.
    """

    def read(observation: Observation) -> CandidatePixels | InputError:
        thread = Thread(target=prefetch_files, args=[observation], daemon=True)
        thread.start()
        candidates = candidate_pixels(plan, rate, observation)
        # After a fault, do not wait: the other thread may hang on the same broken file.
        if isinstance(candidates, CandidatePixels):
            thread.join()
        return candidates

    pools: list[CandidatePixels] = []
    faults: list[InputError] = []
    for done, pool in enumerate(ordered_map(read, plan.observations, plan.workers), start=1):
        progress("sample", done, len(plan.observations))
        if isinstance(pool, InputError):
            faults.append(pool)
        else:
            pools.append(pool)
    if not pools:
        raise NoUsableInput(f"no usable input: {faults[0]}")
    return pools, faults


def fit_run(plan: Plan, progress: Progress, prefetch_files: PrefetchFiles) -> tuple[Model, list[InputError]]:
    """Fit one model on a sample of all observations, and return it with the faults of those that cannot be read."""
    rate = sampling_rate(plan, len(plan.observations))
    with ThreadPoolExecutor(1) as loader:
        # Compiled kernels take longer to load than a tile takes to decode, and decoding releases the GIL.
        loader.submit(import_module, "icepipe.segment.clustering._kernels")
        pools, faults = all_candidates(plan, rate, progress, prefetch_files)
        # The rate assumes that the whole region was seen.
        if sum(len(pool.values) for pool in pools) < MIN_SAMPLE and rate < 1:
            pools, faults = all_candidates(plan, 1.0, progress, prefetch_files)
    return fit_model(plan, thin_sample(pools, plan.config.segment.sample)), faults


def fit_basis(plan: Plan, progress: Progress, prefetch_files: PrefetchFiles) -> tuple[Basis, list[InputError]]:
    """Return the basis of the earlier run, or a new one with the faults of observations that cannot be read."""
    if plan.earlier:
        return plan.earlier, []
    if plan.clustering is None or plan.config.segment.fit in {"observation", "scene"}:
        return plan.new_basis(None), []
    if plan.clustering.given:
        return plan.new_basis(plan.clustering.given), []
    model, faults = fit_run(plan, progress, prefetch_files)
    return plan.new_basis(model), faults


def apply_pins(plan: Plan, model: Model) -> Model:
    """Return the model with the names that the config pins.

    Raises
    ------
    ConfigError
        If the config pins names to another model, or to clusters that the model lacks.
    """
    # Cluster numbers mean nothing in another model.
    pin = plan.config.segment.pin
    if pin is None:
        return model
    if pin.model != model_hash(model):
        raise ConfigError(
            f"segment.labels.pin is for model {pin.model}, and the model of this run is {model_hash(model)}",
            "look at its clusters with `icepipe explain` and pin again, or remove pin",
        )
    if missing := [number for number in pin.clusters if number >= len(model.clusters)]:
        raise ConfigError(
            f"segment.labels.pin: the model has no cluster {missing[0]}", "list its clusters with `icepipe explain`"
        )
    return pin_names(model, {n: ClassCode[name.upper()] for n, name in pin.clusters.items()}, model_hash(model))


def fit_alone(plan: Plan, observation: Observation) -> Model:
    """Fit a model on one observation; return a model without clusters if no pixel of it is valid.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    rate = sampling_rate(plan, 1)
    pool = candidate_pixels(plan, rate, observation)
    if isinstance(pool, CandidatePixels) and len(pool.values) < MIN_SAMPLE and rate < 1:
        pool = candidate_pixels(plan, 1.0, observation)
    if isinstance(pool, InputError):
        raise pool
    if not len(pool.values):
        assert plan.clustering is not None, "class rasters are not fitted"
        empty = empty_fit(plan.sensor, plan.config.segment.seed)
        return name_clusters(empty, 0, plan.clustering.space, plan.clustering.rules)
    return fit_model(plan, thin_sample([pool], plan.config.segment.sample))


def fit_observation(plan: Plan, observation: Observation) -> tuple[Model, ...]:
    """Fit the models of one observation: one, or one for each scene if the config says so.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    if plan.config.segment.fit == "observation":
        return (fit_alone(plan, observation),)
    return tuple(fit_alone(plan, replace(observation, scenes=(scene,))) for scene in observation.scenes)
