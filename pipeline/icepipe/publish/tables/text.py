"""The series as a table for people: a line an observation and region."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from icepipe.measure.area.series import Row, all_flags


def align_columns(lines: Sequence[Sequence[str]]) -> list[str]:
    """Cells as columns: the first and the last to the left, numbers between them to the right."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    last = len(widths) - 1
    return [
        "  ".join(
            cell.ljust(width) if i in {0, last} else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def _km2(value: float | None) -> str:
    return "" if value is None else f"{value:,.3f}"


def _cells(rows: Sequence[Row], named: bool) -> list[str]:
    by_class = {row.class_: row for row in rows}
    ice, water = by_class["ice"], by_class["water"]
    bounds = f"{_km2(ice.area_low_km2)} .. {_km2(ice.area_high_km2)}" if ice.area_km2 is not None else "not known"
    seen = f"{ice.valid_fraction:.1%}"
    where = [ice.region] if named else []
    return [
        ice.date,
        *where,
        _km2(ice.area_km2),
        bounds,
        _km2(water.area_km2),
        _km2(ice.unknown_km2),
        seen,
        " ".join(sorted(all_flags(rows))),
    ]


def series_cells(rows: Sequence[Row]) -> list[list[str]]:
    """Cells of the table, its header first; regions are named where there are several."""
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.date, row.region].append(row)
    named = len({region for _, region in groups}) > 1
    where = ["region"] if named else []
    header = ["date", *where, "ice km2", "ice low .. high", "water km2", "unknown km2", "seen", "flags"]
    return [header, *(_cells(members, named) for members in groups.values())]
