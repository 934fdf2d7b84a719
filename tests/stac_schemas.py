"""What the STAC extensions ask of the fields that icepipe writes, as JSON Schemas of our own.

The core schemas come with pystac; those of the extensions are only on the web, so their field tables are put down here:
projection 2.0.0, raster 2.0.0, classification 2.0.0 and file 2.1.0. A field of theirs that is not listed is refused.
"""

from __future__ import annotations

from typing import Any

from pystac.validation.stac_validator import JsonSchemaSTACValidator

from icepipe.publish.stac import FILE_INFO, ITEM_EXTENSIONS

NUMBER, TEXT = {"type": "number"}, {"type": "string"}

PROJECTION = {
    "proj:code": {"type": ["string", "null"], "pattern": "^[A-Z]+:[0-9A-Z]+$"},
    "proj:wkt2": {"type": ["string", "null"]},
    "proj:shape": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
    "proj:transform": {"type": "array", "items": NUMBER, "minItems": 6, "maxItems": 9},
    "proj:bbox": {"type": "array", "items": NUMBER, "minItems": 4, "maxItems": 4},
}
RASTER = {
    "raster:sampling": {"enum": ["area", "point"]},
    "raster:spatial_resolution": {"type": "number", "exclusiveMinimum": 0},
}
CLASS = {
    "type": "object",
    "required": ["value", "name"],
    "properties": {
        "value": {"type": "integer"},
        "name": {"type": "string", "pattern": "^[0-9A-Za-z_-]+$"},
        "color_hint": {"type": "string", "pattern": "^[0-9A-F]{6}$"},
        "nodata": {"type": "boolean"},
    },
    "additionalProperties": False,
}
CLASSIFICATION = {"classification:classes": {"type": "array", "minItems": 1, "uniqueItems": True, "items": CLASS}}
FILE = {
    "file:size": {"type": "integer", "minimum": 0},
    "file:checksum": {"type": "string", "pattern": "^1220[a-f0-9]{64}$"},
}


def _fields(prefix: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {"properties": properties, "patternProperties": {f"^(?!{prefix}:)": {}}, "additionalProperties": False}


def _schema(uri: str, prefix: str, properties: dict[str, Any]) -> dict[str, Any]:
    fields = _fields(prefix, properties)
    bands = {"properties": {"bands": {"type": "array", "items": fields}}}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": uri,
        "type": "object",
        "required": ["stac_extensions", "assets"],
        "properties": {
            "stac_extensions": {"contains": {"const": uri}},
            "properties": fields,
            "assets": {"additionalProperties": {"allOf": [fields, bands]}},
        },
    }


def validator() -> JsonSchemaSTACValidator:
    """A validator that reads nothing from the web."""
    found = JsonSchemaSTACValidator()
    tables: tuple[tuple[str, dict[str, Any]], ...] = (
        ("proj", PROJECTION),
        ("raster", RASTER),
        ("classification", CLASSIFICATION),
        ("file", FILE),
    )
    for uri, (prefix, properties) in zip(ITEM_EXTENSIONS, tables, strict=True):
        found.schema_cache[uri] = _schema(uri, prefix, properties)
    assert FILE_INFO in found.schema_cache
    return found
