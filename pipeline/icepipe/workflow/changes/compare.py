"""Compare two observations of a run, and lay the result out as text lines or JSON."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from icepipe.classes import BUDGET, SEEN, ClassCode
from icepipe.errors import ConfigError
from icepipe.measure.area.quantity import Quantity
from icepipe.measure.change.occlusion import HIDING
from icepipe.measure.change.transitions import ChangeTable
from icepipe.publish.run_folder.class_map import ClassMap, open_class_map
from icepipe.publish.tables.text import align_columns
from icepipe.publish.vectors.change_layer import write_change_layer
from icepipe.workflow.changes.compare_maps import GainLossRasters, change_between
from icepipe.workflow.changes.update import gain_loss_layer

NOT_SEEN = "not seen"
TABLE_GROUPS: tuple[tuple[str, tuple[ClassCode, ...]], ...] = (
    *((code.label, (code,)) for code in SEEN),
    (NOT_SEEN, HIDING),
    ("land", (ClassCode.LAND,)),
    ("all", BUDGET),
)
"""Rows and columns of the table of transitions."""


@dataclass(frozen=True)
class Comparison:
    """Two observations and the change between them."""

    before: ClassMap
    after: ClassMap
    change: ChangeTable


def compare_observations(folder: Path, before: str, after: str, out: Path | None) -> Comparison:
    """Compare two observations of a run, and write polygons of gain and loss if a file is given.

    Raises
    ------
    ConfigError
        If an observation does not exist, or the file does not end in ``.gpkg``.
    InputError
        If the files of an observation were changed, or it has another basis.
    """
    if out and out.suffix != ".gpkg":
        raise ConfigError(f"--out {out}: polygons are written as GeoPackage", "use a file name that ends in .gpkg")
    first, second = open_class_map(folder, before), open_class_map(folder, after)
    rasters = GainLossRasters.for_grid(first.basis.grid) if out else None
    change = change_between(first, second, into=rasters)
    if out and rasters:
        write_change_layer(out, gain_loss_layer(first, second, change, rasters))
    return Comparison(first, second, change)


def transition_table(change: ChangeTable) -> list[list[str]]:
    """Return the cells of the table of transitions, in km2; empty for a class whose area is not known."""

    def is_known(codes: Collection[ClassCode], known: Collection[ClassCode]) -> bool:
        # The area of all classes together is known even if the area of one is not.
        return len(codes) == len(BUDGET) or all(code in known for code in codes if code in SEEN)

    land = [ClassCode.LAND]
    has_land = change.units(land, BUDGET) + change.units(BUDGET, land) > 0
    groups = [(name, codes) for name, codes in TABLE_GROUPS if name != "land" or has_land]
    # The last column is empty, because :func:`align_columns` aligns the last one to the left, and numbers go right.
    lines = [[f"from \\ to, {Quantity.PIXEL_AREA} km2", *(name for name, _ in groups), ""]]
    for name, before in groups:
        cells = [
            f"{change.km2(before, after):,.3f}"
            if is_known(before, change.known_before) and is_known(after, change.known_after)
            else ""
            for _, after in groups
        ]
        lines.append([name, *cells, ""])
    return lines


def gain_loss_table(change: ChangeTable) -> list[list[str]]:
    """Return the cells of the table of gain, loss and net change of every class, in km2."""

    def cell(km2: float | None, sign: str = "") -> str:
        return "not known" if km2 is None else format(km2, f"{sign},.3f")

    # The last column is empty, as in the table of transitions.
    lines = [["class", "gained km2", "lost km2", "net km2", ""]]
    for code in SEEN:
        cells = cell(change.gained_km2(code)), cell(change.lost_km2(code)), cell(change.net_km2(code), "+")
        lines.append([code.label, *cells, ""])
    return lines


def comparison_notes(compared: Comparison) -> list[str]:
    """Return notes on the area that was compared, on flags, and on settings that differ."""
    change = compared.change
    without_land_km2 = change.region_km2 - change.land_km2
    share = ""
    if without_land_km2 > 0:
        share = f" ({change.compared_km2 / without_land_km2:.1%} of the region without land)"
    notes = [
        f"seen on both days: {change.compared_km2:,.3f} km2{share}; not on both: {change.not_compared_km2:,.3f} km2"
    ]
    notes += [
        f"{class_map.key} is flagged {' '.join(sorted(class_map.flags))}"
        for class_map in (compared.before, compared.after)
        if class_map.flags
    ]
    if compared.before.record.made.settings != compared.after.record.made.settings:
        notes.append("the observations were made with different settings, which may name ice differently")
    return notes


def compare_lines(compared: Comparison) -> list[str]:
    """Return the tables and notes for people."""
    return [
        f"{compared.before.key} -> {compared.after.key}",
        *align_columns(transition_table(compared.change)),
        "",
        *align_columns(gain_loss_table(compared.change)),
        *comparison_notes(compared),
    ]


def compare_json(compared: Comparison, out: Path | None) -> dict[str, Any]:
    """Return the comparison for programs; areas that are not known are null."""
    change = compared.change
    return {
        "from_date": compared.before.key,
        "to_date": compared.after.key,
        "quantity": Quantity.PIXEL_AREA,
        "region_km2": change.region_km2,
        "compared_km2": change.compared_km2,
        "not_compared_km2": change.not_compared_km2,
        "land_km2": change.land_km2,
        "classes": {
            code.label: {
                "gained_km2": change.gained_km2(code),
                "lost_km2": change.lost_km2(code),
                "net_km2": change.net_km2(code),
            }
            for code in SEEN
        },
        "transitions": [
            {
                "from_class": transition.before.label,
                "to_class": transition.after.label,
                "area_km2": transition.units * change.unit_m2 / 1e6 if change.is_known(transition) else None,
                "n_pixels": transition.n_pixels if change.is_known(transition) else None,
            }
            for transition in change.transitions
        ],
        "flags": {class_map.key: sorted(class_map.flags) for class_map in (compared.before, compared.after)},
        "polygons": None if out is None else str(out),
    }
