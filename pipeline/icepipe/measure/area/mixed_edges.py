"""Borders between classes that are seen: how far an area could be off where pixels are mixed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from icepipe.arrays import Int64, UInt8
from icepipe.classes import SEEN, ClassCode
from icepipe.geo.geobox import Block
from icepipe.raster.blocks import strips
from icepipe.raster.run_length import ClassRuns


@dataclass
class Edges:
    """Four times the edge area of each seen class, in units, added up block by block.

    A border edge times half a pixel's side is half a pixel's area; the mean of the two neighbours is taken, so each
    edge adds their sum over four.
    """

    units: Counter[ClassCode] = field(default_factory=lambda: Counter(dict.fromkeys(SEEN, 0)))

    def add(self, codes: UInt8, area_units: Int64, above: int, left: int) -> None:
        """Add the borders within a block, and to the rows above and the columns on its left that come with it.

        Parameters
        ----------
        codes, area_units
            Class codes and true areas; both of the block's shape with those rows and columns.
        above, left
            How many rows and columns belong to other blocks, whose own borders are not counted here.
        """
        from icepipe.measure.area._kernels import add_borders

        sums = np.zeros(256, dtype=np.int64)
        add_borders(np.ascontiguousarray(codes), area_units, above, left, np.isin(np.arange(256), SEEN), sums)
        for code in SEEN:
            self.units[code] += int(sums[code])


def block_with_neighbours(block: Block, window: Block) -> tuple[Block, int, int]:
    """A block with the row above and the column on its left, where the window has them, and how many of each."""
    above, left = min(1, block.row - window.row), min(1, block.col - window.col)
    return Block(block.row - above, block.col - left, block.height + above, block.width + left), above, left


def edge_areas(runs: ClassRuns, window: Block, area: Callable[[Block], Int64]) -> Edges:
    """Edges within a rectangle of the grid.

    Parameters
    ----------
    runs
        Class raster of the rectangle alone.
    window
        The rectangle.
    area
        Gives the true area of the pixels of a block, in units.
    """
    edges, seen = Edges(), runs.window(SEEN)
    if seen is None:
        return edges
    for strip in strips(seen):
        here, above, left = block_with_neighbours(strip, seen)
        whole = Block(here.row + window.row, here.col + window.col, here.height, here.width)
        edges.add(runs.block(here), area(whole), above, left)
    return edges
