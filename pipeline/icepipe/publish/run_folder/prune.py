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
        If no run has finished in the folder.
    RunLocked
        If a run holds the lock of the folder.
    """
    run = RunPaths(folder)
    with run_lock(folder):
        try:
            listed = set(dict(json.loads(run.provenance.read_bytes()))["observations"])
        except (OSError, ValueError):
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
