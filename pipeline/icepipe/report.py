"""The report of a run made again, from what stands in its folder."""

from __future__ import annotations

from pathlib import Path

from icepipe.batch.lock import locked
from icepipe.publish.manifest import list_again, read_manifest
from icepipe.publish.report.write import FILES, REPORT, write_report
from icepipe.publish.stac import COLLECTION, renew_assets


def report_again(folder: Path) -> Path:
    """Write the report and its pictures, and list them in the catalogue and the manifest; the path of the page.

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
        renew_assets(folder)
        list_again(folder, (*FILES, COLLECTION))
    return folder / REPORT
