"""Tables of a run: the series as CSV and Parquet, its history and the changes as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from icepipe.inputs.observation_key import ObservationKey
from icepipe.measure.area.series import COLUMNS, Row
from icepipe.measure.change.transitions import ChangeTable
from icepipe.publish.run_folder.paths import RunPaths
from icepipe.publish.run_folder.record import Record
from icepipe.storage.atomic import replace_file

CHANGE_COLUMNS = ("region", "from_date", "to_date", "from_class", "to_class", "area_km2", "n_pixels")

REPLACED_BY = ("area_km2", "area_low_km2", "area_high_km2", "weighted_km2")
"""Columns whose new values stand beside the replaced row, with the prefix ``new_``."""

HISTORY_COLUMNS = ("revision", "reason", *COLUMNS, *(f"new_{name}" for name in REPLACED_BY))

_TEXT = {"region", "date", "sensor", "class", "prefer", "ice", "flags", "model", "config_hash"}
_COUNT = {"n_pixels", "n_polygons", "n_scenes"}
_SCHEMA = pa.schema(
    [(name, pa.string() if name in _TEXT else pa.int64() if name in _COUNT else pa.float64()) for name in COLUMNS]
)

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters that a spreadsheet reads as a formula; an apostrophe before them makes the cell text (OWASP, CSV
injection)."""


def csv_cell(value: object) -> object:
    """Return a value for the CSV writer: floats with 12 significant digits, and no text that is a formula."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    return f"{value:.12g}" if isinstance(value, float) else value


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a CSV file atomically; None is an empty cell.

    Raises
    ------
    IntegrityError
        If the file cannot be written.
    """
    with replace_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([csv_cell(value) for value in row] for row in rows)


def write_series(folder: Path, rows: Sequence[Row]) -> None:
    """Write ``series.csv`` (12 significant digits) and ``series.parquet`` (full precision)."""
    paths = RunPaths(folder)
    write_csv(paths.series_csv, COLUMNS, (row.cells for row in rows))
    # zip of no rows has no columns, and a table needs all of them.
    columns = list(zip(*(row.cells for row in rows), strict=True)) if rows else [()] * len(COLUMNS)
    # The schema is given, because a column of None alone has no type.
    table = pa.table(dict(zip(COLUMNS, columns, strict=True)), schema=_SCHEMA)
    with replace_file(paths.series_parquet) as part:
        pq.write_table(table, part)


def history_lines(record: Record) -> Iterator[tuple[object, ...]]:
    """Yield the replaced rows of an observation, oldest first, each with its number, reason and the areas that follow.

    Revision 1 is the first row that was replaced. Areas that follow are empty for a region that has no row any more.
    """
    versions = [*(revision.rows for revision in record.superseded), record.rows]
    for number, (revision, later) in enumerate(zip(record.superseded, versions[1:], strict=True), start=1):
        new = {(row.region, row.class_): row for row in later}
        for row in revision.rows:
            follows = new.get((row.region, row.class_))
            areas = [getattr(follows, name) if follows else None for name in REPLACED_BY]
            yield number, revision.reason, *row.cells, *areas


def write_history(folder: Path, records: Iterable[Record]) -> None:
    """Write ``history.csv``: the replaced rows of every observation, and what replaced them."""
    write_csv(RunPaths(folder).history, HISTORY_COLUMNS, (line for record in records for line in history_lines(record)))


def write_change_table(
    folder: Path, region: str, pairs: Mapping[tuple[ObservationKey, ObservationKey], ChangeTable]
) -> None:
    """Write ``change.csv``: the area of every transition between classes, for every pair of observations."""

    def rows() -> Iterator[tuple[object, ...]]:
        for (before, after), change in pairs.items():
            for transition in change.transitions:
                is_known = change.is_known(transition)
                area_km2 = transition.units * change.unit_m2 / 1e6 if is_known else None
                n_pixels = transition.n_pixels if is_known else None
                yield region, before, after, transition.before.label, transition.after.label, area_km2, n_pixels

    write_csv(RunPaths(folder).changes, CHANGE_COLUMNS, rows())
