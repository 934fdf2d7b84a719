"""STAC: an item for each observation and a collection for the run, with relative links so that the folder can move.

Documents are built as JSON values without pystac: they are small, and tests validate them against the STAC schemas.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyproj

from icepipe.classes import CLASS_COLOURS, ClassCode
from icepipe.errors import IntegrityError
from icepipe.geo.footprint import Footprint
from icepipe.geo.geobox import GeoBox
from icepipe.inputs.observation_key import utc_text
from icepipe.inputs.scenes import Observation, acquisition_interval, shared_time
from icepipe.publish.cog import CLASS_BAND, FRACTION_BAND, Band
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

GEOJSON = "application/geo+json"

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
"""Media type and asset role of a file by its suffix."""


def file_asset(path: Path) -> dict[str, Any]:
    """Return the asset of a file, with its size and checksum."""
    media_type, role = MEDIA_TYPES.get(path.suffix, ("application/octet-stream", "data"))
    with path.open("rb") as file:
        checksum = SHA2_256 + hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "href": f"./{path.name}",
        "type": media_type,
        "roles": [role],
        "file:size": path.stat().st_size,
        "file:checksum": checksum,
    }


def folder_assets(paths: RunPaths | ObservationPaths) -> dict[str, dict[str, Any]]:
    """Return the assets of a folder by file name without the stem, so that the keys are the same in every item."""
    files = (path for path in sorted(paths.folder.iterdir()) if path.is_file() and paths.is_asset_name(path.name))
    return {path.name.removeprefix(f"{paths.stem}_"): file_asset(path) for path in files}


def link(rel: str, href: str, media_type: str = "application/json") -> dict[str, str]:
    """Return a link."""
    return {"rel": rel, "href": href, "type": media_type}


def class_band(side_m: float) -> dict[str, Any]:
    """Return the band of the class raster, with the classes."""
    classes: list[dict[str, Any]] = []
    for code, (red, green, blue) in CLASS_COLOURS.items():
        entry = {"value": int(code), "name": code.label, "color_hint": f"{red:02X}{green:02X}{blue:02X}"}
        classes.append(entry | ({"nodata": True} if code is ClassCode.OUTSIDE else {}))
    return raster_band(CLASS_BAND, side_m) | {"classification:classes": classes}


def raster_band(band: Band, side_m: float) -> dict[str, Any]:
    """Return the only band of a raster."""
    return {
        "name": band.description,
        "data_type": "uint8",
        "nodata": band.nodata,
        "raster:sampling": "area",
        "raster:spatial_resolution": side_m,
    } | ({"unit": band.unit} if band.unit else {})


def raster_fields(grid: GeoBox, band: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of the asset of a raster: its grid and its band."""
    t = grid.transform
    x, y = zip(*grid.corners, strict=True)
    return {
        "proj:shape": list(grid.shape),
        "proj:transform": [t.a, t.b, t.c, t.d, t.e, t.f],
        "proj:bbox": [min(x), min(y), max(x), max(y)],
        "bands": [band],
    }


def projection_properties(wkt: str) -> dict[str, Any]:
    """Return the coordinate system by its authority code, or as WKT2 if it has none."""
    crs = pyproj.CRS.from_wkt(wkt)
    authority = crs.to_authority()
    if authority:
        return {"proj:code": ":".join(authority)}
    return {"proj:code": None, "proj:wkt2": crs.to_wkt("WKT2_2019")}


def time_properties(observation: Observation) -> dict[str, str]:
    """Return the time of an observation, and its interval if its scenes share no time."""
    if time := shared_time(observation):
        return {"datetime": utc_text(observation.date, time)}
    # STAC requires a datetime also next to an interval; it is the start.
    start, end = acquisition_interval(observation).texts
    return {"datetime": start, "start_datetime": start, "end_datetime": end}


def write_item(
    folder: Path, name: str, observation: Observation, footprint: Footprint, grid: GeoBox, side_m: float
) -> None:
    """Write the item of an observation, with an asset for every file in its folder.

    Parameters
    ----------
    folder
        Folder of the observation; its files must be complete.
    name
        Name of the run.
    observation
        The observation.
    footprint
        Footprint of the region that the class raster covers.
    grid
        Grid of the class raster.
    side_m
        Side of its mean pixel in metres.
    """
    paths = ObservationPaths.of(folder, name, observation.key)
    collection = f"../../{RunPaths.collection.pattern}"
    assets = folder_assets(paths)
    assets["classes.tif"] |= raster_fields(grid, class_band(side_m))
    if fraction := assets.get("fraction.tif"):
        fraction |= raster_fields(grid, raster_band(FRACTION_BAND, side_m))
    document = {
        "type": "Feature",
        "stac_version": VERSION,
        "stac_extensions": list(ITEM_EXTENSIONS),
        "id": paths.stem,
        "collection": name,
        "geometry": footprint.geometry,
        "bbox": list(footprint.bbox),
        "properties": {**time_properties(observation), **projection_properties(grid.crs)},
        "links": [link(rel, collection) for rel in ("root", "parent", "collection")],
        "assets": assets,
    }
    # The item is not written atomically: the folder of an observation is replaced as a whole.
    paths.item.write_text(json_text(document), encoding="utf-8")


def write_collection(folder: Path, name: str, records: Mapping[str, Record], footprint: Footprint) -> None:
    """Write ``collection.json`` with a link to each item, and with the files of the run as assets.

    Raises
    ------
    IntegrityError
        If the file cannot be written.
    """
    run = RunPaths(folder, name)
    items = {key: item for key in sorted(records) if (item := run.observation(key).item).is_file()}
    moments = [records[key].moments for key in items]
    # STAC requires an interval; both ends are open if there is no item.
    interval = [min(start for start, _ in moments), max(end for _, end in moments)] if moments else [None, None]
    item_links = [link("item", f"./{item.relative_to(folder).as_posix()}", GEOJSON) for item in items.values()]
    document = {
        "type": "Collection",
        "stac_version": VERSION,
        "stac_extensions": [FILE_INFO],
        "id": name,
        "title": name,
        "description": "Ice and water from satellite tiles: a class raster, polygons and true areas for every date.",
        "license": "other",
        "extent": {"spatial": {"bbox": [list(footprint.bbox)]}, "temporal": {"interval": [interval]}},
        "links": [link("root", f"./{run.collection.name}"), *item_links],
        "assets": folder_assets(run),
    }
    write_json(run.collection, document)


def update_assets(folder: Path) -> None:
    """Update the assets of ``collection.json`` for the files that exist now.

    Raises
    ------
    IntegrityError
        If the file is not a collection of a run, or cannot be written.
    """
    path = RunPaths(folder).collection
    try:
        document = json.loads(path.read_bytes())
        updated = document | {"assets": folder_assets(RunPaths(folder, document["id"]))}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{path}: cannot be read ({error})", "run `icepipe run` again") from error
    if updated != document:
        write_json(path, updated)
