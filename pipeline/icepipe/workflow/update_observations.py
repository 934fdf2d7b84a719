"""One observation after another brought up to date: checked, classified and measured, or only drawn anew."""

from __future__ import annotations

import errno
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from icepipe.errors import InputError
from icepipe.inputs.reading.scene_order import in_order
from icepipe.inputs.scenes import Observation
from icepipe.measure.polygons.layers import draw_polygons
from icepipe.publish.observation import publish_observation, redraw_observation
from icepipe.publish.run_folder.class_map import mapped_of
from icepipe.publish.run_folder.record import Made, Record, last_record, read_record
from icepipe.raster.run_length import CLASS_CODE, ClassRuns, runs_of
from icepipe.runtime.log import note, step
from icepipe.runtime.parallel import ordered_map
from icepipe.storage.fingerprint import Fingerprints, Listing, identity
from icepipe.storage.ledger import Entry
from icepipe.workflow.fit import Progress
from icepipe.workflow.plan import Plan
from icepipe.workflow.process_observation import Work, observe, rows_of
from icepipe.workflow.run_state import OBSERVATIONS, Standing, inputs_of, made_of, record_done

PAUSES_S = (1.0, 4.0, 15.0)
"""Waits before another try."""

PASSING = frozenset(
    {errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN}
    | {errno.ENETUNREACH, errno.ENETRESET, errno.ECONNRESET, errno.ECONNABORTED, errno.ENOTCONN, errno.EREMOTEIO}
)
"""What a network disk says when it is away for a moment. A disk's own read error (EIO) stays."""


@dataclass(frozen=True)
class Worked:
    """What became of some observations.

    Attributes
    ----------
    done
        Keys of those that were worked on.
    n_up_to_date
        Those that needed no work.
    faults
        Why others failed.
    """

    done: tuple[str, ...]
    n_up_to_date: int
    faults: tuple[InputError, ...]


def _passes(fault: InputError) -> bool:
    return isinstance(fault.__cause__, OSError) and fault.__cause__.errno in PASSING


def retried(read: Callable[[], Made], pauses_s: Sequence[float] = PAUSES_S) -> Made:
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
            if not _passes(fault):
                raise
            note(f"{fault}; trying again in {pause:g} s", logging.WARNING)
        time.sleep(pause)
    return read()


def read_bytes(plan: Plan, fingerprints: Fingerprints, listing: Listing, observation: Observation) -> None:
    """Read the bytes of all files of an observation, so that their fingerprints are known when it is worked on.

    What cannot be read is met again then.
    """
    with suppress(InputError, MemoryError):
        for path in inputs_of(plan, observation, listing):
            fingerprints(path)


def _made(work: Work, standing: Standing, observation: Observation) -> Made:
    files = inputs_of(work.plan, observation, standing.listing)
    return made_of(work, [(path.name, standing.fingerprints(path)) for path in files])


def _class_raster(work: Work, folder: Path, record: Record) -> ClassRuns:
    strips = mapped_of(folder, work.basis, record).blocks()
    return runs_of((codes for _, codes in strips), work.plan.grid.width, CLASS_CODE)


def _redraw(work: Work, observation: Observation, folder: Path, old: Record, made: Made) -> Record:
    """Write the polygons of a class raster that stands there in the way that is asked for now."""
    plan, key = work.plan, observation.key
    with step("draw", key, plan.grid.width * plan.grid.height):
        classes = _class_raster(work, folder, old)
        layers = draw_polygons(classes, plan.grid, plan.pixel_area.units, plan.unit_m2, plan.drawing)
    formats, name = plan.config.publish.polygons.format, plan.config.name
    with step("publish", key):
        return redraw_observation(folder, name, observation, layers, old, made, work.where, plan.grid, formats)


def _check_unchanged(work: Work, standing: Standing, observation: Observation) -> None:
    """Stop where a file is no longer the one whose bytes were fingerprinted.

    Raises
    ------
    InputError
        If one was written to meanwhile.
    """
    for path in inputs_of(work.plan, observation, standing.listing):
        if standing.fingerprints.known(str(path), identity(path)) is None:
            raise InputError(path, "changed while it was read", "run again when it is whole")


def _observe(work: Work, standing: Standing, observation: Observation, folder: Path, made: Made) -> Record:
    config, plan = work.plan.config, work.plan
    with step("observe", observation.key, plan.grid.width * plan.grid.height):
        observed = observe(work, in_order(observation, config.measure.prefer))
    _check_unchanged(work, standing, observation)
    rows, own, formats = rows_of(plan, observed), work.shared is None, config.publish.polygons.format
    with step("publish", observation.key):
        return publish_observation(folder, config.name, observed, plan.sensor, rows, made, work.where, own, formats)


def _out_of_sight(work: Work, standing: Standing, observation: Observation) -> InputError | None:
    """The fault of a folder that may still hold a file that an observation was made from and that is not found now."""
    unlisted = work.plan.catalog.unlisted
    old = last_record(standing.folder / OBSERVATIONS / observation.key) if unlisted else None
    if old is None:
        return None
    had = Counter(name for name, _ in old.made.inputs)
    had.subtract(path.name for path in inputs_of(work.plan, observation, standing.listing))
    return unlisted[0] if max(had.values(), default=0) > 0 else None


def _do(work: Work, standing: Standing, force: bool, observation: Observation) -> tuple[Record, bool] | InputError:
    """Bring one observation up to date; its record and whether work was needed, or the fault."""
    folder = standing.folder / OBSERVATIONS / observation.key
    if lacking := work.plan.lacking.get(observation.key) or _out_of_sight(work, standing, observation):
        return lacking
    try:
        with step("check", observation.key):
            made = retried(partial(_made, work, standing, observation))
        record = None if force else read_record(folder, standing.fingerprints)
        if record and record.made == made:
            return record, False
        if record and record.made.has_pixels_of(made):
            return _redraw(work, observation, folder, record, made), True
        return _observe(work, standing, observation, folder, made), True
    except InputError as fault:
        return fault
    except MemoryError:
        path = observation.scenes[0].path
        return InputError(path, "there is too little memory for it", "set batch.workers: 1, or give the run more")


def _failed(standing: Standing, key: str, fault: InputError) -> None:
    """Note why an observation failed; what it gave before still stands."""
    note(f"{key} failed: {fault}", logging.WARNING, observation=key, stage="failed")
    old = standing.entries.get(key, Entry(key, ""))
    standing.ledger.save_entries([Entry(**vars(old) | {"state": "failed", "reason": str(fault)})])


def _outcomes(
    work: Work, standing: Standing, force: bool, todo: Sequence[Observation], progress: Progress
) -> Iterator[tuple[str, bool | InputError]]:
    done = ordered_map(partial(_do, work, standing, force), todo, work.plan.workers)
    for number, (observation, outcome) in enumerate(zip(todo, done, strict=True), start=1):
        progress(observation.key, number, len(todo))
        if isinstance(outcome, InputError):
            _failed(standing, observation.key, outcome)
            yield observation.key, outcome
        else:
            record, worked = outcome
            record_done(standing, standing.folder / OBSERVATIONS / observation.key, record)
            yield observation.key, worked


def work_on(
    work: Work,
    standing: Standing,
    chosen: Sequence[Observation],
    progress: Progress,
    *,
    force: bool = False,
    fail_fast: bool = False,
) -> Worked:
    """Bring observations up to date, several at once; each is in the ledger as soon as it is published.

    Parameters
    ----------
    work, standing
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
    todo = [o for o in chosen if force or o.key in work.plan.lacking or not standing.holds(work, o)]
    waiting = [Entry(**vars(standing.entries.get(o.key, Entry(o.key, ""))) | {"state": "waiting"}) for o in todo]
    with standing.ledger.together():
        standing.ledger.save_entries(waiting)
    done, faults, n_up_to_date = [], [], len(chosen) - len(todo)
    for key, outcome in _outcomes(work, standing, force, todo, progress):
        if isinstance(outcome, InputError):
            faults.append(outcome)
            if fail_fast:
                break
        elif outcome:
            done.append(key)
        else:
            n_up_to_date += 1
    return Worked(tuple(done), n_up_to_date, tuple(faults))
