"""Display of a run in a notebook: HTML without scripts, figures, and tables of polygons."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from icepipe.arrays import UInt8
from icepipe.classes import BUDGET, SEEN
from icepipe.errors import ConfigError, IntegrityError
from icepipe.flags import flags_text
from icepipe.inputs.observation_key import ObservationKey
from icepipe.measure.area.quantity import Quantity
from icepipe.measure.area.series import Row, all_flags
from icepipe.publish.images.quicklook import DESCRIPTION, draw_quicklook, legend_entries
from icepipe.publish.images.thumbnail import PANEL_PX, paint
from icepipe.publish.report.published_run import PublishedObservation, PublishedRun, read_published_run
from icepipe.publish.run_folder.paths import ObservationPaths
from icepipe.publish.run_folder.record import last_record
from icepipe.publish.tables.text import series_cells
from icepipe.publish.vectors.features import SCHEMA
from icepipe.sensors.sensor import CLASSES

if TYPE_CHECKING:
    import geopandas as gpd

    from icepipe.publish.images.figure import Plot


MOST_LINES = 60
"""Largest number of lines of a table in a notebook, the newest; the series has all."""

ENDINGS = (".parquet", ".fgb", ".gpkg", ".shp")
"""Suffixes of polygon files, from the fastest to the slowest to read."""

CELL = "padding: 2px 8px; text-align: "


def table_html(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a table; the first and the last column are left-aligned, all others right-aligned."""

    def row(cells: Sequence[str], tag: str) -> str:
        marked = []
        for number, cell in enumerate(cells):
            side = "left" if number in {0, len(cells) - 1} else "right"
            # Styles are written into each cell: a notebook has no style sheet for it.
            marked.append(f'<{tag} style="{CELL}{side}">{escape(cell)}</{tag}>')
        return f"<tr>{''.join(marked)}</tr>"

    body = "".join(row(line, "td") for line in lines)
    return f"<table><thead>{row(header, 'th')}</thead><tbody>{body}</tbody></table>"


def run_html(folder: Path, rows: Sequence[Row], notes: Sequence[str]) -> str:
    """Return the series as a table, followed by the notes of the run."""
    # The newest lines are at the end of the series.
    header, *lines = series_cells(rows)
    n_hidden = max(0, len(lines) - MOST_LINES)
    hidden = [f"{n_hidden} earlier lines are not shown here"] if n_hidden else []
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in (*hidden, *notes, f"Written to {folder}"))
    return f"<div>{table_html(header, lines[n_hidden:])}<ul>{items}</ul></div>"


def draw_run(folder: Path) -> Plot:
    """Return the plot of the series of a run, as in its report."""
    from icepipe.publish.report.series_plot import draw_series

    return draw_series(read_published_run(folder))


def observation_picture(
    published: PublishedRun, observation: PublishedObservation, classes: UInt8, size: tuple[int, int]
) -> UInt8:
    """Return the picture of a scene, or the painted classes if the scenes of the observation are class rasters.

    Raises
    ------
    IntegrityError
        If the picture is missing or cannot be read.
    """
    from icepipe.publish.report.images import read_picture

    if all(row.sensor == CLASSES for row in published.rows if row.date == observation.key):
        return paint(classes)
    return np.asarray(read_picture(ObservationPaths.from_raster(observation.classes).picture, size))


def draw_observation(folder: Path, key: str) -> Plot:
    """Return the quicklook of an observation, drawn from its published files, as a figure of the same pixels.

    Raises
    ------
    ConfigError
        If there is no such observation.
    IntegrityError
        If its files cannot be read.
    """
    from icepipe.publish.images.figure import DPI, Plot
    from icepipe.publish.report.images import read_classes, size_within

    published = read_published_run(folder)
    by_key = {str(observation.key): observation for observation in published.observations}
    if key not in by_key:
        raise ConfigError(f"there is no observation {key}", f"choose from {', '.join(by_key)}")
    observation = by_key[key]
    size = size_within(published.grid, PANEL_PX)
    classes = read_classes(observation, size)
    picture = observation_picture(published, observation, classes, size)
    if len(published.regions) == 1:
        rows = published.region_rows(published.regions[0])[observation.key]
        areas_km2 = {code: {each: each.area_km2(rows[code.label]) for each in Quantity} for code in BUDGET}
        legend = legend_entries(areas_km2, published.quantity, classes)
    else:
        # Regions may overlap, so that their areas have no sum.
        legend = {code: code.label for code in BUDGET if code in classes}
    quicklook = draw_quicklook(f"{published.name}  {key}", picture, classes, published.grid, legend)
    figure = Plot(quicklook.width / DPI, quicklook.height / DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.imshow(np.asarray(quicklook), interpolation="nearest", aspect="auto")
    figure.set_label(quicklook.info[DESCRIPTION])
    return figure


def polygon_files(published: PublishedRun, classes: Collection[str]) -> Iterator[tuple[ObservationKey, str, Path]]:
    """Yield key, class and the fastest polygon file of every class and observation."""
    for observation in published.observations:
        paths = published.paths.observation(observation.key)
        record = last_record(paths.folder)
        # Only files of the record are read: others in the folder may be of an earlier config.
        written = {name for name, _ in record.outputs} if record else set()
        for label in classes:
            files = (paths.polygon_file(code, end) for code in SEEN if code.label == label for end in ENDINGS)
            yield from [(observation.key, label, file) for file in files if file.name in written][:1]


def read_polygons(path: Path, label: str) -> gpd.GeoDataFrame:
    """Read the published fields of a polygon file of a class.

    Raises
    ------
    IntegrityError
        If the file cannot be read.
    """
    import geopandas as gpd
    from pyarrow import ArrowException
    from pyogrio.errors import DataLayerError, DataSourceError

    try:
        if path.suffix == ".parquet":
            return gpd.read_parquet(path, columns=SCHEMA.names)
        layer = {"layer": label} if path.suffix == ".gpkg" else {}
        return gpd.read_file(path, use_arrow=True, **layer)[SCHEMA.names]
    except (OSError, ValueError, KeyError, ArrowException, DataSourceError, DataLayerError) as error:
        raise IntegrityError(f"{path}: cannot be read ({error})", "run `icepipe run` again with --force") from error


def published_polygons(folder: Path, classes: Sequence[str]) -> gpd.GeoDataFrame:
    """Return the published polygons of all observations of a run.

    Parameters
    ----------
    folder
        Folder of the run.
    classes
        Labels of classes; empty for all that were published.

    Returns
    -------
    geopandas.GeoDataFrame
        The published fields, after ``observation``, the key, and before ``flags``, the flags of the series.

    Raises
    ------
    ConfigError
        If a class has no published polygons.
    IntegrityError
        If a file cannot be read.
    """
    import pandas as pd

    labels = tuple(dict.fromkeys(classes)) or tuple(code.label for code in SEEN)
    published = read_published_run(folder)
    files = list(polygon_files(published, labels))
    missing = [label for label in labels if label not in {file_label for _, file_label, _ in files}]
    if missing and (classes or not files):
        raise ConfigError(f"no polygons of {', '.join(missing)} are published", "name them in publish.polygons.classes")
    frames = []
    for key, label, path in files:
        frame = read_polygons(path, label)
        frame.insert(0, "observation", key)
        frame["flags"] = flags_text(
            all_flags([row for row in published.rows if (row.date, row.class_) == (key, label)])
        )
        # Formats differ in the types that they read back.
        frames.append(frame.astype({"date": "datetime64[s]", "code": np.int32, "n_px": np.int32, "id": np.int32}))
    return pd.concat(frames, ignore_index=True)
