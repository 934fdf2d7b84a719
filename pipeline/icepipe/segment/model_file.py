"""Write ``model.json``, read it again and hash models."""

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

_CURVE_KEYS = {
    "k": "k",
    "inertia": "mean_squared_distance",
    "silhouette": "silhouette",
    "ice_before": "ice_share_before_splitting",
    "ice_after": "ice_share_after_splitting",
}
"""Keys of the k curve in the file, by the fields of :class:`icepipe.segment.model.KPoint`."""


def cluster_document(number: int, cluster: Cluster) -> dict[str, Any]:
    """Return one cluster as JSON values."""
    document = {
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
    # Left out where it is not known, so that models of 0.1.0 keep their hash.
    return document | ({} if cluster.reach is None else {"reach": cluster.reach})


def model_document(model: Model) -> dict[str, Any]:
    """Return a model as JSON values: centroids, classes, thresholds with sources, and how the fit went."""
    document = asdict(model)
    document["clusters"] = [cluster_document(number, cluster) for number, cluster in enumerate(model.clusters)]
    document["k_curve"] = [
        {key: getattr(point, field) for field, key in _CURVE_KEYS.items()} for point in model.k_curve
    ]
    return {"hash": model_hash(model), "n_clusters": len(model.clusters)} | document


def model_from_document(document: dict[str, Any]) -> Model:
    """Return the model that :func:`model_document` wrote.

    Raises
    ------
    KeyError, TypeError, ValidationError
        If the document does not have the structure of a model.
    """
    codes = {code.label: code for code in ClassCode}
    clusters = [
        {field: entry[field] for field in ("centroid", "spectrum", "margin", "reason", "pinned")}
        | {
            "code": codes[entry["class"]],
            "ruled": codes[entry["class_by_rules"]],
            "could_be": [codes[label] for label in entry["could_be"]],
            "share": entry["share_of_sample"],
            "parent": entry["split_from"],
            "reach": entry.get("reach"),
        }
        for entry in document["clusters"]
    ]
    curve = [{field: point[key] for field, key in _CURVE_KEYS.items()} for point in document["k_curve"]]
    return _ADAPTER.validate_python(document | {"clusters": clusters, "k_curve": curve})


def model_hash(model: Model) -> str:
    """Return 12 hexadecimal digits that change with everything that decides or explains the class of a pixel."""
    # The share of the sample is left out: it describes the sample and classifies no pixel.
    clusters = [{**cluster_document(number, c), "share_of_sample": None} for number, c in enumerate(model.clusters)]
    thresholds = [(t.key, t.feature, *t.levels) for t in model.thresholds]
    decisive: list[Any] = [model.sensor, model.roles, model.encoding, model.features, model.rule_set]
    # The spread and the shares of the sample are included, as every observation is judged against them.
    decisive += [thresholds, clusters, model.spread]
    # What earlier versions did not have adds nothing where it is absent, so that their models keep their hashes.
    decisive += [share for share in (model.own_misnamed, model.own_strays) if share]
    decisive += [] if model.ice == "any" else [model.ice]
    decisive += [asdict(model.pure)] if model.pure else []
    text = json.dumps(decisive)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def combined_hash(models: Sequence[Model]) -> str:
    """Return the hash of one model, or a hash of the hashes of several; empty for class rasters, which have none."""
    if not models:
        return ""
    hashes = [model_hash(model) for model in models]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()[:12]


def read_model(path: Path) -> Model:
    """Read a model that an earlier run wrote.

    Raises
    ------
    ConfigError
        If the file is missing, is not a model, has no clusters or was edited.
    """
    try:
        document = json.loads(path.read_bytes())
        model, hashed = model_from_document(document), document["hash"]
    except OSError as error:
        raise ConfigError(f"segment.fit: {path} cannot be read ({error.strerror})", "correct the path") from None
    except (ValueError, KeyError, TypeError, ValidationError):
        raise ConfigError(
            f"segment.fit: {path} is not a model that icepipe wrote", "give the path of a run's model.json"
        ) from None
    if not model.clusters:
        raise ConfigError(f"segment.fit: {path} has no clusters", "give the model of a date with valid pixels")
    # An edited centroid or class would be published under the hash of the model that was reviewed.
    if model_hash(model) != hashed:
        raise ConfigError(
            f"segment.fit: {path} was changed since it was written",
            "give the file as a run wrote it; to change names, use segment.labels",
        )
    return model
