"""The report of a run made again, from what stands in its folder."""

from __future__ import annotations

from pathlib import Path

from icepipe.batch.lock import locked
from icepipe.publish.manifest import list_again, read_manifest
from icepipe.publish.report.write import FILES, REPORT, write_report


def report_again(folder: Path) -> Path:
    """Write the report and its pictures, and list them in the manifest; the path of the page.

    Raises
    ------
    ConfigError
        If no run has finished there.
    RunLocked
        If a run is at work there.
    IntegrityError
        If something cannot be read or written.
    """
    read_manifest(folder)
    with locked(folder):
        write_report(folder)
        list_again(folder, FILES)
    return folder / REPORT
