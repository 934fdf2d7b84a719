"""Cache the last result in the ledger: a run whose inputs, settings and outputs are unchanged returns it."""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
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

RESULT, SNAPSHOT = "run", "glance"
"""Names of the two documents in the ledger."""

WatchedFiles = Mapping[str, list[str]]
"""Names of files by folder, of files that exist and of files that would count if they existed."""

_FINDINGS = JsonDocument(Findings)


def watched_files(config: Config, scenes: Iterable[Scene]) -> WatchedFiles:
    """Return every file that the result of a run depends on."""
    inputs = config.inputs
    # Scenes carry their masks; these files are named by the config alone.
    options = (inputs.land and inputs.land.path, inputs.regions and inputs.regions.path, config.segment.model_file)
    paths = [part for option in options if option for part in with_shapefile_parts(Path(option))]
    paths += [path for scene in scenes for path in stat_files(scene)]
    by_folder: defaultdict[str, set[str]] = defaultdict(set)
    for path in paths:
        folder, name = os.path.split(path)
        by_folder[folder].add(name)
    return {folder: sorted(names) for folder, names in sorted(by_folder.items())}


def input_stats(watched: WatchedFiles) -> Iterator[tuple[str, FileStat | None]]:
    """Yield size and times of every watched file; None for a file that does not exist."""
    snapshot = FolderSnapshot()
    for folder, names in watched.items():
        # One listing of the folder answers for all its names, also for those that are missing.
        entries = snapshot.folder(folder)
        for name in names:
            yield f"{folder}/{name}", FileStat.of(entries[name].stat()) if name in entries else None


def output_stats(folder: str) -> Iterator[tuple[str, FileStat]]:
    """Yield size and times of every output below a folder."""
    with os.scandir(folder) as scanned:
        entries = sorted(scanned, key=lambda entry: entry.name)
    for entry in entries:
        # The ledger and the lock change with every run.
        if entry.name in NOT_OUTPUTS:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from output_stats(entry.path)
        else:
            yield entry.path, FileStat.of(entry.stat(follow_symlinks=False))


def folder_snapshot_hash(config: Config, watched: WatchedFiles) -> str | None:
    """Return 32 hexadecimal digits that change with every input, setting, version and output.

    Parameters
    ----------
    config
        The config of the run.
    watched
        Files from :func:`watched_files`.

    Returns
    -------
    str or None
        None if an input is missing, a folder cannot be listed, or a file is so new that another change might leave
        its times as they are.
    """
    digest = hashlib.blake2b(digest_size=16)
    try:
        files = find_files(config.inputs.scenes)
        # A folder that cannot be listed may hold new scenes.
        if unlisted_folders(config.inputs.scenes):
            return None
        digest.update(json.dumps([config.published_settings, versions(), config.run_folder.name]).encode())
        digest.update("\0".join(map(ascii, map(str, files))).encode())
        for path, stamp in input_stats(watched):
            # Within the resolution of file times, a second change would leave the same stamp.
            if stamp and not stamp.is_settled():
                return None
            digest.update(f"{path!a} {stamp}\n".encode())
        for path, stamp in output_stats(str(config.run_folder)):
            digest.update(f"{path!a} {stamp}\n".encode())
    except (OSError, InputError, NoUsableInput):
        return None
    return digest.hexdigest()


def cached_result(context: RunContext, run_state: RunState, faults: tuple[InputError, ...]) -> RunResult | None:
    """Return the last result; None if it was made from anything else, or an output changed since."""
    cached = run_state.ledger.outcome(RESULT)
    if cached is None or cached[0] != run_state.digest(context, faults):
        return None
    findings = _FINDINGS.parse(cached[1])
    return RunResult(folder=context.plan.config.run_folder, faults=faults, **vars(findings)) if findings else None


def quick_cached_result(config: Config, ledger: Ledger) -> tuple[RunResult, int] | None:
    """Return the last result and its number of observations; None if an input failed then, or anything changed.

    This needs no plan: it compares file times only, so that a run with nothing new ends before a file is opened.
    """
    snapshot, cached = ledger.outcome(SNAPSHOT), ledger.outcome(RESULT)
    # An empty hash marks a snapshot that could not be taken.
    if snapshot is None or not snapshot[0] or cached is None:
        return None
    document = json.loads(snapshot[1])
    if snapshot[0] != folder_snapshot_hash(config, document["looked_at"]):
        return None
    findings = _FINDINGS.parse(cached[1])
    if findings is None:
        return None
    return RunResult(folder=config.run_folder, faults=(), **vars(findings)), document["observations"]


def store_snapshot(context: RunContext, ledger: Ledger) -> None:
    """Store the snapshot for :func:`quick_cached_result`; call it once all outputs are written."""
    watched = watched_files(context.plan.config, context.plan.catalog.scenes)
    snapshot_hash = folder_snapshot_hash(context.plan.config, watched)
    document = json.dumps({"looked_at": watched, "observations": len(context.plan.observations)})
    with ledger.transaction():
        ledger.save_outcome(SNAPSHOT, snapshot_hash or "", document if snapshot_hash else "{}")


def updated_entries(
    context: RunContext, before: Mapping[str, ObservationEntry], events: RunEvents
) -> dict[str, ObservationEntry]:
    """Return the entries of all observations in the ledger after a run, by key."""
    keys = {observation.key for observation in context.plan.observations}
    failed = {key: entry.reason for key, entry in before.items() if entry.state == "failed" and key in keys}
    failed = {key: str(fault) for key, fault in context.plan.missing_inputs.items()} | failed
    # Later steps overwrite earlier ones: a record may be stale, and an observation with a record may have failed now.
    entries = {key: entry for key, entry in before.items() if key in keys and key not in events.records}
    for key in events.stale:
        entries[key] = replace(before.get(key, ObservationEntry(key, "")), state="stale")
    for key, record in events.records.items():
        entries[key] = ledger_entry(key, "gone" if key in events.gone else "done", record)
    for key, reason in failed.items():
        entries[key] = replace(entries.get(key, ObservationEntry(key, "")), state="failed", reason=reason)
    return entries


def vanished_files(ledger: Ledger) -> list[str]:
    """Return the files that the ledger knows and that no longer exist."""
    snapshot = FolderSnapshot()
    vanished = []
    for path in ledger.files():
        # A file whose folder cannot be listed may still exist.
        with suppress(InputError):
            if snapshot.file_stat(path) is None:
                vanished.append(path)
    return vanished


def store_result(context: RunContext, run_state: RunState, result: RunResult, events: RunEvents) -> None:
    """Bring the ledger up to date with the folder, and store the result for :func:`cached_result`."""
    folder, ledger, paths = context.plan.config.run_folder, run_state.ledger, run_state.paths
    # These files are written last, so their fingerprints are not known yet.
    for path in (paths.manifest, *(paths.observation(key).record for key in events.records)):
        run_state.fingerprints(path)
    before = ledger.entries()
    entries, vanished = updated_entries(context, before, events), vanished_files(ledger)
    with ledger.transaction():
        ledger.save_files(run_state.fingerprints.take_new())
        ledger.drop_files(vanished)
        ledger.drop_entries(before.keys() - entries.keys())
        ledger.save_entries(entry for key, entry in entries.items() if before.get(key) != entry)
    # The digest uses a fresh snapshot of the folder, as the next run will.
    digest = RunState.load(folder, ledger).digest(context, result.faults)
    if digest is None:
        return
    with ledger.transaction():
        ledger.save_outcome(RESULT, digest, _FINDINGS.compact(result))
