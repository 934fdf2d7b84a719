"""``explain.json``: why each cluster of an observation has its class, as JSON values and as text."""

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


def explain_document(key: str, strata: StrataTable, sensor: Sensor, tally: Tally, unit_m2: float) -> dict[str, Any]:
    """Return ``explain.json`` as JSON values: every cluster with its reason and area, and the colours under cloud.

    ``doubtful_km2`` of a cluster is the area of pixels whose own colour has, or could have, another class than the
    cluster, or that are far from every cluster; it widens the low and high areas. ``outlying_km2`` is the part that is
    far from every cluster. If every scene has its own model, ``scene`` of a cluster is the number of its scene, from 1,
    in the order in which scenes take precedence. ``ice`` is which ice is in the class; None where class rasters say it.
    """
    seen, outlying = tally.units_in(strata.seen), set(strata.outlying)
    owners = [number for number, model in enumerate(strata.models) for _ in model.clusters]
    clusters = []
    for number, cluster in enumerate(strata.clusters):
        entry = cluster_document(number, cluster)
        # The share of the sample depends on how it was drawn; readers get the share of the observed area below.
        del entry["share_of_sample"]
        reflectance = sensor.reflectance(np.array(entry["spectrum"])).tolist()
        entry["reflectance"] = {role: round(value, 6) for role, value in zip(sensor.roles, reflectance, strict=True)}
        entry["n_pixels"] = tally.pixels_in(strata.cluster_strata(number))
        entry["area_km2"] = tally.units_in(strata.cluster_strata(number)) * unit_m2 / 1e6
        # The first stratum of a cluster holds the pixels whose colour agrees with it.
        entry["doubtful_km2"] = tally.units_in(strata.cluster_strata(number)[1:]) * unit_m2 / 1e6
        entry["outlying_km2"] = tally.units_in(outlying.intersection(strata.cluster_strata(number))) * unit_m2 / 1e6
        entry["share_of_seen"] = tally.units_in(strata.cluster_strata(number)) / seen if seen else 0.0
        clusters.append(entry | ({"scene": owners[number] + 1} if len(strata.models) > 1 else {}))
    clouds = {code.label: tally.units[FIRST_CLOUD + code] * unit_m2 / 1e6 for code in SEEN}
    return {
        "date": key,
        "model": combined_hash(strata.models),
        "ice": next((model.ice for model in strata.models), None),
        "pinned_on": next((model.pinned_on for model in strata.models), None),
        "clusters": clusters,
        "small_patches_moved_km2": {
            f"{old.label} to {new.label}": tally.units[number] * unit_m2 / 1e6
            for number, old, new in sieved_strata()
            if tally.units[number]
        },
        "cloud_looks_like_km2": clouds,
        "outlying_share_of_seen": tally.units_in(outlying) / seen if seen else 0.0,
    }


def cluster_lines(entry: dict[str, Any]) -> list[str]:
    """Return the lines that describe a cluster: class, share, area, reflectance, and the reason wrapped below."""
    reflectance = "  ".join(f"{role} {value:.3f}" for role, value in entry["reflectance"].items())
    scene = f"  scene {entry['scene']}" if "scene" in entry else ""
    head = (
        f"  cluster {entry['cluster']:2d}  {entry['class']:<6} {entry['share_of_seen']:7.2%} "
        f"{entry['area_km2']:12.3f} km2  {reflectance}{scene}"
    )
    return [head, *textwrap.wrap(entry["reason"], 116, initial_indent=" " * 14, subsequent_indent=" " * 16)]


def explain_text(document: dict[str, Any]) -> str:
    """Return the text that ``icepipe explain`` prints for a document."""
    if not document["model"]:
        return f"{document['date']}: the classes were read from the files with the table inputs.classes"
    pinned = f", pinned on {document['pinned_on']}" if document.get("pinned_on") else ""
    # Documents of earlier versions do not say it: they count any ice.
    counted = "white ice only" if document.get("ice") == "white" else "ice of any stage"
    lines = [f"{document['date']} (model {document['model']}{pinned}; {counted})"]
    for entry in document["clusters"]:
        lines += cluster_lines(entry)
    if moved := document.get("small_patches_moved_km2"):
        lines.append(
            "  small patches that moved: " + ", ".join(f"{change} {km2:,.3f} km2" for change, km2 in moved.items())
        )
    # Documents of 0.1.0 do not have the share.
    if share := document.get("outlying_share_of_seen"):
        lines.append(f"  far from every cluster: {share:.2%} of what was seen, which is in no low area")
    # Classes without pixels under cloud are not printed.
    clouds = {name: km2 for name, km2 in document["cloud_looks_like_km2"].items() if km2}
    if clouds:
        lines.append(
            "  under the cloud mask the picture looks like "
            + ", ".join(f"{name} {km2:,.3f} km2" for name, km2 in clouds.items())
        )
    return "\n".join(lines)


def parse_explanation(text: str, source: str) -> dict[str, Any]:
    """Parse the text of ``explain.json``; ``source`` names it in messages.

    Raises
    ------
    ConfigError
        If the text is no such document.
    """
    try:
        document = json.loads(text)
        # A document without one of these is an older or a foreign one.
        document["clusters"], document["date"], document["model"], document["cloud_looks_like_km2"]
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"{source}: not an explain.json that icepipe wrote", "run again with --force") from None
    return dict(document)
