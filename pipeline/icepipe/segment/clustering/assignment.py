"""Assign weighted points to their nearest centroids."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from icepipe.arrays import Float64, UInt8

MAX_CENTROIDS = 256
"""Indices of centroids have 8 bits."""


@dataclass(frozen=True)
class WeightedPoints:
    """Points in a feature space, and their weights.

    Attributes
    ----------
    places
        Coordinates, shape (axes, n).
    weights
        Pixels at each point, shape (n,).
    """

    places: Float64
    weights: Float64

    @property
    def count(self) -> int:
        """Number of points."""
        return int(self.places.shape[1])

    @cached_property
    def _cumulative_weights(self) -> Float64:
        return np.cumsum(self.weights)

    def draw(self, size: int, rng: np.random.Generator) -> WeightedPoints:
        """Return ``size`` points of equal weight, drawn with replacement and in proportion to the weights."""
        ends = self._cumulative_weights
        indices = np.searchsorted(ends, rng.random(size) * ends[-1], side="right")
        # A product that rounds up to the total weight would be one past the last point.
        return WeightedPoints(np.ascontiguousarray(self.places[:, indices.clip(max=self.count - 1)]), np.ones(size))


def weighted_points(values: NDArray[np.generic], weights: Float64) -> WeightedPoints:
    """Return items of shape (n, axes) as points in double precision."""
    return WeightedPoints(np.ascontiguousarray(values.T, dtype=np.float64), weights)


@dataclass(frozen=True)
class Assignment:
    """Assignment of points to their nearest centroids.

    Attributes
    ----------
    member
        Index of the nearest centroid of every point, the first of equals; shape (n,).
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
        """Assign points to centroids of shape (k, axes)."""
        # A kernel of its own, element by element and in one order: the same centroids on every machine. Linear algebra
        # libraries choose the order of their sums by the processor.
        from icepipe.segment.clustering._kernels import assign

        assert len(centroids) <= MAX_CENTROIDS, "indices of centroids have 8 bits"
        member, distances = np.empty(items.count, dtype=np.uint8), np.empty(items.count)
        sums, counts = np.empty_like(centroids), np.empty(len(centroids))
        assign(items.places, items.weights, centroids, member, distances, sums, counts)
        return cls(member, distances, sums, counts)

    def means(self, default: Float64) -> Float64:
        """Return the mean of the members of each centroid, ``default`` for centroids without members."""
        return np.divide(self.sums, self.counts[:, None], out=default.copy(), where=self.counts[:, None] > 0)

    def update_centroids(self, items: WeightedPoints, centroids: Float64) -> Float64:
        """Return the means of the members; centroids without any restart at the points farthest from their own."""
        empty = np.flatnonzero(self.counts == 0)
        if not len(empty):
            return self.means(centroids)
        restarted = centroids.copy()
        # A stable sort, so that equally far points are taken in their order on every machine.
        restarted[empty] = items.places.T[np.argsort(-self.distances, kind="stable")[: len(empty)]]
        return self.means(restarted)

    def inertia(self, items: WeightedPoints) -> float:
        """Return the weighted sum of squared distances to the nearest centroid."""
        return float(np.sum(items.weights * self.distances))


def nearest(values: NDArray[np.generic], centroids: Float64) -> UInt8:
    """Return the index of the nearest centroid of every item, shape (n,); values have shape (n, axes)."""
    return Assignment.of(weighted_points(values, np.ones(len(values))), centroids).member


def squared_distances(values: NDArray[np.number[Any]], centroids: Float64, member: UInt8) -> Float64:
    """Return the squared distance of every item to the centroid that it is a member of."""
    return np.asarray(np.sum((values - centroids[member]) ** 2, axis=1), dtype=np.float64)
