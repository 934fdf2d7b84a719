"""Pieces of a class raster: pixels of one class that hang together by their sides."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from icepipe.arrays import Bool, Int32, Int64, UInt8
from icepipe.classes import SEEN, ClassCode
from icepipe.geo.geobox import Block
from icepipe.raster.blocks import strips
from icepipe.raster.run_length import ClassRuns


@dataclass(frozen=True)
class Components:
    """Pieces of some classes, numbered in raster order of their first pixels.

    Attributes
    ----------
    runs
        What they are of.
    number
        Number of the piece of every run, shape (runs,); of runs of other classes their class in the negative, less one.
    codes
        Class of every piece; shape (n,).
    """

    runs: ClassRuns
    number: Int32
    codes: UInt8


@dataclass(frozen=True)
class ComponentSizes:
    """Pixels of every piece, and the sums of their areas in units; shape (n,)."""

    n_px: Int64
    units: Int64


def _wanted(codes: Collection[ClassCode]) -> Bool:
    wanted = np.zeros(256, dtype=bool)
    wanted[list(codes)] = True
    return wanted


def find_components(runs: ClassRuns, codes: Collection[ClassCode]) -> Components:
    """Pieces of some classes of a raster."""
    from icepipe.raster._kernels import component_codes, number_components

    number = np.empty(len(runs.starts), dtype=np.int32)
    count = number_components(runs.starts, runs.codes, runs.rows, _wanted(codes), number)
    of_pieces = np.empty(count, dtype=np.uint8)
    component_codes(runs.codes, number, of_pieces)
    return Components(runs, number, of_pieces)


def component_sizes(pieces: Components, area: Callable[[Block], Int64]) -> ComponentSizes:
    """Pixels and areas of pieces, as exact sums.

    Parameters
    ----------
    pieces
        Of a raster of the whole grid.
    area
        Gives the true area of the pixels of a block, in units.
    """
    from icepipe.raster._kernels import add_strip

    runs, n = pieces.runs, len(pieces.codes)
    sizes = ComponentSizes(np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64))
    window = runs.bounding_window(pieces.number >= 0)
    for strip in strips(window) if window else ():
        at = strip.row, strip.col
        add_strip(area(strip), at, runs.starts, pieces.number, runs.rows, sizes.n_px, sizes.units)
    return sizes


def count_components(runs: ClassRuns) -> dict[ClassCode, int]:
    """How many pieces of each seen class a raster holds."""
    codes = find_components(runs, SEEN).codes
    return {code: int(np.sum(codes == code)) for code in SEEN}
