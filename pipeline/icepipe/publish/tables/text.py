"""The series as a text table: one line per observation and region."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from icepipe.measure.area.quantity import Quantity
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
    """Return the cells of the table, header first; the column of regions is left out if there is only one.

    The quantity of the series leads, and the other one is in the column after it where any row of the class has it.
    """
    quantity = Quantity.of(rows)
    with_other = {row.class_ for row in rows if quantity.other.area_km2(row) is not None}
    ice_beside, water_beside = ([quantity.other] if class_ in with_other else [] for class_ in ("ice", "water"))
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.date, row.region].append(row)
    has_regions = len({region for _, region in groups}) > 1
    # All rows of a series were made with the same settings.
    ice_name = "white ice" if rows and rows[0].ice == "white" else "ice"
    ice_header = [f"{ice_name} {quantity} km2", "ice low .. high", *ice_beside]
    water_header = [f"water {quantity} km2", *water_beside]
    lines = [["date", "region", *ice_header, *water_header, "unknown km2", "seen", "flags"]]
    for (date, region), members in groups.items():
        by_class = {row.class_: row for row in members}
        # Ice and water have a row on every date, also where their area is unknown.
        ice, water = by_class["ice"], by_class["water"]
        bounds = f"{area_text(ice.area_low_km2)} .. {area_text(ice.area_high_km2)}"
        lines.append(
            [
                date,
                region,
                area_text(quantity.area_km2(ice)),
                bounds if ice.area_km2 is not None else "not known",
                *(area_text(beside.area_km2(ice)) for beside in ice_beside),
                area_text(quantity.area_km2(water)),
                *(area_text(beside.area_km2(water)) for beside in water_beside),
                area_text(ice.unknown_km2),
                f"{ice.valid_fraction:.1%}",
                " ".join(sorted(all_flags(members))),
            ]
        )
    return lines if has_regions else [[date, *others] for date, _, *others in lines]
