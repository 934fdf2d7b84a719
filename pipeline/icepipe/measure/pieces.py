"""Pieces of a class raster: pixels of one class that hang together by their sides."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from icepipe.classes import SEEN, ClassCode
from icepipe.errors import IntegrityError
from icepipe.inputs.grid import blocks
from icepipe.records import Block, Bool, GeoBox, Int32, Int64, UInt8

MOST_RUNS = 2**31 - 1
"""Their numbers have 32 bits."""


@dataclass(frozen=True)
class Runs:
    """Runs of equal pixels of a raster: each row from its first pixel on, and its end as a run of nothing.

    Attributes
    ----------
    starts
        First column of every run, which ends where the next begins; shape (n,), in raster order.
    number
        Number of the piece of every run, from 1 in the order of their first pixels, and 0 for runs of what is not
        wanted; shape (n,).
    rows
        Where the runs of each row begin, and the end; shape (rows + 1,).
    count
        How many pieces there are.
    """

    starts: Int32
    number: Int32
    rows: Int64
    count: int

    def codes_in(self, classes: UInt8) -> UInt8:
        """Class of every piece, in the raster that the runs are of."""
        from icepipe.measure.kernels import code_pieces

        codes = np.empty(self.count, dtype=np.uint8)
        code_pieces(classes, *self.arrays, codes)
        return codes

    @property
    def arrays(self) -> tuple[Int32, Int32, Int64]:
        """Its arrays, in the order in which compiled code takes them."""
        return self.starts, self.number, self.rows


@dataclass(frozen=True)
class Pieces:
    """Pieces of some classes, numbered from 1 in raster order of their first pixels.

    Attributes
    ----------
    runs
        Which pixels each holds.
    codes, n_px, units
        Class, pixels and area of every piece; shape (n,).
    """

    runs: Runs
    codes: UInt8
    n_px: Int64
    units: Int64


def _wanted(codes: Collection[ClassCode]) -> Bool:
    wanted = np.zeros(256, dtype=bool)
    wanted[list(codes)] = True
    return wanted


def runs_of(classes: UInt8, codes: Collection[ClassCode]) -> Runs:
    """Runs of some classes of a raster, and which pieces they make; shape (rows, columns).

    Raises
    ------
    IntegrityError
        If there are more than can be numbered.
    """
    from icepipe.measure.kernels import count_runs, find_runs, number_pieces

    wanted = _wanted(codes)
    n = count_runs(classes, wanted)
    if n > MOST_RUNS:
        raise IntegrityError(f"a class raster has {n:,} runs of equal pixels, over {MOST_RUNS:,}", "cut the region")
    starts, number = np.empty(n, dtype=np.int32), np.empty(n, dtype=np.int32)
    rows = np.empty(classes.shape[0] + 1, dtype=np.int64)
    find_runs(classes, wanted, starts, number, rows)
    return Runs(starts, number, rows, number_pieces(number))


def find_pieces(classes: UInt8, codes: Collection[ClassCode], grid: GeoBox, area: Callable[[Block], Int64]) -> Pieces:
    """Pieces of some classes, with their areas as exact sums.

    Parameters
    ----------
    classes
        Class raster of the whole grid.
    codes
        The classes.
    grid
        Its grid.
    area
        Gives the true area of the pixels of a block, in units.
    """
    from icepipe.measure.kernels import add_strip

    runs = runs_of(classes, codes)
    n_px, units = np.zeros(runs.count, dtype=np.int64), np.zeros(runs.count, dtype=np.int64)
    for block in blocks(grid):
        add_strip(area(block), block.row, *runs.arrays, n_px, units)
    return Pieces(runs, runs.codes_in(classes), n_px, units)


def count_pieces(classes: UInt8) -> dict[ClassCode, int]:
    """How many pieces of each seen class a raster holds."""
    codes = runs_of(classes, SEEN).codes_in(classes)
    return {code: int(np.sum(codes == code)) for code in SEEN}
