"""The points of a reference sample as a GeoPackage that people label, written and read back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import shapely

from icepipe.assess.design import Design, DesignPoint, points_hash
from icepipe.classes import SEEN, ClassCode
from icepipe.errors import InputError
from icepipe.publish.vectors.ogr import frozen_clock, write_ogr

LAYER = "points"
FIELDS = ("id", "reference")
REFERENCES = tuple(code.label for code in (*SEEN, ClassCode.CLOUD, ClassCode.LAND))
"""What people may call a point: what can really be there, and what the map cannot know without masks."""

TOLD = 5
"""Points that a message names."""


@dataclass(frozen=True)
class LabelledPoint:
    """A point with what people call it, in lower case and without spaces around it."""

    id: int
    x: float
    y: float
    reference: str


def _table(points: Sequence[DesignPoint], chips: Sequence[str]) -> pa.Table:
    places = shapely.points([(point.x, point.y) for point in points])
    return pa.table(
        {
            "id": pa.array([point.id for point in points], pa.int32()),
            "reference": pa.array([""] * len(points), pa.string()),
            "chip": pa.array(chips, pa.string()),
            "geometry": pa.array(shapely.to_wkb(places).tolist(), pa.binary()),
        }
    )


def write_points(path: Path, design: Design, chips: Sequence[str], date: dt.date) -> None:
    """Write what the labellers see: no class, and no stratum.

    Parameters
    ----------
    path
        File to write.
    design
        Its points are written in their order.
    chips
        Path of each point's image, relative to the file; empty where there is none.
    date
        Day of the observation, the only date in the file.

    Raises
    ------
    IntegrityError
        If it cannot be written.
    """
    with frozen_clock(date):
        write_ogr(path, _table(design.points, chips), driver="GPKG", layer=LAYER, geometry_type="Point", crs=design.crs)


def _number(value: object) -> int:
    """Number of a point; 0, which no point has, where there is none."""
    try:
        return int(str(value).removesuffix(".0"))
    except ValueError:
        return 0


def read_points(path: Path) -> tuple[LabelledPoint, ...]:
    """Points and labels as they stand in a file, nothing of them checked yet.

    Raises
    ------
    InputError
        If the file, its layer or its fields are not those of a sample.
    """
    from pyogrio import raw
    from pyogrio.errors import DataLayerError, DataSourceError

    todo = "name the GeoPackage that `icepipe assess sample` wrote"
    if not path.is_file():
        raise InputError(path, "there is no such file", todo)
    try:
        meta, _, geometry, columns = raw.read(path, layer=LAYER)
    except (DataSourceError, DataLayerError) as error:
        raise InputError(path, f"cannot be read as a sample ({error})", todo) from error
    held = dict(zip(meta["fields"].tolist(), columns, strict=True))
    missing = [name for name in FIELDS if name not in held]
    if missing or geometry is None:
        raise InputError(path, f"the layer {LAYER} has no field {' and no field '.join(missing) or 'geometry'}", todo)
    places = shapely.from_wkb(geometry)
    return tuple(
        LabelledPoint(_number(number), float(x), float(y), str(label or "").strip().lower())
        for number, x, y, label in zip(
            held["id"], shapely.get_x(places), shapely.get_y(places), held["reference"], strict=True
        )
    )


def _named(numbers: Sequence[int]) -> str:
    more = f" and {len(numbers) - TOLD} more" if len(numbers) > TOLD else ""
    return f"{', '.join(map(str, numbers[:TOLD]))}{more}"


def _refuse_other_points(path: Path, points: Sequence[LabelledPoint], design: Design) -> None:
    if points_hash((point.id, point.x, point.y) for point in points) == design.points_hash:
        return
    there = {(point.id, point.x, point.y) for point in points}
    drawn = {(point.id, point.x, point.y) for point in design.points}
    odd = sorted({number for number, *_ in there ^ drawn})
    told = f"missing, moved or added: {_named(odd)}" if odd else "some stand there twice"
    raise InputError(
        path,
        f"its points are not those that were drawn ({told})",
        "take the file that `icepipe assess sample` wrote, and change nothing in it but the field reference",
    )


def check_labels(path: Path, points: Sequence[LabelledPoint], design: Design) -> None:
    """Refuse points that are not the design's, and those without a label that is known.

    Raises
    ------
    InputError
        With the numbers of the points that are wrong.
    """
    _refuse_other_points(path, points, design)
    known = " or ".join((", ".join(REFERENCES[:-1]), REFERENCES[-1]))
    unlabelled = sorted(point.id for point in points if not point.reference)
    if unlabelled:
        raise InputError(
            path,
            f"{len(unlabelled)} of {len(points)} points have no reference: {_named(unlabelled)}",
            f"write {known} into the field reference of each; leaving points out would spoil the sample",
        )
    for point in points:
        if point.reference not in REFERENCES:
            raise InputError(path, f"point {point.id}: unknown reference {point.reference!r}", f"write {known}")
