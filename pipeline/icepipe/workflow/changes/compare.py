"""Two observations of a run compared: the table and the figures, told to people and to programs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from icepipe.classes import BUDGET, SEEN, ClassCode
from icepipe.errors import ConfigError
from icepipe.measure.change.occlusion import HIDING
from icepipe.measure.change.transitions import ChangeTable
from icepipe.publish.run_folder.class_map import ClassMap, open_class_map
from icepipe.publish.tables.text import align_columns
from icepipe.publish.vectors.change_layer import write_change_layer
from icepipe.workflow.changes.compare_maps import GainLossRasters, change_between
from icepipe.workflow.changes.update import layer_of

NOT_SEEN = "not seen"
_GROUPS: tuple[tuple[str, tuple[ClassCode, ...]], ...] = (
    *((code.label, (code,)) for code in SEEN),
    (NOT_SEEN, HIDING),
    ("land", (ClassCode.LAND,)),
    ("all", BUDGET),
)


@dataclass(frozen=True)
class Comparison:
    """Two observations and what lies between them."""

    before: ClassMap
    after: ClassMap
    change: ChangeTable


def compare_observations(folder: Path, before: str, after: str, out: Path | None) -> Comparison:
    """Compare two observations of a run, and write polygons of gain and loss where a file is given.

    Raises
    ------
    ConfigError
        If there is no such observation, or the file does not end in ``.gpkg``.
    InputError
        If the files of one were changed, or it stands on another basis.
    """
    if out and out.suffix != ".gpkg":
        raise ConfigError(f"--out {out}: polygons are written as GeoPackage", "let its name end in .gpkg")
    first, second = open_class_map(folder, before), open_class_map(folder, after)
    found = GainLossRasters.on(first.basis.grid) if out else None
    change = change_between(first, second, into=found)
    if out and found:
        write_change_layer(out, layer_of(first, second, change, found))
    return Comparison(first, second, change)


def _cell(change: ChangeTable, before: Sequence[ClassCode], after: Sequence[ClassCode]) -> str:
    """km2 of a cell of the table; empty where a class of its row or column is not known."""
    known = _all_known(before, change.known_before) and _all_known(after, change.known_after)
    return f"{change.km2(before, after):,.3f}" if known else ""


def _all_known(codes: Collection[ClassCode], known: Collection[ClassCode]) -> bool:
    """Whether no seen class is one whose area is not known; sums over all classes are known all the same."""
    return len(codes) == len(BUDGET) or all(code in known for code in codes if code in SEEN)


def _table(compared: Comparison) -> list[list[str]]:
    change, land = compared.change, [ClassCode.LAND]
    has_land = change.units(land, BUDGET) + change.units(BUDGET, land) > 0
    groups = [(name, codes) for name, codes in _GROUPS if name != "land" or has_land]
    lines = [["from \\ to, km2", *(name for name, _ in groups), ""]]
    for name, before in groups:
        lines.append([name, *(_cell(change, before, after) for _, after in groups), ""])
    return lines


def _figure(value: float | None, sign: str = "") -> str:
    return "not known" if value is None else format(value, f"{sign},.3f")


def _sums(change: ChangeTable) -> list[list[str]]:
    lines = [["class", "gained km2", "lost km2", "net km2", ""]]
    for code in SEEN:
        figures = _figure(change.gained_km2(code)), _figure(change.lost_km2(code)), _figure(change.net_km2(code), "+")
        lines.append([code.label, *figures, ""])
    return lines


def _notes(compared: Comparison) -> list[str]:
    """What a reader of the figures should know, in sentences."""
    change = compared.change
    sea_km2 = change.region_km2 - change.land_km2
    share = f" ({change.compared_km2 / sea_km2:.1%} of the region without land)" if sea_km2 > 0 else ""
    notes = [
        f"seen on both days: {change.compared_km2:,.3f} km2{share}; not on both: {change.not_compared_km2:,.3f} km2"
    ]
    notes += [
        f"{one.key} is flagged {' '.join(sorted(one.flags))}" for one in (compared.before, compared.after) if one.flags
    ]
    if compared.before.record.made.settings != compared.after.record.made.settings:
        notes.append("the two were made with other settings, which may differ in what they call ice")
    return notes


def compare_lines(compared: Comparison) -> list[str]:
    """Table, gain and loss, and notes for people."""
    return [
        f"{compared.before.key} -> {compared.after.key}",
        *align_columns(_table(compared)),
        "",
        *align_columns(_sums(compared.change)),
        *_notes(compared),
    ]


def compare_json(compared: Comparison, out: Path | None) -> dict[str, Any]:
    """The same for programs; what is not known is null."""
    change = compared.change
    return {
        "from_date": compared.before.key,
        "to_date": compared.after.key,
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
                "from_class": one.before.label,
                "to_class": one.after.label,
                "area_km2": one.units * change.unit_m2 / 1e6 if change.is_known(one) else None,
                "n_pixels": one.n_pixels if change.is_known(one) else None,
            }
            for one in change.transitions
        ],
        "flags": {one.key: sorted(one.flags) for one in (compared.before, compared.after)},
        "polygons": None if out is None else str(out),
    }
