"""The compiled part of reading: numbers looked up, scenes laid over each other, true area."""

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
    stored: NDArray[np.unsignedinteger[Any]], units: StoredPixels, seen: Bool, kept: StoredPixels, valid: Bool
) -> None:
    """Kept numbers of a band by the bits of its stored ones, into ``kept``; ``valid`` stays where they were seen.

    Shapes: ``stored``, ``kept`` and ``valid`` (rows, columns); ``units`` and ``seen`` one for every number.
    """
    for row in range(stored.shape[0]):
        for col in range(stored.shape[1]):
            place = stored[row, col]
            kept[row, col] = units[place]
            valid[row, col] &= seen[place]


@compiled
def composite_layer(
    top: int,
    left: int,
    layer: tuple[StoredPixels, Bool, Bool, Bool],
    bands: StoredPixels,
    laid: tuple[Bool, UInt8, Bool],
) -> None:
    """Lay a scene over those before it: the first that shows the surface wins, then cloud, then land, then nothing.

    Parameters
    ----------
    top, left
        Where the scene begins in the block.
    layer
        Its bands, where it has data, where cloud is, and where land is (of no rows where nothing tells).
    bands
        Of the block, shape (bands, rows, columns).
    laid
        Where the surface is seen, what hides it, and where more than one scene shows it; of the block.
    """
    (shown, data, cloud, land), (valid, hidden, twice) = layer, laid
    wins = np.empty(data.shape[1], dtype=np.bool_)
    for i in range(data.shape[0]):
        row, cols = top + i, slice(left, left + data.shape[1])
        _composite_row(data[i], cloud[i], valid[row, cols], hidden[row, cols], twice[row, cols], wins)
        for band in range(bands.shape[0]):
            _take(shown[band, i], wins, bands[band, row, cols])
        if land.shape[0]:
            _put_land(land[i], hidden[row, cols])


@compiled
def _composite_row(data: Bool, cloud: Bool, valid: Bool, hidden: UInt8, twice: Bool, wins: Bool) -> None:
    """One row of a scene laid over those before it; ``wins`` becomes True where its bands are to be shown."""
    for i in range(len(data)):
        clear, under = data[i] and not cloud[i], data[i] and cloud[i]
        wins[i] = data[i] and not valid[i] and (clear or hidden[i] != CLOUD)
        twice[i] |= clear and valid[i]
        valid[i] |= clear
        hidden[i] = CLOUD if under and hidden[i] != LAND else hidden[i]


@compiled
def _take(shown: StoredPixels, wins: Bool, band: StoredPixels) -> None:
    for i in range(len(wins)):
        band[i] = shown[i] if wins[i] else band[i]


@compiled
def _put_land(land: Bool, hidden: UInt8) -> None:
    for i in range(len(land)):
        hidden[i] = LAND if land[i] else hidden[i]


@compiled
def apply_masks(known: Bool, land: Bool, within: Bool, laid: tuple[Bool, UInt8, Bool]) -> int:
    """Take out what no mask tells of, land, and what lies outside; how many pixels that are left were seen twice."""
    valid, hidden, twice = laid
    doubled = 0
    for row in range(valid.shape[0]):
        doubled += _mask_row(known[row], land[row], within[row], valid[row], hidden[row], twice[row])
    return doubled


@compiled
def _mask_row(known: Bool, land: Bool, within: Bool, valid: Bool, hidden: UInt8, twice: Bool) -> int:
    doubled = 0
    for i in range(len(valid)):
        what = hidden[i] if known[i] else np.uint8(UNOBSERVED)
        what = np.uint8(LAND) if land[i] else what
        hidden[i] = what if within[i] else np.uint8(OUTSIDE)
        valid[i] &= known[i] & (not land[i]) & within[i]
        doubled += valid[i] & twice[i]
    return doubled
