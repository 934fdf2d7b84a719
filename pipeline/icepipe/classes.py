"""The classes a pixel can be of: the one table that codes, names and colours come from."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum


class ClassCode(IntEnum):
    """What a pixel is; the number that stands in every raster and table."""

    UNOBSERVED = 0
    WATER = 1
    ICE = 2
    OTHER = 3
    CLOUD = 4
    LAND = 5
    OUTSIDE = 255

    @property
    def label(self) -> str:
        """Name in tables and file names."""
        return self.name.lower()


CLASS_COLOURS: dict[ClassCode, tuple[int, int, int]] = {
    ClassCode.UNOBSERVED: (136, 136, 136),
    ClassCode.WATER: (0, 68, 136),
    ClassCode.ICE: (187, 238, 255),
    ClassCode.OTHER: (221, 170, 51),
    ClassCode.CLOUD: (238, 238, 238),
    ClassCode.LAND: (102, 85, 34),
    ClassCode.OUTSIDE: (0, 0, 0),
}
"""Red, green, blue of every class, told apart by people with any colour vision (lightness differs)."""

SEEN = (ClassCode.WATER, ClassCode.ICE, ClassCode.OTHER)
"""Classes that come from clusters: what was really seen of the surface."""

BUDGET = (*SEEN, ClassCode.CLOUD, ClassCode.LAND, ClassCode.UNOBSERVED)
"""Classes whose areas add up to the region."""


_CODES = {code.label: code for code in BUDGET}
_NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_VALUE = re.compile(rf"^(?P<low>{_NUMBER})(?:\.\.(?P<high>{_NUMBER}))?$")


@dataclass(frozen=True)
class ClassEntry:
    """Stored numbers of a class raster, and what they mean; one number where both ends are equal."""

    low: float
    high: float
    code: ClassCode

    @property
    def is_range(self) -> bool:
        """Whether it stands for more than one number."""
        return self.low < self.high


def parse_class_table(table: Mapping[str, str | float]) -> tuple[tuple[ClassEntry, ...], float | None]:
    """Entries of a table of class values, ranges first, and the weight that makes concentrations of them.

    Raises
    ------
    ValueError
        If it cannot be understood.
    """
    entries = [_class_entry(key, name) for key, name in table.items() if key != "weight"]
    ranges = sorted((e for e in entries if e.is_range), key=lambda e: e.low)
    for before, after in itertools.pairwise(ranges):
        if after.low < before.high:
            raise ValueError(f"the ranges from {before.low:g} and from {after.low:g} overlap")
    weight = table.get("weight")
    if weight is not None and not (isinstance(weight, int | float) and weight > 0 and math.isfinite(weight)):
        raise ValueError("weight wants a number over 0, e.g. 0.001 where 1000 means full cover")
    if not entries:
        raise ValueError("names no value")
    if weight is not None and not any(e.code is ClassCode.ICE for e in ranges):
        raise ValueError("weight wants a range of values that is ice")
    return (*ranges, *(e for e in entries if not e.is_range)), weight


def _class_entry(key: str, name: str | float) -> ClassEntry:
    match = _VALUE.match(key.strip())
    if match is None:
        raise ValueError(f"{key!r} is neither a number nor a range such as 150..1000")
    if name not in _CODES:
        raise ValueError(f"{key}: {name!r} is none of {', '.join(_CODES)}")
    low, high = float(match["low"]), float(match["high"] or match["low"])
    if low > high or (match["high"] and low == high):
        raise ValueError(f"the range {key} is empty or one number")
    return ClassEntry(low, high, _CODES[str(name)])
