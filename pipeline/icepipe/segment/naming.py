"""Name every cluster from its spectrum alone: class, margin and a written reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from icepipe.arrays import Float64
from icepipe.classes import BUDGET, ClassCode
from icepipe.segment.clustering.splitting import Fit
from icepipe.segment.features import Features, FeatureSpace, compute_features
from icepipe.segment.model import Cluster, KPoint, Model, Threshold
from icepipe.segment.rules import RuleSet
from icepipe.sensors.sensor import Sensor

MIN_RANGE = 0.01
"""Range assumed for a threshold for which the config sets low = high."""


@dataclass(frozen=True)
class Naming:
    """Class of one spectrum by the rules; the fields are those of :class:`icepipe.segment.model.Cluster`."""

    code: ClassCode
    could_be: tuple[ClassCode, ...]
    margin: float | None
    reason: str


@dataclass(frozen=True)
class Boundary:
    """Nearest threshold whose crossing alone changes the class.

    Attributes
    ----------
    threshold
        The threshold.
    distance
        Distance from the spectrum to it, in its own unit.
    code
        Class beyond it.
    """

    threshold: Threshold
    distance: float
    code: ClassCode


def nearest_boundary(rules: RuleSet, features: Features) -> Boundary | None:
    """Return the nearest class boundary of one spectrum, or None where no single threshold changes its class."""
    conditions = rules.conditions(features, 1)
    code = rules.decide(conditions)[0]
    boundaries = []
    for i, threshold in enumerate(rules.thresholds):
        crossed = [~condition if i == j else condition for j, condition in enumerate(conditions)]
        code_beyond = ClassCode(int(rules.decide(crossed)[0]))
        if code_beyond != code:
            distance = abs(float(features[threshold.feature][0]) - threshold.mid)
            # In units of the published range, so that indices and reflectances compare.
            relative = distance / (threshold.high - threshold.low or MIN_RANGE)
            boundaries.append((relative, i, Boundary(threshold, distance, code_beyond)))
    return min(boundaries)[2] if boundaries else None


def describe_conditions(rules: RuleSet, features: Features) -> str:
    """Return the conditions of one spectrum in words, with values and thresholds."""
    parts = []
    for threshold, (met,) in zip(rules.thresholds, rules.conditions(features, 1), strict=True):
        relation, prefix = (">=", "") if met else ("<", "not ")
        value = float(features[threshold.feature][0])
        parts.append(f"{prefix}{threshold.name} ({threshold.feature} {value:.3f} {relation} {threshold.mid:g})")
    return ", ".join(parts)


def name_spectrum(spectrum: Float64, sensor: Sensor, rules: RuleSet) -> Naming:
    """Name one spectrum.

    Parameters
    ----------
    spectrum
        Stored values of its bands, shape (bands,).
    sensor, rules
        Conversion of the stored values to reflectance, and the thresholds that decide.
    """
    features = compute_features(np.asarray(spectrum, dtype=np.float64)[None, :], sensor)
    code = ClassCode(int(rules.codes(features)[0]))
    possible = int(rules.could_be(features)[0])
    could_be = tuple(c for c in BUDGET if possible >> c & 1)
    reason = f"{code.label}: {describe_conditions(rules, features)}"
    boundary = nearest_boundary(rules, features)
    if boundary:
        reason += f"; nearest other name: {boundary.code.label}, {boundary.distance:.3f} {boundary.threshold.unit} away"
    if len(could_be) > 1:
        reason += f"; within the published ranges it could be {' or '.join(c.label for c in could_be)}"
    return Naming(code, could_be, boundary.distance if boundary else None, reason)


def build_clusters(fit: Fit, sensor: Sensor, rules: RuleSet) -> tuple[Cluster, ...]:
    """Return the clusters of a fit, each named by the rules."""
    clusters = []
    columns = fit.centroids, fit.spectra, fit.parents, fit.shares, fit.reaches
    for centroid, spectrum, parent, share, reach in zip(*columns, strict=True):
        naming = name_spectrum(spectrum, sensor, rules)
        clusters.append(
            Cluster(
                centroid=tuple(centroid.tolist()),
                spectrum=tuple(spectrum.tolist()),
                code=naming.code,
                ruled=naming.code,
                could_be=naming.could_be,
                margin=naming.margin,
                reason=naming.reason,
                share=float(share),
                parent=int(parent),
                reach=float(reach),
            )
        )
    return tuple(clusters)


def name_clusters(
    fit: Fit, k_asked: int | str, space: FeatureSpace, rules: RuleSet, k_curve: tuple[KPoint, ...] = ()
) -> Model:
    """Return the model of a fit.

    Parameters
    ----------
    fit
        Fitted clusters.
    k_asked
        Number of clusters, or method that chose it, in the config.
    space, rules
        Feature space and rules of the fit.
    k_curve
        Scores of the candidate numbers of clusters, where a method chose it.
    """
    sensor = space.sensor
    return Model(
        sensor=sensor.key,
        roles=sensor.roles,
        encoding=sensor.encoding,
        features=space.features,
        rule_set=sensor.rule_set,
        thresholds=rules.thresholds,
        k_asked=k_asked,
        k_fitted=fit.k_fitted,
        fit=fit.record,
        straddle=fit.remaining[0],
        misnamed=fit.remaining[1],
        strays=fit.remaining[2],
        # Sums over the sample are not exact: rounded as centroids are, so that the model hashes alike everywhere.
        spread=float(f"{fit.spread:.6g}"),
        clusters=build_clusters(fit, sensor, rules),
        k_curve=k_curve,
        pure=fit.pure,
        ice=rules.ice,
        own_misnamed=float(f"{fit.own_misnamed:.6g}"),
        own_strays=float(f"{fit.own_strays:.6g}"),
    )


def pin_names(model: Model, names: Mapping[int, ClassCode], model_hash: str) -> Model:
    """Return a model with some clusters named by the config; ``model_hash`` is its hash before."""
    clusters = list(model.clusters)
    for number, code in names.items():
        old = clusters[number]
        reason = f"{code.label}: pinned by the config; the rules say {old.reason}"
        # The user vouches for the class: no threshold can change it, and its area has no bounds from thresholds.
        clusters[number] = replace(old, code=code, could_be=(code,), margin=None, reason=reason, pinned=True)
    return replace(model, clusters=tuple(clusters), pinned_on=model_hash)
