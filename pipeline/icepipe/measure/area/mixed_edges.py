"""Edge area of each class: the uncertainty of its area from mixed pixels along borders."""

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
    """Four times the edge area of each seen class, in area units, accumulated block by block.

    A pixel side times half a pixel side is half the area of a pixel. With the mean area of both neighbours, each edge
    contributes the sum of their areas over four; the division is left to the end to keep sums integer.
    """

    units: Counter[ClassCode] = field(default_factory=lambda: Counter(dict.fromkeys(SEEN, 0)))

    def add(self, codes: UInt8, area_units: Int64, above: int, left: int) -> None:
        """Add the borders within a block, and those with the row above and the column to its left.

        Parameters
        ----------
        codes, area_units
            Class codes and true areas of the block with those rows and columns, shape (rows, columns).
        above, left
            Number of leading rows and columns that belong to other blocks; borders within them are not counted.
        """
        from icepipe.measure.area._kernels import add_borders

        sums = np.zeros(256, dtype=np.int64)
        add_borders(np.ascontiguousarray(codes), area_units, above, left, np.isin(np.arange(256), SEEN), sums)
        for code in SEEN:
            self.units[code] += int(sums[code])


def block_with_neighbours(block: Block, window: Block) -> tuple[Block, int, int]:
    """Extend a block by the row above and the column to its left, where they are in the window.

    Each border between two blocks is thus counted once: by the lower or the right block.

    Returns
    -------
    tuple
        The extended block, and the number of rows and columns added.
    """
    above, left = min(1, block.row - window.row), min(1, block.col - window.col)
    return Block(block.row - above, block.col - left, block.height + above, block.width + left), above, left


def edge_areas(runs: ClassRuns, window: Block, area: Callable[[Block], Int64]) -> Edges:
    """Compute the edges within a window of the grid.

    Parameters
    ----------
    runs
        Class raster of the window alone.
    window
        The window, in rows and columns of the grid.
    area
        Returns the true area of the pixels of a block, in units.
    """
    edges = Edges()
    seen = runs.window(SEEN)
    if seen is None:
        return edges
    for strip in strips(seen):
        block, above, left = block_with_neighbours(strip, seen)
        # ``runs`` counts rows and columns from the window, ``area`` from the grid.
        on_grid = Block(block.row + window.row, block.col + window.col, block.height, block.width)
        edges.add(runs.block(block), area(on_grid), above, left)
    return edges
