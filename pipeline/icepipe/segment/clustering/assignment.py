"""Weighted points, and which centroid each is nearest to.

Element by element in double precision and in one order, so that the same centroids come out on every machine; libraries
of linear algebra choose their sums by the processor.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from icepipe.arrays import Float64, UInt8

MOST_CENTROIDS = 256


@dataclass(frozen=True)
class WeightedPoints:
    """Places, and how much each counts.

    Attributes
    ----------
    places
        Shape (axes, n).
    weights
        Pixels at each; shape (n,).
    """

    places: Float64
    weights: Float64

    @property
    def count(self) -> int:
        """Places."""
        return int(self.places.shape[1])

    @cached_property
    def _reach(self) -> Float64:
        return np.cumsum(self.weights)

    def drawn(self, size: int, rng: np.random.Generator) -> WeightedPoints:
        """So many places, drawn by their weights, that count alike."""
        numbers = np.searchsorted(self._reach, rng.random(size) * self._reach[-1], side="right")
        return WeightedPoints(np.ascontiguousarray(self.places[:, numbers.clip(max=self.count - 1)]), np.ones(size))


def weighted_points(values: NDArray[np.generic], weights: Float64) -> WeightedPoints:
    """Items of shape (n, axes) as k-means takes them."""
    return WeightedPoints(np.ascontiguousarray(values.T, dtype=np.float64), weights)


@dataclass(frozen=True)
class Assignment:
    """Who is nearest to which centroid.

    Attributes
    ----------
    member
        Number of the nearest centroid of every place, the first of equals; shape (n,).
    distances
        Squared distance to it; shape (n,).
    sums, counts
        Weighted sum of the members of each centroid, and their weight; shapes (k, axes) and (k,).
    """

    member: UInt8
    distances: Float64
    sums: Float64
    counts: Float64

    @classmethod
    def of(cls, items: WeightedPoints, centroids: Float64) -> Assignment:
        """Find them; centroids have shape (k, axes)."""
        from icepipe.segment.clustering._kernels import assign

        assert len(centroids) <= MOST_CENTROIDS, "a number of eight bits cannot tell them apart"
        member, distances = np.empty(items.count, dtype=np.uint8), np.empty(items.count)
        sums, counts = np.empty_like(centroids), np.empty(len(centroids))
        assign(items.places, items.weights, centroids, member, distances, sums, counts)
        return cls(member, distances, sums, counts)

    def means(self, otherwise: Float64) -> Float64:
        """Mean of the members of each centroid; another place where it has none."""
        return np.divide(self.sums, self.counts[:, None], out=otherwise.copy(), where=self.counts[:, None] > 0)

    def moved(self, items: WeightedPoints, centroids: Float64) -> Float64:
        """Means of the members; a centroid without any starts again at one of the places farthest from their own."""
        empty = np.flatnonzero(self.counts == 0)
        if not len(empty):
            return self.means(centroids)
        elsewhere = centroids.copy()
        elsewhere[empty] = items.places.T[np.argsort(-self.distances, kind="stable")[: len(empty)]]
        return self.means(elsewhere)

    def inertia(self, items: WeightedPoints) -> float:
        """Squared distances to the nearest centroid, summed by weight."""
        return float(np.sum(items.weights * self.distances))


def nearest(values: NDArray[np.generic], centroids: Float64) -> UInt8:
    """Number of the nearest centroid of every item; the first of equals.

    Element by element in double precision, so an item's answer does not depend on what it is asked with.
    """
    return Assignment.of(weighted_points(values, np.ones(len(values))), centroids).member


def squared_distances(values: NDArray[np.number[Any]], centroids: Float64, member: UInt8) -> Float64:
    """Squared distance of every item to the centroid that it is a member of."""
    return np.asarray(np.sum((values - centroids[member]) ** 2, axis=1), dtype=np.float64)
