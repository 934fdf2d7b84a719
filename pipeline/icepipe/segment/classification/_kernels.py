"""Compiled kernels of the classification, imported only where pixels are classified: numba is slow to load."""

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
def normalised_difference(a: float, b: float) -> float:
    """Return (a - b) / (a + b), 0 where the sum is not positive."""
    total = a + b
    return (a - b) / total if total > 0 else 0.0


@compiled
def compute_mean(indices: Int64, bands: Float64, count: int, out: Float64) -> None:
    """Write the mean of some bands."""
    # Band after band, as np.mean adds rows: the sums have the same rounding.
    out[:count] = 0.0
    for band in indices:
        for i in range(count):
            out[i] += bands[band, i]
    for i in range(count):
        out[i] /= len(indices)


@compiled
def compute_whiteness(red: Float64, green: Float64, blue: Float64, count: int, out: Float64) -> None:
    """Write the summed deviation of three bands from their mean, over the mean; ``out`` holds the mean before."""
    for i in range(count):
        deviation = abs(red[i] - out[i]) + abs(green[i] - out[i]) + abs(blue[i] - out[i])
        out[i] = deviation / out[i] if out[i] > 0 else 0.0


@compiled
def compute_sum(indices: Int64, quarters: Int64, bands: Float64, count: int, out: Float64) -> None:
    """Write the sum of some bands with weights, which are given in quarters."""
    out[:count] = 0.0
    for band, weight in zip(indices, quarters):  # noqa: B905
        for i in range(count):
            out[i] += weight / 4 * bands[band, i]


@compiled
def compute_feature(recipe: Int64, bands: Float64, count: int, out: Float64) -> None:
    """Write one feature of a chunk; ``recipe`` is as :func:`icepipe.segment.features.feature_recipe` returns it."""
    kind, a, b, c = recipe[0], recipe[2], recipe[3], recipe[4]
    if kind == FeatureKind.DIFFERENCE:
        for i in range(count):
            out[i] = normalised_difference(bands[a, i], bands[b, i])
    elif kind == FeatureKind.SMALLER_DIFFERENCE:
        for i in range(count):
            second = normalised_difference(bands[a, i], bands[c, i])
            out[i] = min(normalised_difference(bands[a, i], bands[b, i]), second)
    elif kind == FeatureKind.SUM:
        n = recipe[1]
        compute_sum(recipe[2 : 2 + n], recipe[2 + n : 2 + 2 * n], bands, count, out)
    else:
        # Whiteness starts from the mean of the same bands.
        compute_mean(recipe[2 : 2 + recipe[1]], bands, count, out)
        if kind == FeatureKind.WHITENESS:
            compute_whiteness(bands[a], bands[b], bands[c], count, out)


@compiled
def compute_reflectance(stored: StoredPixels, reflectance: Float64, out: Float64) -> None:
    """Write the reflectance of a band: by the table of bytes, or in units of reflectance, not below zero."""
    if len(reflectance) > 1:
        for i in range(len(stored)):
            # The unsigned index spares the compiler a test for negative indices.
            out[i] = reflectance[np.uint8(stored[i])]
    else:
        for i in range(len(stored)):
            value = stored[i] * reflectance[0]
            out[i] = value if value > 0 else 0.0


@compiled
def compute_coordinates(features: Float64, axes: Int64, spans: Float64, count: int, places: Float64) -> None:
    """Write the coordinates of a chunk in the feature space."""
    for axis in range(axes.shape[0]):
        feature, origin, factor = features[axes[axis]], spans[axis, 0], spans[axis, 1]
        for i in range(count):
            places[axis, i] = (feature[i] - origin) * factor


@compiled
def evaluate_conditions(
    features: Float64, threshold_features: Int64, levels: Float64, count: int, patterns: Int64
) -> None:
    """Write the pattern of every pixel of a chunk: how many values of each threshold it reaches, in two bits each."""
    for t in range(len(threshold_features)):
        feature, low, middle, high = features[threshold_features[t]], levels[0, t], levels[1, t], levels[2, t]
        one = np.int64(1) << 2 * t
        for i in range(count):
            value = feature[i]
            # Conditional sums instead of branches, which the compiler turns into vector instructions.
            reached = (one if value >= low else 0) + (one if value >= middle else 0)
            reached += one if value >= high else 0
            patterns[i] = reached if t == 0 else patterns[i] + reached


@compiled
def look_up_strata(
    selected: Bool,
    cluster: Int64,
    squared: Float64,
    patterns: Int64,
    outcomes: UInt16,
    strata: UInt16,
    limits: Float64,
    offset: np.uint16,
    out: UInt16,
) -> None:
    """Write the stratum of every selected pixel of a chunk, by its cluster, its distance and its conditions."""
    for i in range(selected.shape[0]):
        if selected[i]:
            # Unsigned indices spare the compiler a test for negative ones.
            number = np.uint64(cluster[i])
            stratum = strata[number, outcomes[np.uint64(patterns[i])]]
            out[i] = stratum + offset if squared[i] > limits[number] else stratum


@compiled
def assign_strata(stored: StoredPixels, selected: Bool, tables: tuple[Any, ...], out: UInt16) -> None:
    """Write the stratum of every selected pixel.

    Parameters
    ----------
    stored
        Stored values, uint8 or int16, shape (bands, n).
    selected
        Pixels to classify, shape (n,).
    tables
        A :class:`icepipe.segment.classification.classifier.KernelTables` as a plain tuple.
    out
        Takes the strata, shape (n,); others are left as they are.
    """
    # A plain tuple, as numba's cache would hold the name of the class and fail where a later version renames it.
    reflectance, recipes, axes, spans, centroids, threshold_features, levels, outcomes, strata, limits, offset = tables
    bands = stored.shape[0]
    # Work arrays of one chunk, reused: they stay in the first cache of the processor.
    features = np.empty((bands + recipes.shape[0], CHUNK_PX))
    places = np.empty((centroids.shape[1], CHUNK_PX))
    best, distance = np.empty(CHUNK_PX), np.empty(CHUNK_PX)
    cluster = np.zeros(CHUNK_PX, dtype=np.int64)
    patterns = np.zeros(CHUNK_PX, dtype=np.int64)
    for start in range(0, stored.shape[1], CHUNK_PX):
        count = min(CHUNK_PX, stored.shape[1] - start)
        end = start + count
        chosen = selected[start:end]
        # Blocks at the rim of a scene have many chunks without a valid pixel.
        if not np.any(chosen):
            continue
        # The others of a chunk are computed and not written: that is faster than gathering the selected pixels.
        for band in range(bands):
            compute_reflectance(stored[band, start:end], reflectance, features[band])
        # Computed features follow the bands.
        for number in range(recipes.shape[0]):
            compute_feature(recipes[number], features[:bands], count, features[bands + number])
        # Coordinates: listed features, or the stored values as they are.
        if axes.shape[0]:
            compute_coordinates(features, axes, spans, count, places)
        else:
            for band in range(bands):
                places[band, :count] = stored[band, start:end]
        nearest(places, centroids, count, best, distance, cluster)
        evaluate_conditions(features, threshold_features, levels, count, patterns)
        look_up_strata(chosen, cluster, best, patterns, outcomes, strata, limits, offset[0], out[start:end])


@compiled
def look_up_colours(bands: StoredPixels, selected: Bool, table: UInt16, out: UInt16, unknown: UInt32) -> int:
    """Write the stratum of every pixel by its colour; return how many selected pixels have an unknown colour.

    Parameters
    ----------
    bands
        Red, green and blue bytes, shape (3, n).
    selected
        Pixels to classify, shape (n,).
    table
        Stratum of every 24-bit colour, ``UNKNOWN`` where it is not computed yet; shape (2**24,).
    out
        Takes the strata, shape (n,).
    unknown
        Takes the positions of the selected pixels of unknown colour, shape (n,) to hold them all.
    """
    count = 0
    for i in range(len(out)):
        stratum = table[np.uint32(bands[0, i]) << 16 | np.uint32(bands[1, i]) << 8 | np.uint32(bands[2, i])]
        out[i] = stratum
        if stratum == UNKNOWN and selected[i]:
            unknown[count] = i
            count += 1
    return count


@compiled
def strata_to_codes(strata: UInt16, codes: UInt8, out: UInt8) -> None:
    """Write the class code of every stratum of a block; shape (rows, columns)."""
    for row in range(strata.shape[0]):
        for col in range(strata.shape[1]):
            out[row, col] = codes[strata[row, col]]


@compiled
def mask_strata(strata: UInt16, valid: Bool, hidden: UInt8, masks: UInt16, clouds: UInt16) -> None:
    """Set the strata of masks in place where pixels are not valid.

    Parameters
    ----------
    strata, valid, hidden
        Strata, whether the surface is seen, and the class code of the mask; shape (n,).
    masks
        Stratum of each class code of a mask, shape (256,).
    clouds
        Stratum of each stratum under cloud, shape (65536,).
    """
    for i in range(strata.shape[0]):
        if not valid[i]:
            # Cloud keeps the class of its colour, so that ice which a cloud mask hides can be reported.
            strata[i] = clouds[strata[i]] if hidden[i] == CLOUD else masks[hidden[i]]
