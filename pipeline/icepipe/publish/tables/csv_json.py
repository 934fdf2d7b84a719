"""The series as CSV and Parquet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from icepipe.measure.area.series import COLUMNS, Row
from icepipe.publish.run_folder.paths import RunPaths
from icepipe.storage.atomic import replace_file

_TEXT = {"region", "date", "sensor", "class", "prefer", "flags", "model", "config_hash"}
_COUNT = {"n_pixels", "n_polygons", "n_scenes"}
_SCHEMA = pa.schema(
    [(name, pa.string() if name in _TEXT else pa.int64() if name in _COUNT else pa.float64()) for name in COLUMNS]
)


FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the start of a formula; an apostrophe before it makes it text (OWASP, CSV injection)."""


def _cell(value: object) -> object:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    return f"{value:.12g}" if isinstance(value, float) else value


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a table whole: 12 significant digits, nothing for None, and no text that a spreadsheet would run."""
    with replace_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([_cell(value) for value in row] for row in rows)


def write_series(folder: Path, rows: Sequence[Row]) -> None:
    """Write ``series.csv`` (12 significant digits) and ``series.parquet`` (full precision)."""
    paths = RunPaths(folder)
    write_csv(paths.series_csv, COLUMNS, (row.cells for row in rows))
    columns = list(zip(*(row.cells for row in rows), strict=True)) if rows else [()] * len(COLUMNS)
    table = pa.table(dict(zip(COLUMNS, columns, strict=True)), schema=_SCHEMA)
    with replace_file(paths.series_parquet) as part:
        pq.write_table(table, part)


def write_history(folder: Path, replaced: Iterable[tuple[int, Row]]) -> None:
    """Write ``history.csv``: rows that were replaced, with the number of the revision they belonged to, from 1."""
    write_csv(RunPaths(folder).history, ("revision", *COLUMNS), ((number, *row.cells) for number, row in replaced))
