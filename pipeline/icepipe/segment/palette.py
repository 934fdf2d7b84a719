"""The distinct colours of a sample, and k-means on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from icepipe.errors import NoUsableInput
from icepipe.models import FitRecord
from icepipe.records import Float64, Int64, UInt8
from icepipe.segment.k_means import TOLERANCE, Members, Weighted, good_start, settle
from icepipe.segment.sample import Sample
from icepipe.segment.space import Space

Number = TypeVar("Number", bound=np.number[Any])

MAX_ITERATIONS = 100
"""Most full iterations after the mini-batches."""

SIGNIFICANT_DIGITS = 6
"""Centroids are rounded to this, so that they read and hash the same on every machine."""


def round_significant(values: Float64) -> Float64:
    """Round to six significant digits."""
    return np.array([float(f"{value:.{SIGNIFICANT_DIGITS}g}") for value in values.ravel()]).reshape(values.shape)


def nearest(values: NDArray[np.generic], centroids: Float64) -> UInt8:
    """Number of the nearest centroid of every item; the first of equals.

    Element by element in double precision, so an item's answer does not depend on what it is asked with.
    """
    return Members.of(items_of(values, np.ones(len(values))), centroids).member


def items_of(values: NDArray[np.generic], weights: Float64) -> Weighted:
    """Items of shape (n, axes) as k-means takes them."""
    return Weighted(np.ascontiguousarray(values.T, dtype=np.float64), weights)


def squared_distances(values: NDArray[np.number[Any]], centroids: Float64, member: UInt8) -> Float64:
    """Squared distance of every item to the centroid that it is a member of."""
    return np.asarray(np.sum((values - centroids[member]) ** 2, axis=1), dtype=np.float64)


@dataclass(frozen=True)
class Palette:
    """Distinct colours of a sample: kept numbers, places in the space they are compared in, and weights."""

    colours: Float64
    places: Float64
    weights: Float64


def _distinct(values: NDArray[Number]) -> tuple[NDArray[Number], Int64]:
    """Distinct rows in ascending order, and the number of each row among them."""
    order = np.lexsort(values.T[::-1])
    ascending = values[order]
    new = np.append(True, np.any(ascending[1:] != ascending[:-1], axis=1))
    number = np.empty(len(values), dtype=np.int64)
    number[order] = np.cumsum(new) - 1
    return ascending[new], number


def palette_of(sample: Sample, space: Space) -> Palette:
    """The distinct colours of a sample, in ascending order.

    Raises
    ------
    NoUsableInput
        If the sample is empty.
    """
    if len(sample.values) == 0:
        raise NoUsableInput("no valid pixel in any tile", "check nodata, alpha and masks of the files")
    colours, number = _distinct(sample.values)
    weights = np.bincount(number, weights=sample.weights, minlength=len(colours))
    places = space.coordinates(colours).astype(np.float64)
    return Palette(colours.astype(np.float64), places, weights.astype(np.float64))


def k_means(palette: Palette, n_sample: int, k: int, seed: int) -> tuple[Float64, FitRecord]:
    """Centroids of one fit, before anything is split, and how it went.

    Mini-batches find their way, full iterations over all colours of the sample settle them. A cluster that loses all
    members is started again at the colour farthest from its centroid.
    """
    items = items_of(palette.places, palette.weights)
    start, batches = good_start(items, min(k, len(_distinct(palette.places)[0])), seed)
    settled = settle(items, start, MAX_ITERATIONS)
    record = FitRecord(
        seed=seed,
        n_sample=n_sample,
        n_minibatch=batches,
        n_lloyd=settled.iterations,
        max_iterations=MAX_ITERATIONS,
        tolerance=TOLERANCE,
        converged=settled.converged,
        inertia=float(f"{settled.inertia:.6g}"),
    )
    return round_significant(settled.centroids), record
