"""A raster as runs of equal pixels along its rows: memory grows with what it shows, and not with its pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from icepipe.arrays import Bool, Int32, Int64
from icepipe.errors import IntegrityError
from icepipe.geo.geobox import Block
from icepipe.raster.blocks import BLOCK_PIXELS

MAX_RUNS = 2**31 - 1
"""Their numbers have 32 bits."""

Code = TypeVar("Code", bound=np.unsignedinteger[Any])
"""What a raster holds: class codes, or numbers of up to 16 bits."""

OtherCode = TypeVar("OtherCode", bound=np.unsignedinteger[Any])

CLASS_DTYPE = np.dtype(np.uint8)
"""Type of class codes."""


def border_code(kind: DTypeLike) -> int:
    """What lies around a raster of a kind: the last number but one, which no class and no other pixel has."""
    return int(np.iinfo(kind).max) - 1


@dataclass(frozen=True)
class RunLengthRaster(Generic[Code]):
    """Runs of equal pixels of a raster, in raster order, within a rim of runs of what lies :func:`beyond`.

    Of the rim are a run before all others, one above the first row and one below the last, as wide as the raster, and
    one at the end of each row.

    Attributes
    ----------
    starts
        First column of every run, which ends where the next begins; shape (n,).
    codes
        Number that the pixels of every run have, which no two share that stand side by side; shape (n,).
    rows
        Where the runs of each row begin, and the end; shape (rows + 1,).
    """

    starts: Int32
    codes: NDArray[Code]
    rows: Int64

    @classmethod
    def from_array(cls, raster: NDArray[Code]) -> RunLengthRaster[Code]:
        """Runs of a whole raster."""
        return run_length_raster([raster], raster.shape[1], raster.dtype)

    @property
    def width(self) -> int:
        """Columns of the raster."""
        return int(self.starts[0])

    @property
    def height(self) -> int:
        """Rows of the raster."""
        return len(self.rows) - 1

    def block(self, block: Block) -> NDArray[Code]:
        """Numbers of the pixels of a block, shape (rows, columns)."""
        from icepipe.raster._kernels import paint

        painted = np.empty((block.height, block.width), dtype=self.codes.dtype)
        paint(self.starts, self.codes, self.rows, block.row, block.col, painted)
        return painted

    def window(self, numbers: Sequence[int]) -> Block | None:
        """Smallest rectangle with all pixels that have some numbers; None where none has."""
        return self.bounding_window(np.isin(self.codes, numbers))

    def bounding_window(self, wanted: Bool) -> Block | None:
        """Smallest rectangle with all pixels of some runs, shape (n,); None of none."""
        held = np.flatnonzero(wanted)
        if not len(held):
            return None
        top, bottom = np.searchsorted(self.rows, held[[0, -1]], side="right") - 1
        left, right = self.starts[held].min(), self.starts[held + 1].max()
        return Block(int(top), int(left), int(bottom - top) + 1, int(right - left))

    def relabel(self, codes: NDArray[OtherCode]) -> RunLengthRaster[OtherCode]:
        """The raster with other numbers of its runs, shape (runs,); those of one number side by side become one."""
        begins = codes == border_code(codes.dtype)
        begins[1:] |= codes[1:] != codes[:-1]
        return RunLengthRaster(self.starts[begins], codes[begins], (np.cumsum(begins) - 1)[self.rows])

    def decimate(self, step: int) -> NDArray[Code]:
        """Numbers of the pixels of every so many rows and columns, from the first on."""
        rows = [self.block(Block(row, 0, 1, self.width))[:, ::step] for row in range(0, self.height, step)]
        return np.concatenate(rows)


ClassRuns = RunLengthRaster[np.uint8]
"""A class raster."""


class RunLengthWriter(Generic[Code]):
    """Makes runs of a raster that comes block by block, from left to right and from the top to the bottom.

    Blocks side by side are of one height. The latest are held as pixels, with the row above them.

    Parameters
    ----------
    width
        Columns of the raster.
    kind
        Type of its numbers.
    """

    def __init__(self, width: int, kind: np.dtype[Code]) -> None:
        self._width, self._kind = width, kind
        self._top, self._held = 0, np.empty((0, width), dtype=kind)
        self._above = np.empty((0, width), dtype=kind)
        self._parts = [self._rim([width, 0, width])]
        self._counts: list[Int64] = [np.array([3])]
        self._done: RunLengthRaster[Code] | None = None

    def _rim(self, starts: list[int]) -> tuple[Int32, NDArray[Code]]:
        return np.array(starts, dtype=np.int32), np.full(len(starts), border_code(self._kind), dtype=self._kind)

    def write(self, block: Block, numbers: NDArray[Code]) -> None:
        """Take the numbers of a block, shape (rows, columns)."""
        self.write_view(block)[:] = numbers

    def write_view(self, block: Block) -> NDArray[Code]:
        """Where the numbers of a block are to be put, all of them before the next is asked for."""
        if block.col == 0:
            self._pack()
            self._top, self._held = block.row, np.empty((block.height, self._width), dtype=self._kind)
        return self._held[:, block.col : block.col + block.width]

    def with_border(self, block: Block) -> NDArray[Code]:
        """Numbers of a block among the latest, with the row above and columns on its left where it has them."""
        cols = slice(block.col, block.col + block.width)
        if block.row == self._top:
            return self._held[: block.height, cols]
        return np.concatenate([self._above[:, cols], self._held[: block.height - 1, cols]])

    def _pack(self) -> None:
        """Make runs of what is held as pixels, a strip at once: a run takes more than a pixel."""
        height = max(1, BLOCK_PIXELS // self._width)
        for top in range(0, len(self._held), height):
            self._pack_strip(self._held[top : top + height])
        if len(self._held):
            self._above, self._held = self._held[-1:].copy(), self._held[:0]

    def _pack_strip(self, strip: NDArray[Code]) -> None:
        from icepipe.raster._kernels import find_runs

        room, counts = strip.size + len(strip), np.empty(len(strip), dtype=np.int64)
        starts, codes = np.empty(room, dtype=np.int32), np.empty(room, dtype=self._kind)
        n = find_runs(strip, border_code(self._kind), starts, codes, counts)
        self._parts.append((starts[:n].copy(), codes[:n].copy()))
        self._counts.append(counts)

    def finish(self) -> RunLengthRaster[Code]:
        """The runs of all blocks; nothing is put after that.

        Raises
        ------
        IntegrityError
            If there are more than can be numbered.
        """
        if self._done is None:
            self._pack()
            self._done = self._joined()
            self._parts.clear()
        return self._done

    def _joined(self) -> RunLengthRaster[Code]:
        rows, rim = np.cumsum(np.concatenate(self._counts)), self._rim([0, self._width])
        if (n := int(rows[-1]) + len(rim[0])) > MAX_RUNS:
            raise IntegrityError(f"a raster has {n:,} runs of equal pixels, over {MAX_RUNS:,}", "cut the region")
        starts, codes = zip(*self._parts, rim, strict=True)
        return RunLengthRaster(np.concatenate(starts), np.concatenate(codes), rows)


def run_length_raster(strips: Iterable[NDArray[Code]], width: int, kind: np.dtype[Code]) -> RunLengthRaster[Code]:
    """Runs of a raster that comes in strips of full rows, each of shape (rows, width)."""
    writer, row = RunLengthWriter(width, kind), 0
    for strip in strips:
        writer.write(Block(row, 0, *strip.shape), strip)
        row += len(strip)
    return writer.finish()
