"""Class rasters: stored numbers to a class and, where they are concentrations, how much of a pixel it covers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from icepipe.arrays import Bool, StoredPixels, UInt8, UInt16
from icepipe.classes import ClassCode, ClassEntry
from icepipe.inputs.scenes import ClassValues

FULL_COVER = 10_000
"""Concentrations are kept as whole parts of this."""

STEP = FULL_COVER + 2
"""A kept number is a class code times this, plus nothing without a concentration, or 1 plus the concentration."""

WORD = np.dtype(np.uint16)


def encoded_codes(kept: StoredPixels) -> UInt8:
    """Class code of kept numbers; any shape."""
    return (kept // STEP).astype(np.uint8)


def encode(stored: NDArray[np.number[Any]], table: ClassValues) -> tuple[UInt16, Bool]:
    """Kept numbers, and where the table says anything; shape of ``stored``.

    A value where one range ends and another starts belongs to the one that starts; single values stand above ranges.
    """
    kept = np.zeros(stored.shape, dtype=WORD)
    known = np.zeros(stored.shape, dtype=bool)
    for entry in table.entries:
        here = (stored >= entry.low) & (stored <= entry.high)
        kept[here] = entry.code * STEP + _cover(stored[here], entry, table.weight)
        known |= here
    return kept, known


def _cover(values: NDArray[np.number[Any]], entry: ClassEntry, weight: float | None) -> UInt16:
    """What a kept number adds to its class: the concentration of ice in a range of ice, nothing elsewhere."""
    if weight is None or not entry.is_range or entry.code is not ClassCode.ICE:
        return np.zeros(values.shape, dtype=WORD)
    parts = np.rint(values.astype(np.float64) * weight * FULL_COVER)
    return (np.clip(parts, 0, FULL_COVER) + 1).astype(WORD)
