"""Run the whole job of a config: plan, fit, update observations, publish."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial

from icepipe.config.schema import Config
from icepipe.errors import ObservationsFailed
from icepipe.inputs.scene_cache import SceneCache
from icepipe.publish.run_folder.basis import save_basis
from icepipe.publish.run_folder.paths import CHANGE, OBSERVATIONS, RunPaths
from icepipe.runtime.log import log_step, now, peak_memory_mb
from icepipe.runtime.memory import check_address_space
from icepipe.storage.atomic import check_writable, refuse_links, remove_partial_outputs
from icepipe.storage.fingerprint import FolderSnapshot
from icepipe.storage.ledger import RunEntry, open_ledger
from icepipe.storage.lock import run_lock
from icepipe.workflow.fit import Progress, fit_basis
from icepipe.workflow.notes import up_to_date_notes
from icepipe.workflow.plan import Plan, make_plan
from icepipe.workflow.process_observation import RunContext
from icepipe.workflow.result import RunResult
from icepipe.workflow.result_cache import cached_result, quick_cached_result, store_snapshot
from icepipe.workflow.run_state import RunState
from icepipe.workflow.update_observations import prefetch_fingerprints, update_observations
from icepipe.workflow.write_run import publish_run


@dataclass(frozen=True)
class RunOptions:
    """Config and options of a run, and the state of its folder; see :func:`run`."""

    config: Config
    run_state: RunState
    progress: Progress
    only: Collection[str]
    force: bool
    rebase: bool
    fail_fast: bool


def no_progress(_step: str, _done: int, _total: int) -> None:
    """Ignore the progress of a run."""


def run(
    config: Config,
    progress: Progress = no_progress,
    *,
    only: Collection[str] = (),
    force: bool = False,
    rebase: bool = False,
    fail_fast: bool = False,
) -> RunResult:
    """Run the whole job of a config.

    Parameters
    ----------
    config
        A config from :func:`icepipe.config.loader.load`.
    progress
        Called with the current step, the number of its parts that are done, and the number of its parts.
    only
        Dates or keys of the observations to update; all if empty. The rows of all others stay as they are.
    force
        Process observations that are up to date, too.
    rebase
        Make a new region, grid and model, and process everything again.
    fail_fast
        Stop at the first input that fails.

    Returns
    -------
    RunResult
        The published result, with the faults of the inputs that failed.

    Raises
    ------
    IcepipeError
        If nothing can be published, a budget does not close, or a file cannot be written.
    """
    started, start = now(), time.monotonic()
    check_address_space()
    paths = RunPaths(config.run_folder, config.name)
    # These checks come before the lock, which is a file in this folder.
    check_writable(paths.folder)
    refuse_links(paths.folder, (OBSERVATIONS, CHANGE))
    with run_lock(config.run_folder), open_ledger(config.run_folder) as ledger:
        # Remove what a killed run left half written. The lock keeps other writers out.
        for folder in (paths.folder, paths.observations, paths.change):
            remove_partial_outputs(folder)
        number = ledger.begin_run(started)
        with log_step("check_cache"):
            cached = None if only or force or rebase else quick_cached_result(config, ledger)
        if cached:
            result, n_up_to_date = cached
            entry = RunEntry(started, exit_code=0, observations=n_up_to_date, worked=0, failed=0, pixels=0)
        else:
            run_state = RunState.load(config.run_folder, ledger)
            options = RunOptions(config, run_state, progress, only, force, rebase, fail_fast)
            result, n_up_to_date, entry = execute(options, started)
        seconds = round(time.monotonic() - start, 3)
        ledger.end_run(number, replace(entry, ended=now(), seconds=seconds, memory_mb=peak_memory_mb()))
        # The note is of this run alone: it is in no file, and the cached result of the next run must not have it.
        return replace(result, notes=(*up_to_date_notes(n_up_to_date), *result.notes))


def plan_run(options: RunOptions) -> Plan:
    """Plan a run; headers of scenes that the ledger knows and that did not change are not read again."""
    ledger = options.run_state.ledger
    with log_step("plan"):
        scenes = SceneCache(ledger.scenes(), options.config.inputs, options.run_state.snapshot)
        plan = make_plan(options.config, options.rebase, scenes)
    with ledger.transaction():
        ledger.save_scenes(scenes.used)
    return plan


def execute(options: RunOptions, started: str) -> tuple[RunResult, int, RunEntry]:
    """Plan, fit, update the observations that need it, and publish.

    Returns
    -------
    tuple of (RunResult, int, RunEntry)
        The result, the number of observations that were up to date, and the entry for the ledger without the figures
        that are known at the end.
    """
    run_state, progress = options.run_state, options.progress
    plan = plan_run(options)
    selected = plan.select(options.only)
    if options.fail_fast and plan.catalog.faults:
        raise ObservationsFailed(f"stopped at the first failure: {plan.catalog.faults[0]}")
    # The prefetch has its own snapshot: files may change during the fit, and the update must see them as they are then.
    prefetch = partial(prefetch_fingerprints, plan, run_state.fingerprints, FolderSnapshot())
    basis, fit_faults = fit_basis(plan, progress, prefetch)
    context = RunContext.create(plan, basis)
    # The basis is saved before any observation: a run that is stopped here must go on with the same basis.
    if plan.earlier is None:
        save_basis(options.config.run_folder, basis)
    summary = update_observations(
        context, run_state, selected, progress, force=options.force, fail_fast=options.fail_fast
    )
    # Each file has one fault, even if the fit, the update and the catalog all met it.
    faults = tuple({fault.path: fault for fault in (*fit_faults, *summary.faults, *plan.catalog.faults)}.values())
    result = cached_result(context, run_state, faults) if not summary.updated and plan.earlier else None
    if result is None:
        progress("publish", len(plan.observations), len(plan.observations))
        result = publish_run(context, run_state, faults)
    # After a fault, or for a part of the dates, a snapshot must not let the next run skip its checks.
    if not faults and not options.only:
        store_snapshot(context, run_state.ledger)
    n_updated = len(summary.updated)
    entry = RunEntry(
        started,
        exit_code=4 if faults else 0,
        observations=len(selected),
        worked=n_updated,
        failed=len(faults),
        pixels=n_updated * plan.grid.width * plan.grid.height,
    )
    return result, summary.n_up_to_date, entry
