"""Pixel grids, blocks of them, and named regions of the Earth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, cast

import numpy as np
from affine import Affine
from pydantic import PlainSerializer, PlainValidator

from icepipe.arrays import Float64


def _six_numbers(transform: Affine) -> list[float]:
    return list(transform)[:6]


def _transform_of(value: Affine | Sequence[float]) -> Affine:
    return value if isinstance(value, Affine) else Affine(*value)


Transform = Annotated[Affine, PlainValidator(_transform_of), PlainSerializer(_six_numbers)]
"""Six numbers in a document, row by row."""


def _apply(transform: Affine, x: Float64, y: Float64) -> tuple[Float64, Float64]:
    """Apply a transform to arrays, which ``@`` does and its types do not say."""
    return cast("tuple[Float64, Float64]", transform @ cast("tuple[float, float]", (x, y)))


@dataclass(frozen=True)
class GeoBox:
    """A pixel grid on the Earth.

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
        """Area of a pixel on the map plane, in squared CRS units."""
        return float(abs(self.transform.determinant))

    @cached_property
    def corners(self) -> tuple[tuple[float, float], ...]:
        """CRS coordinates of the four corners, around the outline."""
        pixels = ((0, 0), (self.width, 0), (self.width, self.height), (0, self.height))
        return tuple(self.transform @ corner for corner in pixels)

    def to_map(self, col: Float64, row: Float64) -> tuple[Float64, Float64]:
        """CRS coordinates of pixel positions; any shape."""
        return _apply(self.transform, col, row)

    def to_pixels(self, x: Float64, y: Float64) -> tuple[Float64, Float64]:
        """Pixel positions (columns, rows) of CRS coordinates; any shape."""
        return _apply(~self.transform, x, y)


@dataclass(frozen=True)
class Block:
    """A rectangle of a grid, in pixels."""

    row: int
    col: int
    height: int
    width: int

    @property
    def centres(self) -> tuple[Float64, Float64]:
        """Columns and rows of the pixels' centres on the whole grid; shape (rows, columns) each."""
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
        What rows call it.
    wkt
        Polygon or multipolygon.
    crs
        WKT of its coordinate system.
    """

    name: str
    wkt: str
    crs: str
