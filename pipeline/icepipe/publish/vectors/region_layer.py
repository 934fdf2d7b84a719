"""``regions.gpkg``: the outline of every region with its areas on every date."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import shapely

from icepipe.classes import BUDGET, SEEN
from icepipe.flags import flags_text
from icepipe.geo.geobox import Region
from icepipe.measure.area.series import Row, all_flags
from icepipe.publish.run_folder.paths import RunPaths
from icepipe.publish.vectors.ogr import frozen_clock, write_ogr
from icepipe.storage.atomic import replace_file

LAYER = "regions"

ENDS = ("low", "high", "weighted", "weighted_est")
"""Areas of a seen class besides its pixel area, by the end of their field."""

SCHEMA = pa.schema(
    [
        ("region", pa.string()),
        ("date", pa.date32()),
        ("observation", pa.string()),
        *((f"{code.label}_km2", pa.float64()) for code in BUDGET),
        *((f"{code.label}_{end}_km2", pa.float64()) for code in SEEN for end in ENDS),
        ("region_km2", pa.float64()),
        ("valid_fraction", pa.float64()),
        ("ice", pa.string()),
        ("flags", pa.string()),
        ("geometry", pa.binary()),
    ]
)


def region_feature(region: Region, wkb: bytes, rows: Sequence[Row]) -> dict[str, Any]:
    """Return the fields of a region on one date, in wide form so that a map can be coloured by any of them."""
    by_class = {row.class_: row for row in rows}
    first = rows[0]
    fields: dict[str, Any] = {"region": region.name, "date": first.date.day, "observation": first.date}
    for code in BUDGET:
        fields[f"{code.label}_km2"] = by_class[code.label].area_km2
    for code in SEEN:
        row = by_class[code.label]
        ends = (row.area_low_km2, row.area_high_km2, row.weighted_km2, row.weighted_est_km2)
        fields |= {f"{code.label}_{end}_km2": km2 for end, km2 in zip(ENDS, ends, strict=True)}
    flags = flags_text(all_flags(rows))
    fields |= {"region_km2": first.region_km2, "valid_fraction": first.valid_fraction, "ice": first.ice, "flags": flags}
    return fields | {"geometry": wkb}


def write_region_layer(folder: Path, regions: Sequence[Region], rows: Sequence[Row]) -> None:
    """Write the layer: one feature per region and date, in the coordinate system of the outlines.

    Parameters
    ----------
    folder
        Folder of the run.
    regions
        The regions, all in one coordinate system.
    rows
        The series; nothing is written if it is empty.

    Raises
    ------
    IntegrityError
        If the file cannot be written.
    """
    if not rows:
        return
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.region, row.date].append(row)
    features = []
    for region in regions:
        # A GeoPackage layer has one geometry type, so that a single polygon becomes a multipolygon, too.
        shape = shapely.from_wkt(region.wkt)
        parts = shape.geoms if shape.geom_type == "MultiPolygon" else [shape]
        wkb = shapely.to_wkb(shapely.MultiPolygon(parts))
        # Features are sorted by date, whatever the order of the rows.
        features += [region_feature(region, wkb, groups[key]) for key in sorted(groups) if key[0] == region.name]
    table = pa.Table.from_pylist(features, schema=SCHEMA)
    latest = max(row.date.day for row in rows)
    with replace_file(RunPaths(folder).regions) as part, frozen_clock(latest):
        write_ogr(part, table, driver="GPKG", layer=LAYER, geometry_type="MultiPolygon", crs=regions[0].crs)
