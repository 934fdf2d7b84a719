"""What a run gave, as a notebook shows it: HTML without scripts, drawings, and tables of polygons."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from icepipe.arrays import UInt8
from icepipe.classes import BUDGET, SEEN, ClassCode
from icepipe.errors import ConfigError, IntegrityError
from icepipe.flags import flags_text
from icepipe.inputs.observation_key import ObservationKey
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
"""Lines of a table in a notebook, the newest; the series has all."""

ENDINGS = (".parquet", ".fgb", ".gpkg", ".shp")
"""Of polygon files, from the one that is read soonest."""

CELL = "padding: 2px 8px; text-align: "


def table_html(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Cells as a table; the first and the last column to the left, numbers between them to the right."""

    def row(cells: Sequence[str], tag: str) -> str:
        marked = []
        for number, cell in enumerate(cells):
            side = "left" if number in {0, len(cells) - 1} else "right"
            marked.append(f'<{tag} style="{CELL}{side}">{escape(cell)}</{tag}>')
        return f"<tr>{''.join(marked)}</tr>"

    body = "".join(row(line, "td") for line in lines)
    return f"<table><thead>{row(header, 'th')}</thead><tbody>{body}</tbody></table>"


def run_html(folder: Path, rows: Sequence[Row], said: Sequence[str]) -> str:
    """The series as a table, and what else a reader should know, in sentences."""
    header, *lines = series_cells(rows)
    left_out = max(0, len(lines) - MOST_LINES)
    more = [f"{left_out} earlier lines are not shown here"] if left_out else []
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in (*more, *said, f"Written to {folder}"))
    return f"<div>{table_html(header, lines[left_out:])}<ul>{items}</ul></div>"


def draw_run(folder: Path) -> Plot:
    """The series of a run, as in its report."""
    from icepipe.publish.report.series_plot import draw_series

    return draw_series(read_published_run(folder))


def _observation(published: PublishedRun, key: str) -> PublishedObservation:
    found = [shown for shown in published.observations if shown.key == key]
    if not found:
        known = ", ".join(shown.key for shown in published.observations)
        raise ConfigError(f"there is no observation {key}", f"choose from {known}")
    return found[0]


def draw_observation(folder: Path, key: str) -> Plot:
    """An observation's quicklook, drawn again from what a run published, as a figure of its pixels.

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
    shown, size = _observation(published, key), size_within(published.grid, PANEL_PX)
    classes = read_classes(shown, size)
    picture = paint(classes) if _is_its_own_picture(published, shown) else _picture(shown, size)
    legend = _legend(published, shown.key, classes)
    quicklook = draw_quicklook(f"{published.name}  {key}", picture, classes, published.grid, legend)
    figure = Plot(quicklook.width / DPI, quicklook.height / DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.imshow(np.asarray(quicklook), interpolation="nearest", aspect="auto")
    figure.set_label(quicklook.info[DESCRIPTION])
    return figure


def _is_its_own_picture(published: PublishedRun, shown: PublishedObservation) -> bool:
    """Whether an observation is of class rasters, which have no other picture."""
    return all(row.sensor == CLASSES for row in published.rows if row.date == shown.key)


def _picture(shown: PublishedObservation, size: tuple[int, int]) -> UInt8:
    from icepipe.publish.report.images import read_picture

    return np.asarray(read_picture(ObservationPaths.from_raster(shown.classes).picture, size))


def _legend(published: PublishedRun, key: ObservationKey, classes: UInt8) -> dict[ClassCode, str]:
    """Areas of the region; of several, which may lie over each other, only the names of the classes."""
    if len(published.regions) > 1:
        return {code: code.label for code in BUDGET if code in classes}
    rows = published.rows_of(published.regions[0])[key]
    return legend_entries({code: rows[code.label].area_km2 for code in BUDGET}, classes)


def _files(published: PublishedRun, classes: Collection[str]) -> Iterator[tuple[str, str, Path]]:
    """Key, class and file of the polygons of every class of every observation."""
    for shown in published.observations:
        paths = published.paths.observation(shown.key)
        record = last_record(paths.folder)
        written = {name for name, _ in record.outputs} if record else set()
        for label in classes:
            files = (paths.polygon_file(code, end) for code in SEEN if code.label == label for end in ENDINGS)
            yield from [(shown.key, label, file) for file in files if file.name in written][:1]


def _flags(published: PublishedRun, key: str, label: str) -> str:
    rows = [row for row in published.rows if (row.date, row.class_) == (key, label)]
    return flags_text(all_flags(rows))


def _read(path: Path, label: str) -> gpd.GeoDataFrame:
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
    """Polygons that a run published, of all observations.

    Parameters
    ----------
    folder
        Of the run.
    classes
        Labels; all that were published where none is given.

    Returns
    -------
    geopandas.GeoDataFrame
        The published fields, with ``observation``, the key, in front, and the flags of the series in the end.

    Raises
    ------
    ConfigError
        If there are none of a class.
    IntegrityError
        If a file cannot be read.
    """
    import pandas as pd

    asked = tuple(dict.fromkeys(classes)) or tuple(code.label for code in SEEN)
    published = read_published_run(folder)
    files = list(_files(published, asked))
    lacking = [label for label in asked if not any(label == of for _, of, _ in files)]
    if lacking and (classes or not files):
        raise ConfigError(f"no polygons of {', '.join(lacking)} are published", "name them in publish.polygons.classes")
    frames = []
    for key, label, path in files:
        frame = _read(path, label)
        frame.insert(0, "observation", key)
        frame["flags"] = _flags(published, key, label)
        frames.append(frame.astype({"date": "datetime64[s]", "code": np.int32, "n_px": np.int32, "id": np.int32}))
    return pd.concat(frames, ignore_index=True)
