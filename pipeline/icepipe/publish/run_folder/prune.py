"""A run's folder cleared of what no series needs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from icepipe.errors import ConfigError
from icepipe.publish.run_folder.manifest import write_manifest
from icepipe.publish.run_folder.paths import RunPaths
from icepipe.publish.run_folder.record import last_record
from icepipe.storage.ledger import open_ledger
from icepipe.storage.lock import run_lock


def last_run(folder: Path) -> dict[str, Any]:
    """``run.json`` of the last run.

    Raises
    ------
    ConfigError
        If no run has finished there.
    """
    try:
        return dict(json.loads(RunPaths(folder).provenance.read_bytes()))
    except (OSError, ValueError):
        raise ConfigError(f"{folder}: no run has finished there", "run `icepipe run` first") from None


def prune(folder: Path) -> list[str]:
    """Remove observations that are not in the series; the names of what went.

    Raises
    ------
    ConfigError
        If no run has finished there.
    RunLocked
        If a run is at work there.
    """
    with run_lock(folder):
        run, kept = RunPaths(folder), set(last_run(folder)["observations"])
        records = {path.name: last_record(path) for path in run.observation_folders()}
        stale = [key for key in records if key not in kept]
        for key in stale:
            shutil.rmtree(run.observation(key).folder)
        if stale:
            write_manifest(folder, {key: record for key, record in records.items() if record and key in kept})
            with open_ledger(folder) as ledger:
                ledger.drop_entries(stale)
        return stale
