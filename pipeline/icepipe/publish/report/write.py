"""The files of the report: written last, from what stands in a run's folder, and left alone where nothing changed."""

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


def _put(path: Path, content: bytes | None) -> None:
    """Bring a file up to date; one with nothing to hold goes."""
    if content is None:
        path.unlink(missing_ok=True)
    elif not path.is_file() or path.read_bytes() != content:
        with replace_file(path) as part:
            part.write_bytes(content)


def write_report(folder: Path) -> None:
    """Write the page and the pictures of a run.

    Raises
    ------
    ConfigError
        If no run has finished there.
    IntegrityError
        If something cannot be read or written.
    """
    published, paths = read_published_run(folder), RunPaths(folder)
    _put(paths.report, render_page(published).encode())
    _put(paths.series_png, series_png(published))
    _put(paths.series_svg, series_svg(published))
    _put(paths.timelapse, render_timelapse(published))


def remove_report(folder: Path) -> None:
    """Remove what an earlier run wrote of it, and no file of somebody else's."""
    for name in manifest_entries(folder).intersection(FILES):
        (folder / name).unlink(missing_ok=True)


def rebuild_report(folder: Path) -> Path:
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
    with run_lock(folder):
        write_report(folder)
        update_assets(folder)
        update_manifest(folder, (*FILES, RunPaths.collection.pattern))
    return RunPaths(folder).report
