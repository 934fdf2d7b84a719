"""STAC: an item in every observation's folder, and a collection over them; links are relative, so that a run can move.

Documents are built as plain values: they are small, and the tests hold them against the schemas of the specification.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyproj

from icepipe.classes import CLASS_COLOURS, ClassCode
from icepipe.errors import IntegrityError
from icepipe.geo.footprint import Footprint
from icepipe.geo.geobox import GeoBox
from icepipe.inputs.intervals import acquisition_interval, shared_time
from icepipe.inputs.observation_key import utc_text
from icepipe.inputs.scenes import Observation
from icepipe.publish.run_folder.paths import ObservationPaths, RunPaths
from icepipe.publish.run_folder.record import Record
from icepipe.storage.json_document import json_text, write_json

VERSION = "1.1.0"

_SCHEMA = "https://stac-extensions.github.io/{}/schema.json"
FILE_INFO = _SCHEMA.format("file/v2.1.0")
ITEM_EXTENSIONS = (
    _SCHEMA.format("projection/v2.0.0"),
    _SCHEMA.format("raster/v2.0.0"),
    _SCHEMA.format("classification/v2.0.0"),
    FILE_INFO,
)

_GEOJSON = "application/geo+json"

SHA2_256 = "1220"
"""Multihash prefix: the digest is SHA-256, 32 bytes long."""

MEDIA_TYPES: Mapping[str, tuple[str, str]] = {
    ".tif": ("image/tiff; application=geotiff; profile=cloud-optimized", "data"),
    ".shp": ("application/vnd.shp", "data"),
    ".shx": ("application/vnd.shx", "data"),
    ".dbf": ("application/vnd.dbf", "data"),
    ".prj": ("text/plain", "metadata"),
    ".cpg": ("text/plain", "metadata"),
    ".gpkg": ("application/geopackage+sqlite3", "data"),
    ".parquet": ("application/vnd.apache.parquet", "data"),
    ".fgb": ("application/vnd.flatgeobuf", "data"),
    ".csv": ("text/csv", "data"),
    ".qml": ("application/xml", "style"),
    ".qgs": ("application/xml", "style"),
    ".png": ("image/png", "overview"),
    ".svg": ("image/svg+xml", "overview"),
    ".gif": ("image/gif", "overview"),
    ".html": ("text/html", "overview"),
    ".json": ("application/json", "metadata"),
}
"""Media type and role of a file by its suffix."""


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return SHA2_256 + hashlib.file_digest(file, "sha256").hexdigest()


def _asset(path: Path) -> dict[str, Any]:
    kind, role = MEDIA_TYPES.get(path.suffix, ("application/octet-stream", "data"))
    return {
        "href": f"./{path.name}",
        "type": kind,
        "roles": [role],
        "file:size": path.stat().st_size,
        "file:checksum": _checksum(path),
    }


def _assets(paths: RunPaths | ObservationPaths) -> dict[str, dict[str, Any]]:
    """An asset for every file that a folder offers, called by the part of its name that is not that of all."""
    files = (path for path in sorted(paths.folder.iterdir()) if path.is_file() and paths.is_asset_name(path.name))
    return {path.name.removeprefix(f"{paths.stem}_"): _asset(path) for path in files}


def _link(rel: str, href: str, kind: str = "application/json") -> dict[str, str]:
    return {"rel": rel, "href": href, "type": kind}


def _classes() -> list[dict[str, Any]]:
    """The classes of a raster with their colours, from the one table."""
    classes: list[dict[str, Any]] = []
    for code, (red, green, blue) in CLASS_COLOURS.items():
        entry = {"value": int(code), "name": code.label, "color_hint": f"{red:02X}{green:02X}{blue:02X}"}
        classes.append(entry | ({"nodata": True} if code is ClassCode.OUTSIDE else {}))
    return classes


def _raster(grid: GeoBox, side_m: float) -> dict[str, Any]:
    """What the class raster's asset tells beside its file: grid and band."""
    t = grid.transform
    x, y = zip(*grid.corners, strict=True)
    return {
        "proj:shape": list(grid.shape),
        "proj:transform": [t.a, t.b, t.c, t.d, t.e, t.f],
        "proj:bbox": [min(x), min(y), max(x), max(y)],
        "bands": [
            {
                "name": "class",
                "data_type": "uint8",
                "nodata": int(ClassCode.OUTSIDE),
                "raster:sampling": "area",
                "raster:spatial_resolution": side_m,
                "classification:classes": _classes(),
            }
        ],
    }


def _projection(wkt: str) -> dict[str, Any]:
    """The coordinate system by its code, or in full where it has none."""
    crs = pyproj.CRS.from_wkt(wkt)
    authority = crs.to_authority()
    if authority:
        return {"proj:code": ":".join(authority)}
    return {"proj:code": None, "proj:wkt2": crs.to_wkt("WKT2_2019")}


def _when(observation: Observation) -> dict[str, str]:
    """The time of an observation; where no one time is known, the first with the whole span beside."""
    if time := shared_time(observation):
        return {"datetime": utc_text(observation.date, time)}
    start, end = acquisition_interval(observation).texts
    return {"datetime": start, "start_datetime": start, "end_datetime": end}


def write_item(
    folder: Path, name: str, observation: Observation, where: Footprint, grid: GeoBox, side_m: float
) -> None:
    """Write the item of an observation, with an asset for every file that its folder holds by then.

    Parameters
    ----------
    folder
        Folder of the observation; its files must be whole.
    name
        Name of the run.
    observation
        The observation.
    where
        The region that the raster tells of.
    grid, side_m
        Grid of the raster, and the side of its mean pixel in metres.
    """
    paths, up = ObservationPaths.of(folder, name, observation.key), f"../../{RunPaths.collection.pattern}"
    assets = _assets(paths)
    assets["classes.tif"] |= _raster(grid, side_m)
    document = {
        "type": "Feature",
        "stac_version": VERSION,
        "stac_extensions": list(ITEM_EXTENSIONS),
        "id": paths.stem,
        "collection": name,
        "geometry": where.geometry,
        "bbox": list(where.bbox),
        "properties": {**_when(observation), **_projection(grid.crs)},
        "links": [_link(rel, up) for rel in ("root", "parent", "collection")],
        "assets": assets,
    }
    paths.item.write_text(json_text(document), encoding="utf-8")


def _temporal(records: Sequence[Record]) -> list[str | None]:
    """From the first second of the first observation to the last of the last; open where there is none."""
    if not records:
        return [None, None]
    return [min(record.moments[0] for record in records), max(record.moments[1] for record in records)]


def write_collection(folder: Path, name: str, records: Mapping[str, Record], where: Footprint) -> None:
    """Write ``collection.json`` over the items that are there, with the files of the run as assets.

    Raises
    ------
    IntegrityError
        If it cannot be written.
    """
    run = RunPaths(folder, name)
    found = {key: item for key in sorted(records) if (item := run.observation(key).item).is_file()}
    items = [_link("item", f"./{item.relative_to(folder).as_posix()}", _GEOJSON) for item in found.values()]
    document = {
        "type": "Collection",
        "stac_version": VERSION,
        "stac_extensions": [FILE_INFO],
        "id": name,
        "title": name,
        "description": "Ice and water from satellite tiles: a class raster, polygons and true areas for every date.",
        "license": "other",
        "extent": {
            "spatial": {"bbox": [list(where.bbox)]},
            "temporal": {"interval": [_temporal([records[key] for key in found])]},
        },
        "links": [_link("root", f"./{run.collection.name}"), *items],
        "assets": _assets(run),
    }
    write_json(run.collection, document)


def update_assets(folder: Path) -> None:
    """Bring the assets of ``collection.json`` up to the files of the run that are there.

    Raises
    ------
    IntegrityError
        If it is not what a run writes, or cannot be written.
    """
    path = RunPaths(folder).collection
    try:
        document = json.loads(path.read_bytes())
        renewed = document | {"assets": _assets(RunPaths(folder, document["id"]))}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{path}: cannot be read ({error})", "run `icepipe run` again") from error
    if renewed != document:
        write_json(path, renewed)
