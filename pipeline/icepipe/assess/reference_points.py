"""Write the points of a reference sample as a GeoPackage for labelling, and read the labels back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import shapely

from icepipe.assess.design import Design, points_hash
from icepipe.classes import SEEN, ClassCode
from icepipe.errors import InputError
from icepipe.publish.vectors.ogr import frozen_clock, write_ogr

LAYER = "points"
FIELDS = ("id", "reference")
REFERENCES = tuple(code.label for code in (*SEEN, ClassCode.CLOUD, ClassCode.LAND))
"""Valid labels: the classes of the surface, and the ones that a map without masks cannot distinguish from them."""

REFERENCE_LIST = " or ".join((", ".join(REFERENCES[:-1]), REFERENCES[-1]))
"""The valid labels in a message."""

MAX_LISTED = 5
"""Points that a message lists."""


@dataclass(frozen=True)
class LabelledPoint:
    """A point with its reference label, in lower case and stripped of spaces."""

    id: int
    x: float
    y: float
    reference: str


def write_points(path: Path, design: Design, chips: Sequence[str], date: dt.date) -> None:
    """Write the points for labelling, without their classes and strata.

    Parameters
    ----------
    path
        File to write.
    design
        Design with the points; they are written in its order.
    chips
        Path of each point's image chip, relative to the file; empty if it has none.
    date
        Day of the observation, the only date in the file.

    Raises
    ------
    IntegrityError
        If the file cannot be written.
    """
    # A labeller who can see the class of the map is biased towards it, so the table leaves it out.
    geometry = shapely.points([(point.x, point.y) for point in design.points])
    table = pa.table(
        {
            "id": pa.array([point.id for point in design.points], pa.int32()),
            "reference": pa.array([""] * len(design.points), pa.string()),
            "chip": pa.array(chips, pa.string()),
            "geometry": pa.array(shapely.to_wkb(geometry).tolist(), pa.binary()),
        }
    )
    with frozen_clock(date):
        write_ogr(path, table, driver="GPKG", layer=LAYER, geometry_type="Point", crs=design.crs)


def _parse_id(value: object) -> int:
    """Parse a point id; 0, which is no point's id, if it is not a number."""
    try:
        # An export turns ids into floats when one of them is missing.
        return int(str(value).removesuffix(".0"))
    except ValueError:
        return 0


def read_points(path: Path) -> tuple[LabelledPoint, ...]:
    """Read points and labels without checking them against a design.

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
        meta, _, geometry, values = raw.read(path, layer=LAYER)
    except (DataSourceError, DataLayerError) as error:
        raise InputError(path, f"cannot be read as a sample ({error})", todo) from error
    columns = dict(zip(meta["fields"].tolist(), values, strict=True))
    missing = [name for name in FIELDS if name not in columns]
    if missing or geometry is None:
        raise InputError(path, f"the layer {LAYER} has no field {' and no field '.join(missing) or 'geometry'}", todo)
    points = shapely.from_wkb(geometry)
    # Empty text fields of a GeoPackage are null; labellers add spaces and capitals.
    return tuple(
        LabelledPoint(_parse_id(id_), float(x), float(y), str(label or "").strip().lower())
        for id_, x, y, label in zip(
            columns["id"], shapely.get_x(points), shapely.get_y(points), columns["reference"], strict=True
        )
    )


def _list_ids(ids: Sequence[int]) -> str:
    more = f" and {len(ids) - MAX_LISTED} more" if len(ids) > MAX_LISTED else ""
    return f"{', '.join(map(str, ids[:MAX_LISTED]))}{more}"


def check_points(path: Path, points: Sequence[LabelledPoint], design: Design) -> None:
    """Check that the points of a file are exactly the points that were drawn, in any order.

    Raises
    ------
    InputError
        With the ids of the points that were removed, moved or added.
    """
    # The design holds the hash of the drawn points: in the common case no set has to be built.
    if points_hash((point.id, point.x, point.y) for point in points) == design.points_hash:
        return
    in_file = {(point.id, point.x, point.y) for point in points}
    drawn = {(point.id, point.x, point.y) for point in design.points}
    # Sets that are equal although the hashes differ leave only one explanation: duplicates.
    different = sorted({id_ for id_, *_ in in_file ^ drawn})
    reason = f"missing, moved or added: {_list_ids(different)}" if different else "some are duplicated"
    raise InputError(
        path,
        f"its points are not those that were drawn ({reason})",
        "take the file that `icepipe assess sample` wrote, and change nothing in it but the field reference",
    )


def check_labels(path: Path, points: Sequence[LabelledPoint], design: Design) -> None:
    """Check that the points are the design's and that each has a valid label.

    Raises
    ------
    InputError
        With the ids of the points that are wrong.
    """
    check_points(path, points, design)
    unlabelled = sorted(point.id for point in points if not point.reference)
    if unlabelled:
        raise InputError(
            path,
            f"{len(unlabelled)} of {len(points)} points have no reference: {_list_ids(unlabelled)}",
            f"write {REFERENCE_LIST} into the field reference of each; a sample without them would be biased",
        )
    for point in points:
        if point.reference not in REFERENCES:
            raise InputError(
                path, f"point {point.id}: unknown reference {point.reference!r}", f"write {REFERENCE_LIST}"
            )
