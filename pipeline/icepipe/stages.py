"""The order of the stages: the only module that knows it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

import shapely

from icepipe.batch.execute import ordered_map
from icepipe.batch.lock import locked
from icepipe.changes import changes_of
from icepipe.classes import ClassCode
from icepipe.config import Config
from icepipe.errors import ConfigError, InputError
from icepipe.finish import RunResult, finish
from icepipe.fitting import Progress, fit_run
from icepipe.inputs.catalog import spoiled
from icepipe.inputs.fingerprint import fingerprint, with_side_files
from icepipe.inputs.grid import outside_km2
from icepipe.inputs.masks import is_vector
from icepipe.inputs.prefer import in_order
from icepipe.measure.alerts import find_alerts
from icepipe.measure.area_trend import area_trends
from icepipe.measure.doubts import with_doubts
from icepipe.models import Basis, Model
from icepipe.notes import Happened, notes_of, notes_of_hidden, notes_of_trends
from icepipe.observe import Work, observe, rows_of
from icepipe.plan import Plan, make_plan
from icepipe.publish.atomic import check_writable, clear_leftovers
from icepipe.publish.basis import save_basis
from icepipe.publish.model_file import model_hash
from icepipe.publish.observation import publish_observation
from icepipe.publish.provenance import versions
from icepipe.publish.record import Made, Record, read_record
from icepipe.records import Observation
from icepipe.segment.classify import Classifier, Namer
from icepipe.segment.coded import Coded
from icepipe.segment.label import pinned


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


def _made(work: Work, observation: Observation) -> Made:
    files = {path for scene in observation.scenes for used in scene.files for path in with_side_files(used)}
    land = work.plan.config.inputs.land
    if land and is_vector(land):
        files.add(Path(land.path))
    inputs = tuple(sorted((path.name, fingerprint(path)) for path in files))
    return Made(inputs, work.basis_hash, work.plan.config.digest, versions())


def _folder(config: Config, key: str) -> Path:
    return config.run_folder / "observations" / key


def _do(work: Work, force: bool, observation: Observation) -> tuple[Record, bool] | InputError:
    """Bring one observation up to date; its record and whether work was needed, or the fault."""
    config, catalog = work.plan.config, work.plan.catalog
    lacking = spoiled(observation, catalog.faults, config.inputs, config.measure.period)
    if lacking:
        return lacking
    try:
        made = _made(work, observation)
        record = None if force else read_record(_folder(config, observation.key))
        if record and record.made == made:
            return record, False
        ordered = in_order(observation, config.measure.prefer)
        observed = observe(work, ordered)
    except InputError as fault:
        return fault
    folder, published, own = _folder(config, observation.key), rows_of(work.plan, observed), work.shared is None
    sensor, where, formats = work.plan.sensor, work.where, config.publish.polygons.format
    return publish_observation(folder, config.name, observed, sensor, published, made, where, own, formats), True


def _kept(work: Work, done: Collection[str]) -> tuple[dict[str, Record], list[str]]:
    """Records of observations that this run did not touch, and the names of those that no longer fit.

    A record fits that was made on this basis with these settings, and whose files are as it says.
    """
    found, stale = {}, []
    for folder in sorted((work.plan.config.run_folder / "observations").glob("[!.]*")):
        if folder.name in done:
            continue
        record = read_record(folder)
        ours = record and record.made.basis == work.basis_hash
        if record and ours and record.made.settings == work.plan.config.digest:
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


def _basis(plan: Plan, progress: Progress) -> tuple[Basis, list[InputError]]:
    """The basis of an earlier run, or a new one with the faults met on the way."""
    if plan.earlier:
        return plan.earlier, []
    if plan.clustering is None or plan.config.segment.fit in {"observation", "scene"}:
        return _new_basis(plan, None), []
    if plan.clustering.given:
        return _new_basis(plan, plan.clustering.given), []
    model, faults = fit_run(plan, progress)
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


def _work_on(
    work: Work, chosen: Sequence[Observation], force: bool, progress: Progress
) -> tuple[dict[str, Record], list[InputError], int]:
    """Records of the chosen observations, what failed, and how many were up to date."""
    records: dict[str, Record] = {}
    faults: list[InputError] = []
    n_up_to_date = 0
    done = ordered_map(partial(_do, work, force), chosen, work.plan.workers)
    for number, (observation, outcome) in enumerate(zip(chosen, done, strict=True), start=1):
        progress(observation.key, number, len(chosen))
        if isinstance(outcome, InputError):
            faults.append(outcome)
        else:
            records[observation.key], worked = outcome
            n_up_to_date += not worked
    return records, faults, n_up_to_date


def run(
    config: Config,
    progress: Progress = _silent,
    *,
    only: Collection[str] = (),
    force: bool = False,
    rebase: bool = False,
) -> RunResult:
    """Do the whole job of a config.

    Parameters
    ----------
    config
        From :func:`icepipe.config_file.load`.
    progress
        Told how far the run is.
    only
        Dates or keys of the observations to work on; all where empty. Rows of the others stay as they are.
    force
        Work on observations that are up to date, too.
    rebase
        Make region, grid and model anew, and redo everything.

    Returns
    -------
    RunResult
        With the faults of what could not be done; the rest is published.

    Raises
    ------
    IcepipeError
        If nothing can be done, or a budget or a write does not hold.
    """
    check_writable(config.run_folder)
    with locked(config.run_folder):
        clear_leftovers(config.run_folder)
        clear_leftovers(config.run_folder / "observations")
        return _run(config, progress, only, force, rebase)


def _run(config: Config, progress: Progress, only: Collection[str], force: bool, rebase: bool) -> RunResult:
    plan = make_plan(config, rebase)
    chosen = _chosen(plan, only)
    basis, unread = _basis(plan, progress)
    model = _named(plan, basis.model) if basis.model else None
    work = Work(plan, basis, _namer(plan, model))
    if plan.earlier is None:
        save_basis(config.run_folder, basis)
    records, failed, n_up_to_date = _work_on(work, chosen, force, progress)
    progress("publish", len(chosen), len(chosen))
    faults = tuple({fault.path: fault for fault in (*unread, *failed, *plan.catalog.faults)}.values())
    kept, stale = _kept(work, records)
    happened = Happened(
        records=dict(sorted((records | kept).items())),
        n_up_to_date=n_up_to_date,
        stale=stale,
        gone=sorted(kept.keys() - {observation.key for observation in plan.observations}),
        outside_km2=_outside(plan),
        frozen_without_files=plan.earlier is None and bool(faults),
    )
    changes = changes_of(config.run_folder, basis, plan.regions, happened.records, config.publish.change, plan.workers)
    measured = tuple(row for record in happened.records.values() for row in record.rows)
    series = with_doubts(measured, changes.hidden)
    trends = area_trends(series, config.measure)
    alerts = None if config.measure.alerts is None else find_alerts(series, config.measure.alerts)
    notes = (*notes_of(model, happened), *notes_of_hidden(changes.hidden), *notes_of_trends(trends))
    result = RunResult(config.run_folder, series, model, faults, notes, trends, alerts, changes)
    finish(work, result, happened)
    return result
