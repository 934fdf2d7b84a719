"""The compiled part of the hot path. It takes as long to load as all else, so it is imported when it is needed."""

from __future__ import annotations

from typing import Any

import numpy as np

from icepipe.arrays import Bool, Float64, Int64, StoredPixels, UInt8, UInt16, UInt32
from icepipe.classes import ClassCode
from icepipe.runtime.jit import compiled
from icepipe.segment.classification.strata import UNKNOWN
from icepipe.segment.clustering._kernels import CHUNK_PX, nearest
from icepipe.segment.features import FeatureKind

CLOUD = int(ClassCode.CLOUD)


@compiled
def _difference(a: float, b: float) -> float:
    total = a + b
    return (a - b) / total if total > 0 else 0.0


@compiled
def _mean(numbers: Int64, bands: Float64, count: int, out: Float64) -> None:
    """Mean of some bands, added up one after the other."""
    out[:count] = 0.0
    for band in numbers:
        for i in range(count):
            out[i] += bands[band, i]
    for i in range(count):
        out[i] /= len(numbers)


@compiled
def _whiteness(one: Float64, two: Float64, three: Float64, count: int, out: Float64) -> None:
    """How far three bands are from their mean, over the mean; the mean comes in ``out``."""
    for i in range(count):
        apart = abs(one[i] - out[i]) + abs(two[i] - out[i]) + abs(three[i] - out[i])
        out[i] = apart / out[i] if out[i] > 0 else 0.0


@compiled
def _feature(recipe: Int64, bands: Float64, count: int, out: Float64) -> None:
    """One feature of a chunk; ``recipe`` is its kind, how many bands it takes, and which."""
    kind, a, b, c = recipe[0], recipe[2], recipe[3], recipe[4]
    if kind == FeatureKind.DIFFERENCE:
        for i in range(count):
            out[i] = _difference(bands[a, i], bands[b, i])
    elif kind == FeatureKind.SMALLER_DIFFERENCE:
        for i in range(count):
            out[i] = min(_difference(bands[a, i], bands[b, i]), _difference(bands[a, i], bands[c, i]))
    else:
        _mean(recipe[2 : 2 + recipe[1]], bands, count, out)
        if kind == FeatureKind.WHITENESS:
            _whiteness(bands[a], bands[b], bands[c], count, out)


@compiled
def _patterns(features: Float64, of: Int64, levels: Float64, count: int, met: Int64) -> None:
    """Which thresholds are met by every item of a chunk, a bit each: first at low, then at high, then in the middle."""
    n = len(of)
    for number in range(n):
        feature, low, middle, high = features[of[number]], levels[0, number], levels[1, number], levels[2, number]
        at_low, at_high, at_middle = np.int64(1) << number, np.int64(1) << n + number, np.int64(1) << 2 * n + number
        for i in range(count):
            value = feature[i]
            bits = (at_low if value >= low else 0) + (at_high if value >= high else 0)
            bits += at_middle if value >= middle else 0
            met[i] = bits if number == 0 else met[i] + bits


@compiled
def _reflect(kept: StoredPixels, reflectance: Float64, out: Float64) -> None:
    """Reflectance of a band, none under zero: looked up by the byte, or the number of units that are kept."""
    if len(reflectance) > 1:
        for i in range(len(kept)):
            out[i] = reflectance[np.uint8(kept[i])]
    else:
        for i in range(len(kept)):
            value = kept[i] * reflectance[0]
            out[i] = value if value > 0 else 0.0


@compiled
def _copy(kept: StoredPixels, out: Float64) -> None:
    for i in range(len(kept)):
        out[i] = kept[i]


@compiled
def _scale(features: Float64, axes: Int64, spans: Float64, count: int, places: Float64) -> None:
    for axis in range(axes.shape[0]):
        feature, least, factor = features[axes[axis]], spans[axis, 0], spans[axis, 1]
        for i in range(count):
            places[axis, i] = (feature[i] - least) * factor


@compiled
def _name(wanted: Bool, cluster: Int64, met: Int64, outcomes: UInt16, strata: UInt16, out: UInt16) -> None:
    """Stratum of every pixel of a chunk that is wanted, by its cluster and the thresholds it meets.

    Places in tables are unsigned, which spares a look at their sign.
    """
    for i in range(wanted.shape[0]):
        if wanted[i]:
            out[i] = strata[np.uint64(cluster[i]), outcomes[np.uint64(met[i])]]


@compiled
def assign_strata(kept: StoredPixels, wanted: Bool, tables: tuple[Any, ...], found: UInt16) -> None:
    """Stratum of every pixel that is wanted, into ``found``.

    ``kept`` are kept numbers, uint8 or int16, of shape (bands, n); ``wanted`` and ``found`` have shape (n,). ``tables``
    is a ``classifier.Tables`` as a plain tuple: numba's cache would hold the name of the class, and
    fail where a later version calls it otherwise.
    """
    reflectance, recipes, axes, spans, centroids, of, levels, outcomes, strata = tables
    bands = kept.shape[0]
    features = np.empty((bands + recipes.shape[0], CHUNK_PX))
    places = np.empty((centroids.shape[1], CHUNK_PX))
    best, distance = np.empty(CHUNK_PX), np.empty(CHUNK_PX)
    cluster = np.zeros(CHUNK_PX, dtype=np.int64)
    met = np.zeros(CHUNK_PX, dtype=np.int64)
    for start in range(0, kept.shape[1], CHUNK_PX):
        count = min(CHUNK_PX, kept.shape[1] - start)
        end = start + count
        asked = wanted[start:end]
        if not np.any(asked):
            continue
        for band in range(bands):
            _reflect(kept[band, start:end], reflectance, features[band])
        for number in range(recipes.shape[0]):
            _feature(recipes[number], features[:bands], count, features[bands + number])
        if axes.shape[0]:
            _scale(features, axes, spans, count, places)
        else:
            for band in range(bands):
                _copy(kept[band, start:end], places[band])
        nearest(places, centroids, count, best, distance, cluster)
        _patterns(features, of, levels, count, met)
        _name(asked, cluster, met, outcomes, strata, found[start:end])


@compiled
def look_up_colours(bands: StoredPixels, wanted: Bool, table: UInt16, found: UInt16, unknown: UInt32) -> int:
    """Stratum of every pixel by its colour, into ``found``; how many that are wanted have a colour not known yet.

    Shapes: ``bands`` (3, n), ``wanted``, ``found`` and ``unknown`` (n,). The table has a stratum for every 24-bit
    colour, ``UNKNOWN`` where there is none yet; ``unknown`` begins with the places of those pixels.
    """
    count = 0
    for i in range(len(found)):
        stratum = table[np.uint32(bands[0, i]) << 16 | np.uint32(bands[1, i]) << 8 | np.uint32(bands[2, i])]
        found[i] = stratum
        if stratum == UNKNOWN and wanted[i]:
            unknown[count] = i
            count += 1
    return count


@compiled
def strata_to_codes(strata: UInt16, codes: UInt8, out: UInt8) -> None:
    """Class code of every stratum of a block; shape (rows, columns)."""
    for row in range(strata.shape[0]):
        for col in range(strata.shape[1]):
            out[row, col] = codes[strata[row, col]]


@compiled
def mask_strata(strata: UInt16, valid: Bool, hidden: UInt8, of_hidden: UInt16, of_cloud: UInt16) -> None:
    """Put what hides pixels in the place of their own strata; cloud keeps what it looks like. All of shape (n,).

    ``of_hidden`` has a stratum for every class code, ``of_cloud`` one for every stratum under cloud.
    """
    for i in range(strata.shape[0]):
        if not valid[i]:
            strata[i] = of_cloud[strata[i]] if hidden[i] == CLOUD else of_hidden[hidden[i]]
