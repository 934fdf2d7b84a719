"""Polygon layers as tables of features: the published fields with their types, and the geometry as WKB."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from icepipe.arrays import Float64
from icepipe.errors import IntegrityError
from icepipe.measure.polygons.geometry import Wkb
from icepipe.measure.polygons.polygonize import PolygonLayer

GEOMETRY = "geometry"

MOST_BYTES = 2**31 - 1
"""Of a column of one batch, whose places are counted with 32 bits."""


def _text(name: str, width: int) -> pa.Field:
    """A text field; the width is for Shapefiles, which otherwise take 80 bytes a feature."""
    return pa.field(name, pa.string(), metadata={"GDAL:OGR:width": str(width)})


SCHEMA = pa.schema(
    [
        _text("class", 12),
        pa.field("code", pa.int32()),
        pa.field("date", pa.date32()),
        _text("datetime", 24),
        pa.field("area_m2", pa.float64()),
        pa.field("area_km2", pa.float64()),
        pa.field("perim_m", pa.float64()),
        pa.field("n_px", pa.int32()),
        pa.field("id", pa.int32()),
        pa.field(GEOMETRY, pa.binary()),
    ]
)


@dataclass(frozen=True)
class FeatureBatch:
    """Some features.

    Attributes
    ----------
    rows
        A row a feature, by ``SCHEMA``; exterior rings are counter-clockwise, as OGC's standards have them.
    bounds
        West, south, east and north of every feature, shape (n, 4).
    """

    rows: pa.RecordBatch
    bounds: Float64


@dataclass(frozen=True)
class Extent:
    """How far features reach, and how much there is of them.

    Attributes
    ----------
    bounds
        West, south, east and north of all together; infinite where there is none.
    points, rings
        Of all together.
    """

    bounds: tuple[float, float, float, float]
    points: int
    rings: int


@dataclass(frozen=True)
class Features:
    """A polygon layer ready to be written, some features at a time.

    Attributes
    ----------
    layer
        Polygons of one class.
    date
        Day of the observation.
    moment
        ISO text of the day, and of the time where one is known.
    """

    layer: PolygonLayer
    date: dt.date
    moment: str

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.layer.n_px)

    @property
    def kind(self) -> str:
        """``Polygon`` or ``MultiPolygon``."""
        return "MultiPolygon" if self.layer.multi else "Polygon"

    @cached_property
    def extent(self) -> Extent:
        """How far they reach; all are drawn for that."""
        bounds, points, rings = EMPTY_BOUNDS, 0, 0
        for shapes in self.layer.batches:
            bounds = merge_bounds(bounds, shapes.bounds)
            points += shapes.n_points
            rings += shapes.n_rings
        return Extent(bounds, points, rings)

    def batches(self, first_id: int = 1) -> Iterator[FeatureBatch]:
        """Features, some at a time, numbered from ``first_id``."""
        start = 0
        for shapes in self.layer.batches:
            bounds, wkb = shapes.bounds, wkb_array(shapes.wkb)
            del shapes  # a polygon can have millions of points, and its bytes are as many again
            here = slice(start, start + len(bounds))
            yield FeatureBatch(self._rows(wkb, here, first_id), bounds)
            start = here.stop

    def _rows(self, wkb: pa.BinaryArray, here: slice, first_id: int) -> pa.RecordBatch:
        layer, count = self.layer, len(wkb)
        columns = [
            pa.array([layer.code.label] * count, pa.string()),
            pa.array(np.full(count, int(layer.code), dtype=np.int32)),
            pa.array([self.date] * count, pa.date32()),
            pa.array([self.moment] * count, pa.string()),
            pa.array(layer.area_m2[here]),
            pa.array(layer.area_m2[here] / 1e6),
            pa.array(layer.perim_m[here]),
            pa.array(layer.n_px[here].astype(np.int32)),
            pa.array(np.arange(here.start, here.stop, dtype=np.int32) + np.int32(first_id)),
            wkb,
        ]
        return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)

    def stream(self) -> pa.RecordBatchReader:
        """Features to be read once, by ``SCHEMA``."""
        return pa.RecordBatchReader.from_batches(SCHEMA, (batch.rows for batch in self.batches()))


def wkb_array(wkb: Wkb) -> pa.BinaryArray:
    """Bytes of some polygons as a column, without a copy.

    Raises
    ------
    IntegrityError
        If they are more than Arrow can tell apart in one batch.
    """
    data, offsets = wkb
    if offsets[-1] > MOST_BYTES:
        raise IntegrityError(
            f"one polygon takes {offsets[-1] / 1e9:.1f} GB, over {MOST_BYTES / 1e9:.1f} GB",
            "set measure.min_patch_m2 or publish.polygons.simplify_m, or cut the region",
        )
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(data)]
    return pa.BinaryArray.from_buffers(pa.binary(), len(offsets) - 1, buffers)


EMPTY_BOUNDS = (math.inf, math.inf, -math.inf, -math.inf)


def merge_bounds(bounds: tuple[float, float, float, float], more: Float64) -> tuple[float, float, float, float]:
    """Bounds that hold others, too; those have shape (n, 4)."""
    west, south = np.minimum(bounds[:2], more[:, :2].min(axis=0, initial=math.inf)).tolist()
    east, north = np.maximum(bounds[2:], more[:, 2:].max(axis=0, initial=-math.inf)).tolist()
    return west, south, east, north
