"""Class rasters from rows of letters, for tests of change."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from icepipe.arrays import Int64, UInt8
from icepipe.classes import BUDGET, ClassCode
from icepipe.measure.area.tally import Tally
from icepipe.measure.change.transitions import ChangeTable, change_table, encode_pairs

LETTERS = {
    "w": ClassCode.WATER,
    "i": ClassCode.ICE,
    "o": ClassCode.OTHER,
    "c": ClassCode.CLOUD,
    "L": ClassCode.LAND,
    "?": ClassCode.UNOBSERVED,
    ".": ClassCode.OUTSIDE,
}


def drawn(*rows: str) -> UInt8:
    """Return class codes from rows of letters."""
    return np.array([[LETTERS[letter] for letter in row] for row in rows], dtype=np.uint8)


def changed(
    before: UInt8, after: UInt8, units: Int64 | None = None, known: Sequence[ClassCode] = BUDGET
) -> ChangeTable:
    """Return the change between two rasters; a pixel has 1 km2, or ``units`` km2."""
    tally = Tally()
    tally.add(encode_pairs(before, after), np.ones(before.shape, np.int64) if units is None else units)
    return change_table(tally, 1e6, known, known)
