"""The series as a text table: one line per observation and region."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from icepipe.measure.area.series import Row, all_flags


def align_columns(lines: Sequence[Sequence[str]]) -> list[str]:
    """Join cells to lines of aligned columns: the first and the last to the left, all others to the right."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    last = len(widths) - 1
    return [
        "  ".join(
            cell.ljust(width) if i in {0, last} else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def area_text(km2: float | None) -> str:
    """Return an area in km2 with three decimals; empty if it is not known."""
    return "" if km2 is None else f"{km2:,.3f}"


def series_cells(rows: Sequence[Row]) -> list[list[str]]:
    """Return the cells of the table, header first; the column of regions is left out if there is only one."""
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.date, row.region].append(row)
    has_regions = len({region for _, region in groups}) > 1
    # All rows of a series were made with the same settings.
    ice_km2 = "white ice km2" if rows and rows[0].ice == "white" else "ice km2"
    header = ["date", "region", ice_km2, "ice low .. high", "water km2", "unknown km2", "seen", "flags"]
    lines = [header]
    for (date, region), members in groups.items():
        by_class = {row.class_: row for row in members}
        # Ice and water have a row on every date, also where their area is unknown.
        ice, water = by_class["ice"], by_class["water"]
        bounds = f"{area_text(ice.area_low_km2)} .. {area_text(ice.area_high_km2)}"
        lines.append(
            [
                date,
                region,
                area_text(ice.area_km2),
                bounds if ice.area_km2 is not None else "not known",
                area_text(water.area_km2),
                area_text(ice.unknown_km2),
                f"{ice.valid_fraction:.1%}",
                " ".join(sorted(all_flags(members))),
            ]
        )
    return lines if has_regions else [[date, *others] for date, _, *others in lines]
