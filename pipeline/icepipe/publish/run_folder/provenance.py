"""``run.json``: the inputs of a run, versions, settings, ellipsoid, notes and failures."""

from __future__ import annotations

import json
import platform as host
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from icepipe.config.schema import Config
from icepipe.errors import IcepipeError
from icepipe.inputs.scenes import Scene
from icepipe.publish.run_folder.basis import Basis, basis_hash
from icepipe.publish.run_folder.paths import RunPaths
from icepipe.publish.run_folder.record import Record
from icepipe.segment.model_file import model_hash

LIBRARIES = (
    "icepipe",
    "rasterio",
    "numpy",
    "scikit-learn",
    "pyproj",
    "shapely",
    "pyogrio",
    "pyarrow",
    "geopandas",
    "matplotlib",
    "pillow",
)
"""Packages whose versions decide the bytes of outputs."""


MEASUREMENT = "measurement 2"
"""Version of how areas are computed. A change of it makes every observation of an existing folder again, without a
release: 2 came with the surface of clustered scenes (``weighted_km2``)."""


@cache
def versions() -> tuple[str, ...]:
    """Return the version of the measurement, and names and versions of the libraries that decide the outputs' bytes."""
    return (MEASUREMENT, *(f"{name} {version(name)}" for name in LIBRARIES))


def previous_geopackage(folder: Path) -> dict[str, str]:
    """Return the ``geopackage`` entry of ``run.json`` of the last run; empty if it wrote none."""
    try:
        entry = json.loads(RunPaths(folder).provenance.read_bytes()).get("geopackage", {})
    # A missing or damaged document has no entry; the GeoPackage is then written again.
    except (OSError, ValueError, AttributeError):
        return {}
    return entry if isinstance(entry, dict) else {}


def scene_entry(scene: Scene, outside_km2: float) -> dict[str, Any]:
    """Return the entry of a scene, without its folder, which names this machine."""
    return {
        "file": scene.path.name,
        "date": scene.date.isoformat(),
        "platform": scene.platform,
        "sun_elevation_degrees": scene.sun_elevation,
        "outside_region_km2": outside_km2,
    }


def observation_entry(record: Record) -> dict[str, Any]:
    """Return the entry of an observation: its inputs, and what limits its areas."""
    return {
        "inputs": dict(record.made.inputs),
        "doubled_fraction": record.doubled_fraction,
        "outlying": record.outlying,
        "misnamed": record.misnamed,
        "moved_km2": record.moved_km2,
        "revisions": len(record.superseded),
        "cloud_like_ice_fraction": record.cloud_like_ice_fraction,
    }


def provenance_document(
    config: Config,
    basis: Basis,
    surface: str,
    scenes: Sequence[Scene],
    records: Mapping[str, Record],
    outside_km2: Mapping[str, float],
    faults: Sequence[IcepipeError],
    notes: Sequence[str],
    geopackage: Mapping[str, str],
) -> dict[str, Any]:
    """Return ``run.json`` as JSON values."""
    return {
        "name": config.name,
        "config": {key: value for key, value in config.published_settings.items() if key != "fit"},
        "fit": config.published_settings["fit"],
        "ice": config.segment.ice,
        "config_hash": config.digest,
        "basis_hash": basis_hash(basis),
        "model_hash": model_hash(basis.model) if basis.model else None,
        "areas_measured_on": surface,
        "area_unit_m2": basis.unit_m2,
        "scenes": [scene_entry(scene, outside_km2.get(str(scene.path), 0.0)) for scene in scenes],
        "observations": {key: observation_entry(record) for key, record in records.items()},
        "geopackage": dict(geopackage),
        "failed": [str(fault) for fault in faults],
        "notes": list(notes),
        "versions": [*versions(), f"python {host.python_version()}"],
    }
