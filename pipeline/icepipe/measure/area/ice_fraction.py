"""Share of ice in every pixel, in percent: that of its class, of its mixture, or of the input's concentration."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from icepipe.arrays import Int64, UInt8, UInt16
from icepipe.classes import FULL_PERCENT, NO_PERCENT, SEEN, ClassCode
from icepipe.geo.geobox import Block
from icepipe.inputs.reading.class_values import FULL_COVER
from icepipe.raster.blocks import BLOCK_PIXELS
from icepipe.raster.run_length import CLASS_DTYPE, ClassRuns, RunLengthRaster, RunLengthWriter
from icepipe.segment.classification.strata import N_STRATA, StrataTable
from icepipe.segment.mixtures.shares import CODE, FULL, Bound, Mixtures


def to_percent(share: Int64, full: int) -> UInt8:
    """Return shares as percent of ``full``, rounded, a half upwards; any shape."""
    # Whole numbers, so that no half depends on how a quotient is rounded.
    return ((2 * FULL_PERCENT * share + full) // (2 * full)).astype(np.uint8)


def mixed_percent(pairs: UInt8, shares: UInt8) -> UInt8:
    """Return the percent of ice in mixed pixels by the best estimate; ``NO_PERCENT`` where a pixel is not mixed.

    Parameters
    ----------
    pairs, shares
        As in :class:`icepipe.segment.mixtures.shares.Mixtures`; shapes (rows, columns) and (3, rows, columns).
    """
    mixed = pairs > 0
    first, second = pairs[mixed] >> 2 & CODE, pairs[mixed] & CODE
    share = shares[Bound.BEST][mixed].astype(np.int64)
    ice = np.where(first == ClassCode.ICE, share, np.where(second == ClassCode.ICE, FULL - share, 0))
    percent = np.full(pairs.shape, NO_PERCENT, dtype=np.uint8)
    percent[mixed] = to_percent(ice, FULL)
    return percent


def concentration_percent(strata: StrataTable) -> UInt8:
    """Return the percent of ice of every stratum with a concentration; ``NO_PERCENT`` elsewhere; shape (65536,)."""
    percent = np.full(N_STRATA, NO_PERCENT, dtype=np.uint8)
    if concentration := strata.concentration(ClassCode.ICE):
        parts = np.rint(np.array(list(concentration.values())) * FULL_COVER).astype(np.int64)
        percent[list(concentration)] = to_percent(parts, FULL_COVER)
    return percent


@dataclass(frozen=True)
class IceFraction:
    """Percent of ice of every pixel of a grid.

    Attributes
    ----------
    classes
        Class raster, after the sieve.
    shares
        Percent of the pixels whose class does not decide it; ``NO_PERCENT`` for all others.
    from_concentration
        Whether the percent are concentrations of the input, which ice alone has.
    """

    classes: ClassRuns
    shares: RunLengthRaster[np.uint8]
    from_concentration: bool

    def block(self, block: Block) -> UInt8:
        """Return the percent of ice of the pixels of a block; ``NO_PERCENT`` where it is not known.

        It is not known where the surface was not seen, nor for ice without a concentration among concentrations.
        """
        codes, shares = self.classes.block(block), self.shares.block(block)
        by_class = np.full(256, NO_PERCENT, dtype=np.uint8)
        by_class[list(SEEN)] = 0
        by_class[ClassCode.ICE] = NO_PERCENT if self.from_concentration else FULL_PERCENT
        # A concentration leaves with the class where the sieve moves a pixel.
        decides = (shares != NO_PERCENT) & ((codes == ClassCode.ICE) | (not self.from_concentration))
        return np.where(decides, shares, by_class[codes])


class FractionWriter:
    """Encodes the percent of pixels whose class does not decide it, in parts that arrive from top to bottom.

    Parameters
    ----------
    strata
        Encoding of the strata.
    shape
        Rows and columns of the grid.
    """

    def __init__(self, strata: StrataTable, shape: tuple[int, int]) -> None:
        self._height, self._width = shape
        self._writer = RunLengthWriter(self._width, CLASS_DTYPE)
        self._concentration = concentration_percent(strata) if strata.from_concentration else None
        self._rows, self._bottom = np.empty((0, self._width), dtype=CLASS_DTYPE), 0

    def add_strata(self, part: Block, strata: UInt16) -> None:
        """Add the strata of a part, of which only concentrations count; parts of one row of blocks have its rows."""
        if self._concentration is not None:
            self._view(part)[:] = self._concentration[strata]

    def add_mixtures(self, mixtures: Iterable[Mixtures]) -> None:
        """Add the mixed pixels of some rows."""
        for rows in (strip for part in mixtures for strip in part.strips(BLOCK_PIXELS)):
            self._view(rows.block)[:] = mixed_percent(rows.pairs, rows.shares)

    def finish(self, classes: ClassRuns) -> IceFraction:
        """Return the percent of all pixels, given the class raster of the grid."""
        self._skip_to(self._height)
        return IceFraction(classes, self._writer.finish(), self._concentration is not None)

    def _view(self, part: Block) -> UInt8:
        """Return a view of the pixels of a part, to write to until another row of parts begins."""
        if part.row >= self._bottom:
            self._skip_to(part.row)
            self._begin(part.height)
        return self._rows[:, part.col : part.col + part.width]

    def _skip_to(self, row: int) -> None:
        """Encode the rows above a row that nothing was added to: no scene reaches them, or they hold no mixed pixel."""
        strip = max(1, BLOCK_PIXELS // self._width)
        while self._bottom < row:
            self._begin(min(strip, row - self._bottom))

    def _begin(self, height: int) -> None:
        """Begin rows below those that are written."""
        self._rows = self._writer.write_view(Block(self._bottom, 0, height, self._width))
        self._rows[:] = NO_PERCENT
        self._bottom += height
