"""Parse, call and print for what looks after a run's folder."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import typer

from icepipe.cli.console import display_path, print_result
from icepipe.cli.options import Run
from icepipe.errors import IntegrityError
from icepipe.storage.ledger import ObservationEntry, RunEntry, read_ledger


def folder_of(target: Path) -> Path:
    """Folder of a run that a config or the folder itself names."""
    from icepipe.config.loader import load

    return target if target.is_dir() else load(target).run_folder


def verify(target: Run) -> None:
    """Check every output: its bytes, the budget, and that polygons, raster and table agree."""
    from icepipe.publish.run_folder.manifest import read_manifest
    from icepipe.publish.run_folder.verify import find_faults

    folder = folder_of(target)
    faults = list(find_faults(folder))
    for fault in faults:
        print_result(fault)
    if faults:
        raise IntegrityError(f"{len(faults)} thing(s) in {folder} do not hold", "run again with --force")
    print_result(
        f"{len(read_manifest(folder))} files are as the run left them; budgets close; polygons = raster = table"
    )


def status(target: Run) -> None:
    """Tell what stands in a run's folder, and what failed in the last run."""
    print_result("\n".join(status_lines(folder_of(target))))


def prune(target: Run) -> None:
    """Remove observations that are not in the series: of other settings, another basis, or damaged."""
    from icepipe.publish.run_folder.prune import prune as pruned

    gone = pruned(folder_of(target))
    print_result(f"{len(gone)} observation(s) removed" + (f": {', '.join(gone)}" if gone else ""))


def report(target: Run) -> None:
    """Make the report and its pictures again, from what stands in the folder."""
    from icepipe.publish.report.write import rebuild_report

    print_result(str(display_path(rebuild_report(folder_of(target).resolve()))))


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (verify, status, prune, report):
        app.command()(command)


_MEANS = {
    "waiting": "waits for a run to work on it",
    "stale": "stale: made with other settings, on another basis, or damaged; not in the series",
    "gone": "done, and its files are gone; its row is kept",
}


def _line(entry: ObservationEntry) -> str:
    if entry.state == "failed":
        return f"{entry.key}  failed: {entry.reason}{'; an earlier row is kept' if entry.made else ''}"
    if entry.state != "done":
        return f"{entry.key}  {_MEANS[entry.state]}"
    ice = "" if entry.ice_km2 is None else f": ice {entry.ice_km2:,.3f} km2"
    replaced = f", replaced {entry.revisions} time(s)" if entry.revisions else ""
    return f"{entry.key}  done{ice}{replaced}"


def _run_line(ran: RunEntry) -> str:
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
