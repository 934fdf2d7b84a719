"""Writes the files of the report from the published files of a run."""

from __future__ import annotations

from pathlib import Path

from icepipe.publish.report.page import render_page
from icepipe.publish.report.published_run import read_published_run
from icepipe.publish.report.series_plot import series_png, series_svg
from icepipe.publish.report.timelapse import render_timelapse
from icepipe.publish.run_folder.manifest import manifest_entries, read_manifest, update_manifest
from icepipe.publish.run_folder.paths import RunPaths
from icepipe.publish.stac import update_assets
from icepipe.storage.atomic import replace_file
from icepipe.storage.lock import run_lock

FILES = tuple(row.pattern for row in RunPaths.rows() if row.in_report)
"""Names of the files of the report."""


def update_file(path: Path, content: bytes | None) -> None:
    """Write a file if its content differs; remove it if the content is None."""
    if content is None:
        path.unlink(missing_ok=True)
    # An unchanged file keeps its time of modification, by which others see that nothing is new.
    elif not path.is_file() or path.read_bytes() != content:
        with replace_file(path) as part:
            part.write_bytes(content)


def write_report(folder: Path) -> None:
    """Write the page, the plots of the series and the animation of a run.

    Raises
    ------
    ConfigError
        If no run has finished in the folder.
    IntegrityError
        If a file cannot be read or written.
    """
    published, paths = read_published_run(folder), RunPaths(folder)
    update_file(paths.report, render_page(published).encode())
    update_file(paths.series_png, series_png(published))
    update_file(paths.series_svg, series_svg(published))
    update_file(paths.timelapse, render_timelapse(published))


def remove_report(folder: Path) -> None:
    """Remove the report of an earlier run."""
    # Only files in the manifest are removed: a file that no run has written may be the user's own.
    for name in manifest_entries(folder).intersection(FILES):
        (folder / name).unlink(missing_ok=True)


def rebuild_report(folder: Path) -> Path:
    """Write the report, and update the STAC collection and the manifest; return the path of the page.

    Raises
    ------
    ConfigError
        If no run has finished in the folder.
    RunLocked
        If a run holds the lock of the folder.
    IntegrityError
        If a file cannot be read or written.
    """
    # This raises before the lock creates a file in a folder of no run.
    read_manifest(folder)
    with run_lock(folder):
        write_report(folder)
        update_assets(folder)
        # The collection lists checksums of the report, so that it has changed too.
        update_manifest(folder, (*FILES, RunPaths.collection.pattern))
    return RunPaths(folder).report
