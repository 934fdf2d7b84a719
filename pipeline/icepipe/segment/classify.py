"""The hot path: pixels of a block to clusters."""

from __future__ import annotations

import numpy as np

from icepipe.records import ClassCode, Model, Pixels, UInt8
from icepipe.segment.cluster import nearest

UNKNOWN = 255
FIRST_MASK = 240
"""Strata below this are clusters; the others are ``FIRST_MASK`` plus a class code, or outside the region."""


def stratum_of(code: ClassCode) -> int:
    """Stratum of pixels that no cluster describes."""
    return int(code) if code is ClassCode.OUTSIDE else FIRST_MASK + code


def class_table(model: Model) -> UInt8:
    """Class code of each of the 256 strata."""
    table = np.full(256, ClassCode.OUTSIDE, dtype=np.uint8)
    table[: len(model.clusters)] = model.codes
    for code in (ClassCode.UNOBSERVED, ClassCode.CLOUD, ClassCode.LAND):
        table[stratum_of(code)] = code
    return table


class ColourTable:
    """Nearest cluster of every 8-bit colour, filled as colours turn up.

    A picture has far fewer colours than pixels, so most pixels cost one look-up. Exact: an entry is the answer of
    :func:`nearest`.
    """

    def __init__(self, model: Model) -> None:
        self._centroids = model.centroids
        self._table = np.full(2**24, UNKNOWN, dtype=np.uint8)

    def clusters(self, pixels: Pixels) -> UInt8:
        """Cluster number of every pixel, ``stratum_of(UNOBSERVED)`` where it was not seen; shape (rows, columns)."""
        red, green, blue = pixels.bands.astype(np.uint32)
        colour = red << 16 | green << 8 | blue
        index: UInt8 = self._table[colour]
        missing = np.unique(colour[(index == UNKNOWN) & pixels.valid])
        if len(missing):
            values = np.stack([missing >> 16, missing >> 8 & 255, missing & 255], axis=1)
            self._table[missing] = nearest(values, self._centroids)
            index = self._table[colour]
        index[~pixels.valid] = stratum_of(ClassCode.UNOBSERVED)
        return index
