"""The order of the stages: the only module that knows it."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial

import shapely

from icepipe.classes import ClassCode
from icepipe.config.schema import Config
from icepipe.errors import ConfigError, InputError, ObservationsFailed
from icepipe.inputs.run_grid import outside_km2
from icepipe.inputs.scene_cache import SceneCache
from icepipe.inputs.scenes import Observation
from icepipe.measure.trends.alerts import find_alerts
from icepipe.measure.trends.quality_flags import add_series_flags
from icepipe.measure.trends.summary import area_trends
from icepipe.publish.run_folder.basis import Basis, save_basis
from icepipe.publish.run_folder.paths import CHANGE, OBSERVATIONS, RunPaths
from icepipe.publish.run_folder.record import Record, read_record
from icepipe.runtime.log import log_step, now, peak_memory_mb
from icepipe.runtime.memory import check_address_space
from icepipe.segment.classification.class_rasters import ClassRasterClassifier
from icepipe.segment.classification.classifier import ClusterClassifier, PixelClassifier
from icepipe.segment.model import Model
from icepipe.segment.model_file import model_hash
from icepipe.segment.naming import pin_names
from icepipe.storage.atomic import check_writable, refuse_links, remove_partial_outputs
from icepipe.storage.fingerprint import FolderSnapshot
from icepipe.storage.ledger import RunEntry, open_ledger
from icepipe.storage.lock import run_lock
from icepipe.workflow.changes.update import update_changes
from icepipe.workflow.fit import Progress, fit_run
from icepipe.workflow.notes import RunEvents, occlusion_notes, run_notes, trend_notes
from icepipe.workflow.plan import Plan, make_plan
from icepipe.workflow.process_observation import RunContext
from icepipe.workflow.result import RunResult
from icepipe.workflow.result_cache import cached_result, quick_cached_result, store_result, store_snapshot
from icepipe.workflow.run_state import RunState
from icepipe.workflow.update_observations import prefetch_fingerprints, update_observations
from icepipe.workflow.write_run import write_run


@dataclass(frozen=True)
class RunOptions:
    """What a run was asked for, and the state of its folder; see :func:`run`."""

    config: Config
    run_state: RunState
    progress: Progress
    only: Collection[str]
    force: bool
    rebase: bool
    fail_fast: bool


def no_progress(_what: str, _done: int, _total: int) -> None:
    """Ignore how far a run is."""


def _new_basis(plan: Plan, model: Model | None) -> Basis:
    t = plan.grid.transform
    return Basis(
        settings=plan.config.basis_digest,
        crs=plan.grid.crs,
        transform=(t.a, t.b, t.c, t.d, t.e, t.f),
        width=plan.grid.width,
        height=plan.grid.height,
        regions=plan.regions.outlines,
        unit_m2=plan.unit_m2,
        model=model,
    )


def _records(context: RunContext, run_state: RunState) -> tuple[dict[str, Record], list[str]]:
    """Records of the observations that fit, by key, and the names of those that do not.

    A record fits that was made on this basis with these settings, is of the observation that its folder is named
    after, and whose files are as it says.
    """
    found, stale, config = {}, [], context.plan.config
    asked = context.basis_hash, config.digest, config.polygons_digest
    for folder in run_state.paths.observation_folders():
        record = read_record(folder, run_state.fingerprints)
        made = record and (record.made.basis, record.made.settings, record.made.polygons)
        if record and made == asked and {row.date for row in record.rows} == {folder.name}:
            found[folder.name] = record
        else:
            stale.append(folder.name)
    return found, stale


def _selected(plan: Plan, only: Collection[str]) -> tuple[Observation, ...]:
    """Observations asked for by key or by date.

    Raises
    ------
    ConfigError
        If one asked for is not there.
    """
    wanted = set(only)
    chosen = tuple(o for o in plan.observations if not wanted or {o.key, o.date.isoformat()} & wanted)
    missing = wanted - {o.key for o in chosen} - {o.date.isoformat() for o in chosen}
    if missing:
        raise ConfigError(f"--only: no observation {', '.join(sorted(missing))}", "see `icepipe check`")
    return chosen


def _outside(plan: Plan) -> dict[str, float]:
    """km2 of each scene that lie outside what the first run saw; nothing where regions were named or just made."""
    if plan.earlier is None or not plan.regions.from_scenes:
        return {}
    region = shapely.from_wkt(plan.regions.outlines[0].wkt)
    found = {str(scene.path): outside_km2(scene, region, plan.grid) for scene in plan.catalog.scenes}
    return {path: km2 for path, km2 in found.items() if km2 > 0}


def _basis(plan: Plan, options: RunOptions) -> tuple[Basis, list[InputError]]:
    """The basis of an earlier run, or a new one with the faults met on the way."""
    if plan.earlier:
        return plan.earlier, []
    if plan.clustering is None or plan.config.segment.fit in {"observation", "scene"}:
        return _new_basis(plan, None), []
    if plan.clustering.given:
        return _new_basis(plan, plan.clustering.given), []
    # A look at the folders of its own: the one that observations are checked by comes when the first is worked on.
    meanwhile = partial(prefetch_fingerprints, plan, options.run_state.fingerprints, FolderSnapshot())
    model, faults = fit_run(plan, options.progress, meanwhile)
    return _new_basis(plan, model), faults


def _shared_classifier(plan: Plan, model: Model | None) -> PixelClassifier | None:
    """What names the pixels of all observations; None where each is fitted on its own."""
    if plan.clustering is None:
        values = plan.config.inputs.classes or {}
        return ClassRasterClassifier("weight" in values)
    return ClusterClassifier([model], plan.sensor) if model else None


def _with_pinned_names(plan: Plan, model: Model) -> Model:
    """The model with the names that the config pins.

    Raises
    ------
    ConfigError
        If they are pinned to another model, or to clusters that are not there.
    """
    pin = plan.config.segment.pin
    if pin is None:
        return model
    if pin.model != model_hash(model):
        raise ConfigError(
            f"segment.labels.pin is for model {pin.model}, and the model of this run is {model_hash(model)}",
            "look at its clusters with `icepipe explain` and pin again, or take pin out",
        )
    if missing := [number for number in pin.clusters if number >= len(model.clusters)]:
        raise ConfigError(f"segment.labels.pin: the model has no cluster {missing[0]}", "see `icepipe explain`")
    return pin_names(model, {n: ClassCode[name.upper()] for n, name in pin.clusters.items()}, model_hash(model))


def run(
    config: Config,
    progress: Progress = no_progress,
    *,
    only: Collection[str] = (),
    force: bool = False,
    rebase: bool = False,
    fail_fast: bool = False,
) -> RunResult:
    """Do the whole job of a config.

    Parameters
    ----------
    config
        From :func:`icepipe.config.loader.load`.
    progress
        Told how far the run is.
    only
        Dates or keys of the observations to work on; all where empty. Rows of the others stay as they are.
    force
        Work on observations that are up to date, too.
    rebase
        Make region, grid and model anew, and redo everything.
    fail_fast
        Stop work at the first input that fails, before the rest.

    Returns
    -------
    RunResult
        With the faults of what could not be done; the rest is published.

    Raises
    ------
    IcepipeError
        If nothing can be done, or a budget or a write does not hold.
    """
    started, start = now(), time.monotonic()
    check_address_space()
    paths = RunPaths(config.run_folder, config.name)
    check_writable(paths.folder)
    refuse_links(paths.folder, (OBSERVATIONS, CHANGE))
    with run_lock(config.run_folder), open_ledger(config.run_folder) as ledger:
        for folder in (paths.folder, paths.observations, paths.change):
            remove_partial_outputs(folder)
        number = ledger.begin_run(started)
        with log_step("look"):
            cached = None if only or force or rebase else quick_cached_result(config, ledger)
        if cached:
            result, n_observations = cached
            result = _with_note(result, n_observations)
            entry = RunEntry(started, exit_code=0, observations=n_observations, worked=0, failed=0, pixels=0)
        else:
            run_state = RunState.of(config.run_folder, ledger)
            result, entry = _run(RunOptions(config, run_state, progress, only, force, rebase, fail_fast), started)
        seconds = round(time.monotonic() - start, 3)
        ledger.end_run(number, replace(entry, ended=now(), seconds=seconds, memory_mb=peak_memory_mb()))
        return result


def _planned(options: RunOptions) -> Plan:
    """The plan, with what is known of the scenes; what became known is kept."""
    ledger, inputs = options.run_state.ledger, options.config.inputs
    with log_step("plan"):
        descriptions = SceneCache(ledger.scenes(), inputs, options.run_state.snapshot)
        plan = make_plan(options.config, options.rebase, descriptions)
    with ledger.transaction():
        ledger.save_scenes(descriptions.used)
    return plan


def _with_note(result: RunResult, n_up_to_date: int) -> RunResult:
    """The result, with a first note on the observations that needed no work."""
    said = (f"{n_up_to_date} observation(s) were up to date",) if n_up_to_date else ()
    return replace(result, notes=(*said, *result.notes))


def _run(options: RunOptions, started: str) -> tuple[RunResult, RunEntry]:
    """Plan, fit, update the observations that need it, and publish; the entry lacks what is known at the end."""
    plan = _planned(options)
    chosen = _selected(plan, options.only)
    if options.fail_fast and plan.catalog.faults:
        raise ObservationsFailed(f"stopped at the first failure: {plan.catalog.faults[0]}")
    basis, unread = _basis(plan, options)
    model = _with_pinned_names(plan, basis.model) if basis.model else None
    context = RunContext(plan, basis, _shared_classifier(plan, model))
    if plan.earlier is None:
        save_basis(options.config.run_folder, basis)
    summary = update_observations(
        context, options.run_state, chosen, options.progress, force=options.force, fail_fast=options.fail_fast
    )
    faults = tuple({fault.path: fault for fault in (*unread, *summary.faults, *plan.catalog.faults)}.values())
    cached = cached_result(context, options.run_state, faults) if not summary.updated and plan.earlier else None
    result = cached or _publish_run(context, options, model, faults)
    if not faults and not options.only:
        store_snapshot(context, options.run_state.ledger)
    n_updated, n_pixels = len(summary.updated), plan.grid.width * plan.grid.height
    entry = RunEntry(
        started,
        exit_code=4 if faults else 0,
        observations=len(chosen),
        worked=n_updated,
        failed=len(faults),
        pixels=n_updated * n_pixels,
    )
    return _with_note(result, summary.n_up_to_date), entry


def _with_valid_extents(plan: Plan, run_state: RunState, records: Mapping[str, Record]) -> dict[str, Record]:
    """Records that tell where their files reach only where all else is as it would be now."""
    return {
        key: record if run_state.on_outlines_of_now(plan, record) else replace(record, reached=None)
        for key, record in records.items()
    }


def _publish_run(
    context: RunContext, options: RunOptions, model: Model | None, faults: tuple[InputError, ...]
) -> RunResult:
    """Write what all observations together give, and keep what was told for a run that finds nothing new."""
    plan, config, basis, run_state = context.plan, context.plan.config, context.basis, options.run_state
    options.progress("publish", len(plan.observations), len(plan.observations))
    with log_step("finish"):
        records, stale = _records(context, run_state)
        events = RunEvents(
            records=records,
            stale=stale,
            gone=sorted(records.keys() - {observation.key for observation in plan.observations}),
            outside_km2=_outside(plan),
            frozen_without_files=plan.earlier is None and bool(faults),
            skipped=plan.catalog.skipped,
        )
        changes = update_changes(
            config.run_folder,
            basis,
            plan.unseen,
            _with_valid_extents(plan, run_state, records),
            config.publish.change,
            plan.workers,
            run_state.fingerprints,
        )
        measured = tuple(row for record in records.values() for row in record.rows)
        series = add_series_flags(measured, changes.hidden)
        trends = area_trends(series, config.measure)
        alerts = None if config.measure.alerts is None else find_alerts(series, config.measure.alerts)
        notes = (*run_notes(model, events), *occlusion_notes(changes.hidden), *trend_notes(trends))
        result = RunResult(
            folder=config.run_folder,
            faults=faults,
            rows=series,
            model=model,
            notes=notes,
            trends=trends,
            alerts=alerts,
        )
        write_run(context, result, events, changes, run_state.fingerprints)
    store_result(context, run_state, result, events)
    return result
