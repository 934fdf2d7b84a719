"""What stands in a run's folder, as its ledger has it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from icepipe.batch.ledger import Entry, Ran, read_ledger

_MEANS = {
    "waiting": "waits for a run to work on it",
    "stale": "stale: made with other settings, on another basis, or damaged; not in the series",
    "gone": "done, and its files are gone; its row is kept",
}


def _line(entry: Entry) -> str:
    if entry.state == "failed":
        return f"{entry.key}  failed: {entry.reason}{'; an earlier row is kept' if entry.made else ''}"
    if entry.state != "done":
        return f"{entry.key}  {_MEANS[entry.state]}"
    ice = "" if entry.ice_km2 is None else f": ice {entry.ice_km2:,.3f} km2"
    replaced = f", replaced {entry.revisions} time(s)" if entry.revisions else ""
    return f"{entry.key}  done{ice}{replaced}"


def _run_line(ran: Ran) -> str:
    if ran.ended is None:
        return f"run of {ran.started}: did not end"
    said = f"{ran.observations} observation(s), {ran.worked} worked on, {ran.failed} input(s) failed"
    return f"run of {ran.started}: {said}; {ran.seconds:.1f} s, {ran.memory_mb:.0f} MB at most"


def status_lines(folder: Path) -> list[str]:
    """Every observation with its state and, where it failed, why; then how many are in which, and the last run.

    Raises
    ------
    ConfigError
        If no run has kept a ledger there.
    IntegrityError
        If the ledger is damaged.
    """
    with read_ledger(folder) as ledger:
        entries, runs = ledger.entries(), ledger.runs(1)
    counts = Counter(entry.state for entry in entries.values())
    told = ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "no observation"
    return [*map(_line, entries.values()), told, *map(_run_line, runs)]
