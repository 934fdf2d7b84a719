"""State of the folder of a run: which observations are up to date, judged by its ledger and by file times."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Any

from icepipe.errors import InputError, IntegrityError
from icepipe.inputs.masks import is_vector
from icepipe.inputs.scenes import Observation, with_side_files
from icepipe.inputs.vector_files import with_shapefile_parts
from icepipe.measure.area.quantity import Quantity
from icepipe.publish.run_folder.paths import NOT_OUTPUTS, OBSERVATIONS, ObservationPaths, RunPaths
from icepipe.publish.run_folder.provenance import versions
from icepipe.publish.run_folder.record import Provenance, Record, read_record
from icepipe.runtime.log import log_note
from icepipe.storage.fingerprint import Fingerprints, FolderSnapshot
from icepipe.storage.ledger import Ledger, ObservationEntry
from icepipe.workflow.plan import Plan
from icepipe.workflow.process_observation import RunContext


def land_files(plan: Plan, snapshot: FolderSnapshot) -> set[Path]:
    """Return the files of the land outlines that all observations share."""
    land = plan.config.inputs.land
    if not land or not is_vector(land):
        return set()
    # The parts of a Shapefile are optional, but the file itself must be there or fail when it is read.
    path, *parts = with_shapefile_parts(Path(land.path))
    return {path, *(part for part in parts if snapshot.file_stat(part))}


def input_files(plan: Plan, observation: Observation, snapshot: FolderSnapshot) -> list[Path]:
    """Return every file that an observation is made from."""
    files = {path for scene in observation.scenes for used in scene.files for path in with_side_files(used, snapshot)}
    return sorted(files | land_files(plan, snapshot))


def provenance_for(context: RunContext, fingerprints: Sequence[tuple[str, str]]) -> Provenance:
    """Return the provenance of an observation from pairs of file name and fingerprint."""
    config = context.plan.config
    return Provenance(
        inputs=tuple(sorted(fingerprints)),
        basis=context.basis_hash,
        settings=config.digest,
        code=versions(),
        polygons=config.polygons_digest,
        fraction=config.publish.fraction,
    )


def json_digest(*values: Any) -> str:  # noqa: ANN401
    """Return 32 hexadecimal digits of a hash of JSON values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:32]


def ledger_entry(key: str, state: str, record: Record, reason: str = "") -> ObservationEntry:
    """Return the entry in the ledger for an observation with a record."""
    quantity = Quantity.of(record.rows)
    ice = [quantity.area_km2(row) for row in record.rows if row.class_ == "ice"]
    return ObservationEntry(
        key=key,
        state=state,
        reason=reason,
        made=json_digest(astuple(record.made)),
        inputs=json.dumps(record.made.inputs),
        outputs=json.dumps(record.outputs),
        config_hash=record.made.settings,
        model=record.rows[0].model if record.rows else "",
        # With several regions there is no single ice area.
        ice_km2=ice[0] if len(ice) == 1 else None,
        revisions=len(record.superseded),
        quantity=quantity,
    )


@dataclass(frozen=True)
class RunState:
    """The ledger of the folder of a run, and its files as they are now.

    Attributes
    ----------
    folder
        Folder of the run.
    ledger, entries
        The open ledger, and its entries of observations at the start.
    snapshot, fingerprints
        Sizes and times of files as they are now, and fingerprints of files as they were last read.
    """

    folder: Path
    ledger: Ledger
    entries: Mapping[str, ObservationEntry]
    snapshot: FolderSnapshot
    fingerprints: Fingerprints
    # Cache: the update and the digest of the run both ask for every observation.
    _whole_by_key: dict[str, bool] = field(default_factory=dict)

    @property
    def paths(self) -> RunPaths:
        """Paths of outputs whose names do not contain the name of the run."""
        return RunPaths(self.folder)

    @classmethod
    def load(cls, folder: Path, ledger: Ledger) -> RunState:
        """Return the state of a folder."""
        return cls(folder, ledger, ledger.entries(), FolderSnapshot(), Fingerprints(ledger.files()))

    def known_fingerprint(self, path: str) -> str | None:
        """Return the fingerprint of a file, without reading it; None if it changed since it was last read."""
        return self.fingerprints.cached(path, self.snapshot.file_stat(path))

    def is_whole(self, key: str) -> bool:
        """Return whether every output of an observation has its published fingerprint.

        Files are judged by their size and time, and not read.
        """
        if key not in self._whole_by_key:
            # Strings instead of Path: this runs for thousands of files of a run over years.
            folder = os.path.join(self.folder, OBSERVATIONS, key)  # noqa: PTH118
            entry = self.entries.get(key)
            self._whole_by_key[key] = bool(
                entry
                and entry.made
                and self.known_fingerprint(f"{folder}/{ObservationPaths.record.pattern}")
                and all(
                    self.known_fingerprint(f"{folder}/{name}") == published
                    for name, published in json.loads(entry.outputs)
                )
            )
        return self._whole_by_key[key]

    def is_up_to_date(self, context: RunContext, observation: Observation) -> bool:
        """Return whether an observation was made from its current files and settings, and is whole."""
        entry = self.entries.get(observation.key)
        if entry is None or not self.is_whole(observation.key):
            return False
        inputs = []
        for path in input_files(context.plan, observation, self.snapshot):
            # A file whose fingerprint is not known may have changed. The update reads it, on its own thread.
            if (known := self.known_fingerprint(str(path))) is None:
                return False
            inputs.append((path.name, known))
        return entry.made == json_digest(astuple(provenance_for(context, inputs)))

    def has_current_land(self, plan: Plan, record: Record) -> bool:
        """Return whether an observation was made with the current land outlines."""
        files = land_files(plan, self.snapshot)
        names = {part.name for path in files for part in with_shapefile_parts(path)}
        try:
            current = {(path.name, self.fingerprints(path)) for path in files}
        # Land that cannot be read counts as changed: the caller then reads more pixels than it had to.
        except InputError:
            return False
        return current == {(name, used) for name, used in record.made.inputs if name in names}

    def current_records(self, context: RunContext) -> tuple[dict[str, Record], list[str]]:
        """Return the records of observations that belong to the series, by key, and the keys of stale ones.

        A record belongs to the series if it was made on this basis with these settings, is of the observation that
        its folder is named after, and its files are whole.
        """
        config = context.plan.config
        records = {}
        stale = []
        expected = context.basis_hash, config.digest, config.polygons_digest
        for folder in self.paths.observation_folders():
            record = read_record(folder, self.fingerprints)
            made = record and (record.made.basis, record.made.settings, record.made.polygons)
            if record and made == expected and {row.date for row in record.rows} == {folder.name}:
                records[folder.name] = record
            else:
                stale.append(folder.name)
        return records, stale

    def run_files(self, below: str = "") -> Iterator[tuple[str, str | None]]:
        """Yield the outputs outside the folder of observations, with their fingerprints; None for changed files."""
        for name, entry in sorted(self.snapshot.folder(os.path.join(self.folder, below)).items()):  # noqa: PTH118
            path = f"{below}{name}"
            if path == OBSERVATIONS or path in NOT_OUTPUTS:
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from self.run_files(f"{path}/")
            else:
                yield path, self.known_fingerprint(os.path.join(self.folder, path))  # noqa: PTH118

    def digest(self, context: RunContext, faults: Sequence[InputError]) -> str | None:
        """Return a digest of everything that the tables, maps and notes of a run depend on; None if outputs changed."""
        # The digest uses known fingerprints and reads no file.
        keys = sorted(self.snapshot.folder(os.path.join(self.folder, OBSERVATIONS)))  # noqa: PTH118
        files = dict(self.run_files())
        if None in files.values() or not all(self.is_whole(key) for key in keys):
            return None
        scenes = [
            (scene.path.name, scene.date, scene.platform, scene.sun_elevation) for scene in context.plan.catalog.scenes
        ]
        made = {key: self.entries[key].made for key in keys}
        unusable = [*map(str, faults), *(path.name for path in context.plan.catalog.skipped)]
        return json_digest(
            context.plan.config.published_settings, context.basis_hash, versions(), scenes, unusable, made, files
        )

    def mark_waiting(self, keys: Sequence[str]) -> None:
        """Mark observations in the ledger as waiting for their update."""
        entries = [self.entries.get(key, ObservationEntry(key, "")) for key in keys]
        with self.ledger.transaction():
            self.ledger.save_entries(replace(entry, state="waiting") for entry in entries)

    def store_failure(self, key: str, fault: InputError) -> None:
        """Store in the ledger why an observation failed; its earlier outputs stay in place."""
        log_note(f"{key} failed: {fault}", logging.WARNING, observation=key, stage="failed")
        # Only state and reason change: the entry still describes the outputs of the last success.
        old = self.entries.get(key, ObservationEntry(key, ""))
        self.ledger.save_entries([replace(old, state="failed", reason=str(fault))])

    def store_record(self, key: str, record: Record) -> None:
        """Store a published observation and the fingerprints of its files in the ledger, in one transaction.

        Raises
        ------
        IntegrityError
            If its files are gone.
        """
        folder = self.paths.observation(key).folder
        try:
            for name, published in record.outputs:
                # The fingerprints are known from writing, so the next run does not read these files.
                self.fingerprints.record_written(folder / name, published)
            self.fingerprints(ObservationPaths(folder).record)
        except InputError as error:
            raise IntegrityError(f"{folder}: changed by another program during the run ({error})") from error
        with self.ledger.transaction():
            self.ledger.save_files(self.fingerprints.take_new())
            self.ledger.save_entries([ledger_entry(key, "done", record)])
