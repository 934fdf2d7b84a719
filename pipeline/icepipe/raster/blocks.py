"""Divide a grid into blocks and strips that fit into memory."""

from __future__ import annotations

from collections.abc import Iterator

from icepipe.geo.geobox import Block, GeoBox

BLOCK_PIXELS = 2**20
"""Pixels of a block: large enough to be fast, small enough that sums of areas stay exact in 53 bits."""


def blocks(grid: GeoBox, side: int | None = None) -> Iterator[Block]:
    """Iterate over the blocks of a grid in raster order: squares of ``side`` pixels, or full-width strips."""
    height = side or max(1, BLOCK_PIXELS // grid.width)
    width = side or grid.width
    for row in range(0, grid.height, height):
        for col in range(0, grid.width, width):
            yield Block(row, col, min(height, grid.height - row), min(width, grid.width - col))


def strips(window: Block) -> Iterator[Block]:
    """Iterate over a window of a grid from top to bottom, in strips of about ``BLOCK_PIXELS`` pixels."""
    height = max(1, BLOCK_PIXELS // window.width)
    for row in range(window.row, window.row + window.height, height):
        yield Block(row, window.col, min(height, window.row + window.height - row), window.width)
