"""Compiled kernels of reading: value lookup, compositing of scenes, masking."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from icepipe.arrays import Bool, StoredPixels, UInt8
from icepipe.classes import ClassCode
from icepipe.runtime.jit import compiled

UNOBSERVED, CLOUD, LAND, OUTSIDE = (
    int(code) for code in (ClassCode.UNOBSERVED, ClassCode.CLOUD, ClassCode.LAND, ClassCode.OUTSIDE)
)


@compiled
def look_up(
    stored: NDArray[np.unsignedinteger[Any]], units: StoredPixels, seen: Bool, out: StoredPixels, valid: Bool
) -> None:
    """Look up the units of reflectance of a band, and clear ``valid`` where the value is nodata.

    Parameters
    ----------
    stored
        Bits of the stored values as unsigned integers, shape (rows, columns).
    units, seen
        Units of reflectance and validity of every possible value.
    out, valid
        Results, shape (rows, columns); ``out`` may share memory with ``stored``.
    """
    for row in range(stored.shape[0]):
        for col in range(stored.shape[1]):
            # Read before writing: both can be the same memory.
            value = stored[row, col]
            out[row, col] = units[value]
            valid[row, col] &= seen[value]


@compiled
def composite_layer(
    top: int,
    left: int,
    layer: tuple[StoredPixels, Bool, Bool, Bool],
    bands: StoredPixels,
    composite: tuple[Bool, UInt8, Bool],
) -> None:
    """Add a scene to a composite: the first clear pixel wins, then cloud, then land, then unobserved.

    Parameters
    ----------
    top, left
        Position of the scene in the block.
    layer
        Bands, data mask, cloud mask and land mask of the scene; the land mask has no rows if the scene has none.
    bands
        Bands of the block, shape (bands, rows, columns).
    composite
        Arrays ``valid``, ``hidden`` and ``twice`` of the block.
    """
    (scene_bands, data, cloud, land), (valid, hidden, twice) = layer, composite
    wins = np.empty(data.shape[1], dtype=np.bool_)
    for i in range(data.shape[0]):
        row, cols = top + i, slice(left, left + data.shape[1])
        _composite_row(data[i], cloud[i], valid[row, cols], hidden[row, cols], twice[row, cols], wins)
        for band in range(bands.shape[0]):
            _copy_where(scene_bands[band, i], wins, bands[band, row, cols])
        # Land of a class raster is not data, so the composite of the row does not know it.
        if land.shape[0]:
            _mark_land(land[i], hidden[row, cols])


# The rows are functions of their own, so that the compiler sees contiguous arrays and vectorizes their loops.
@compiled
def _composite_row(data: Bool, cloud: Bool, valid: Bool, hidden: UInt8, twice: Bool, wins: Bool) -> None:
    """Add a row of a scene to a composite; set ``wins`` where its bands are to be copied."""
    for i in range(len(data)):
        clear, clouded = data[i] and not cloud[i], data[i] and cloud[i]
        # The first scene's cloud is shown where no scene is clear.
        wins[i] = data[i] and not valid[i] and (clear or hidden[i] != CLOUD)
        # A second clear scene counts the pixel as seen twice; it does not replace the first.
        twice[i] |= clear and valid[i]
        valid[i] |= clear
        hidden[i] = CLOUD if clouded and hidden[i] != LAND else hidden[i]


@compiled
def _copy_where(scene_band: StoredPixels, wins: Bool, band: StoredPixels) -> None:
    """Copy the pixels of a row that win."""
    for i in range(len(wins)):
        # A select without a branch, which the compiler vectorizes.
        band[i] = scene_band[i] if wins[i] else band[i]


@compiled
def _mark_land(land: Bool, hidden: UInt8) -> None:
    """Set the code of land in a row."""
    for i in range(len(land)):
        hidden[i] = LAND if land[i] else hidden[i]


@compiled
def apply_masks(known: Bool, land: Bool, within: Bool, composite: tuple[Bool, UInt8, Bool]) -> int:
    """Mask pixels that are unknown, land or outside the region; return how many valid pixels were seen twice."""
    valid, hidden, twice = composite
    doubled = 0
    for row in range(valid.shape[0]):
        doubled += _mask_row(known[row], land[row], within[row], valid[row], hidden[row], twice[row])
    return doubled


@compiled
def _mask_row(known: Bool, land: Bool, within: Bool, valid: Bool, hidden: UInt8, twice: Bool) -> int:
    """Mask a row; return how many of its valid pixels were seen twice."""
    doubled = 0
    for i in range(len(valid)):
        # In order of precedence: outside, land, unobserved, whatever hid the pixel before.
        code = hidden[i] if known[i] else np.uint8(UNOBSERVED)
        code = np.uint8(LAND) if land[i] else code
        hidden[i] = code if within[i] else np.uint8(OUTSIDE)
        valid[i] &= known[i] & (not land[i]) & within[i]
        doubled += valid[i] & twice[i]
    return doubled
