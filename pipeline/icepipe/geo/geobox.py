"""Georeferenced pixel grids, blocks of a grid, and named regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, cast

import numpy as np
from affine import Affine
from pydantic import PlainSerializer, PlainValidator

from icepipe.arrays import Float64


def as_affine(value: Affine | Sequence[float]) -> Affine:
    """Return an affine transform from its six coefficients, row by row; a transform is returned unchanged."""
    return value if isinstance(value, Affine) else Affine(*value)


Transform = Annotated[
    Affine,
    PlainValidator(as_affine),
    PlainSerializer(lambda transform: list(transform)[:6], return_type=list[float]),
]
"""Affine transform, serialized as its six coefficients row by row."""


def _apply(transform: Affine, x: Float64, y: Float64) -> tuple[Float64, Float64]:
    # Affine's ``@`` accepts arrays, but its annotations allow floats only.
    return cast("tuple[Float64, Float64]", transform @ cast("tuple[float, float]", (x, y)))


@dataclass(frozen=True)
class GeoBox:
    """A georeferenced pixel grid.

    Attributes
    ----------
    crs
        Coordinate reference system as WKT.
    transform
        Pixel (column, row) to CRS coordinates; may be rotated or south-up.
    width, height
        Columns and rows.
    """

    crs: str
    transform: Transform
    width: int
    height: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.height, self.width

    @property
    def planar_pixel_area(self) -> float:
        """Area of a pixel on the map plane in squared CRS units; not an area on the Earth."""
        return float(abs(self.transform.determinant))

    @cached_property
    def corners(self) -> tuple[tuple[float, float], ...]:
        """CRS coordinates of the four corners, in order around the outline."""
        pixels = ((0, 0), (self.width, 0), (self.width, self.height), (0, self.height))
        return tuple(self.transform @ corner for corner in pixels)

    def to_map(self, col: Float64, row: Float64) -> tuple[Float64, Float64]:
        """Return the CRS coordinates of pixel positions; any shape."""
        return _apply(self.transform, col, row)

    def to_pixels(self, x: Float64, y: Float64) -> tuple[Float64, Float64]:
        """Return the pixel positions (columns, rows) of CRS coordinates; any shape."""
        return _apply(~self.transform, x, y)


@dataclass(frozen=True)
class Block:
    """A rectangle of a grid, in pixels: its first row and column, and its size."""

    row: int
    col: int
    height: int
    width: int

    @property
    def centres(self) -> tuple[Float64, Float64]:
        """Columns and rows of the pixel centres on the whole grid; shape (rows, columns) each."""
        # Integer positions are pixel corners, so centres are at half pixels.
        col, row = self.col + np.arange(self.width) + 0.5, self.row + np.arange(self.height) + 0.5
        return np.meshgrid(col, row)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the block in an array of the whole grid."""
        return slice(self.row, self.row + self.height), slice(self.col, self.col + self.width)


@dataclass(frozen=True)
class Region:
    """A named area of the Earth.

    Attributes
    ----------
    name
        Name in the rows of the series.
    wkt
        Polygon or multipolygon.
    crs
        WKT of its coordinate system.
    """

    name: str
    wkt: str
    crs: str
