"""The clusters of a run: a seeded sample, one mini-batch k-means fit, and splits until names are stable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from icepipe.errors import NoUsableInput
from icepipe.inputs.sensors import Sensor
from icepipe.records import Bool, Float64, Int64, Kept, UInt8
from icepipe.segment.features import features_of
from icepipe.segment.rules import RuleSet

MAX_STRADDLE = 0.004
"""Share of the sample that may lie on the other side of a threshold than its centroid, in one cluster."""

MAX_CERTAIN_STRAYS = 0.0002
"""Share of the sample that may sit in a cluster of another name although every threshold agrees on its own: a rare
class that a large cluster would swallow."""

MAX_CLUSTERS = 64
"""Splitting stops here whatever is left; the share left is written into the model."""

CHUNK = 2**14
SIGNIFICANT_DIGITS = 6
"""Centroids are rounded to this, so that they read and hash the same on every machine."""

_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


@dataclass(frozen=True)
class Fit:
    """Centroids before they are named.

    Attributes
    ----------
    centroids
        Shape (clusters, features), in physical order.
    parents
        Number of the k-means cluster that each came from.
    shares
        Part of the sample in each.
    k_fitted, n_iter, inertia
        How the k-means fit went.
    straddle
        Largest share left on the other side of a threshold.
    spread
        Mean squared distance to the nearest centroid, after splitting.
    n_sample
        Pixels in the sample.
    """

    centroids: Float64
    parents: Int64
    shares: Float64
    k_fitted: int
    n_iter: int
    inertia: float
    straddle: float
    spread: float
    n_sample: int


def pick(seed: int, date_ordinal: int, rows: Int64, cols: Int64, rate: float) -> Bool:
    """Whether each pixel of the run grid belongs to the sample.

    A hash (the finaliser of SplitMix64, Steele and others 2014) of seed, date, row and column decides, so the
    sample does not depend on files, blocks or workers.
    """
    salt = np.uint64((seed << 32) ^ date_ordinal)
    with np.errstate(over="ignore"):
        place = rows.astype(np.uint64)[:, None] << np.uint64(32) | cols.astype(np.uint64)[None, :]
        mixed = place ^ (salt * np.uint64(0x9E3779B97F4A7C15))
        for multiplier in _MIX:
            mixed = (mixed ^ (mixed >> np.uint64(30))) * multiplier
        mixed ^= mixed >> np.uint64(31)
    return np.asarray(mixed <= np.uint64(min(rate, 1.0) * float(2**64 - 2**11)))


def round_significant(values: Float64) -> Float64:
    """Round to six significant digits."""
    return np.array([float(f"{value:.{SIGNIFICANT_DIGITS}g}") for value in values.ravel()]).reshape(values.shape)


def nearest(values: NDArray[np.generic], centroids: Float64) -> UInt8:
    """Number of the nearest centroid of every item; the first of equals.

    Element by element in double precision, so an item's answer does not depend on what it is asked with. In chunks
    that stay in the processor's cache.
    """
    index = np.zeros(len(values), dtype=np.uint8)
    for start in range(0, len(values), CHUNK):
        columns = np.ascontiguousarray(values[start : start + CHUNK].T, dtype=np.float64)
        best = np.full(columns.shape[1], np.inf)
        part = index[start : start + CHUNK]
        for number, centroid in enumerate(centroids):
            distance = sum((column - value) ** 2 for column, value in zip(columns, centroid, strict=True))
            closer = distance < best
            part[closer] = number
            np.copyto(best, distance, where=closer)
    return index


def _physical_order(centroids: Float64, sensor: Sensor) -> Int64:
    brightness = features_of(centroids, sensor)["brightness"]
    return np.lexsort((*centroids.T[::-1], brightness)).astype(np.int64)


def k_means(sample: Kept, n_colours: int, k: int, seed: int) -> tuple[Float64, int, float]:
    """Centroids, iterations and inertia of one mini-batch fit on one thread, before anything is split."""
    from sklearn.cluster import MiniBatchKMeans
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        fit = MiniBatchKMeans(
            n_clusters=min(k, n_colours),
            random_state=seed,
            n_init=3,
            batch_size=4096,
            reassignment_ratio=0.001,
        ).fit(sample.astype(np.float32))
    return fit.cluster_centers_.astype(np.float64), int(fit.n_iter_), float(fit.inertia_)


@dataclass(frozen=True)
class _Palette:
    """Distinct colours of the sample, how often each occurs, and what rules could call it."""

    colours: Float64
    counts: Int64
    signature: NDArray[np.uint16]


def _signature(values: Float64, sensor: Sensor, rules: RuleSet) -> NDArray[np.uint16]:
    features = features_of(values, sensor)
    return np.asarray(rules.could_be(features).astype(np.uint16) << 8 | rules.codes(features))


def _two_means(colours: Float64, counts: Int64, apart: Bool) -> Float64 | None:
    """Two centroids started from the two sides of a threshold; None where a side would be empty."""
    if apart.all() or not apart.any():
        return None
    centres = np.array([np.average(colours[side], axis=0, weights=counts[side]) for side in (apart, ~apart)])
    for _ in range(20):
        member = nearest(colours, centres)
        if not 0 < member.sum() < len(member):
            return None
        moved = np.array(
            [np.average(colours[member == i], axis=0, weights=counts[member == i]) for i in (0, 1)],
            dtype=np.float64,
        )
        if np.array_equal(moved, centres):
            break
        centres = moved
    return round_significant(centres)


@dataclass(frozen=True)
class _Strays:
    """Colours that do not fit the cluster they are nearest to, and the share of the sample they make of each cluster.

    ``excess`` is the share over what is allowed; a cluster is fine up to 1.
    """

    apart: Bool
    share: Float64
    excess: Float64


def _strays(palette: _Palette, member: UInt8, centre_signature: NDArray[np.uint16]) -> tuple[_Strays, _Strays]:
    """Colours across any threshold from their centroid, and colours that are certainly of another name."""
    total = int(palette.counts.sum())
    own, centre = palette.signature, centre_signature[member]
    certain = np.isin(own >> 8, 1 << np.arange(8)) & (own & 255 != centre & 255)
    found = []
    for apart, allowed in ((own != centre, MAX_STRADDLE), (certain, MAX_CERTAIN_STRAYS)):
        share = np.bincount(member, weights=palette.counts * apart, minlength=len(centre_signature)) / total
        found.append(_Strays(apart, share, share / allowed))
    return found[0], found[1]


def _split(palette: _Palette, centroids: Float64, sensor: Sensor, rules: RuleSet) -> tuple[Float64, Int64, float]:
    """Split the cluster with the most strays, again and again; give centroids, parents and the share left."""
    parents = np.arange(len(centroids))
    stuck: set[tuple[int, tuple[float, ...]]] = set()
    while True:
        member = nearest(palette.colours, centroids)
        kinds = _strays(palette, member, _signature(centroids, sensor, rules))
        excess = np.array(
            [
                [0 if (n, tuple(c)) in stuck else e for c, e in zip(centroids, kind.excess, strict=True)]
                for n, kind in enumerate(kinds)
            ]
        )
        kind, worst = np.unravel_index(excess.argmax(), excess.shape)
        if excess[kind, worst] <= 1 or len(centroids) >= MAX_CLUSTERS:
            return centroids, parents, float(kinds[0].share.max())
        inside = member == worst
        halves = _two_means(palette.colours[inside], palette.counts[inside], kinds[kind].apart[inside])
        if halves is None:
            stuck.add((int(kind), tuple(centroids[worst])))
            continue
        centroids = np.vstack([np.delete(centroids, worst, axis=0), halves])
        parents = np.append(np.delete(parents, worst), [parents[worst]] * 2)


def fit(sample: Kept, k: int, seed: int, sensor: Sensor, rules: RuleSet) -> Fit:
    """Fit and split clusters on a sample.

    Parameters
    ----------
    sample
        Shape (n, bands), in an order that depends on nothing but the run grid.
    k
        Clusters to start from; fewer where the sample has fewer colours.
    seed
        Start of the fit.
    sensor, rules
        What the numbers mean, and the thresholds that clusters must not straddle.

    Raises
    ------
    NoUsableInput
        If the sample is empty.
    """
    if len(sample) == 0:
        raise NoUsableInput("no valid pixel in any tile", "check nodata, alpha and masks of the files")
    colours, counts = np.unique(sample, axis=0, return_counts=True)
    values = colours.astype(np.float64)
    palette = _Palette(values, counts, _signature(values, sensor, rules))
    centroids, n_iter, inertia = k_means(sample, len(colours), k, seed)
    centroids = round_significant(centroids)
    centroids = centroids[_physical_order(centroids, sensor)]
    k_fitted = len(centroids)
    centroids, parents, straddle = _split(palette, centroids, sensor, rules)
    order = _physical_order(centroids, sensor)
    centroids, parents = centroids[order], parents[order]
    member = nearest(values, centroids)
    shares = np.bincount(member, weights=counts, minlength=len(centroids)) / len(sample)
    spread = float(np.average(np.sum((values - centroids[member]) ** 2, axis=1), weights=counts))
    return Fit(centroids, parents, shares, k_fitted, n_iter, inertia, straddle, spread, len(sample))
