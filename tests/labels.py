"""Labels for points, as people would write them in QGIS: into the file, one field, nothing else touched."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import shapely

from icepipe.assess.reference_points import LabelledPoint, read_points
from tests.samples import generator


def write_labels(path: Path, label_of: Callable[[LabelledPoint], str]) -> None:
    """Set the field ``reference`` of every point to what a function of the point says."""
    labels = [(label_of(point), point.id) for point in read_points(path)]
    with closing(sqlite3.connect(path)) as connection, connection:
        # The triggers of a GeoPackage name these functions of GDAL; they are called where a place changes.
        for name in ("IsEmpty", "MinX", "MaxX", "MinY", "MaxY"):
            connection.create_function(f"ST_{name}", 1, lambda _: None)
        connection.executemany("UPDATE points SET reference = ? WHERE id = ?", labels)


def truth_of_samples(date: str) -> Callable[[LabelledPoint], str]:
    """What the shapes that the shipped samples are drawn from say of a point: of the centre of a mixed pixel."""
    make = generator()
    picture = make.draw(make.DATES.index(date.replace("-", "")))

    def label(point: LabelledPoint) -> str:
        place = shapely.Point(point.x, point.y)
        if picture.cloud.contains(place):
            return "cloud"
        return str(next(make.CLASS_OF[name] for name, shape in picture.parts.items() if shape.contains(place)))

    return label
