"""Smaller copies of a class raster, each half as large as the one before."""

from __future__ import annotations

import numpy as np

from icepipe.arrays import UInt8
from icepipe.classes import ClassCode

SMALLEST_PX = 512
"""Halving ends at one tile."""


def halve(classes: UInt8) -> UInt8:
    """The class that most of every four pixels have, of equals the first in raster order, and outside last.

    Where a side is odd, its last pixels stand for the two that would be there.
    """
    from icepipe.raster._kernels import halve_by_mode

    odd = tuple((0, side % 2) for side in classes.shape)
    even = np.pad(classes, odd, mode="edge") if classes.shape[0] % 2 or classes.shape[1] % 2 else classes
    half = np.empty((even.shape[0] // 2, even.shape[1] // 2), dtype=np.uint8)
    halve_by_mode(even, int(ClassCode.OUTSIDE), half)
    return half


def overview_shapes(whole: tuple[int, ...]) -> list[tuple[int, int]]:
    """Rows and columns of a raster and of its overviews: halves of halves, down to one that fits into a tile."""
    height, width = whole
    shapes = [(height, width)]
    while max(shapes[-1]) > SMALLEST_PX:
        height, width = -(-height // 2), -(-width // 2)
        shapes.append((height, width))
    return shapes
