"""The order of the stages: the only module that knows it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import shapely

from icepipe.batch.execute import ordered_map
from icepipe.config import Config
from icepipe.errors import ConfigError, InputError, NoUsableInput
from icepipe.inputs.fingerprint import fingerprint, with_side_files
from icepipe.inputs.grid import blocks, inside, outside_km2
from icepipe.inputs.masks import is_vector
from icepipe.inputs.prefer import in_order
from icepipe.measure.series import Row
from icepipe.models import Basis, KPoint, Model
from icepipe.notes import Happened, notes_of
from icepipe.observe import Work, observe, rows_of, sample_of
from icepipe.plan import Plan, make_plan
from icepipe.publish.atomic import check_writable
from icepipe.publish.basis import save_basis
from icepipe.publish.explain import model_document
from icepipe.publish.k_curve import write_k_curve
from icepipe.publish.observation import publish_observation
from icepipe.publish.provenance import provenance, versions
from icepipe.publish.record import Made, Record, read_record
from icepipe.publish.tables import write_json, write_series
from icepipe.records import Kept, Observation
from icepipe.segment.choose import choose_k
from icepipe.segment.classify import search_of
from icepipe.segment.cluster import fit
from icepipe.segment.label import name_clusters
from icepipe.segment.rules import RULE_SETS

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many parts of it are finished, and of how many."""


MIN_SAMPLE = 1_000
"""Where tiles are mostly empty the sample can come out smaller than this; every valid pixel is then looked at."""


def _silent(_what: str, _done: int, _total: int) -> None:
    return None


@dataclass(frozen=True)
class RunResult:
    """What a run gave.

    Attributes
    ----------
    folder
        Where it was written.
    rows
        The series: what was done now, and what stood there from earlier runs.
    model
        The named clusters.
    faults
        What failed, each with its reason; the rest is published.
    notes
        What a reader should know, in sentences.
    """

    folder: Path
    rows: tuple[Row, ...]
    model: Model
    faults: tuple[InputError, ...]
    notes: tuple[str, ...]


def _fit(plan: Plan, progress: Progress) -> tuple[Model, list[InputError]]:
    """Fit one model on a sample of every observation; those that cannot be read are left out."""
    region_pixels = sum(int(inside(plan.region, plan.grid, block).sum()) for block in blocks(plan.grid))
    rate = plan.config.segment.sample / max(1, region_pixels * len(plan.observations))
    sample, faults = _sample(plan, rate, progress)
    if len(sample) < MIN_SAMPLE and rate < 1:
        sample, faults = _sample(plan, 1.0, progress)
    return _model_of(plan, sample), faults


def _sample(plan: Plan, rate: float, progress: Progress) -> tuple[Kept, list[InputError]]:
    """Sample of all observations at a rate, and those that cannot be read.

    Raises
    ------
    NoUsableInput
        If none can be read.
    """
    ordered = (in_order(o, plan.config.measure.prefer) for o in plan.observations)
    samples: list[Kept] = []
    faults: list[InputError] = []
    for done, sample in enumerate(ordered_map(partial(sample_of, plan, rate), ordered, plan.workers), start=1):
        progress("sample", done, len(plan.observations))
        if isinstance(sample, InputError):
            faults.append(sample)
        else:
            samples.append(sample)
    if not samples:
        raise NoUsableInput(f"no usable input: {faults[0]}")
    return np.concatenate(samples), faults


def _model_of(plan: Plan, sample: Kept) -> Model:
    """Choose k where it is not stated, fit, and name."""
    asked, seed = plan.config.segment.k, plan.config.segment.seed
    rules = RULE_SETS[plan.sensor.rule_set]
    curve: tuple[KPoint, ...] = ()
    k = asked if isinstance(asked, int) else 0
    if isinstance(asked, str) and len(sample):
        k, curve = choose_k(sample, asked, seed, plan.sensor, rules)
    return name_clusters(fit(sample, k, seed, plan.sensor, rules), asked, seed, plan.sensor, curve)


def _new_basis(plan: Plan, model: Model) -> Basis:
    t = plan.grid.transform
    return Basis(
        settings=plan.config.basis_digest,
        crs=plan.grid.crs,
        transform=(t.a, t.b, t.c, t.d, t.e, t.f),
        width=plan.grid.width,
        height=plan.grid.height,
        region_wkt=shapely.to_wkt(plan.region, rounding_precision=-1),
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
    config = work.plan.config
    try:
        made = _made(work, observation)
        record = None if force else read_record(_folder(config, observation.key))
        if record and record.made == made:
            return record, False
        ordered = in_order(observation, config.measure.prefer)
        observed = observe(work, ordered)
    except InputError as fault:
        return fault
    published = rows_of(work.plan, observed, work.basis.model)
    folder = _folder(config, observation.key)
    return publish_observation(folder, config.name, observed, work.basis.model, published, made), True


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
    """km2 of each scene that lie outside the region; nothing where the region was made from these scenes."""
    if plan.earlier is None:
        return {}
    found = {str(scene.path): outside_km2(scene, plan.region, plan.grid) for scene in plan.catalog.scenes}
    return {path: km2 for path, km2 in found.items() if km2 > 0}


def _basis(plan: Plan, progress: Progress) -> tuple[Basis, list[InputError]]:
    """The basis of an earlier run, or a new one with the faults met on the way."""
    if plan.earlier:
        return plan.earlier, []
    model, faults = _fit(plan, progress)
    return _new_basis(plan, model), faults


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


def _publish_run(plan: Plan, basis: Basis, result: RunResult, happened: Happened) -> None:
    folder = result.folder
    write_series(folder, result.rows)
    write_json(folder / "model.json", model_document(basis.model))
    if basis.model.k_curve:
        write_k_curve(folder / "k.png", basis.model)
    surface, scenes = plan.pixel_area.surface, plan.catalog.scenes
    document = provenance(plan.config, basis, surface, scenes, happened.records, happened.outside_km2, result.faults)
    write_json(folder / "run.json", document)


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
    plan = make_plan(config, rebase)
    chosen = _chosen(plan, only)
    basis, unread = _basis(plan, progress)
    work = Work(plan, basis, search_of(basis.model, plan.sensor))
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
    series = tuple(row for record in happened.records.values() for row in record.rows)
    result = RunResult(config.run_folder, series, basis.model, faults, notes_of(basis.model, happened))
    _publish_run(plan, basis, result, happened)
    return result
