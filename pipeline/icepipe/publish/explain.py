"""Why each cluster got its name, as plain values for ``explain.json``, ``model.json`` and the command line."""

from __future__ import annotations

import hashlib
import json
import textwrap
from typing import Any

from icepipe.errors import ConfigError
from icepipe.measure.area import Tally
from icepipe.models import Cluster, Model
from icepipe.segment.rules import RULE_SETS


def _cluster(number: int, cluster: Cluster) -> dict[str, Any]:
    return {
        "cluster": number,
        "class": cluster.code.label,
        "could_be": [code.label for code in cluster.could_be],
        "centroid": list(cluster.centroid),
        "margin": None if cluster.margin is None else round(cluster.margin, 6),
        "reason": cluster.reason,
        "split_from": cluster.parent,
        "share_of_sample": round(cluster.share, 9),
    }


def model_document(model: Model) -> dict[str, Any]:
    """The model as JSON values: centroids, names, thresholds with sources, and how the fit went."""
    return {
        "sensor": model.sensor,
        "rule_set": model.rule_set,
        "thresholds": [
            {
                "name": t.name,
                "feature": t.feature,
                "low": t.low,
                "mid": t.mid,
                "high": t.high,
                "unit": t.unit,
                "source": t.source,
            }
            for t in RULE_SETS[model.rule_set].thresholds
        ],
        "k_asked": model.k_asked,
        "k_fitted": model.k_fitted,
        "k_curve": [
            {
                "k": point.k,
                "mean_squared_distance": float(f"{point.inertia:.6g}"),
                "silhouette": round(point.silhouette, 6),
                "ice_share_before_splitting": round(point.ice_before, 6),
                "ice_share_after_splitting": round(point.ice_after, 6),
            }
            for point in model.k_curve
        ],
        "n_clusters": len(model.clusters),
        "seed": model.seed,
        "n_sample": model.n_sample,
        "n_iter": model.n_iter,
        "inertia": float(f"{model.inertia:.6g}"),
        "largest_straddling_share": round(model.straddle, 9),
        "clusters": [_cluster(number, cluster) for number, cluster in enumerate(model.clusters)],
    }


def model_hash(model: Model) -> str:
    """Twelve hexadecimal digits that change with anything that names a pixel."""
    named = [(cluster.centroid, int(cluster.code), [int(c) for c in cluster.could_be]) for cluster in model.clusters]
    text = json.dumps([model.sensor, model.rule_set, named])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def explain_document(key: str, model: Model, tally: Tally, unit_m2: float) -> dict[str, Any]:
    """Every cluster of one observation with its reason and its area."""
    seen = sum(tally.units[: len(model.clusters)])
    clusters = []
    for number, cluster in enumerate(model.clusters):
        entry = _cluster(number, cluster)
        del entry["share_of_sample"]
        entry["n_pixels"] = tally.pixels[number]
        entry["area_km2"] = tally.units[number] * unit_m2 / 1e6
        entry["share_of_seen"] = tally.units[number] / seen if seen else 0.0
        clusters.append(entry)
    return {"date": key, "model": model_hash(model), "clusters": clusters}


def explain_text(document: dict[str, Any]) -> str:
    """An explanation for people."""
    lines = [f"{document['date']} (model {document['model']})"]
    for entry in document["clusters"]:
        colour = ", ".join(f"{value:.0f}" for value in entry["centroid"])
        lines.append(
            f"  cluster {entry['cluster']:2d}  {entry['class']:<6} {entry['share_of_seen']:7.2%} "
            f"{entry['area_km2']:12.3f} km2  colour ({colour})"
        )
        lines += textwrap.wrap(entry["reason"], 116, initial_indent=" " * 14, subsequent_indent=" " * 16)
    return "\n".join(lines)


def read_document(text: str, where: str) -> dict[str, Any]:
    """Parse ``explain.json``.

    Raises
    ------
    ConfigError
        If it is not one.
    """
    try:
        document = json.loads(text)
        document["clusters"], document["date"], document["model"]
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"{where}: not an explanation that icepipe wrote", "run again with --force") from None
    return dict(document)
