"""Overviews of a class raster, each half as large as the one before."""

from __future__ import annotations

import numpy as np

from icepipe.arrays import UInt8
from icepipe.classes import ClassCode

SMALLEST_PX = 512
"""Side of the smallest overview: it fits into one tile of the file."""


def halve(classes: UInt8) -> UInt8:
    """Resample a class raster to half its size by the mode of two by two pixels.

    The first in raster order wins a tie, and ``OUTSIDE`` only where all four are outside. An odd last row or column
    counts twice.
    """
    from icepipe.raster._kernels import halve_by_mode

    odd = tuple((0, side % 2) for side in classes.shape)
    even = np.pad(classes, odd, mode="edge") if classes.shape[0] % 2 or classes.shape[1] % 2 else classes
    half = np.empty((even.shape[0] // 2, even.shape[1] // 2), dtype=np.uint8)
    halve_by_mode(even, int(ClassCode.OUTSIDE), half)
    return half


def overview_shapes(shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return rows and columns of a raster and of its overviews, down to one that fits into a tile."""
    height, width = shape
    shapes = [(height, width)]
    while max(shapes[-1]) > SMALLEST_PX:
        # Odd sides are rounded up, as in GDAL.
        height, width = -(-height // 2), -(-width // 2)
        shapes.append((height, width))
    return shapes
