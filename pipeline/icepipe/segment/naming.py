"""A name, a margin and a written reason for every cluster, from its mean spectrum alone."""

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


@dataclass(frozen=True)
class Naming:
    """What the rules say of one centroid."""

    code: ClassCode
    could_be: tuple[ClassCode, ...]
    margin: float | None
    reason: str


MIN_RANGE = 0.01
"""Stands for the range of a threshold that the config gives one value alone."""


def _nearest_other(rules: RuleSet, features: Features) -> tuple[float, Threshold, ClassCode] | None:
    """Threshold whose crossing alone changes the name, with the distance to it in its own unit and the new name.

    Of several, the nearest in parts of its published range, so that indices and reflectances compare.
    """
    conditions = rules.conditions(features, 1)
    name = rules.decide(conditions)[0]
    found = []
    for i, threshold in enumerate(rules.thresholds):
        crossed = [~c if i == j else c for j, c in enumerate(conditions)]
        beyond = ClassCode(int(rules.decide(crossed)[0]))
        if beyond != name:
            distance = abs(float(features[threshold.feature][0]) - threshold.mid)
            found.append((distance / (threshold.high - threshold.low or MIN_RANGE), i, distance, beyond))
    if not found:
        return None
    _, i, distance, beyond = min(found)
    return distance, rules.thresholds[i], beyond


def _conditions_in_words(rules: RuleSet, features: Features) -> str:
    said = []
    for threshold, (met,) in zip(rules.thresholds, rules.conditions(features, 1), strict=True):
        relation, prefix = (">=", "") if met else ("<", "not ")
        value = float(features[threshold.feature][0])
        said.append(f"{prefix}{threshold.name} ({threshold.feature} {value:.3f} {relation} {threshold.mid:g})")
    return ", ".join(said)


def _reason(
    code: ClassCode, could_be: tuple[ClassCode, ...], rules: RuleSet, features: Features
) -> tuple[float | None, str]:
    """Margin and words for one centroid."""
    text = f"{code.label}: {_conditions_in_words(rules, features)}"
    nearest = _nearest_other(rules, features)
    margin = None
    if nearest:
        margin, threshold, beyond = nearest
        text += f"; nearest other name: {beyond.label}, {margin:.3f} {threshold.unit} away"
    if len(could_be) > 1:
        text += f"; within the published ranges it could be {' or '.join(c.label for c in could_be)}"
    return margin, text


def name_spectrum(spectrum: Float64, sensor: Sensor, rules: RuleSet) -> Naming:
    """Name one cluster.

    Parameters
    ----------
    spectrum
        Kept numbers of its bands, shape (bands,).
    sensor, rules
        What the numbers mean, and the thresholds that decide.
    """
    features = compute_features(np.asarray(spectrum, dtype=np.float64)[None, :], sensor)
    code = ClassCode(int(rules.codes(features)[0]))
    bits = int(rules.could_be(features)[0])
    could_be = tuple(c for c in BUDGET if bits >> c & 1)
    margin, reason = _reason(code, could_be, rules, features)
    return Naming(code, could_be, margin, reason)


def name_clusters(
    fit: Fit, k_asked: int | str, space: FeatureSpace, rules: RuleSet, k_curve: tuple[KPoint, ...] = ()
) -> Model:
    """Turn a fit into a model: every cluster named."""
    sensor, clusters = space.sensor, []
    for centroid, spectrum, parent, share in zip(fit.centroids, fit.spectra, fit.parents, fit.shares, strict=True):
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
            )
        )
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
        straddle=fit.left[0],
        misnamed=fit.left[1],
        strays=fit.left[2],
        spread=float(f"{fit.spread:.6g}"),
        clusters=tuple(clusters),
        k_curve=k_curve,
    )


def pin_names(model: Model, names: Mapping[int, ClassCode], model_hash: str) -> Model:
    """The model with some clusters named by hand; ``model_hash`` is what it hashed to before."""
    clusters = list(model.clusters)
    for number, code in names.items():
        old = clusters[number]
        reason = f"{code.label}: pinned by the config; the rules say {old.reason}"
        clusters[number] = replace(old, code=code, could_be=(code,), margin=None, reason=reason, pinned=True)
    return replace(model, clusters=tuple(clusters), pinned_on=model_hash)
