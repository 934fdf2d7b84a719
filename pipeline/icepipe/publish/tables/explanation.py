"""Why each cluster got its name, as plain values for ``explain.json`` and the command line."""

from __future__ import annotations

import json
import textwrap
from typing import Any

import numpy as np

from icepipe.classes import SEEN
from icepipe.errors import ConfigError
from icepipe.measure.area.tally import Tally
from icepipe.segment.classification.strata import FIRST_CLOUD, StrataTable, sieved_strata
from icepipe.segment.model_file import cluster_document, combined_hash
from icepipe.sensors.sensor import Sensor


def _reflectance(spectrum: list[float], sensor: Sensor) -> dict[str, float]:
    decoded = sensor.reflectance(np.array(spectrum)).tolist()
    return {role: round(value, 6) for role, value in zip(sensor.roles, decoded, strict=True)}


def explain_document(key: str, strata: StrataTable, sensor: Sensor, tally: Tally, unit_m2: float) -> dict[str, Any]:
    """Every cluster of one observation with its reason and its area, and what clouds look like.

    ``doubtful_km2`` is the part of a cluster whose own colour could be of a class that the cluster could not, or has
    another name; it counts in the low and high areas. Where every scene has a model of its own, ``scene`` of a cluster
    is its number, from 1, in the order that wins.
    """
    seen = tally.units_in(strata.seen)
    owners = [number for number, model in enumerate(strata.models) for _ in model.clusters]
    clusters = []
    for number, cluster in enumerate(strata.clusters):
        entry = cluster_document(number, cluster)
        del entry["share_of_sample"]
        entry["reflectance"] = _reflectance(entry["spectrum"], sensor)
        entry["n_pixels"] = tally.pixels_in(strata.cluster_strata(number))
        entry["area_km2"] = tally.units_in(strata.cluster_strata(number)) * unit_m2 / 1e6
        entry["doubtful_km2"] = tally.units_in(strata.cluster_strata(number)[1:]) * unit_m2 / 1e6
        entry["share_of_seen"] = tally.units_in(strata.cluster_strata(number)) / seen if seen else 0.0
        clusters.append(entry | ({"scene": owners[number] + 1} if len(strata.models) > 1 else {}))
    clouds = {code.label: tally.units[FIRST_CLOUD + code] * unit_m2 / 1e6 for code in SEEN}
    return {
        "date": key,
        "model": combined_hash(strata.models),
        "pinned_on": next((model.pinned_on for model in strata.models), None),
        "clusters": clusters,
        "small_patches_moved_km2": {
            f"{old.label} to {new.label}": tally.units[number] * unit_m2 / 1e6
            for number, old, new in sieved_strata()
            if tally.units[number]
        },
        "cloud_looks_like_km2": clouds,
    }


def _lines_of(entry: dict[str, Any]) -> list[str]:
    colours = "  ".join(f"{role} {value:.3f}" for role, value in entry["reflectance"].items())
    scene = f"  scene {entry['scene']}" if "scene" in entry else ""
    head = (
        f"  cluster {entry['cluster']:2d}  {entry['class']:<6} {entry['share_of_seen']:7.2%} "
        f"{entry['area_km2']:12.3f} km2  {colours}{scene}"
    )
    return [head, *textwrap.wrap(entry["reason"], 116, initial_indent=" " * 14, subsequent_indent=" " * 16)]


def explain_text(document: dict[str, Any]) -> str:
    """An explanation for people."""
    if not document["model"]:
        return f"{document['date']}: its classes came with the files, by the table inputs.classes"
    pinned = f", pinned on {document['pinned_on']}" if document.get("pinned_on") else ""
    lines = [f"{document['date']} (model {document['model']}{pinned})"]
    for entry in document["clusters"]:
        lines += _lines_of(entry)
    if moved := document.get("small_patches_moved_km2"):
        lines.append(
            "  small patches that moved: " + ", ".join(f"{what} {km2:,.3f} km2" for what, km2 in moved.items())
        )
    clouds = {name: km2 for name, km2 in document["cloud_looks_like_km2"].items() if km2}
    if clouds:
        lines.append(
            "  under the cloud mask the picture looks like " + ", ".join(f"{n} {k:,.3f} km2" for n, k in clouds.items())
        )
    return "\n".join(lines)


def parse_explanation(text: str, where: str) -> dict[str, Any]:
    """Parse ``explain.json``.

    Raises
    ------
    ConfigError
        If it is not one.
    """
    try:
        document = json.loads(text)
        document["clusters"], document["date"], document["model"], document["cloud_looks_like_km2"]
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"{where}: not an explanation that icepipe wrote", "run again with --force") from None
    return dict(document)
