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
from icepipe.inputs.scene_cache import Descriptions
from icepipe.inputs.scenes import Observation
from icepipe.measure.trends.alerts import find_alerts
from icepipe.measure.trends.quality_flags import with_doubts
from icepipe.measure.trends.summary import area_trends
from icepipe.publish.run_folder.basis import Basis, save_basis
from icepipe.publish.run_folder.record import Record, read_record
from icepipe.runtime.log import now, peak_memory_mb, step
from icepipe.runtime.memory import check_addresses
from icepipe.segment.classification.class_rasters import Coded
from icepipe.segment.classification.classifier import Classifier, Namer
from icepipe.segment.model import Model
from icepipe.segment.model_file import model_hash
from icepipe.segment.naming import pinned
from icepipe.storage.atomic import check_writable, clear_leftovers, refuse_links
from icepipe.storage.fingerprint import Listing
from icepipe.storage.ledger import Ran, open_ledger
from icepipe.storage.lock import locked
from icepipe.workflow.changes.update import changes_of
from icepipe.workflow.fit import Progress, fit_run
from icepipe.workflow.notes import Happened, notes_of, notes_of_hidden, notes_of_trends
from icepipe.workflow.plan import Plan, make_plan
from icepipe.workflow.process_observation import Work
from icepipe.workflow.result import RunResult
from icepipe.workflow.result_cache import keep_glance, keep_told, told_at_a_glance, told_before
from icepipe.workflow.run_state import OBSERVATIONS, Standing
from icepipe.workflow.update_observations import read_bytes, work_on
from icepipe.workflow.write_run import finish

CHANGE = "change"


def _silent(_what: str, _done: int, _total: int) -> None:
    return None


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


def _records(work: Work, standing: Standing) -> tuple[dict[str, Record], list[str]]:
    """Records of the observations that fit, by key, and the names of those that do not.

    A record fits that was made on this basis with these settings, and whose files are as it says.
    """
    found, stale, config = {}, [], work.plan.config
    asked = work.basis_hash, config.digest, config.polygons_digest
    for folder in sorted((standing.folder / OBSERVATIONS).glob("[!.]*")):
        record = read_record(folder, standing.fingerprints)
        if record and (record.made.basis, record.made.settings, record.made.polygons) == asked:
            found[folder.name] = record
        else:
            stale.append(folder.name)
    return found, stale


def _chosen(plan: Plan, only: Collection[str]) -> tuple[Observation, ...]:
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
    if plan.earlier is None or not plan.regions.own:
        return {}
    region = shapely.from_wkt(plan.regions.outlines[0].wkt)
    found = {str(scene.path): outside_km2(scene, region, plan.grid) for scene in plan.catalog.scenes}
    return {path: km2 for path, km2 in found.items() if km2 > 0}


def _basis(plan: Plan, job: Job) -> tuple[Basis, list[InputError]]:
    """The basis of an earlier run, or a new one with the faults met on the way."""
    if plan.earlier:
        return plan.earlier, []
    if plan.clustering is None or plan.config.segment.fit in {"observation", "scene"}:
        return _new_basis(plan, None), []
    if plan.clustering.given:
        return _new_basis(plan, plan.clustering.given), []
    # A look at the folders of its own: the one that observations are checked by comes when the first is worked on.
    meanwhile = partial(read_bytes, plan, job.standing.fingerprints, Listing())
    model, faults = fit_run(plan, job.progress, meanwhile)
    return _new_basis(plan, model), faults


def _namer(plan: Plan, model: Model | None) -> Namer | None:
    """What names the pixels of all observations; None where each is fitted on its own."""
    if plan.clustering is None:
        values = plan.config.inputs.classes or {}
        return Coded("weight" in values)
    return Classifier([model], plan.sensor) if model else None


def _named(plan: Plan, model: Model) -> Model:
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
    return pinned(model, {n: ClassCode[name.upper()] for n, name in pin.clusters.items()}, model_hash(model))


def run(
    config: Config,
    progress: Progress = _silent,
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
    check_addresses()
    check_writable(config.run_folder)
    refuse_links(config.run_folder, (OBSERVATIONS, CHANGE))
    with locked(config.run_folder), open_ledger(config.run_folder) as ledger:
        clear_leftovers(config.run_folder)
        clear_leftovers(config.run_folder / OBSERVATIONS)
        clear_leftovers(config.run_folder / CHANGE)
        number = ledger.begin_run(started)
        with step("look"):
            told = None if only or force or rebase else told_at_a_glance(config, ledger)
        if told:
            result, counts = _with_note(told[0], told[1]), (0, told[1], 0, 0, 0)
        else:
            standing = Standing.of(config.run_folder, ledger)
            result, counts = _run(Job(config, standing, progress, only, force, rebase, fail_fast))
        seconds = round(time.monotonic() - start, 3)
        ledger.end_run(number, Ran(started, now(), *counts, seconds=seconds, memory_mb=peak_memory_mb()))
        return result


@dataclass(frozen=True)
class Job:
    """What a run was asked for, and where it stands; see :func:`run`."""

    config: Config
    standing: Standing
    progress: Progress
    only: Collection[str]
    force: bool
    rebase: bool
    fail_fast: bool


def _planned(job: Job) -> Plan:
    """The plan, with what is known of the scenes; what became known is kept."""
    ledger, inputs = job.standing.ledger, job.config.inputs
    with step("plan"):
        descriptions = Descriptions(ledger.scenes(), inputs, job.standing.listing)
        plan = make_plan(job.config, job.rebase, descriptions)
    with ledger.together():
        ledger.save_scenes(descriptions.used)
    return plan


def _with_note(result: RunResult, n_up_to_date: int) -> RunResult:
    """The result, with a first note on the observations that needed no work."""
    said = (f"{n_up_to_date} observation(s) were up to date",) if n_up_to_date else ()
    return replace(result, notes=(*said, *result.notes))


def _run(job: Job) -> tuple[RunResult, tuple[int, int, int, int, int]]:
    """The result, and what the ledger is to say of it: exit code, observations, those worked on, failures, pixels."""
    plan = _planned(job)
    chosen = _chosen(plan, job.only)
    if job.fail_fast and plan.catalog.faults:
        raise ObservationsFailed(f"stopped at the first failure: {plan.catalog.faults[0]}")
    basis, unread = _basis(plan, job)
    model = _named(plan, basis.model) if basis.model else None
    work = Work(plan, basis, _namer(plan, model))
    if plan.earlier is None:
        save_basis(job.config.run_folder, basis)
    worked = work_on(work, job.standing, chosen, job.progress, force=job.force, fail_fast=job.fail_fast)
    faults = tuple({fault.path: fault for fault in (*unread, *worked.faults, *plan.catalog.faults)}.values())
    told = told_before(work, job.standing, faults) if not worked.done and plan.earlier else None
    result = told or _finished(work, job, model, faults)
    if not faults and not job.only:
        keep_glance(work, job.standing.ledger)
    pixels = len(worked.done) * plan.grid.width * plan.grid.height
    counts = (4 if faults else 0, len(chosen), len(worked.done), len(faults), pixels)
    return _with_note(result, worked.n_up_to_date), counts


def _with_reach(plan: Plan, standing: Standing, records: Mapping[str, Record]) -> dict[str, Record]:
    """Records that tell where their files reach only where all else is as it would be now."""
    return {
        key: record if standing.on_outlines_of_now(plan, record) else replace(record, reached=None)
        for key, record in records.items()
    }


def _finished(work: Work, job: Job, model: Model | None, faults: tuple[InputError, ...]) -> RunResult:
    """Write what all observations together give, and keep what was told for a run that finds nothing new."""
    plan, config, basis, standing = work.plan, work.plan.config, work.basis, job.standing
    job.progress("publish", len(plan.observations), len(plan.observations))
    with step("finish"):
        records, stale = _records(work, standing)
        happened = Happened(
            records=records,
            stale=stale,
            gone=sorted(records.keys() - {observation.key for observation in plan.observations}),
            outside_km2=_outside(plan),
            frozen_without_files=plan.earlier is None and bool(faults),
            skipped=plan.catalog.skipped,
        )
        changes = changes_of(
            config.run_folder,
            basis,
            plan.unseen,
            _with_reach(plan, standing, records),
            config.publish.change,
            plan.workers,
            standing.fingerprints,
        )
        measured = tuple(row for record in records.values() for row in record.rows)
        series = with_doubts(measured, changes.hidden)
        trends = area_trends(series, config.measure)
        alerts = None if config.measure.alerts is None else find_alerts(series, config.measure.alerts)
        notes = (*notes_of(model, happened), *notes_of_hidden(changes.hidden), *notes_of_trends(trends))
        result = RunResult(config.run_folder, series, model, faults, notes, trends, alerts)
        finish(work, result, happened, changes, standing.fingerprints)
    keep_told(work, standing, result, happened)
    return result
