"""Define the frozen records of a fitted model: thresholds, named clusters and how the fit went."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from icepipe.arrays import Float64, UInt8
from icepipe.classes import ClassCode
from icepipe.config.segment import Ice


@dataclass(frozen=True)
class Threshold:
    """Threshold of a rule, with its published range.

    Attributes
    ----------
    key
        Key under which a config overrides it.
    name
        The condition in words.
    feature
        The feature that is compared; the condition holds at or above the threshold.
    low, mid, high
        Published range, and the value that decides the class.
    unit
        Unit of the feature, for display.
    source
        Source of the range.
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
        """Low, middle and high value."""
        return self.low, self.mid, self.high


# The field names of the records below are keys of model.json; a renamed field makes files of earlier runs unreadable.


@dataclass(frozen=True)
class Cluster:
    """Named cluster of a model.

    Attributes
    ----------
    centroid
        Coordinates in the feature space in which pixels are compared.
    spectrum
        Stored values of its bands, in the order of the roles, from which it is named: the centroid itself where pixels
        are compared by stored values, else the mean of its members.
    code
        Class under the middle thresholds.
    ruled
        Class by the rules; differs from ``code`` only where the config pins another.
    could_be
        Classes under any combination of the thresholds' published ranges.
    margin
        Distance to the nearest threshold whose crossing alone would change the class, in the unit of that threshold;
        None where no single threshold would.
    reason
        The conditions that decided, in words.
    share
        Share of the sample in this cluster, 0..1.
    parent
        Index of the k-means cluster from which it was split.
    pinned
        Whether the config named it instead of the rules.
    reach
        Distance to the centroid within which 99 % of its sample lies; None in models of 0.1.0, which do not list it.
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
    reach: float | None = None


@dataclass(frozen=True)
class KPoint:
    """Scores of one candidate number of clusters.

    Attributes
    ----------
    k
        Number of clusters.
    inertia
        Mean squared distance to the nearest centroid, before splitting.
    silhouette
        Mean silhouette of a part of the sample, before splitting.
    ice_before, ice_after
        Share of the sample classified as ice, before and after splitting.
    """

    k: int
    inertia: float
    silhouette: float
    ice_before: float
    ice_after: float


@dataclass(frozen=True)
class FitRecord:
    """Settings and convergence of a k-means fit.

    Attributes
    ----------
    seed, n_sample
        Seed of the random generator, and number of pixels in the sample.
    n_minibatch, n_lloyd
        Number of mini-batches, and of full iterations after them.
    max_iterations, tolerance
        Limits of the full iterations: their number, and the centroid shift as a share of the variance.
    converged
        Whether the full iterations ended by the tolerance and not by their number.
    inertia
        Weighted sum of squared distances to the nearest centroid, before splitting.
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
class PureSurfaces:
    """Ends of the line on which mixed pixels lie, from pure water (share of ice 0) to pure ice (1).

    Attributes
    ----------
    water, ice
        Reflectance of both, in the order of the roles.
    brightest
        Position on the line of the brightest ice that a pixel may hold, at least 1.
    darkest, surest
        Least position on the line whose colour could be named ice, and largest whose colour could be named water.
    has_water
        Whether the sample showed water; if not, ``water`` is open water as published.
    """

    water: tuple[float, ...]
    ice: tuple[float, ...]
    brightest: float
    darkest: float
    surest: float
    has_water: bool


@dataclass(frozen=True)
class Model:
    """Fitted clustering with named clusters.

    Attributes
    ----------
    sensor, roles, encoding
        Key of the sensor, roles of its bands and encoding of its stored values, as the model was fitted.
    features
        Features by which pixels are compared; empty where they are compared by stored values.
    rule_set, thresholds
        Key of the rules that named the clusters, and their thresholds.
    k_asked, k_fitted
        Clusters requested, and clusters fitted before splitting.
    fit
        Settings and convergence of the fit.
    straddle, misnamed, strays
        Largest share of the sample that remains in one cluster on the other side of any threshold from its centroid,
        in another class, and in another class under every threshold.
    spread
        Mean squared distance of the sample to the nearest centroid, after splitting.
    clusters
        In physical order, dark to bright.
    k_curve
        Scores of the candidate numbers of clusters, where the config has k chosen.
    pinned_on
        Hash of the model before the config pinned classes; None where it pins none.
    pure
        Pure water and pure ice of the sample; None where it shows no ice.
    ice
        Which ice is in the class; any in files of earlier versions, which had no choice.
    own_misnamed, own_strays
        Share of the whole sample whose own colour has another class than its cluster, and another class under every
        threshold; 0 in models of 0.1.0, which do not list them.
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
    pure: PureSurfaces | None = None
    ice: Ice = "any"
    own_misnamed: float = 0.0
    own_strays: float = 0.0

    @property
    def centroids(self) -> Float64:
        """Centroid of each cluster; shape (clusters, axes)."""
        return np.array([cluster.centroid for cluster in self.clusters], dtype=np.float64)

    @property
    def codes(self) -> UInt8:
        """Class code of each cluster; shape (clusters,)."""
        return np.array([cluster.code for cluster in self.clusters], dtype=np.uint8)
