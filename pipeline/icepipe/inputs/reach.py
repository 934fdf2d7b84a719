"""Which part of a run's grid files can reach: the rest needs no look."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from icepipe.inputs.place import same_crs, wrapped
from icepipe.records import Block, GeoBox

NEAR_PX = 0.01
"""A pixel's centre that lies so near to a file's border may lie on it, as places are rounded."""


def rectangle(source: GeoBox, grid: GeoBox) -> Block | None:
    """Rectangle of a grid that holds every pixel whose centre lies on a source; None where none does.

    All of the grid where the source is in another coordinate system, in which its sides may be bent.
    """
    if not same_crs(source.crs, grid.crs):
        return Block(0, 0, *grid.shape)
    cols, rows = grid.to_pixels(*np.transpose(wrapped(source, grid).corners))
    left, right = _span(cols.tolist(), grid.width)
    top, bottom = _span(rows.tolist(), grid.height)
    return Block(top, left, bottom - top, right - left) if top < bottom and left < right else None


def _span(positions: Sequence[float], size: int) -> tuple[int, int]:
    """First pixel of 0 .. size whose centre lies between some positions, and the one after the last."""
    first, end = math.ceil(min(positions) - 0.5 - NEAR_PX), math.floor(max(positions) + 0.5 + NEAR_PX)
    return max(0, first), min(size, end)


def around(rectangles: Iterable[Block]) -> Block | None:
    """Smallest rectangle that holds some others; None of none."""
    held = list(rectangles)
    if not held:
        return None
    top, left = min(one.row for one in held), min(one.col for one in held)
    bottom, right = max(one.row + one.height for one in held), max(one.col + one.width for one in held)
    return Block(top, left, bottom - top, right - left)


def touch(one: Block, other: Block) -> bool:
    """Whether two rectangles share a pixel."""
    return max(one.row, other.row) < min(one.row + one.height, other.row + other.height) and max(
        one.col, other.col
    ) < min(one.col + one.width, other.col + other.width)


def columns_of(block: Block, rectangles: Iterable[Block]) -> Block:
    """The columns of a block that some rectangles touch, from the first to the last; of width 0 where none does."""
    found = around(one for one in rectangles if touch(one, block))
    if found is None:
        return Block(block.row, block.col, block.height, 0)
    left, right = max(block.col, found.col), min(block.col + block.width, found.col + found.width)
    return Block(block.row, left, block.height, right - left)
