"""One observation after another brought up to date: checked, classified and measured, or only drawn anew."""

from __future__ import annotations

import errno
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from icepipe.errors import InputError
from icepipe.inputs.reading.scene_order import with_scene_order
from icepipe.inputs.scenes import Observation
from icepipe.measure.polygons.layers import polygon_layers
from icepipe.publish.observation import publish_observation, rewrite_polygons
from icepipe.publish.run_folder.class_map import load_class_map
from icepipe.publish.run_folder.record import Provenance, Record, last_record, read_record
from icepipe.raster.run_length import CLASS_DTYPE, ClassRuns, run_length_raster
from icepipe.runtime.log import log_note, log_step
from icepipe.runtime.parallel import ordered_map
from icepipe.storage.fingerprint import Fingerprints, FolderSnapshot, file_stat
from icepipe.storage.ledger import ObservationEntry
from icepipe.workflow.fit import Progress
from icepipe.workflow.plan import Plan
from icepipe.workflow.process_observation import RunContext, process_observation, rows_of
from icepipe.workflow.run_state import RunState, input_files, provenance_for, record_done

PAUSES_S = (1.0, 4.0, 15.0)
"""Waits before another try."""

PASSING = frozenset(
    {errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN}
    | {errno.ENETUNREACH, errno.ENETRESET, errno.ECONNRESET, errno.ECONNABORTED, errno.ENOTCONN, errno.EREMOTEIO}
)
"""What a network disk says when it is away for a moment. A disk's own read error (EIO) stays."""


@dataclass(frozen=True)
class UpdateSummary:
    """What became of some observations.

    Attributes
    ----------
    updated
        Keys of those that were worked on.
    n_up_to_date
        Those that needed no work.
    faults
        Why others failed.
    """

    updated: tuple[str, ...]
    n_up_to_date: int
    faults: tuple[InputError, ...]


def _is_transient(fault: InputError) -> bool:
    return isinstance(fault.__cause__, OSError) and fault.__cause__.errno in PASSING


def retry_io(read: Callable[[], Provenance], pauses_s: Sequence[float] = PAUSES_S) -> Provenance:
    """What a reading gives; it is tried again after a pause where a network disk was away, and only then.

    Raises
    ------
    InputError
        If it still fails after the last pause, or at once for a fault that will not pass.
    """
    for pause in pauses_s:
        try:
            return read()
        except InputError as fault:
            if not _is_transient(fault):
                raise
            log_note(f"{fault}; trying again in {pause:g} s", logging.WARNING)
        time.sleep(pause)
    return read()


def prefetch_fingerprints(
    plan: Plan, fingerprints: Fingerprints, snapshot: FolderSnapshot, observation: Observation
) -> None:
    """Read the bytes of all files of an observation, so that their fingerprints are known when it is worked on.

    What cannot be read is met again then.
    """
    with suppress(InputError, MemoryError):
        for path in input_files(plan, observation, snapshot):
            fingerprints(path)


def _current_provenance(context: RunContext, run_state: RunState, observation: Observation) -> Provenance:
    files = input_files(context.plan, observation, run_state.snapshot)
    return provenance_for(context, [(path.name, run_state.fingerprints(path)) for path in files])


def _class_raster(context: RunContext, folder: Path, record: Record) -> ClassRuns:
    strips = load_class_map(folder, context.basis, record).blocks()
    return run_length_raster((codes for _, codes in strips), context.plan.grid.width, CLASS_DTYPE)


def _redraw(context: RunContext, observation: Observation, folder: Path, old: Record, made: Provenance) -> Record:
    """Write the polygons of a class raster that stands there in the way that is asked for now."""
    plan, key = context.plan, observation.key
    with log_step("draw", key, plan.grid.width * plan.grid.height):
        classes = _class_raster(context, folder, old)
        layers = polygon_layers(classes, plan.grid, plan.pixel_area.units, plan.unit_m2, plan.drawing)
    formats, name = plan.config.publish.polygons.format, plan.config.name
    with log_step("publish", key):
        return rewrite_polygons(folder, name, observation, layers, old, made, context.where, plan.grid, formats)


def _check_unchanged(context: RunContext, run_state: RunState, observation: Observation) -> None:
    """Stop where a file is no longer the one whose bytes were fingerprinted.

    Raises
    ------
    InputError
        If one was written to meanwhile.
    """
    for path in input_files(context.plan, observation, run_state.snapshot):
        if run_state.fingerprints.cached(str(path), file_stat(path)) is None:
            raise InputError(path, "changed while it was read", "run again when it is whole")


def _observe(
    context: RunContext, run_state: RunState, observation: Observation, folder: Path, made: Provenance
) -> Record:
    config, plan = context.plan.config, context.plan
    with log_step("observe", observation.key, plan.grid.width * plan.grid.height):
        observed = process_observation(context, with_scene_order(observation, config.measure.prefer))
    _check_unchanged(context, run_state, observation)
    rows, own, formats = rows_of(plan, observed), context.shared is None, config.publish.polygons.format
    with log_step("publish", observation.key):
        return publish_observation(folder, config.name, observed, plan.sensor, rows, made, context.where, own, formats)


def _unlisted_fault(context: RunContext, run_state: RunState, observation: Observation) -> InputError | None:
    """The fault of a folder that may still hold a file that an observation was made from and that is not found now."""
    unlisted = context.plan.catalog.unlisted
    old = last_record(run_state.paths.observation(observation.key).folder) if unlisted else None
    if old is None:
        return None
    had = Counter(name for name, _ in old.made.inputs)
    had.subtract(path.name for path in input_files(context.plan, observation, run_state.snapshot))
    return unlisted[0] if max(had.values(), default=0) > 0 else None


@dataclass(frozen=True)
class _Outcome:
    """What became of one observation: a record, or the fault that stopped it."""

    key: str
    record: Record | None = None
    updated: bool = False
    fault: InputError | None = None


def _update_one(context: RunContext, run_state: RunState, force: bool, observation: Observation) -> _Outcome:
    """Bring one observation up to date."""
    key, folder = observation.key, run_state.paths.observation(observation.key).folder
    if missing := context.plan.lacking.get(key) or _unlisted_fault(context, run_state, observation):
        return _Outcome(key, fault=missing)
    try:
        with log_step("check", key):
            made = retry_io(partial(_current_provenance, context, run_state, observation))
        record = None if force else read_record(folder, run_state.fingerprints)
        if record and record.made == made:
            return _Outcome(key, record)
        if record and record.made.has_same_pixels(made):
            return _Outcome(key, _redraw(context, observation, folder, record, made), updated=True)
        return _Outcome(key, _observe(context, run_state, observation, folder, made), updated=True)
    except InputError as fault:
        return _Outcome(key, fault=fault)
    except MemoryError:
        path = observation.scenes[0].path
        too_little = InputError(path, "there is too little memory for it", "set batch.workers: 1, or give the run more")
        return _Outcome(key, fault=too_little)


def _record_failure(run_state: RunState, key: str, fault: InputError) -> None:
    """Note why an observation failed; what it gave before still stands."""
    log_note(f"{key} failed: {fault}", logging.WARNING, observation=key, stage="failed")
    old = run_state.entries.get(key, ObservationEntry(key, ""))
    run_state.ledger.save_entries([ObservationEntry(**vars(old) | {"state": "failed", "reason": str(fault)})])


def update_observations(
    context: RunContext,
    run_state: RunState,
    chosen: Sequence[Observation],
    progress: Progress,
    *,
    force: bool = False,
    fail_fast: bool = False,
) -> UpdateSummary:
    """Bring observations up to date, several at once; each is in the ledger as soon as it is published.

    Parameters
    ----------
    context, run_state
        What they are worked on with, and what stands already.
    chosen
        The observations, in the order of time.
    progress
        Told how far the work is.
    force
        Redo what is up to date, too.
    fail_fast
        Stop at the first that fails.

    Raises
    ------
    IntegrityError
        If a budget does not close, or a file cannot be written.
    """
    todo = [o for o in chosen if force or o.key in context.plan.lacking or not run_state.holds(context, o)]
    waiting = [
        ObservationEntry(**vars(run_state.entries.get(o.key, ObservationEntry(o.key, ""))) | {"state": "waiting"})
        for o in todo
    ]
    with run_state.ledger.transaction():
        run_state.ledger.save_entries(waiting)
    updated, faults, n_up_to_date = [], [], len(chosen) - len(todo)
    outcomes = ordered_map(partial(_update_one, context, run_state, force), todo, context.plan.workers)
    for number, outcome in enumerate(outcomes, start=1):
        progress(outcome.key, number, len(todo))
        if outcome.fault:
            _record_failure(run_state, outcome.key, outcome.fault)
            faults.append(outcome.fault)
            if fail_fast:
                break
            continue
        if outcome.record:
            record_done(run_state, run_state.paths.observation(outcome.key).folder, outcome.record)
        if outcome.updated:
            updated.append(outcome.key)
        else:
            n_up_to_date += 1
    return UpdateSummary(tuple(updated), n_up_to_date, tuple(faults))
