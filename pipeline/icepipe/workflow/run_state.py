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
from icepipe.inputs.scenes import Observation
from icepipe.inputs.sidecars import with_side_files
from icepipe.inputs.vector_files import with_parts
from icepipe.publish.run_folder.manifest import NO_OUTPUTS
from icepipe.publish.run_folder.provenance import versions
from icepipe.publish.run_folder.record import FILE, Made, Record
from icepipe.storage.fingerprint import Fingerprints, Listing
from icepipe.storage.ledger import Entry, Ledger
from icepipe.workflow.plan import Plan
from icepipe.workflow.process_observation import Work

OBSERVATIONS = "observations"


def inputs_of(plan: Plan, observation: Observation, listing: Listing) -> list[Path]:
    """Every file that an observation is made from."""
    files = {path for scene in observation.scenes for used in scene.files for path in with_side_files(used, listing)}
    return sorted(files | _outline_files(plan, listing))


def _outline_files(plan: Plan, listing: Listing) -> set[Path]:
    """Files of the land outlines that all observations share."""
    land = plan.config.inputs.land
    if not land or not is_vector(land):
        return set()
    path, *parts = with_parts(Path(land.path))
    return {path, *(part for part in parts if listing.identity(part))}


def made_of(work: Work, told: Sequence[tuple[str, str]]) -> Made:
    """What an observation is made from, given names and fingerprints of its files."""
    config = work.plan.config
    return Made(tuple(sorted(told)), work.basis_hash, config.digest, versions(), config.polygons_digest)


def digest(*parts: Any) -> str:  # noqa: ANN401
    """Thirty-two hexadecimal digits that change with anything in some JSON values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def entry_of(key: str, state: str, record: Record, reason: str = "") -> Entry:
    """What the ledger says of an observation that has a record."""
    ice = [row.area_km2 for row in record.rows if row.class_ == "ice"]
    return Entry(
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
class Standing:
    """The ledger of a run's folder, and the files as they are now.

    Attributes
    ----------
    folder
        Of the run.
    ledger, entries
        The open ledger, and what it said of observations at the start.
    listing, fingerprints
        Files as they are, and as they were seen.
    """

    folder: Path
    ledger: Ledger
    entries: Mapping[str, Entry]
    listing: Listing
    fingerprints: Fingerprints
    _whole: dict[str, bool] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, ledger: Ledger) -> Standing:
        """What stands in a folder."""
        return cls(folder, ledger, ledger.entries(), Listing(), Fingerprints(ledger.files()))

    def _known(self, path: str) -> str | None:
        return self.fingerprints.known(path, self.listing.identity(path))

    def is_whole(self, key: str) -> bool:
        """Whether every output of an observation is as it was left."""
        if key not in self._whole:
            entry, place = self.entries.get(key), os.path.join(self.folder, OBSERVATIONS, key)  # noqa: PTH118
            self._whole[key] = bool(
                entry
                and entry.made
                and self._known(f"{place}/{FILE}")
                and all(self._known(f"{place}/{name}") == told for name, told in json.loads(entry.outputs))
            )
        return self._whole[key]

    def holds(self, work: Work, observation: Observation) -> bool:
        """Whether an observation was made from the same files and settings, and is whole."""
        entry = self.entries.get(observation.key)
        if entry is None or not self.is_whole(observation.key):
            return False
        told = []
        for path in inputs_of(work.plan, observation, self.listing):
            if (known := self._known(str(path))) is None:
                return False
            told.append((path.name, known))
        return entry.made == digest(astuple(made_of(work, told)))

    def on_outlines_of_now(self, plan: Plan, record: Record) -> bool:
        """Whether an observation was made with the land outlines that stand now."""
        files = _outline_files(plan, self.listing)
        names = {part.name for path in files for part in with_parts(path)}
        try:
            now = {(path.name, self.fingerprints(path)) for path in files}
        except InputError:
            return False
        return now == {told for told in record.made.inputs if told[0] in names}

    def _run_files(self, below: str = "") -> Iterator[tuple[str, str | None]]:
        """Files of a run beside those of its observations, with their fingerprints where they are as they were."""
        for name, found in sorted(self.listing.folder(os.path.join(self.folder, below)).items()):  # noqa: PTH118
            path = f"{below}{name}"
            if path == OBSERVATIONS or path in NO_OUTPUTS:
                continue
            if found.is_dir(follow_symlinks=False):
                yield from self._run_files(f"{path}/")
            else:
                yield path, self._known(os.path.join(self.folder, path))  # noqa: PTH118

    def digest(self, work: Work, faults: Sequence[InputError]) -> str | None:
        """Changes with everything that a run's tables, maps and notes are made from; None where files were changed."""
        keys = sorted(self.listing.folder(os.path.join(self.folder, OBSERVATIONS)))  # noqa: PTH118
        files = dict(self._run_files())
        if None in files.values() or not all(self.is_whole(key) for key in keys):
            return None
        scenes = [
            (scene.path.name, scene.date, scene.platform, scene.sun_elevation) for scene in work.plan.catalog.scenes
        ]
        made = {key: self.entries[key].made for key in keys}
        unusable = [*map(str, faults), *(path.name for path in work.plan.catalog.skipped)]
        return digest(work.plan.config.stated, work.basis_hash, versions(), scenes, unusable, made, files)


def record_done(standing: Standing, folder: Path, record: Record) -> None:
    """Take what a finished observation left into the ledger, as one change.

    Raises
    ------
    IntegrityError
        If the files are gone by now.
    """
    try:
        for name, told in record.outputs:
            standing.fingerprints.learn(folder / name, told)
        standing.fingerprints(folder / FILE)
    except InputError as error:
        raise IntegrityError(f"{folder}: was changed by another program while the run went on ({error})") from error
    with standing.ledger.together():
        standing.ledger.save_files(standing.fingerprints.take_added())
        standing.ledger.save_entries([entry_of(folder.name, "done", record)])
