"""What stands in a run's folder: told, and cleared of what no series needs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from icepipe.batch.lock import locked
from icepipe.errors import ConfigError
from icepipe.publish.manifest import write_manifest
from icepipe.publish.record import Record, last_record


def last_run(folder: Path) -> dict[str, Any]:
    """``run.json`` of the last run.

    Raises
    ------
    ConfigError
        If no run has finished there.
    """
    try:
        return dict(json.loads((folder / "run.json").read_bytes()))
    except (OSError, ValueError):
        raise ConfigError(f"{folder}: no run has finished there", "run `icepipe run` first") from None


def _records(folder: Path) -> dict[str, Record | None]:
    return {path.name: last_record(path) for path in sorted((folder / "observations").glob("[!.]*"))}


def status_lines(folder: Path) -> list[str]:
    """Every observation with its state, and what failed in the last run.

    Raises
    ------
    ConfigError
        If no run has finished there.
    """
    told = last_run(folder)
    lines = []
    for key, record in _records(folder).items():
        if record is None or key not in told["observations"]:
            lines.append(f"{key}  stale: made with other settings, on another basis, or damaged; not in the series")
            continue
        ice = next((row.area_km2 for row in record.rows if row.class_ == "ice"), None)
        area = "not known" if ice is None else f"{ice:,.3f} km2"
        replaced = f", replaced {len(record.superseded)} time(s)" if record.superseded else ""
        lines.append(f"{key}  done: ice {area}{replaced}")
    return [*lines, *(f"failed: {fault}" for fault in told["failed"])]


def prune(folder: Path) -> list[str]:
    """Remove observations that are not in the series; the names of what went.

    Raises
    ------
    ConfigError
        If no run has finished there.
    RunLocked
        If a run is at work there.
    """
    with locked(folder):
        kept = set(last_run(folder)["observations"])
        records = _records(folder)
        stale = [key for key in records if key not in kept]
        for key in stale:
            shutil.rmtree(folder / "observations" / key)
        if stale:
            write_manifest(folder, {key: record for key, record in records.items() if record and key in kept})
        return stale
