"""A decoded picture, whatever its file format."""

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

PixelValues = NDArray[np.unsignedinteger[Any]]

MAX_PIXELS = 178_956_970
"""Largest number of pixels for all formats: Pillow's limit for decompression bombs."""

ORIENTATIONS: Mapping[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: pixels.swapaxes(0, 1)[:, ::-1],
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: pixels.swapaxes(0, 1)[::-1],
}
"""Transformations to upright pixels, by the value of the tag Orientation (TIFF 6.0, page 36; Exif 2.32, table 4)."""


@dataclass(frozen=True)
class Picture:
    """Upright pixels of a picture, and the metadata that its copies preserve.

    Attributes
    ----------
    path
        File of the picture.
    kind
        ``GeoTIFF``, ``PNG`` or ``JPEG``.
    values
        uint8 or uint16; shape (rows, columns, channels) with one channel (grey) or three (red, green, blue).
    valid
        False where a pixel is transparent, masked or nodata; shape (rows, columns).
    alpha
        Alpha band in the dtype of the values, or None.
    grid
        Grid of a georeferenced picture, or None.
    georeference_problem
        Why a GeoTIFF has no grid; None if it has one, and for other formats.
    profile
        Coordinate system, transform or ground control points, and nodata, as rasterio writes them.
    needs_mask
        Whether copies need an internal mask to preserve the valid pixels.
    notes
        Assumptions, in sentences.
    """

    path: Path
    kind: str
    values: PixelValues
    valid: Bool
    alpha: PixelValues | None = None
    grid: GeoBox | None = None
    georeference_problem: Problem | None = None
    profile: Mapping[str, Any] = field(default_factory=dict)
    needs_mask: bool = False
    notes: tuple[str, ...] = ()

    @property
    def is_tiff(self) -> bool:
        """Whether copies are GeoTIFFs; copies of other formats are PNGs."""
        return self.kind == "GeoTIFF"

    @property
    def depth(self) -> str:
        """Bits of a channel, and grey or colour."""
        return f"{8 * self.values.itemsize}-bit {'grey' if self.values.shape[2] == 1 else 'colour'}"


def orient(picture: Picture, orientation: int) -> Picture:
    """Return a picture upright, by the value of its tag Orientation; unknown values leave it unchanged."""
    to_upright = ORIENTATIONS.get(orientation, ORIENTATIONS[1])
    # The transformations return views; encoders and kernels need contiguous rows.
    alpha = None if picture.alpha is None else np.ascontiguousarray(to_upright(picture.alpha))
    values, valid = np.ascontiguousarray(to_upright(picture.values)), np.ascontiguousarray(to_upright(picture.valid))
    return replace(picture, values=values, valid=valid, alpha=alpha)


@dataclass(frozen=True)
class ByteScaling:
    """Linear scaling of pixel values to bytes for display; the identity for 8-bit pictures.

    Attributes
    ----------
    low, high
        Pixel values that are displayed as 0 and as 255.
    """

    low: float
    high: float

    @classmethod
    def of(cls, values: PixelValues, valid: Bool) -> ByteScaling:
        """Return the scaling of a picture; for 16 bits, from the 0.5th to the 99.5th percentile of the valid pixels.

        Shapes: ``values`` (rows, columns, channels), ``valid`` (rows, columns).
        """
        # 8-bit values are what a viewer shows; stretching them would change the picture.
        if values.dtype == np.uint8:
            return cls(0.0, 255.0)
        # Sensors of 10 to 14 bits use a small part of the 16-bit range, and a few glints would take up the rest.
        low, high = np.percentile(values[valid], [0.5, 99.5], method="nearest")
        # A picture of one colour has a range of 0, which must not divide.
        return cls(float(low), float(max(high, low + 1)))

    def to_rgb(self, values: NDArray[np.number[Any]]) -> UInt8:
        """Return red, green and blue bytes, shape (..., 3), of grey or colour values, shape (..., 1 or 3)."""
        scaled = np.clip((values.astype(np.float64) - self.low) * (255 / (self.high - self.low)), 0, 255)
        channels = np.rint(scaled).astype(np.uint8)
        return np.repeat(channels, 3, axis=-1) if channels.shape[-1] == 1 else channels
