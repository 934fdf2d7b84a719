"""Polygon layers as Arrow tables: the published fields with their types, and the geometry as WKB."""

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
"""Largest size of a binary column of one batch: its offsets are 32-bit integers."""


def text_field(name: str, width: int) -> pa.Field:
    """Return a text field with a width for Shapefiles, in which GDAL otherwise uses 80 bytes per feature."""
    return pa.field(name, pa.string(), metadata={"GDAL:OGR:width": str(width)})


# Names have at most ten bytes, as a Shapefile would truncate longer ones.
SCHEMA = pa.schema(
    [
        text_field("class", 12),
        pa.field("code", pa.int32()),
        pa.field("date", pa.date32()),
        text_field("datetime", 24),
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
    """Consecutive features of a layer.

    Attributes
    ----------
    rows
        One row per feature, in ``SCHEMA``; exterior rings are counter-clockwise (OGC Simple Features).
    bounds
        West, south, east and north of every feature, shape (n, 4).
    """

    rows: pa.RecordBatch
    bounds: Float64


@dataclass(frozen=True)
class Extent:
    """Bounds and sizes of all features of a layer together.

    Attributes
    ----------
    bounds
        West, south, east and north; ``EMPTY_BOUNDS`` for a layer without features.
    points, rings
        Number of vertices and of rings.
    """

    bounds: tuple[float, float, float, float]
    points: int
    rings: int


@dataclass(frozen=True)
class Features:
    """A polygon layer with its date, read in batches.

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
        """Number of features."""
        return len(self.layer.n_px)

    @property
    def kind(self) -> str:
        """Geometry type: ``Polygon`` or ``MultiPolygon``."""
        return "MultiPolygon" if self.layer.multi else "Polygon"

    @cached_property
    def extent(self) -> Extent:
        """Bounds and sizes; every geometry is built once to compute them."""
        bounds = EMPTY_BOUNDS
        points = rings = 0
        for shapes in self.layer.batches:
            bounds = merge_bounds(bounds, shapes.bounds)
            points += shapes.n_points
            rings += shapes.n_rings
        return Extent(bounds, points, rings)

    def batches(self, first_id: int = 1) -> Iterator[FeatureBatch]:
        """Yield the features in batches; ids count from ``first_id``."""
        layer = self.layer
        start = 0
        for shapes in layer.batches:
            bounds = shapes.bounds
            wkb = wkb_array(shapes.wkb)
            # A polygon can have millions of vertices, and its WKB is a second copy of them.
            del shapes
            count = len(bounds)
            span = slice(start, start + count)
            columns = [
                pa.array([layer.code.label] * count, pa.string()),
                pa.array(np.full(count, int(layer.code), dtype=np.int32)),
                pa.array([self.date] * count, pa.date32()),
                pa.array([self.moment] * count, pa.string()),
                pa.array(layer.area_m2[span]),
                pa.array(layer.area_m2[span] / 1e6),
                pa.array(layer.perim_m[span]),
                pa.array(layer.n_px[span].astype(np.int32)),
                pa.array(np.arange(span.start, span.stop, dtype=np.int32) + np.int32(first_id)),
                wkb,
            ]
            yield FeatureBatch(pa.RecordBatch.from_arrays(columns, schema=SCHEMA), bounds)
            start = span.stop

    def stream(self) -> pa.RecordBatchReader:
        """Return a reader of all features in ``SCHEMA``, to be read once."""
        return pa.RecordBatchReader.from_batches(SCHEMA, (batch.rows for batch in self.batches()))


def wkb_array(wkb: Wkb) -> pa.BinaryArray:
    """Return the WKB of polygons as an Arrow column that shares its bytes.

    Raises
    ------
    IntegrityError
        If the WKB is larger than ``MOST_BYTES``; a batch of many polygons stays below it, a single one may not.
    """
    data, offsets = wkb
    if offsets[-1] > MOST_BYTES:
        raise IntegrityError(
            f"a polygon has {offsets[-1] / 1e9:.1f} GB, more than the limit of {MOST_BYTES / 1e9:.1f} GB",
            "set measure.min_patch_m2 or publish.polygons.simplify_m, or make the region smaller",
        )
    # The column has no validity buffer, as no geometry is null.
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(data)]
    return pa.BinaryArray.from_buffers(pa.binary(), len(offsets) - 1, buffers)


EMPTY_BOUNDS = (math.inf, math.inf, -math.inf, -math.inf)
"""Bounds that any others enlarge."""


def merge_bounds(bounds: tuple[float, float, float, float], more: Float64) -> tuple[float, float, float, float]:
    """Return bounds that include those of more features, shape (n, 4)."""
    # The initial values make the bounds of no feature neutral.
    west, south = np.minimum(bounds[:2], more[:, :2].min(axis=0, initial=math.inf)).tolist()
    east, north = np.maximum(bounds[2:], more[:, 2:].max(axis=0, initial=-math.inf)).tolist()
    return west, south, east, north
