"""Bring observations up to date: skip those that are, redraw polygons where only they changed, process the rest."""

from __future__ import annotations

import errno
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from icepipe.errors import InputError
from icepipe.inputs.reading.scene_order import with_scene_order
from icepipe.inputs.scenes import Observation
from icepipe.measure.polygons.layers import polygon_layers
from icepipe.publish.observation import publish_observation, rewrite_polygons
from icepipe.publish.run_folder.class_map import load_class_map
from icepipe.publish.run_folder.record import Provenance, Record, last_record, read_record
from icepipe.raster.run_length import CLASS_DTYPE, run_length_raster
from icepipe.runtime.log import log_note, log_step
from icepipe.runtime.parallel import ordered_map
from icepipe.storage.fingerprint import Fingerprints, FolderSnapshot, file_stat
from icepipe.workflow.fit import Progress
from icepipe.workflow.plan import Plan
from icepipe.workflow.process_observation import RunContext, process_observation, series_rows
from icepipe.workflow.run_state import RunState, input_files, provenance_for

PAUSES_S = (1.0, 4.0, 15.0)
"""Pauses before each new attempt to read, in seconds."""

TRANSIENT_ERRORS = frozenset(
    {errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN}
    | {errno.ENETUNREACH, errno.ENETRESET, errno.ECONNRESET, errno.ECONNABORTED, errno.ENOTCONN, errno.EREMOTEIO}
)
"""Errors of a network file system that is away for a moment; a read error of the disk itself (EIO) is permanent."""


@dataclass(frozen=True)
class UpdateSummary:
    """What an update did.

    Attributes
    ----------
    updated
        Keys of the observations that were processed or redrawn.
    n_up_to_date
        Number of observations that needed no work.
    faults
        Faults of the observations that failed.
    """

    updated: tuple[str, ...]
    n_up_to_date: int
    faults: tuple[InputError, ...]


def retry_io(read: Callable[[], Provenance], pauses_s: Sequence[float] = PAUSES_S) -> Provenance:
    """Call a function that reads files, and call it again after a pause if a network file system was away.

    Raises
    ------
    InputError
        If it still fails after the last pause, or at once for any other fault.
    """
    for pause in pauses_s:
        try:
            return read()
        except InputError as fault:
            cause = fault.__cause__
            if not isinstance(cause, OSError) or cause.errno not in TRANSIENT_ERRORS:
                raise
            log_note(f"{fault}; trying again in {pause:g} s", logging.WARNING)
        time.sleep(pause)
    return read()


def prefetch_fingerprints(
    plan: Plan, fingerprints: Fingerprints, snapshot: FolderSnapshot, observation: Observation
) -> None:
    """Compute the fingerprints of all files of an observation ahead of its update."""
    # The update meets the same fault again, where it can be reported.
    with suppress(InputError, MemoryError):
        for path in input_files(plan, observation, snapshot):
            fingerprints(path)


@dataclass(frozen=True)
class Outcome:
    """Result of the update of one observation: a record, or the fault that stopped it."""

    key: str
    record: Record | None = None
    updated: bool = False
    fault: InputError | None = None


@dataclass(frozen=True)
class ObservationUpdater:
    """Updates the observations of a run, one at a time; its methods may run on several threads.

    Attributes
    ----------
    context, run_state
        What observations share, and the state of the folder of the run.
    force
        Whether to process observations that are up to date, too.
    """

    context: RunContext
    run_state: RunState
    force: bool

    def update(self, observation: Observation) -> Outcome:
        """Bring one observation up to date, and return its record or the fault that stopped it."""
        key = observation.key
        folder = self.run_state.paths.observation(key).folder
        if missing := self.context.plan.missing_inputs.get(key) or self.unlisted_fault(observation):
            return Outcome(key, fault=missing)
        try:
            with log_step("check", key):
                provenance = retry_io(lambda: self.current_provenance(observation))
            # The record itself is checked here, as the ledger may have been deleted or belong to an older version.
            record = None if self.force else read_record(folder, self.run_state.fingerprints)
            if record and record.made == provenance:
                return Outcome(key, record)
            if record and record.made.has_pixels_for(provenance):
                return Outcome(key, self.redraw(observation, folder, record, provenance), updated=True)
            return Outcome(key, self.process(observation, folder, provenance), updated=True)
        except InputError as fault:
            return Outcome(key, fault=fault)
        # One observation that is too large must not stop the others.
        except MemoryError:
            todo = "set batch.workers: 1, or run it where there is more memory"
            return Outcome(key, fault=InputError(observation.scenes[0].path, "out of memory", todo))

    def unlisted_fault(self, observation: Observation) -> InputError | None:
        """Return the fault of a folder that cannot be listed, if it may hold a file that this observation has lost."""
        unlisted = self.context.plan.catalog.unlisted
        old = last_record(self.run_state.paths.observation(observation.key).folder) if unlisted else None
        if old is None:
            return None
        # Files are counted by name, as files of one name may come from several folders.
        lost = Counter(name for name, _ in old.made.inputs)
        lost.subtract(path.name for path in input_files(self.context.plan, observation, self.run_state.snapshot))
        return unlisted[0] if max(lost.values(), default=0) > 0 else None

    def current_provenance(self, observation: Observation) -> Provenance:
        """Return what an observation would be made from now."""
        files = input_files(self.context.plan, observation, self.run_state.snapshot)
        return provenance_for(self.context, [(path.name, self.run_state.fingerprints(path)) for path in files])

    def redraw(self, observation: Observation, folder: Path, old: Record, provenance: Provenance) -> Record:
        """Write the polygons of a published class raster again, with the current options for polygons."""
        context, plan, key = self.context, self.context.plan, observation.key
        with log_step("draw", key, plan.grid.width * plan.grid.height):
            strips = load_class_map(folder, context.basis, old).blocks()
            classes = run_length_raster((codes for _, codes in strips), plan.grid.width, CLASS_DTYPE)
            layers = polygon_layers(classes, plan.grid, plan.pixel_area.units, plan.unit_m2, plan.polygon_options)
        formats, name, where = plan.config.publish.polygons.format, plan.config.name, context.footprint
        with log_step("publish", key):
            return rewrite_polygons(folder, name, observation, layers, old, provenance, where, plan.grid, formats)

    def process(self, observation: Observation, folder: Path, provenance: Provenance) -> Record:
        """Classify and measure an observation, and publish it.

        Raises
        ------
        InputError
            If a file cannot be read, or changed while it was read.
        """
        context, plan, config = self.context, self.context.plan, self.context.plan.config
        with log_step("observe", observation.key, plan.grid.width * plan.grid.height):
            result = process_observation(context, with_scene_order(observation, config.measure.prefer))
        # The record names the bytes that were fingerprinted: publish nothing if a file has other bytes by now.
        for path in input_files(plan, observation, self.run_state.snapshot):
            if self.run_state.fingerprints.cached(str(path), file_stat(path)) is None:
                raise InputError(path, "changed while it was read", "run again once it is complete")
        rows, own, formats = series_rows(plan, result), context.shared is None, config.publish.polygons.format
        name, where = config.name, context.footprint
        with log_step("publish", observation.key):
            return publish_observation(folder, name, result, plan.sensor, rows, provenance, where, own, formats)


def update_observations(
    context: RunContext,
    run_state: RunState,
    selected: Sequence[Observation],
    progress: Progress,
    *,
    force: bool = False,
    fail_fast: bool = False,
) -> UpdateSummary:
    """Bring observations up to date, several at once; the ledger has each as soon as it is published.

    Parameters
    ----------
    context, run_state
        What observations share, and the state of the folder of the run.
    selected
        The observations, in order of time.
    progress
        Called after each observation.
    force
        Process observations that are up to date, too.
    fail_fast
        Stop at the first fault.

    Raises
    ------
    IntegrityError
        If a budget does not close, or a file cannot be written.
    """
    missing = context.plan.missing_inputs
    # File times alone decide here; the updater reads files where their bytes decide, on several threads.
    todo = [o for o in selected if force or o.key in missing or not run_state.is_up_to_date(context, o)]
    run_state.mark_waiting([observation.key for observation in todo])
    updated = []
    faults = []
    n_up_to_date = len(selected) - len(todo)
    updater = ObservationUpdater(context, run_state, force)
    for number, outcome in enumerate(ordered_map(updater.update, todo, context.plan.workers), start=1):
        progress(outcome.key, number, len(todo))
        if outcome.fault:
            run_state.store_failure(outcome.key, outcome.fault)
            faults.append(outcome.fault)
            if fail_fast:
                break
            continue
        # The record is stored at once, on the main thread: a run that is killed later need not process this again.
        if outcome.record:
            run_state.store_record(outcome.key, outcome.record)
        if outcome.updated:
            updated.append(outcome.key)
        else:
            n_up_to_date += 1
    return UpdateSummary(tuple(updated), n_up_to_date, tuple(faults))
