"""Classes of pixels: codes, names and colours."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum


class ClassCode(IntEnum):
    """Class of a pixel; the values are the codes in rasters and tables."""

    UNOBSERVED = 0
    WATER = 1
    ICE = 2
    OTHER = 3
    CLOUD = 4
    LAND = 5
    OUTSIDE = 255

    @property
    def label(self) -> str:
        """Name of the class in tables and file names."""
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
"""RGB of every class; lightness differs, so that they are distinguishable with any colour vision."""

FULL_PERCENT, NO_PERCENT = 100, 255
"""Percent of ice in a pixel that is all ice, and the number of a pixel whose percent is not known."""


def percent_colour(percent: int) -> tuple[int, int, int]:
    """Return the RGB of a share of ice: from the colour of water for none to that of ice for a pixel full of it."""
    water, ice = CLASS_COLOURS[ClassCode.WATER], CLASS_COLOURS[ClassCode.ICE]
    red, green, blue = (round(w + (i - w) * percent / FULL_PERCENT) for w, i in zip(water, ice, strict=True))
    return red, green, blue


SEEN = (ClassCode.WATER, ClassCode.ICE, ClassCode.OTHER)
"""Classes that come from clusters: the observed surface."""

BUDGET = (*SEEN, ClassCode.CLOUD, ClassCode.LAND, ClassCode.UNOBSERVED)
"""Classes whose areas add up to the region."""

_CODES = {code.label: code for code in BUDGET}
_NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_VALUE = re.compile(rf"^(?P<low>{_NUMBER})(?:\.\.(?P<high>{_NUMBER}))?$")


@dataclass(frozen=True)
class ClassEntry:
    """Range of stored values of a class raster, and their class; both ends are equal for a single value."""

    low: float
    high: float
    code: ClassCode

    @property
    def is_range(self) -> bool:
        """Whether the entry has more than one value."""
        return self.low < self.high


def parse_class_table(table: Mapping[str, str | float]) -> tuple[tuple[ClassEntry, ...], float | None]:
    """Parse a table of class values into entries, ranges first, and the weight that scales values to concentrations.

    Raises
    ------
    ValueError
        If the table is invalid.
    """
    entries = [_class_entry(key, name) for key, name in table.items() if key != "weight"]
    ranges = sorted((e for e in entries if e.is_range), key=lambda e: e.low)
    for before, after in itertools.pairwise(ranges):
        # Half-open: a range may begin where the previous one ends.
        if after.low < before.high:
            raise ValueError(f"the ranges from {before.low:g} and from {after.low:g} overlap")
    weight = table.get("weight")
    if weight is not None and not (isinstance(weight, int | float) and weight > 0 and math.isfinite(weight)):
        raise ValueError("weight wants a number over 0, e.g. 0.001 where 1000 means full cover")
    if not entries:
        raise ValueError("names no value")
    if weight is not None and not any(e.code is ClassCode.ICE for e in ranges):
        raise ValueError("weight wants a range of values that is ice")
    # Single values last: they override the range that contains them.
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
