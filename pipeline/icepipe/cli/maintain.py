"""The commands that look after the folder of a run: `icepipe verify`, `status`, `prune` and `report`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import typer

from icepipe.cli.console import display_path, print_result
from icepipe.cli.options import Run
from icepipe.errors import IntegrityError
from icepipe.storage.ledger import ObservationEntry, RunEntry, read_ledger

STATES = {
    "waiting": "waiting for a run to process it",
    "stale": "stale: made with other settings or on another basis, or damaged; not in the series",
    "gone": "done, but its input files are gone; its row is kept",
}
"""States of an observation that need an explanation."""


def run_folder(target: Path) -> Path:
    """Return the folder of a run, given its config or the folder itself."""
    from icepipe.config.loader import load

    return target if target.is_dir() else load(target).run_folder


def verify(target: Run) -> None:
    """Check every output: its bytes, the budget, and that polygons, raster and table agree."""
    from icepipe.publish.run_folder.manifest import read_manifest
    from icepipe.publish.run_folder.verify import find_faults

    folder = run_folder(target)
    # All faults are printed, not only the first: each names another file to look at.
    faults = list(find_faults(folder))
    for fault in faults:
        print_result(fault)
    if faults:
        raise IntegrityError(f"{len(faults)} check(s) failed in {folder}", "run again with --force")
    print_result(f"{len(read_manifest(folder))} files are unchanged; budgets close; polygons = raster = table")


def status(target: Run) -> None:
    """Print the state of every observation of a run, and what failed in the last run."""
    print_result("\n".join(status_lines(run_folder(target))))


def prune(target: Run) -> None:
    """Remove observations that are not in the series: of other settings, of another basis, or damaged."""
    from icepipe.publish.run_folder.prune import prune as prune_folder

    removed = prune_folder(run_folder(target))
    print_result(f"{len(removed)} observation(s) removed" + (f": {', '.join(removed)}" if removed else ""))


def report(target: Run) -> None:
    """Write the report and its pictures again, from the published files."""
    from icepipe.publish.report.write import rebuild_report

    print_result(str(display_path(rebuild_report(run_folder(target).resolve()))))


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for command in (verify, status, prune, report):
        app.command()(command)


def observation_line(entry: ObservationEntry) -> str:
    """Return a line on the state of an observation."""
    if entry.state == "failed":
        return f"{entry.key}  failed: {entry.reason}{'; an earlier row is kept' if entry.made else ''}"
    if entry.state != "done":
        return f"{entry.key}  {STATES[entry.state]}"
    ice = "" if entry.ice_km2 is None else f": ice {entry.quantity} {entry.ice_km2:,.3f} km2"
    replaced = f", rows replaced {entry.revisions} time(s)" if entry.revisions else ""
    return f"{entry.key}  done{ice}{replaced}"


def run_line(entry: RunEntry) -> str:
    """Return a line on what a run did."""
    # A run that was killed, or failed as a whole, never wrote its end.
    if entry.ended is None:
        return f"run of {entry.started}: did not finish"
    counts = f"{entry.observations} observation(s), {entry.worked} processed, {entry.failed} input(s) failed"
    return f"run of {entry.started}: {counts}; {entry.seconds:.1f} s, peak memory {entry.memory_mb:.0f} MB"


def status_lines(folder: Path) -> list[str]:
    """Return a line for every observation, a line that counts them by state, and a line on the last run.

    Raises
    ------
    ConfigError
        If the folder has no ledger.
    IntegrityError
        If the ledger is damaged.
    """
    with read_ledger(folder) as ledger:
        entries, runs = ledger.entries(), ledger.runs(1)
    counts = Counter(entry.state for entry in entries.values())
    total = ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "no observation"
    return [*map(observation_line, entries.values()), total, *map(run_line, runs)]
