"""What a picture file holds, whatever its format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from icepipe.arrays import Bool, UInt8
from icepipe.geo.geobox import GeoBox
from icepipe.inputs.validate import Problem

Numbers = NDArray[np.unsignedinteger[Any]]

MAX_PIXELS = 178_956_970
"""Pixels that a picture may have: where Pillow takes a file for a decompression bomb, for every format."""

FROM_TOP: Mapping[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: pixels.swapaxes(0, 1)[:, ::-1],
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: pixels.swapaxes(0, 1)[::-1],
}
"""How to turn pixels upright, by the number of the tag Orientation (TIFF 6.0, page 36; Exif 2.32, table 4)."""


@dataclass(frozen=True)
class Picture:
    """Pixels of one picture, upright, and what its copy must keep.

    Attributes
    ----------
    path
        The file.
    kind
        ``GeoTIFF``, ``PNG`` or ``JPEG``.
    values
        uint8 or uint16; shape (rows, columns, channels), with one channel (grey) or three (red, green, blue).
    valid
        True where a pixel takes part; shape (rows, columns).
    alpha
        Numbers of the alpha band, in the type of the values; None where there is none.
    grid
        Its grid on the Earth, or None.
    unplaced
        Why it has none.
    kept
        What rasterio needs to write the coordinate system, the transform and nodata again.
    masked
        Whether its copy needs a mask inside.
    notes
        What was assumed, in sentences.
    """

    path: Path
    kind: str
    values: Numbers
    valid: Bool
    alpha: Numbers | None = None
    grid: GeoBox | None = None
    unplaced: Problem | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)
    masked: bool = False
    notes: tuple[str, ...] = ()

    @property
    def is_tiff(self) -> bool:
        """Whether copies are GeoTIFFs; else they are PNGs."""
        return self.kind == "GeoTIFF"

    @property
    def depth(self) -> str:
        """Bits and kind of its numbers, for people."""
        return f"{8 * self.values.itemsize}-bit {'grey' if self.values.shape[2] == 1 else 'colour'}"

    def noted(self, *notes: str) -> Picture:
        """The same with more notes."""
        return replace(self, notes=(*self.notes, *notes))


def orient(picture: Picture, orientation: int) -> Picture:
    """A picture upright, by the number of its orientation; an unknown number is the first."""
    turn = FROM_TOP.get(orientation, FROM_TOP[1])
    alpha = None if picture.alpha is None else np.ascontiguousarray(turn(picture.alpha))
    values, valid = np.ascontiguousarray(turn(picture.values)), np.ascontiguousarray(turn(picture.valid))
    return replace(picture, values=values, valid=valid, alpha=alpha)


@dataclass(frozen=True)
class ByteScaling:
    """How numbers become bytes for the eye: as they are for 8 bits, else between two numbers."""

    low: float
    high: float

    @classmethod
    def of(cls, values: NDArray[np.unsignedinteger[Any]], valid: Bool) -> ByteScaling:
        """Black and white of a picture; of 16 bits, one number in 200 of those that take part lies beyond each.

        Shapes: ``values`` (rows, columns, channels), ``valid`` (rows, columns).
        """
        if values.dtype == np.uint8:
            return cls(0.0, 255.0)
        low, high = np.percentile(values[valid], [0.5, 99.5], method="nearest")
        return cls(float(low), float(max(high, low + 1)))

    def bytes_of(self, numbers: NDArray[np.number[Any]]) -> UInt8:
        """Red, green and blue bytes of numbers of shape (..., channels)."""
        scaled = np.clip((numbers.astype(np.float64) - self.low) * (255 / (self.high - self.low)), 0, 255)
        shown = np.rint(scaled).astype(np.uint8)
        return np.repeat(shown, 3, axis=-1) if shown.shape[-1] == 1 else shown
