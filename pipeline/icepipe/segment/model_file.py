"""``model.json``: a model as people read it, and as a later run takes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from icepipe.classes import ClassCode
from icepipe.errors import ConfigError
from icepipe.segment.model import Cluster, Model

_ADAPTER = TypeAdapter(Model)


def cluster_document(number: int, cluster: Cluster) -> dict[str, Any]:
    """One cluster as JSON values."""
    return {
        "cluster": number,
        "class": cluster.code.label,
        "class_by_rules": cluster.ruled.label,
        "could_be": [code.label for code in cluster.could_be],
        "pinned": cluster.pinned,
        "centroid": list(cluster.centroid),
        "spectrum": list(cluster.spectrum),
        "margin": cluster.margin,
        "reason": cluster.reason,
        "split_from": cluster.parent,
        "share_of_sample": cluster.share,
    }


def model_document(model: Model) -> dict[str, Any]:
    """The model as JSON values: centroids, names, thresholds with sources, and how the fit went."""
    document = asdict(model)
    document["clusters"] = [cluster_document(number, cluster) for number, cluster in enumerate(model.clusters)]
    document["k_curve"] = [
        {
            "k": point.k,
            "mean_squared_distance": point.inertia,
            "silhouette": point.silhouette,
            "ice_share_before_splitting": point.ice_before,
            "ice_share_after_splitting": point.ice_after,
        }
        for point in model.k_curve
    ]
    return {"hash": model_hash(model), "n_clusters": len(model.clusters)} | document


def model_hash(model: Model) -> str:
    """Twelve hexadecimal digits that change with anything that names a pixel or is told of it."""
    clusters = [{**cluster_document(number, c), "share_of_sample": None} for number, c in enumerate(model.clusters)]
    thresholds = [(t.key, t.feature, *t.levels) for t in model.thresholds]
    text = json.dumps(
        [model.sensor, model.roles, model.encoding, model.features, model.rule_set, thresholds, clusters, model.spread]
    )
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def combined_hash(models: Sequence[Model]) -> str:
    """The hash of one model, or one of the hashes of several; nothing where classes came with the files."""
    if not models:
        return ""
    hashes = [model_hash(model) for model in models]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()[:12]


def _model(document: dict[str, Any]) -> Model:
    codes = {code.label: code for code in ClassCode}
    clusters = []
    for entry in document["clusters"]:
        renamed = {name: entry[name] for name in ("centroid", "spectrum", "margin", "reason", "pinned")}
        renamed |= {
            "code": codes[entry["class"]],
            "ruled": codes[entry["class_by_rules"]],
            "could_be": [codes[name] for name in entry["could_be"]],
        }
        clusters.append(renamed | {"share": entry["share_of_sample"], "parent": entry["split_from"]})
    curve = [
        {
            "k": point["k"],
            "inertia": point["mean_squared_distance"],
            "silhouette": point["silhouette"],
            "ice_before": point["ice_share_before_splitting"],
            "ice_after": point["ice_share_after_splitting"],
        }
        for point in document["k_curve"]
    ]
    return _ADAPTER.validate_python(document | {"clusters": clusters, "k_curve": curve})


def read_model(path: Path) -> Model:
    """The model of a file that an earlier run wrote.

    Raises
    ------
    ConfigError
        If it is not there, is no model, or was changed since it was written.
    """
    try:
        document = json.loads(path.read_bytes())
        model, hashed = _model(document), document["hash"]
    except OSError as error:
        raise ConfigError(f"segment.fit: {path} cannot be read ({error.strerror})", "correct the path") from None
    except (ValueError, KeyError, TypeError, ValidationError):
        raise ConfigError(f"segment.fit: {path} is not a model that icepipe wrote", "name a run's model.json") from None
    if not model.clusters:
        raise ConfigError(f"segment.fit: {path} has no clusters", "name the model of a date that shows something")
    if model_hash(model) != hashed:
        raise ConfigError(
            f"segment.fit: {path} was changed since it was written",
            "take the file as a run wrote it; to change names, use segment.labels",
        )
    return model
