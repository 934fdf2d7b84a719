"""How many clusters: the knee of the inertia, or the best silhouette."""

from __future__ import annotations

import numpy as np

from icepipe.classes import ClassCode
from icepipe.inputs.sensors import Sensor
from icepipe.models import KPoint
from icepipe.records import Float64, Kept
from icepipe.segment.cluster import fit, k_means, nearest
from icepipe.segment.features import features_of
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


def every_nth(sample: Kept, most: int) -> Kept:
    """At most so many items of a sample, evenly spread over it."""
    return sample[:: max(1, -(-len(sample) // most))]


def _silhouette(sample: Kept, member: Kept) -> float:
    from sklearn.metrics import silhouette_score

    if len(np.unique(member)) < 2:
        return 0.0
    return float(silhouette_score(sample.astype(np.float64), member))


def _point(sample: Kept, k: int, seed: int, sensor: Sensor, rules: RuleSet) -> KPoint:
    centroids, _, _ = k_means(sample, k, k, seed)
    member = nearest(sample, centroids)
    few = every_nth(sample, SILHOUETTE_PIXELS)
    named = rules.codes(features_of(centroids, sensor))
    split = fit(sample, k, seed, sensor, rules)
    named_after = rules.codes(features_of(split.centroids, sensor))
    return KPoint(
        k=k,
        inertia=float(np.mean(np.sum((sample - centroids[member]) ** 2, axis=1))),
        silhouette=_silhouette(few, nearest(few, centroids)),
        ice_before=float(np.mean(named[member] == ClassCode.ICE)),
        ice_after=float(split.shares[named_after == ClassCode.ICE].sum()),
    )


def choose_k(sample: Kept, how: str, seed: int, sensor: Sensor, rules: RuleSet) -> tuple[int, tuple[KPoint, ...]]:
    """Number of clusters and what every candidate would give.

    Parameters
    ----------
    sample
        Shape (n, bands).
    how
        ``elbow`` (knee of the logarithm of the inertia, so that two close colours count as much as two far ones) or
        ``silhouette`` (largest mean silhouette).
    seed, sensor, rules
        As for a fit.
    """
    few = every_nth(sample, FIT_PIXELS)
    n_colours = len(np.unique(few, axis=0))
    curve = tuple(_point(few, k, seed, sensor, rules) for k in CANDIDATES if k <= n_colours)
    if not curve:
        return 1, ()
    if how == "silhouette":
        return max(curve, key=lambda point: (point.silhouette, -point.k)).k, curve
    ks, inertia = np.array([[point.k, point.inertia] for point in curve], dtype=np.float64).T
    falling = np.log(inertia + inertia.max() * 1e-9 + 1e-9)
    return curve[knee(ks, falling) if len(curve) > 2 else 0].k, curve
