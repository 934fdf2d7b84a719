"""What an earlier run left that still stands, told without reading a file that has not changed since."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

from icepipe.errors import InputError, IntegrityError
from icepipe.inputs.masks import is_vector
from icepipe.inputs.scenes import Observation, with_side_files
from icepipe.inputs.vector_files import with_shapefile_parts
from icepipe.publish.run_folder.paths import NOT_OUTPUTS, OBSERVATIONS, ObservationPaths, RunPaths
from icepipe.publish.run_folder.provenance import versions
from icepipe.publish.run_folder.record import Provenance, Record
from icepipe.storage.fingerprint import Fingerprints, FolderSnapshot
from icepipe.storage.ledger import Ledger, ObservationEntry
from icepipe.workflow.plan import Plan
from icepipe.workflow.process_observation import RunContext


def input_files(plan: Plan, observation: Observation, snapshot: FolderSnapshot) -> list[Path]:
    """Every file that an observation is made from."""
    files = {path for scene in observation.scenes for used in scene.files for path in with_side_files(used, snapshot)}
    return sorted(files | _outline_files(plan, snapshot))


def _outline_files(plan: Plan, snapshot: FolderSnapshot) -> set[Path]:
    """Files of the land outlines that all observations share."""
    land = plan.config.inputs.land
    if not land or not is_vector(land):
        return set()
    path, *parts = with_shapefile_parts(Path(land.path))
    return {path, *(part for part in parts if snapshot.file_stat(part))}


def provenance_for(context: RunContext, told: Sequence[tuple[str, str]]) -> Provenance:
    """What an observation is made from, given names and fingerprints of its files."""
    config = context.plan.config
    return Provenance(tuple(sorted(told)), context.basis_hash, config.digest, versions(), config.polygons_digest)


def digest(*parts: Any) -> str:  # noqa: ANN401
    """Thirty-two hexadecimal digits that change with anything in some JSON values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def ledger_entry(key: str, state: str, record: Record, reason: str = "") -> ObservationEntry:
    """What the ledger says of an observation that has a record."""
    ice = [row.area_km2 for row in record.rows if row.class_ == "ice"]
    return ObservationEntry(
        key=key,
        state=state,
        reason=reason,
        made=digest(astuple(record.made)),
        inputs=json.dumps(record.made.inputs),
        outputs=json.dumps(record.outputs),
        config_hash=record.made.settings,
        model=record.rows[0].model if record.rows else "",
        ice_km2=ice[0] if len(ice) == 1 else None,
        revisions=len(record.superseded),
    )


@dataclass(frozen=True)
class RunState:
    """The ledger of a run's folder, and the files as they are now.

    Attributes
    ----------
    folder
        Of the run.
    ledger, entries
        The open ledger, and what it said of observations at the start.
    snapshot, fingerprints
        Files as they are, and as they were seen.
    """

    folder: Path
    ledger: Ledger
    entries: Mapping[str, ObservationEntry]
    snapshot: FolderSnapshot
    fingerprints: Fingerprints
    _whole: dict[str, bool] = field(default_factory=dict)

    @property
    def paths(self) -> RunPaths:
        """Where the files of the run lie, less those that bear its name."""
        return RunPaths(self.folder)

    @classmethod
    def of(cls, folder: Path, ledger: Ledger) -> RunState:
        """What stands in a folder."""
        return cls(folder, ledger, ledger.entries(), FolderSnapshot(), Fingerprints(ledger.files()))

    def _known(self, path: str) -> str | None:
        return self.fingerprints.cached(path, self.snapshot.file_stat(path))

    def is_whole(self, key: str) -> bool:
        """Whether every output of an observation is as it was left."""
        if key not in self._whole:
            entry, place = self.entries.get(key), os.path.join(self.folder, OBSERVATIONS, key)  # noqa: PTH118
            self._whole[key] = bool(
                entry
                and entry.made
                and self._known(f"{place}/{ObservationPaths.record.pattern}")
                and all(self._known(f"{place}/{name}") == told for name, told in json.loads(entry.outputs))
            )
        return self._whole[key]

    def holds(self, context: RunContext, observation: Observation) -> bool:
        """Whether an observation was made from the same files and settings, and is whole."""
        entry = self.entries.get(observation.key)
        if entry is None or not self.is_whole(observation.key):
            return False
        told = []
        for path in input_files(context.plan, observation, self.snapshot):
            if (known := self._known(str(path))) is None:
                return False
            told.append((path.name, known))
        return entry.made == digest(astuple(provenance_for(context, told)))

    def on_outlines_of_now(self, plan: Plan, record: Record) -> bool:
        """Whether an observation was made with the land outlines that stand now."""
        files = _outline_files(plan, self.snapshot)
        names = {part.name for path in files for part in with_shapefile_parts(path)}
        try:
            now = {(path.name, self.fingerprints(path)) for path in files}
        except InputError:
            return False
        return now == {told for told in record.made.inputs if told[0] in names}

    def _run_files(self, below: str = "") -> Iterator[tuple[str, str | None]]:
        """Files of a run beside those of its observations, with their fingerprints where they are as they were."""
        for name, found in sorted(self.snapshot.folder(os.path.join(self.folder, below)).items()):  # noqa: PTH118
            path = f"{below}{name}"
            if path == OBSERVATIONS or path in NOT_OUTPUTS:
                continue
            if found.is_dir(follow_symlinks=False):
                yield from self._run_files(f"{path}/")
            else:
                yield path, self._known(os.path.join(self.folder, path))  # noqa: PTH118

    def digest(self, context: RunContext, faults: Sequence[InputError]) -> str | None:
        """Changes with everything that a run's tables, maps and notes are made from; None where files were changed."""
        keys = sorted(self.snapshot.folder(os.path.join(self.folder, OBSERVATIONS)))  # noqa: PTH118
        files = dict(self._run_files())
        if None in files.values() or not all(self.is_whole(key) for key in keys):
            return None
        scenes = [
            (scene.path.name, scene.date, scene.platform, scene.sun_elevation) for scene in context.plan.catalog.scenes
        ]
        made = {key: self.entries[key].made for key in keys}
        unusable = [*map(str, faults), *(path.name for path in context.plan.catalog.skipped)]
        return digest(
            context.plan.config.published_settings, context.basis_hash, versions(), scenes, unusable, made, files
        )


def record_done(run_state: RunState, folder: Path, record: Record) -> None:
    """Take what a finished observation left into the ledger, as one change.

    Raises
    ------
    IntegrityError
        If the files are gone by now.
    """
    try:
        for name, told in record.outputs:
            run_state.fingerprints.record_written(folder / name, told)
        run_state.fingerprints(ObservationPaths(folder).record)
    except InputError as error:
        raise IntegrityError(f"{folder}: was changed by another program while the run went on ({error})") from error
    with run_state.ledger.transaction():
        run_state.ledger.save_files(run_state.fingerprints.take_new())
        run_state.ledger.save_entries([ledger_entry(folder.name, "done", record)])
