"""Fit the clusters of a run, and split them until their classes are stable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from icepipe.arrays import Bool, Float64, Int64, UInt8
from icepipe.segment.clustering.assignment import MAX_CENTROIDS, nearest, squared_distances, weighted_points
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
from icepipe.segment.model import FitRecord, PureSurfaces
from icepipe.segment.pure_surfaces import pure_surfaces
from icepipe.segment.rules import RuleSet
from icepipe.sensors.sensor import Sensor

MAX_STRADDLE = 0.004
"""Largest share of the sample, in one cluster, on the other side of a threshold's low, middle or high value than the
centroid: the share that the bounds of areas may be off by."""

MAX_MISNAMED = 0.0006
"""Largest share of the sample, in one cluster, whose own colour has another class than the centroid: the share that
areas may be off by."""

MAX_CERTAIN_STRAYS = 0.0002
"""Largest share of the sample, in one cluster, whose own colour has another class under every threshold: a rare surface
that a large cluster would absorb."""

MAX_CLUSTERS = 72
"""Beyond this number only certain strays are split off, up to ``MAX_CENTROIDS`` and while they are more than
``MAX_OWN_STRAYS``: they are a surface without a cluster, while the bounds of areas hold what else remains. The model
records the shares that remain."""

MAX_OWN_STRAYS = 0.002
"""Largest share of the sample, in all clusters, whose own colour has another class under every threshold. With over 1 %
of them an observation has no known area: at a fifth of that, a date that is a fifth of the sample has one."""

REACH_SHARE = 0.99
"""Share of the sample of a cluster that lies within its reach."""

SPLIT_ITERATIONS = 20
"""Largest number of full iterations for the two halves of a cluster."""


@dataclass(frozen=True)
class Fit:
    """Fitted clusters, not named yet.

    Attributes
    ----------
    centroids
        Shape (clusters, axes), in physical order.
    spectra
        Stored values of each cluster's bands; shape (clusters, bands).
    parents
        Index of the k-means cluster from which each was split.
    shares
        Share of the sample in each.
    k_fitted
        Number of clusters before splitting.
    record
        Settings and convergence of k-means.
    remaining
        Largest shares that remain in one cluster across any threshold, in another class, and in another class under
        every threshold.
    spread
        Mean squared distance to the nearest centroid, after splitting.
    reaches
        Distance from each centroid within which ``REACH_SHARE`` of its sample lies; shape (clusters,).
    own_misnamed, own_strays
        Share of the sample in another class than its cluster, and in another class under every threshold.
    pure
        Pure water and pure ice of the sample; None where it shows no ice.
    """

    centroids: Float64
    spectra: Float64
    parents: Int64
    shares: Float64
    k_fitted: int
    record: FitRecord
    remaining: tuple[float, float, float]
    spread: float
    reaches: Float64
    own_misnamed: float
    own_strays: float
    pure: PureSurfaces | None = None


@dataclass(frozen=True)
class Mismatch:
    """Colours that do not match the cluster they are nearest to, by one criterion.

    Attributes
    ----------
    colours
        Whether each colour does not match; shape (n,).
    share
        Their share of the sample in each cluster; shape (256,).
    excess
        That share over the largest that is allowed; a cluster is fine up to 1. Shape (256,).
    """

    colours: Bool
    share: Float64
    excess: Float64


@dataclass(frozen=True)
class ClusterSplitter:
    """Colours of a sample with their classes, by which clusters are split.

    Attributes
    ----------
    palette
        Colours of the sample.
    space, rules
        Feature space, and the thresholds that clusters must not straddle.
    signatures
        Signature of each colour; see :func:`class_signature`.
    """

    palette: DistinctValues
    space: FeatureSpace
    rules: RuleSet
    signatures: NDArray[np.uint16]

    @classmethod
    def of(cls, palette: DistinctValues, space: FeatureSpace, rules: RuleSet) -> ClusterSplitter:
        """Return the splitter of the colours of a sample."""
        return cls(palette, space, rules, class_signature(palette.colours, space, rules))

    def spectra(self, centroids: Float64, member: UInt8) -> Float64:
        """Return the stored values from which each cluster is named; shape (clusters, bands)."""
        if not self.space.features:
            return centroids
        # A centroid of indices cannot be turned back into bands: the mean of the members' bands represents it.
        return round_significant(cluster_means(self.palette.colours, self.palette.weights, member, len(centroids)))

    def mismatches(self, centroids: Float64, member: UInt8) -> tuple[Mismatch, ...]:
        """Return the colours across any threshold from their centroid, of another class, and certainly of another."""
        own = self.signatures
        centre = class_signature(self.spectra(centroids, member), self.space, self.rules)[member]
        misnamed = own & 255 != centre & 255
        # A single possible class: every threshold agrees on the colour.
        certain = misnamed & np.isin(own >> 8, 1 << np.arange(8))
        weights = self.palette.weights
        result = []
        for colours, allowed in (
            (own != centre, MAX_STRADDLE),
            (misnamed, MAX_MISNAMED),
            (certain, MAX_CERTAIN_STRAYS),
        ):
            share = np.bincount(member, weights=weights * colours, minlength=256) / weights.sum()
            result.append(Mismatch(colours, share, share / allowed))
        return tuple(result)

    def split(self, centroids: Float64) -> tuple[Float64, Int64, tuple[float, float, float]]:
        """Split the cluster with the largest excess until none has any; return centroids, parents and shares left."""
        palette, parents = self.palette, np.arange(len(centroids))
        # Clusters that cannot be split by a criterion, by their centroid, as indices change with every split.
        unsplittable: set[tuple[int, tuple[float, ...]]] = set()
        while True:
            member = nearest(palette.places, centroids)
            mismatches = self.mismatches(centroids, member)
            excess = np.array(
                [
                    [0 if (n, tuple(c)) in unsplittable else mismatch.excess[i] for i, c in enumerate(centroids)]
                    for n, mismatch in enumerate(mismatches)
                ]
            )
            if len(centroids) >= MAX_CLUSTERS:
                # The last criterion is that of the certain strays.
                excess[: None if mismatches[-1].share.sum() <= MAX_OWN_STRAYS else -1] = 0
            criterion, worst = np.unravel_index(excess.argmax(), excess.shape)
            if excess[criterion, worst] <= 1 or len(centroids) >= MAX_CENTROIDS:
                straddle, misnamed, certain = (float(mismatch.share.max()) for mismatch in mismatches)
                return centroids, parents, (straddle, misnamed, certain)
            inside = member == worst
            sides = mismatches[criterion].colours[inside]
            halves = bisect_cluster(palette.places[inside], palette.weights[inside], sides)
            if halves is None:
                unsplittable.add((int(criterion), tuple(centroids[worst])))
                continue
            centroids = np.vstack([np.delete(centroids, worst, axis=0), halves])
            parents = np.append(np.delete(parents, worst), [parents[worst]] * 2)

    def physical_order(self, centroids: Float64) -> Int64:
        """Return the indices of clusters from dark to bright, then by their centroids."""
        spectra = self.spectra(centroids, nearest(self.palette.places, centroids))
        brightness = compute_features(spectra, self.space.sensor)["brightness"]
        return np.lexsort((*centroids.T[::-1], brightness)).astype(np.int64)


def class_signature(values: Float64, space: FeatureSpace, rules: RuleSet) -> NDArray[np.uint16]:
    """Return the possible classes, as a bit set times 256, plus the class code of stored values; shape (n,).

    Two values are on the same side of every threshold that matters where their signatures are equal.
    """
    features = compute_features(values, space.sensor)
    return np.asarray(rules.could_be(features).astype(np.uint16) << 8 | rules.codes(features))


def cluster_means(values: Float64, weights: Float64, member: UInt8, n: int) -> Float64:
    """Return the weighted mean of the members of each of ``n`` clusters; zeros where a cluster has none."""
    sums = np.stack([np.bincount(member, weights=weights * column, minlength=n) for column in values.T], axis=1)
    total = np.bincount(member, weights=weights, minlength=n)[:, None]
    return np.divide(sums, total, out=np.zeros_like(sums), where=total > 0)


def cluster_reaches(squared: Float64, weights: Float64, member: UInt8, n: int) -> Float64:
    """Return the distance within which ``REACH_SHARE`` of the members of each of ``n`` clusters lies; shape (n,).

    ``squared`` are the squared distances of the colours to their centroids, shape (colours,).
    """
    reaches = np.zeros(n)
    for number in range(n):
        inside = member == number
        quantile = np.quantile(squared[inside], REACH_SHARE, weights=weights[inside], method="inverted_cdf")
        reaches[number] = np.sqrt(quantile)
    return round_significant(reaches)


def bisect_cluster(places: Float64, weights: Float64, sides: Bool) -> Float64 | None:
    """Return two centroids, started from the means of the two sides of a threshold; None where one becomes empty."""
    if sides.all() or not sides.any():
        return None
    start = cluster_means(places, weights, (~sides).astype(np.uint8), 2)
    halves = lloyd(weighted_points(places, weights), start, SPLIT_ITERATIONS, has_converged=np.array_equal)
    # lloyd restarts an empty centroid elsewhere, where it would no longer divide the cluster at the threshold.
    if not all(iteration.counts.all() for iteration in halves.history):
        return None
    return round_significant(halves.centroids)


def fit(sample: PixelSample, k: int, seed: int, space: FeatureSpace, rules: RuleSet) -> Fit:
    """Fit clusters to a sample, and split those that straddle a threshold.

    Parameters
    ----------
    sample
        Sample, in an order that depends only on the run grid.
    k
        Number of clusters to start from; fewer where the sample has fewer colours.
    seed
        Seed of the starts and mini-batches.
    space, rules
        Feature space, and the thresholds that clusters must not straddle.

    Raises
    ------
    NoUsableInput
        If the sample is empty.
    """
    palette = distinct_values(sample, space)
    start, record = k_means(palette, len(sample.values), k, seed)
    splitter = ClusterSplitter.of(palette, space, rules)
    start = start[splitter.physical_order(start)]
    centroids, parents, remaining = splitter.split(start)
    order = splitter.physical_order(centroids)
    # A cluster whose colours have all gone to its neighbours would be named and never used.
    order = order[np.isin(order, nearest(palette.places, centroids))]
    centroids, parents = centroids[order], parents[order]
    member = nearest(palette.places, centroids)
    total = palette.weights.sum()
    squared = squared_distances(palette.places, centroids, member)
    _, misnamed, certain = (float(mismatch.share.sum()) for mismatch in splitter.mismatches(centroids, member))
    return Fit(
        centroids=centroids,
        spectra=splitter.spectra(centroids, member),
        parents=parents,
        shares=np.bincount(member, weights=palette.weights, minlength=len(centroids)) / total,
        k_fitted=len(start),
        record=record,
        remaining=remaining,
        spread=float(np.sum(squared * palette.weights) / total),
        reaches=cluster_reaches(squared, palette.weights, member, len(centroids)),
        own_misnamed=misnamed,
        own_strays=certain,
        pure=pure_surfaces(palette, space.sensor, rules),
    )


def empty_fit(sensor: Sensor, seed: int) -> Fit:
    """Return the fit of an observation without a valid pixel, which has no clusters."""
    none = np.zeros((0, len(sensor.roles)))
    record = FitRecord(seed, 0, 0, 0, MAX_ITERATIONS, TOLERANCE, True, 0.0)
    parents, nothing = np.zeros(0, np.int64), np.zeros(0)
    return Fit(none, none, parents, nothing, 0, record, (0.0, 0.0, 0.0), 0.0, nothing, 0.0, 0.0)
