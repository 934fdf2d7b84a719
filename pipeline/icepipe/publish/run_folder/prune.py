"""Removal of observations that the last run no longer lists."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from icepipe.errors import ConfigError
from icepipe.publish.run_folder.manifest import write_manifest
from icepipe.publish.run_folder.paths import RunPaths
from icepipe.publish.run_folder.record import last_record
from icepipe.storage.ledger import open_ledger
from icepipe.storage.lock import run_lock


def prune(folder: Path) -> list[str]:
    """Remove observations that are not in ``run.json``; return their keys.

    Raises
    ------
    ConfigError
        If no run has finished in the folder, or ``run.json`` is damaged.
    RunLocked
        If a run holds the lock of the folder.
    InputError
        If an output cannot be read for the manifest.
    IntegrityError
        If the record of an observation cannot be read, or the manifest or the ledger cannot be written.
    """
    run = RunPaths(folder)
    with run_lock(folder):
        try:
            # ``keys`` refuses a list or a text: its items would be no keys, and every observation would be removed.
            listed = json.loads(run.provenance.read_bytes())["observations"].keys()
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise ConfigError(f"{folder}: no run has finished there", "run `icepipe run` first") from None
        records = {path.name: last_record(path) for path in run.observation_folders()}
        stale = [key for key in records if key not in listed]
        for key in stale:
            shutil.rmtree(run.observation(key).folder)
        if stale:
            # The records give the fingerprints of files of observations, so that only the other files are read.
            write_manifest(folder, {key: record for key, record in records.items() if record and key in listed})
            with open_ledger(folder) as ledger:
                ledger.drop_entries(stale)
        return stale
