"""The frozen values of a fit: clusters with their names, the model they make, the basis a run stands on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from affine import Affine

from icepipe.classes import ClassCode
from icepipe.records import Float64, GeoBox, UInt8


@dataclass(frozen=True)
class Cluster:
    """One named cluster of a model.

    Attributes
    ----------
    centroid
        Mean of the members' kept numbers, in the order of the roles.
    code
        Class under the middle thresholds.
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
    """

    centroid: tuple[float, ...]
    code: ClassCode
    could_be: tuple[ClassCode, ...]
    margin: float | None
    reason: str
    share: float
    parent: int


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
class Model:
    """A fitted and named clustering.

    Attributes
    ----------
    sensor, roles
        Key of the sensor table, and the roles of the bands, that it was fitted on.
    rule_set
        Key of the rules that named the clusters.
    k_asked, k_fitted
        Clusters asked for, and found before splitting.
    seed, n_sample, n_iter, inertia
        How the fit went.
    straddle
        Largest share of the sample that still lies on the other side of a threshold than its centroid.
    spread
        Mean squared distance of the sample to its nearest centroid, after splitting.
    clusters
        In physical order, dark to bright.
    k_curve
        What other numbers of clusters would give, where k was chosen and not stated.
    """

    sensor: str
    roles: tuple[str, ...]
    rule_set: str
    k_asked: int | str
    k_fitted: int
    seed: int
    n_sample: int
    n_iter: int
    inertia: float
    straddle: float
    spread: float
    clusters: tuple[Cluster, ...]
    k_curve: tuple[KPoint, ...] = ()

    @property
    def centroids(self) -> Float64:
        """Shape (clusters, features)."""
        return np.array([c.centroid for c in self.clusters], dtype=np.float64)

    @property
    def codes(self) -> UInt8:
        """Class code of each cluster."""
        return np.array([c.code for c in self.clusters], dtype=np.uint8)


@dataclass(frozen=True)
class Basis:
    """What all dates of a run share, frozen by its first run.

    Attributes
    ----------
    settings
        Digest of the settings it was made with.
    crs, transform, width, height
        The run grid.
    region_wkt
        Outline that areas are reported for, in the grid's CRS.
    unit_m2
        Unit that areas are summed in.
    model
        The named clusters.
    """

    settings: str
    crs: str
    transform: tuple[float, float, float, float, float, float]
    width: int
    height: int
    region_wkt: str
    unit_m2: float
    model: Model

    @property
    def grid(self) -> GeoBox:
        """The run grid."""
        return GeoBox(self.crs, Affine(*self.transform), self.width, self.height)
