"""The frozen values of a fit: clusters with their names, the model they make, the basis a run stands on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from icepipe.arrays import Float64, UInt8
from icepipe.classes import ClassCode


@dataclass(frozen=True)
class Threshold:
    """One number that decides.

    Attributes
    ----------
    key
        What a config calls it.
    name
        The condition it decides.
    feature
        The feature compared with it; the condition holds at or above it.
    low, mid, high
        Published range and the value used.
    unit
        Unit of the feature, for people.
    source
        Where the range comes from.
    """

    key: str
    name: str
    feature: str
    low: float
    mid: float
    high: float
    unit: str
    source: str

    @property
    def levels(self) -> tuple[float, float, float]:
        """Low, middle and high."""
        return self.low, self.mid, self.high


@dataclass(frozen=True)
class Cluster:
    """One named cluster of a model.

    Attributes
    ----------
    centroid
        Its place among the features that pixels are compared by.
    spectrum
        Kept numbers of its bands, in the order of the roles, which name it: the centroid itself where pixels are
        compared by their bands, the mean of its members else.
    code
        Class under the middle thresholds.
    ruled
        Class by the rules, also where the config names another.
    could_be
        Classes under any combination of the thresholds' published ranges.
    margin
        Distance to the nearest threshold that alone would change the name, in that threshold's unit; None where
        no single one would.
    reason
        The rule that fired, in words.
    share
        Part of the sample in this cluster, 0..1.
    parent
        Number of the k-means cluster it was split from.
    pinned
        Whether the config named it, and not the rules.
    """

    centroid: tuple[float, ...]
    spectrum: tuple[float, ...]
    code: ClassCode
    ruled: ClassCode
    could_be: tuple[ClassCode, ...]
    margin: float | None
    reason: str
    share: float
    parent: int
    pinned: bool = False


@dataclass(frozen=True)
class KPoint:
    """What one number of clusters would give.

    Attributes
    ----------
    k
        The number.
    inertia
        Mean squared distance to the nearest centroid, before splitting.
    silhouette
        Mean silhouette of a part of the sample, before splitting.
    ice_before, ice_after
        Share of the sample named ice, before and after splitting.
    """

    k: int
    inertia: float
    silhouette: float
    ice_before: float
    ice_after: float


@dataclass(frozen=True)
class FitRecord:
    """How a fit went.

    Attributes
    ----------
    seed, n_sample
        Start of the fit, and the pixels it looked at.
    n_minibatch, n_lloyd
        Mini-batches, and full iterations after them.
    max_iterations, tolerance
        Full iterations stop after so many, or when centroids move by less than this part of the variance.
    converged
        Whether the tolerance was what stopped them.
    inertia
        Sum of squared distances to the nearest centroid, as the sample stands for the pixels, before splitting.
    """

    seed: int
    n_sample: int
    n_minibatch: int
    n_lloyd: int
    max_iterations: int
    tolerance: float
    converged: bool
    inertia: float


@dataclass(frozen=True)
class Model:
    """A fitted and named clustering.

    Attributes
    ----------
    sensor, roles, encoding
        Key of the sensor table, the roles of the bands, and what their numbers mean, that it was fitted on.
    features
        What pixels are compared by; nothing where that is the bands as they are kept.
    rule_set, thresholds
        Key of the rules that named the clusters, and the numbers they used.
    k_asked, k_fitted
        Clusters asked for, and found before splitting.
    fit
        How the fit went.
    straddle, misnamed, strays
        Largest share of the sample that one cluster still holds across any threshold from its centroid, under another
        name, and certainly under another name.
    spread
        Mean squared distance of the sample to its nearest centroid, after splitting.
    clusters
        In physical order, dark to bright.
    k_curve
        What other numbers of clusters would give, where k was chosen and not stated.
    pinned_on
        Hash of the model before the config pinned names; None where it pins none.
    """

    sensor: str
    roles: tuple[str, ...]
    encoding: str
    features: tuple[str, ...]
    rule_set: str
    thresholds: tuple[Threshold, ...]
    k_asked: int | str
    k_fitted: int
    fit: FitRecord
    straddle: float
    misnamed: float
    strays: float
    spread: float
    clusters: tuple[Cluster, ...]
    k_curve: tuple[KPoint, ...] = ()
    pinned_on: str | None = None

    @property
    def centroids(self) -> Float64:
        """Shape (clusters, features)."""
        return np.array([c.centroid for c in self.clusters], dtype=np.float64)

    @property
    def codes(self) -> UInt8:
        """Class code of each cluster."""
        return np.array([c.code for c in self.clusters], dtype=np.uint8)
