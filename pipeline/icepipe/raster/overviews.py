"""Overviews of a raster, each half as large as the one before."""

from __future__ import annotations

import numpy as np

from icepipe.arrays import UInt8
from icepipe.classes import NO_PERCENT, ClassCode

SMALLEST_PX = 512
"""Side of the smallest overview: it fits into one tile of the file."""


def halve(classes: UInt8) -> UInt8:
    """Resample a class raster to half its size by the mode of two by two pixels.

    The first in raster order wins a tie, and ``OUTSIDE`` only where all four are outside. An odd last row or column
    counts twice.
    """
    from icepipe.raster._kernels import halve_by_mode

    even, half = _even_sides(classes)
    halve_by_mode(even, int(ClassCode.OUTSIDE), half)
    return half


def halve_percent(percent: UInt8) -> UInt8:
    """Resample percent to half their size by the mean of two by two pixels, rounded, a half upwards.

    Pixels with ``NO_PERCENT`` are left out of the mean; it is ``NO_PERCENT`` where all four are. An odd last row or
    column counts twice.
    """
    from icepipe.raster._kernels import halve_by_mean

    even, half = _even_sides(percent)
    halve_by_mean(even, NO_PERCENT, half)
    return half


def _even_sides(pixels: UInt8) -> tuple[UInt8, UInt8]:
    """Return a raster with an odd last row or column repeated, and an array for its half."""
    odd = tuple((0, side % 2) for side in pixels.shape)
    even = np.pad(pixels, odd, mode="edge") if pixels.shape[0] % 2 or pixels.shape[1] % 2 else pixels
    return even, np.empty((even.shape[0] // 2, even.shape[1] // 2), dtype=np.uint8)


def overview_shapes(shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return rows and columns of a raster and of its overviews, down to one that fits into a tile."""
    height, width = shape
    shapes = [(height, width)]
    while max(shapes[-1]) > SMALLEST_PX:
        # Odd sides are rounded up, as in GDAL.
        height, width = -(-height // 2), -(-width // 2)
        shapes.append((height, width))
    return shapes
