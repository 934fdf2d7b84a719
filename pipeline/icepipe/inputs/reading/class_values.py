"""Encode the values of class rasters: a class code and, for concentrations, the share of the pixel it covers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from icepipe.arrays import Bool, StoredPixels, UInt8, UInt16
from icepipe.classes import ClassCode, ClassEntry
from icepipe.inputs.scenes import ClassValues

FULL_COVER = 10_000
"""Concentrations are stored as integers of this fraction."""

STEP = FULL_COVER + 2
"""A stored pixel is class code * STEP, plus 0 without a concentration, or plus 1 + concentration * FULL_COVER."""

WORD = np.dtype(np.uint16)


def encoded_codes(pixels: StoredPixels) -> UInt8:
    """Return the class codes of stored pixels; any shape."""
    return (pixels // STEP).astype(np.uint8)


def encode(stored: NDArray[np.number[Any]], table: ClassValues) -> tuple[UInt16, Bool]:
    """Encode the values of a class raster; return them and where the table defines the value, shape of ``stored``."""
    pixels = np.zeros(stored.shape, dtype=WORD)
    known = np.zeros(stored.shape, dtype=bool)
    # Ranges are closed at both ends and later entries overwrite earlier ones: a value on the border of two ranges
    # belongs to the upper one, and single values, which come last, take precedence over ranges.
    for entry in table.entries:
        matches = (stored >= entry.low) & (stored <= entry.high)
        pixels[matches] = entry.code * STEP + encoded_concentration(stored[matches], entry, table.weight)
        known |= matches
    return pixels, known


def encoded_concentration(values: NDArray[np.number[Any]], entry: ClassEntry, weight: float | None) -> UInt16:
    """Return the concentration part of stored pixels: 1 + concentration in a range of ice, else 0."""
    if weight is None or not entry.is_range or entry.code is not ClassCode.ICE:
        return np.zeros(values.shape, dtype=WORD)
    parts = np.rint(values.astype(np.float64) * weight * FULL_COVER)
    return (np.clip(parts, 0, FULL_COVER) + 1).astype(WORD)
