"""What a run told, kept in the ledger: a run that finds nothing new tells it again without working it out."""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from icepipe.config.schema import Config
from icepipe.errors import InputError, NoUsableInput
from icepipe.inputs.discover import find_files, unlisted_folders
from icepipe.inputs.scene_cache import stat_files
from icepipe.inputs.scenes import Scene
from icepipe.inputs.vector_files import with_shapefile_parts
from icepipe.publish.run_folder.paths import NOT_OUTPUTS
from icepipe.publish.run_folder.provenance import versions
from icepipe.storage.fingerprint import FileStat, FolderSnapshot
from icepipe.storage.json_document import JsonDocument
from icepipe.storage.ledger import Ledger, ObservationEntry
from icepipe.workflow.notes import RunEvents
from icepipe.workflow.process_observation import RunContext
from icepipe.workflow.result import Findings, RunResult
from icepipe.workflow.run_state import RunState, ledger_entry

Looked = Mapping[str, list[str]]
"""Names by folder, of files that are there and of files that would count if they were."""


def _by_folder(paths: Iterable[Path]) -> Looked:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path in paths:
        folder, name = os.path.split(path)
        found[folder].add(name)
    return {folder: sorted(names) for folder, names in sorted(found.items())}


def _named(config: Config) -> Iterator[Path]:
    """Files that the config names, and what goes with them."""
    inputs = config.inputs
    told = (inputs.land and inputs.land.path, inputs.regions and inputs.regions.path, config.segment.model_file)
    for path in told:
        if path:
            yield from with_shapefile_parts(Path(path))


def watched_files(config: Config, scenes: Iterable[Scene]) -> Looked:
    """Every file that a run's result comes from."""
    return _by_folder([*_named(config), *(path for scene in scenes for path in stat_files(scene))])


def _stamps(scan: Looked) -> Iterator[tuple[str, FileStat | None]]:
    snapshot = FolderSnapshot()
    for folder, names in scan.items():
        there = snapshot.folder(folder)
        for name in names:
            yield f"{folder}/{name}", FileStat.of(there[name].stat()) if name in there else None


def _tree(folder: str) -> Iterator[tuple[str, FileStat]]:
    """Every output below a folder."""
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        if entry.name in NOT_OUTPUTS:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _tree(entry.path)
        else:
            yield entry.path, FileStat.of(entry.stat(follow_symlinks=False))


def folder_snapshot_hash(config: Config, scan: Looked) -> str | None:
    """Thirty-two digits that change with every input, setting, version and output; None where that cannot be told.

    It cannot where a file is so new that another change would leave no trace, where inputs are not there, or a
    folder cannot be looked into.

    Parameters
    ----------
    config
        Of the run.
    scan
        From :func:`looked_at_by`, of the scenes that are there.
    """
    digest = hashlib.blake2b(digest_size=16)
    try:
        files = find_files(config.inputs.scenes)
        if unlisted_folders(config.inputs.scenes):
            return None
        digest.update(json.dumps([config.published_settings, versions(), config.run_folder.name]).encode())
        digest.update("\0".join(map(ascii, map(str, files))).encode())
        for path, stamp in _stamps(scan):
            if stamp and not stamp.is_settled():
                return None
            digest.update(f"{path!a} {stamp}\n".encode())
        for path, stamp in _tree(str(config.run_folder)):
            digest.update(f"{path!a} {stamp}\n".encode())
    except (OSError, InputError, NoUsableInput):
        return None
    return digest.hexdigest()


TOLD, GLANCE = "run", "glance"


_FINDINGS = JsonDocument(Findings)


def _result(folder: Path, document: str, faults: tuple[InputError, ...]) -> RunResult | None:
    findings = _FINDINGS.parse(document)
    if findings is None:
        return None
    return RunResult(folder=folder, faults=faults, **vars(findings))


def cached_result(context: RunContext, run_state: RunState, faults: tuple[InputError, ...]) -> RunResult | None:
    """What the last run told, if it was made from the same and everything it wrote still stands; None else."""
    kept = run_state.ledger.outcome(TOLD)
    if kept is None or kept[0] != run_state.digest(context, faults):
        return None
    return _result(context.plan.config.run_folder, kept[1], faults)


def quick_cached_result(config: Config, ledger: Ledger) -> tuple[RunResult, int] | None:
    """What the last run told, and of how many observations, if nothing failed in it and nothing at all has changed."""
    seen, kept = ledger.outcome(GLANCE), ledger.outcome(TOLD)
    if seen is None or not seen[0] or kept is None:
        return None
    held = json.loads(seen[1])
    result = (
        _result(config.run_folder, kept[1], ()) if seen[0] == folder_snapshot_hash(config, held["looked_at"]) else None
    )
    return (result, held["observations"]) if result else None


def store_snapshot(context: RunContext, ledger: Ledger) -> None:
    """Keep what a later run needs to see at a glance that nothing has changed; the outputs must be whole by now."""
    scan = watched_files(context.plan.config, context.plan.catalog.scenes)
    seen = folder_snapshot_hash(context.plan.config, scan)
    document = json.dumps({"looked_at": scan, "observations": len(context.plan.observations)})
    with ledger.transaction():
        ledger.save_outcome(GLANCE, seen or "", document if seen else "{}")


def _failed(context: RunContext, before: Mapping[str, ObservationEntry]) -> dict[str, str]:
    """Observations that failed and are still asked for, each with its reason."""
    lacking = {key: str(fault) for key, fault in context.plan.lacking.items()}
    asked = {observation.key for observation in context.plan.observations}
    return lacking | {key: entry.reason for key, entry in before.items() if entry.state == "failed" and key in asked}


def _entries(
    context: RunContext, before: Mapping[str, ObservationEntry], events: RunEvents
) -> dict[str, ObservationEntry]:
    """What the ledger is to say of every observation after a run."""
    asked, records = {observation.key for observation in context.plan.observations}, events.records
    found = {key: entry for key, entry in before.items() if key in asked and key not in records}
    for key in events.stale:
        found[key] = replace(before.get(key, ObservationEntry(key, "")), state="stale")
    for key, record in records.items():
        found[key] = ledger_entry(key, "gone" if key in events.gone else "done", record)
    for key, reason in _failed(context, before).items():
        found[key] = replace(found.get(key, ObservationEntry(key, "")), state="failed", reason=reason)
    return found


def _is_gone(path: str, snapshot: FolderSnapshot) -> bool:
    """Whether a file is no longer there; one whose folder cannot be read may be."""
    try:
        return snapshot.file_stat(path) is None
    except InputError:
        return False


def _vanished(run_state: RunState) -> list[str]:
    """Files that the ledger knows and that are no longer there."""
    snapshot = FolderSnapshot()
    return [path for path in run_state.ledger.files() if _is_gone(path, snapshot)]


def store_result(context: RunContext, run_state: RunState, result: RunResult, events: RunEvents) -> None:
    """Bring the ledger up to what stands in the folder, and keep what was told."""
    folder, ledger, paths = context.plan.config.run_folder, run_state.ledger, run_state.paths
    for path in (paths.manifest, *(paths.observation(key).record for key in events.records)):
        run_state.fingerprints(path)
    before = ledger.entries()
    entries, vanished = _entries(context, before, events), _vanished(run_state)
    with ledger.transaction():
        ledger.save_files(run_state.fingerprints.take_new())
        ledger.drop_files(vanished)
        ledger.drop_entries(before.keys() - entries.keys())
        ledger.save_entries(entry for key, entry in entries.items() if before.get(key) != entry)
    made = RunState.of(folder, ledger).digest(context, result.faults)
    if made is None:
        return
    with ledger.transaction():
        ledger.save_outcome(TOLD, made, _FINDINGS.compact(result))
