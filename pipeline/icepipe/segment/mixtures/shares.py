"""Records of mixed pixels, and how the kernels encode surfaces and shares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from icepipe.arrays import UInt8, UInt16
from icepipe.geo.geobox import Block
from icepipe.segment.classification.strata import FIRST_SIEVED

CODE = 3
"""Bits of a surface that hold its class code; 0 where nothing was seen."""

MAY_BE = 4
"""Bit of a surface where water is a possible class; the next two bits are those of ice and of other."""

OFF_LINE = 32
"""Bit of a surface whose colour no mixture of pure water and pure ice has."""

GREY_ICE = 64
"""Bit of a surface that is other only because it is grey ice and white ice alone counts: it is no ground."""

OUTLIER = 128
"""Bit of a surface that is far from every cluster: it may be one that the model has not seen, and no mixture."""

POSITION_UNITS = 4096
"""Units of a position on the line from pure water, 0, to pure ice."""

BRIGHTNESS_UNITS = 2048
"""Units of a brightness, the mean reflectance of the bands."""

FARTHEST = 16_000
"""Largest position and brightness; both are clipped to it, positions below zero to half of it: marks of four times half
a position fit into 16 bits."""

MAY_BE_THIRD = 16
"""Bit of a pair of surfaces where the pixel may be none of the two."""

FULL = 255
"""Share of a surface that fills a pixel."""

RADIUS = 2
"""Rows and columns to each side in which pure surfaces are looked for."""

HALO = RADIUS + 2
"""Rows and columns to each side that shares depend on: smoothness takes one, and that of neighbours one more."""


class Bound(IntEnum):
    """Rows of :attr:`Mixtures.shares`."""

    LOW = 0
    BEST = 1
    HIGH = 2


@dataclass(frozen=True)
class Mixtures:
    """Mixed pixels of some full rows of the grid.

    Attributes
    ----------
    block
        The rows.
    pairs
        Four times the class code of one surface plus that of the other, plus ``MAY_BE_THIRD`` where the names allow the
        third class; 0 where a pixel is not mixed. Shape (rows, columns).
    shares
        Least, likeliest and greatest share of the first surface in 1/255, by :class:`Bound`; shape (3, rows, columns).
    strata
        Strata of the pixels; 0 where no scene reaches. Shape (rows, columns).
    """

    block: Block
    pairs: UInt8
    shares: UInt8
    strata: UInt16

    def after_sieve(self, strata: UInt16) -> Mixtures:
        """Return the mixed pixels without those of the patches that the sieve gave another class as a whole.

        ``strata`` are those of the whole grid after the sieve; shape (rows, columns).
        """
        sieved = strata[self.block.slices]
        return replace(self, pairs=np.where(sieved >= FIRST_SIEVED, np.uint8(0), self.pairs), strata=sieved)

    def strips(self, most_pixels: int) -> Iterator[Mixtures]:
        """Yield the mixed pixels in windows of at most ``most_pixels`` pixels, or of one row; none without any."""
        height = max(1, most_pixels // self.block.width)
        for first in range(0, self.block.height, height):
            rows = slice(first, first + height)
            columns = np.flatnonzero(self.pairs[rows].any(axis=0))
            if len(columns):
                cols = slice(int(columns[0]), int(columns[-1]) + 1)
                pairs = np.ascontiguousarray(self.pairs[rows, cols])
                block = Block(self.block.row + first, self.block.col + cols.start, *pairs.shape)
                yield Mixtures(block, pairs, self.shares[:, rows, cols], self.strata[rows, cols])
