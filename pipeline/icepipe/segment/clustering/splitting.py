"""The clusters of a run: one fit of a sample, and splits until names are stable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from icepipe.arrays import Bool, Float64, Int64, UInt8
from icepipe.segment.clustering.assignment import nearest, squared_distances, weighted_points
from icepipe.segment.clustering.kmeans import (
    MAX_ITERATIONS,
    TOLERANCE,
    DistinctValues,
    distinct_values,
    k_means,
    lloyd,
    round_significant,
)
from icepipe.segment.clustering.sampling import PixelSample
from icepipe.segment.features import FeatureSpace, compute_features
from icepipe.segment.model import FitRecord
from icepipe.segment.rules import RuleSet
from icepipe.sensors.sensor import Sensor

MAX_STRADDLE = 0.004
"""Share of the sample that may lie on the other side of any threshold's low, middle or high value than its centroid, in
one cluster: what the bounds may move by."""

MAX_MISNAMED = 0.0007
"""Share of the sample whose own colour may have another name than its centroid, in one cluster: what the area may
move by."""

MAX_CERTAIN_STRAYS = 0.0002
"""Share of the sample that may sit in a cluster of another name although every threshold agrees on its own: a rare
class that a large cluster would swallow."""

MAX_CLUSTERS = 64
"""Splitting stops here whatever is left; the share left is written into the model."""

SPLIT_ITERATIONS = 20
"""Full iterations that the two halves of a cluster may take to stand still."""


@dataclass(frozen=True)
class Fit:
    """Centroids before they are named.

    Attributes
    ----------
    centroids
        Shape (clusters, features), in physical order.
    spectra
        Kept numbers of each cluster's bands; shape (clusters, bands).
    parents
        Number of the k-means cluster that each came from.
    shares
        Part of the sample in each.
    k_fitted
        Clusters before splitting.
    record
        How the k-means fit went.
    left
        Largest shares left in one cluster: across any threshold, under another name, certainly under another name.
    spread
        Mean squared distance to the nearest centroid, after splitting.
    """

    centroids: Float64
    spectra: Float64
    parents: Int64
    shares: Float64
    k_fitted: int
    record: FitRecord
    left: tuple[float, float, float]
    spread: float


@dataclass(frozen=True)
class _Splitter:
    """What decides whether a cluster holds together: colours and what rules could call them."""

    palette: DistinctValues
    space: FeatureSpace
    rules: RuleSet
    signature: NDArray[np.uint16]

    @classmethod
    def of(cls, palette: DistinctValues, space: FeatureSpace, rules: RuleSet) -> _Splitter:
        return cls(palette, space, rules, _signature(palette.colours, space, rules))

    def spectra(self, centroids: Float64, member: UInt8) -> Float64:
        """Kept numbers that name each cluster."""
        if not self.space.features:
            return centroids
        return round_significant(_means(self.palette.colours, self.palette.weights, member, len(centroids)))

    def strays(self, centroids: Float64, member: UInt8) -> tuple[_Misnamed, ...]:
        """Colours across any threshold from their centroid, of another name, and certainly of another name."""
        own = self.signature
        centre = _signature(self.spectra(centroids, member), self.space, self.rules)[member]
        misnamed = own & 255 != centre & 255
        certain = misnamed & np.isin(own >> 8, 1 << np.arange(8))
        kinds = (own != centre, MAX_STRADDLE), (misnamed, MAX_MISNAMED), (certain, MAX_CERTAIN_STRAYS)
        return tuple(self._strays(apart, member, allowed) for apart, allowed in kinds)

    def _strays(self, apart: Bool, member: UInt8, allowed: float) -> _Misnamed:
        weights = self.palette.weights
        share = np.bincount(member, weights=weights * apart, minlength=256) / weights.sum()
        return _Misnamed(apart, share, share / allowed)


@dataclass(frozen=True)
class _Misnamed:
    """Colours that do not fit the cluster they are nearest to, and the share of the sample they make of each cluster.

    ``excess`` is the share over what is allowed; a cluster is fine up to 1.
    """

    apart: Bool
    share: Float64
    excess: Float64


def _signature(values: Float64, space: FeatureSpace, rules: RuleSet) -> NDArray[np.uint16]:
    features = compute_features(values, space.sensor)
    return np.asarray(rules.could_be(features).astype(np.uint16) << 8 | rules.codes(features))


def _means(values: Float64, weights: Float64, member: UInt8, n: int) -> Float64:
    """Weighted mean of the members of each of ``n`` clusters; zeros where one has none."""
    sums = np.stack([np.bincount(member, weights=weights * column, minlength=n) for column in values.T], axis=1)
    total = np.bincount(member, weights=weights, minlength=n)[:, None]
    return np.divide(sums, total, out=np.zeros_like(sums), where=total > 0)


def _two_means(places: Float64, weights: Float64, apart: Bool) -> Float64 | None:
    """Two centroids started from the two sides of a threshold; None where one would be empty on the way."""
    if apart.all() or not apart.any():
        return None
    start = _means(places, weights, (~apart).astype(np.uint8), 2)
    halves = lloyd(weighted_points(places, weights), start, SPLIT_ITERATIONS, settled=np.array_equal)
    if not all(one.counts.all() for one in halves.history):
        return None
    return round_significant(halves.centroids)


def _split(splitter: _Splitter, centroids: Float64) -> tuple[Float64, Int64, tuple[float, float, float]]:
    """Split the cluster with the most strays, again and again; give centroids, parents and the shares left."""
    palette, parents = splitter.palette, np.arange(len(centroids))
    stuck: set[tuple[int, tuple[float, ...]]] = set()
    while True:
        member = nearest(palette.places, centroids)
        kinds = splitter.strays(centroids, member)
        excess = np.array(
            [
                [0 if (n, tuple(c)) in stuck else kind.excess[i] for i, c in enumerate(centroids)]
                for n, kind in enumerate(kinds)
            ]
        )
        kind, worst = np.unravel_index(excess.argmax(), excess.shape)
        if excess[kind, worst] <= 1 or len(centroids) >= MAX_CLUSTERS:
            across, misnamed, certain = (float(kind.share.max()) for kind in kinds)
            return centroids, parents, (across, misnamed, certain)
        inside = member == worst
        halves = _two_means(palette.places[inside], palette.weights[inside], kinds[kind].apart[inside])
        if halves is None:
            stuck.add((int(kind), tuple(centroids[worst])))
            continue
        centroids = np.vstack([np.delete(centroids, worst, axis=0), halves])
        parents = np.append(np.delete(parents, worst), [parents[worst]] * 2)


def fit(sample: PixelSample, k: int, seed: int, space: FeatureSpace, rules: RuleSet) -> Fit:
    """Fit and split clusters on a sample.

    Parameters
    ----------
    sample
        In an order that depends on nothing but the run grid.
    k
        Clusters to start from; fewer where the sample has fewer colours.
    seed
        Start of the fit.
    space, rules
        Where pixels are compared, and the thresholds that clusters must not straddle.

    Raises
    ------
    NoUsableInput
        If the sample is empty.
    """
    palette = distinct_values(sample, space)
    start, record = k_means(palette, len(sample.values), k, seed)
    splitter = _Splitter.of(palette, space, rules)
    start = start[_physical_order(splitter, start)]
    centroids, parents, left = _split(splitter, start)
    order = _physical_order(splitter, centroids)
    order = order[np.isin(order, nearest(palette.places, centroids))]
    centroids, parents = centroids[order], parents[order]
    member = nearest(palette.places, centroids)
    total = palette.weights.sum()
    return Fit(
        centroids=centroids,
        spectra=splitter.spectra(centroids, member),
        parents=parents,
        shares=np.bincount(member, weights=palette.weights, minlength=len(centroids)) / total,
        k_fitted=len(start),
        record=record,
        left=left,
        spread=float(np.sum(squared_distances(palette.places, centroids, member) * palette.weights) / total),
    )


def no_fit(sensor: Sensor, seed: int) -> Fit:
    """What a fit of no pixels would be: no clusters."""
    none = np.zeros((0, len(sensor.roles)))
    record = FitRecord(seed, 0, 0, 0, MAX_ITERATIONS, TOLERANCE, True, 0.0)
    return Fit(none, none, np.zeros(0, np.int64), np.zeros(0), 0, record, (0.0, 0.0, 0.0), 0.0)


def _physical_order(splitter: _Splitter, centroids: Float64) -> Int64:
    """Dark to bright, then by the centroid."""
    spectra = splitter.spectra(centroids, nearest(splitter.palette.places, centroids))
    brightness = compute_features(spectra, splitter.space.sensor)["brightness"]
    return np.lexsort((*centroids.T[::-1], brightness)).astype(np.int64)
