"""The hot path: pixels of a block to clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from icepipe.classes import SEEN, ClassCode
from icepipe.inputs.sensors import Sensor
from icepipe.models import Model
from icepipe.records import Pixels, UInt8
from icepipe.segment.cluster import nearest

UNKNOWN = 255
FIRST_MASK = 240
"""Strata below this are clusters; the others are ``FIRST_MASK`` plus a class code, or outside the region."""


def stratum_of(code: ClassCode) -> int:
    """Stratum of pixels that no cluster describes."""
    return int(code) if code is ClassCode.OUTSIDE else FIRST_MASK + code


_HIDDEN = np.array([stratum_of(ClassCode.UNOBSERVED)] * 256, dtype=np.uint8)
for _code in (ClassCode.CLOUD, ClassCode.LAND, ClassCode.OUTSIDE):
    _HIDDEN[_code] = stratum_of(_code)
"""Stratum of each reason why a pixel is hidden."""


def class_table(model: Model) -> UInt8:
    """Class code of each of the 256 strata."""
    table = np.full(256, ClassCode.OUTSIDE, dtype=np.uint8)
    table[: len(model.clusters)] = model.codes
    for code in (ClassCode.UNOBSERVED, ClassCode.CLOUD, ClassCode.LAND):
        table[stratum_of(code)] = code
    return table


class Search(Protocol):
    """A way to find the nearest cluster of every pixel."""

    def clusters(self, pixels: Pixels) -> UInt8:
        """Cluster number of every pixel, the stratum of what hides it elsewhere; shape (rows, columns)."""
        ...


def search_of(model: Model, sensor: Sensor) -> Search:
    """The search that fits a sensor's numbers."""
    return ColourTable(model) if sensor.stretch else DirectSearch(model)


class DirectSearch:
    """Nearest cluster of measured bands, pixel by pixel."""

    def __init__(self, model: Model) -> None:
        self._centroids = model.centroids

    def clusters(self, pixels: Pixels) -> UInt8:
        """Cluster number of every pixel, the stratum of what hides it elsewhere; shape (rows, columns)."""
        strata = _HIDDEN[pixels.hidden]
        strata[pixels.valid] = nearest(pixels.bands[:, pixels.valid].T, self._centroids)
        return strata


class ColourTable:
    """Nearest cluster of every 8-bit colour, filled as colours turn up.

    A picture has far fewer colours than pixels, so most pixels cost one look-up. Exact: an entry is the answer of
    :func:`nearest`.
    """

    def __init__(self, model: Model) -> None:
        self._centroids = model.centroids
        self._table = np.full(2**24, UNKNOWN, dtype=np.uint8)

    def clusters(self, pixels: Pixels) -> UInt8:
        """Cluster number of every pixel, the stratum of what hides it elsewhere; shape (rows, columns)."""
        red, green, blue = pixels.bands.astype(np.uint32)
        colour = red << 16 | green << 8 | blue
        index: UInt8 = self._table[colour]
        missing = np.unique(colour[(index == UNKNOWN) & pixels.valid])
        if len(missing):
            values = np.stack([missing >> 16, missing >> 8 & 255, missing & 255], axis=1)
            self._table[missing] = nearest(values, self._centroids)
            index = self._table[colour]
        index[~pixels.valid] = _HIDDEN[pixels.hidden[~pixels.valid]]
        return index


def most_frequent(votes: Sequence[UInt8], codes: UInt8) -> UInt8:
    """Of the strata that several scenes give a pixel, one of the class named most often.

    Parameters
    ----------
    votes
        Strata of one block, one array a scene, in the order that wins a tie.
    codes
        Class code of each stratum.
    """
    named = np.stack([codes[vote] for vote in votes])
    share = np.stack([np.sum(named == code, axis=0) for code in SEEN])
    most = share.max(axis=0)
    result = votes[0].copy()
    settled = np.zeros(result.shape, dtype=bool)
    for vote, name in zip(votes, named, strict=True):
        for position, code in enumerate(SEEN):
            wins = ~settled & (name == code) & (share[position] == most)
            result[wins] = vote[wins]
            settled |= wins
    return result
