"""Parse, call and print for what looks after a run's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from icepipe.cli_output import shown, tell
from icepipe.errors import IntegrityError

Run = Annotated[Path, typer.Argument(metavar="RUN", help="A config file or an output folder.")]


def folder_of(target: Path) -> Path:
    """Folder of a run that a config or the folder itself names."""
    from icepipe.config_file import load

    return target if target.is_dir() else load(target).run_folder


def verify(target: Run) -> None:
    """Check every output: its bytes, the budget, and that polygons, raster and table agree."""
    from icepipe.publish.manifest import read_manifest
    from icepipe.verify import faults_of

    folder = folder_of(target)
    faults = list(faults_of(folder))
    for fault in faults:
        tell(fault)
    if faults:
        raise IntegrityError(f"{len(faults)} thing(s) in {folder} do not hold", "run again with --force")
    tell(f"{len(read_manifest(folder))} files are as the run left them; budgets close; polygons = raster = table")


def status(target: Run) -> None:
    """Tell what stands in a run's folder, and what failed in the last run."""
    from icepipe.status import status_lines

    tell("\n".join(status_lines(folder_of(target))))


def prune(target: Run) -> None:
    """Remove observations that are not in the series: of other settings, another basis, or damaged."""
    from icepipe.prune import prune as pruned

    gone = pruned(folder_of(target))
    tell(f"{len(gone)} observation(s) removed" + (f": {', '.join(gone)}" if gone else ""))


def report(target: Run) -> None:
    """Make the report and its pictures again, from what stands in the folder."""
    from icepipe.report import report_again

    tell(str(shown(report_again(folder_of(target).resolve()))))


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (verify, status, prune, report):
        app.command()(command)
