"""Choose the number of clusters by the knee of the inertia or by the best silhouette."""

from __future__ import annotations

import numpy as np

from icepipe.arrays import Float64
from icepipe.classes import ClassCode
from icepipe.segment.clustering.assignment import nearest, squared_distances
from icepipe.segment.clustering.kmeans import distinct_values, k_means
from icepipe.segment.clustering.sampling import PixelSample, resample
from icepipe.segment.clustering.splitting import fit
from icepipe.segment.features import FeatureSpace, compute_features
from icepipe.segment.model import KPoint
from icepipe.segment.rules import RuleSet

CANDIDATES = range(2, 13)
FIT_PIXELS = 50_000
SILHOUETTE_PIXELS = 2_000
"""Time and memory of a silhouette grow with the square of its pixels."""


def knee(x: Float64, y: Float64) -> int:
    """Return the index of the knee of a convex, falling curve: the point farthest below the chord.

    Satopaa, Albrecht, Irwin and Raghavan (2011), Finding a "Kneedle" in a haystack, ICDCS Workshops.
    """
    span = np.ptp(y)
    if span == 0:
        return 0
    # Both axes are normalised to 0..1, so the chord is the diagonal 1 - x.
    x_unit, y_unit = (x - x[0]) / (x[-1] - x[0]), (y - y.min()) / span
    return int(np.argmax(1 - x_unit - y_unit))


def inertia_knee(ks: Float64, inertia: Float64) -> int:
    """Return the index of the knee of the logarithm of the inertia; shapes (n,)."""
    # The logarithm, so that separating two similar colours counts as much as separating two different ones. The small
    # terms keep an inertia of zero finite.
    return knee(ks, np.log(inertia + inertia.max() * 1e-9 + 1e-9)) if len(ks) > 2 else 0


def mean_silhouette(places: Float64, centroids: Float64) -> float:
    """Return the mean silhouette of points assigned to their nearest centroids, 0 where all have the same one."""
    # scikit-learn takes a second to load and is needed only where k is chosen.
    from sklearn.metrics import silhouette_score

    member = nearest(places, centroids)
    return float(silhouette_score(places, member)) if len(np.unique(member)) > 1 else 0.0


def evaluate_k(sample: PixelSample, k: int, seed: int, space: FeatureSpace, rules: RuleSet) -> KPoint:
    """Fit k clusters and return their scores; the parameters are those of :func:`choose_k`."""
    palette = distinct_values(sample, space)
    centroids, _ = k_means(palette, len(sample.values), k, seed)
    member = nearest(palette.places, centroids)
    distances = squared_distances(palette.places, centroids, member)
    few = space.coordinates(resample(sample, SILHOUETTE_PIXELS).values).astype(np.float64)
    # Before splitting: every colour has the class of the mean colour of its cluster.
    clusters, cluster = np.unique(member, return_inverse=True)
    means = [np.average(palette.colours[member == i], axis=0, weights=palette.weights[member == i]) for i in clusters]
    codes_before = rules.codes(compute_features(np.array(means), space.sensor))[cluster]
    split = fit(sample, k, seed, space, rules)
    codes_after = rules.codes(compute_features(split.spectra, space.sensor))
    return KPoint(
        k=k,
        inertia=float(np.average(distances, weights=palette.weights)),
        silhouette=mean_silhouette(few, centroids),
        ice_before=float(np.average(codes_before == ClassCode.ICE, weights=palette.weights)),
        ice_after=float(split.shares[codes_after == ClassCode.ICE].sum()),
    )


def choose_k(
    sample: PixelSample, method: str, seed: int, space: FeatureSpace, rules: RuleSet
) -> tuple[int, tuple[KPoint, ...]]:
    """Return the number of clusters, and the scores of every candidate.

    Parameters
    ----------
    sample
        Sample of the fit.
    method
        ``elbow`` (knee of the logarithm of the inertia) or ``silhouette`` (largest mean silhouette).
    seed, space, rules
        Those of the fit.
    """
    few = resample(sample, FIT_PIXELS)
    n_colours = len(np.unique(few.values, axis=0))
    curve = tuple(evaluate_k(few, k, seed, space, rules) for k in CANDIDATES if k <= n_colours)
    if not curve:
        # One colour, or none.
        return 1, ()
    if method == "silhouette":
        # Of equal silhouettes the smaller k.
        return max(curve, key=lambda point: (point.silhouette, -point.k)).k, curve
    ks, inertia = np.array([[point.k, point.inertia] for point in curve], dtype=np.float64).T
    return curve[inertia_knee(ks, inertia)].k, curve
