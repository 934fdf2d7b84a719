"""How many clusters: the knee of the inertia, or the best silhouette."""

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
"""Silhouettes cost the square of the pixels."""


def knee(x: Float64, y: Float64) -> int:
    """Position of the knee of a convex, falling curve: the point farthest under the chord of the normalised curve.

    Satopaa, Albrecht, Irwin and Raghavan (2011), Finding a "Kneedle" in a haystack, ICDCS Workshops.
    """
    span = np.ptp(y)
    if span == 0:
        return 0
    along, down = (x - x[0]) / (x[-1] - x[0]), (y - y.min()) / span
    return int(np.argmax(1 - along - down))


def knee_of_inertia(ks: Float64, inertia: Float64) -> int:
    """Position of the knee of the logarithm of the inertia, so that two close colours count as much as two far ones."""
    return knee(ks, np.log(inertia + inertia.max() * 1e-9 + 1e-9)) if len(ks) > 2 else 0


def _silhouette(places: Float64, centroids: Float64) -> float:
    from sklearn.metrics import silhouette_score

    member = nearest(places, centroids)
    if len(np.unique(member)) < 2:
        return 0.0
    return float(silhouette_score(places, member))


def _point(sample: PixelSample, k: int, seed: int, space: FeatureSpace, rules: RuleSet) -> KPoint:
    palette = distinct_values(sample, space)
    centroids, _ = k_means(palette, len(sample.values), k, seed)
    member = nearest(palette.places, centroids)
    distances = squared_distances(palette.places, centroids, member)
    few = space.coordinates(resample(sample, SILHOUETTE_PIXELS).values).astype(np.float64)
    means = [
        np.average(palette.colours[member == i], axis=0, weights=palette.weights[member == i])
        for i in np.unique(member)
    ]
    named = rules.codes(compute_features(np.array(means), space.sensor))
    own = named[np.searchsorted(np.unique(member), member)]
    split = fit(sample, k, seed, space, rules)
    named_after = rules.codes(compute_features(split.spectra, space.sensor))
    return KPoint(
        k=k,
        inertia=float(np.average(distances, weights=palette.weights)),
        silhouette=_silhouette(few, centroids),
        ice_before=float(np.average(own == ClassCode.ICE, weights=palette.weights)),
        ice_after=float(split.shares[named_after == ClassCode.ICE].sum()),
    )


def choose_k(
    sample: PixelSample, how: str, seed: int, space: FeatureSpace, rules: RuleSet
) -> tuple[int, tuple[KPoint, ...]]:
    """Number of clusters and what every candidate would give.

    Parameters
    ----------
    sample
        What a fit would look at.
    how
        ``elbow`` (knee of the logarithm of the inertia) or ``silhouette`` (largest mean silhouette).
    seed, space, rules
        As for a fit.
    """
    few = resample(sample, FIT_PIXELS)
    n_colours = len(np.unique(few.values, axis=0))
    curve = tuple(_point(few, k, seed, space, rules) for k in CANDIDATES if k <= n_colours)
    if not curve:
        return 1, ()
    if how == "silhouette":
        return max(curve, key=lambda point: (point.silhouette, -point.k)).k, curve
    ks, inertia = np.array([[point.k, point.inertia] for point in curve], dtype=np.float64).T
    return curve[knee_of_inertia(ks, inertia)].k, curve
