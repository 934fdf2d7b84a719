"""Run-length encoded rasters, whose memory grows with the detail of a raster and not with its pixels."""

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
"""Indices of runs are 32-bit integers."""

Code = TypeVar("Code", bound=np.unsignedinteger[Any])
"""Pixel type of a raster: class codes or other unsigned numbers of up to 16 bits."""

OtherCode = TypeVar("OtherCode", bound=np.unsignedinteger[Any])

CLASS_DTYPE = np.dtype(np.uint8)
"""Pixel type of class rasters."""


def border_code(dtype: DTypeLike) -> int:
    """Return the code around a raster of a pixel type: its largest number but one, which no pixel has."""
    # The largest, 255 of 8 bits, is the code of pixels outside the region.
    return int(np.iinfo(dtype).max) - 1


def border_runs(starts: Sequence[int], dtype: np.dtype[Code]) -> tuple[Int32, NDArray[Code]]:
    """Return first columns and codes of border runs."""
    return np.array(starts, dtype=np.int32), np.full(len(starts), border_code(dtype), dtype=dtype)


@dataclass(frozen=True)
class RunLengthRaster(Generic[Code]):
    """Run lengths of a raster in raster order, surrounded by border runs of :func:`border_code`.

    The border has a run before all others, a row above the first and a row below the last, both as wide as the raster,
    and a run at the end of each row. Neighbours of every pixel are therefore runs, too.

    Attributes
    ----------
    starts
        First column of every run, which ends where the next one starts; shape (n,).
    codes
        Code of the pixels of every run; adjacent runs of a row differ; shape (n,).
    rows
        Index of the first run of each row, and of the border row below; shape (rows + 1,).
    """

    starts: Int32
    codes: NDArray[Code]
    rows: Int64

    @classmethod
    def from_array(cls, raster: NDArray[Code]) -> RunLengthRaster[Code]:
        """Encode an array of shape (rows, columns)."""
        return run_length_raster([raster], raster.shape[1], raster.dtype)

    @property
    def width(self) -> int:
        """Columns of the raster."""
        # The first border run starts at the last column's end.
        return int(self.starts[0])

    @property
    def height(self) -> int:
        """Rows of the raster."""
        return len(self.rows) - 1

    def block(self, block: Block) -> NDArray[Code]:
        """Decode the pixels of a block; shape (rows, columns)."""
        from icepipe.raster._kernels import decode_block

        pixels = np.empty((block.height, block.width), dtype=self.codes.dtype)
        decode_block(self.starts, self.codes, self.rows, block.row, block.col, pixels)
        return pixels

    def window(self, codes: Sequence[int]) -> Block | None:
        """Return the smallest window with all pixels of some codes; None where no pixel has them."""
        return self.bounding_window(np.isin(self.codes, codes))

    def bounding_window(self, selected: Bool) -> Block | None:
        """Return the smallest window with all pixels of the selected runs, shape (n,); None if none is selected."""
        runs = np.flatnonzero(selected)
        if not len(runs):
            return None
        top, bottom = np.searchsorted(self.rows, runs[[0, -1]], side="right") - 1
        left, right = self.starts[runs].min(), self.starts[runs + 1].max()
        return Block(int(top), int(left), int(bottom - top) + 1, int(right - left))

    def relabel(self, codes: NDArray[OtherCode]) -> RunLengthRaster[OtherCode]:
        """Return the raster with other codes of its runs, shape (runs,); adjacent runs of one code are merged."""
        # Border runs are never merged: the run before all others, those at row ends and the border rows adjoin.
        begins = codes == border_code(codes.dtype)
        begins[1:] |= codes[1:] != codes[:-1]
        return RunLengthRaster(self.starts[begins], codes[begins], (np.cumsum(begins) - 1)[self.rows])

    def decimate(self, step: int) -> NDArray[Code]:
        """Return every ``step``-th pixel of every ``step``-th row, from the first on."""
        rows = [self.block(Block(row, 0, 1, self.width))[:, ::step] for row in range(0, self.height, step)]
        return np.concatenate(rows)


ClassRuns = RunLengthRaster[np.uint8]
"""Run-length encoded class raster."""


class RunLengthWriter(Generic[Code]):
    """Encodes a raster that arrives in blocks, from left to right and top to bottom.

    Blocks of a row of blocks have one height. The latest row of blocks is kept as pixels, with the pixel row above it.

    Parameters
    ----------
    width
        Columns of the raster.
    dtype
        Pixel type.
    """

    def __init__(self, width: int, dtype: np.dtype[Code]) -> None:
        self._width, self._dtype = width, dtype
        self._top, self._pixels = 0, np.empty((0, width), dtype=dtype)
        self._above = np.empty((0, width), dtype=dtype)
        # The border: the run before all others, and the row above the first with the run at its end.
        self._parts = [border_runs([width, 0, width], dtype)]
        self._counts: list[Int64] = [np.array([3])]
        self._raster: RunLengthRaster[Code] | None = None

    def write(self, block: Block, pixels: NDArray[Code]) -> None:
        """Write the pixels of a block, shape (rows, columns)."""
        self.write_view(block)[:] = pixels

    def write_view(self, block: Block) -> NDArray[Code]:
        """Return a view to write the pixels of a block to, all of them before the view of the next block is taken."""
        if block.col == 0:
            self._encode_pixels()
            self._top, self._pixels = block.row, np.empty((block.height, self._width), dtype=self._dtype)
        return self._pixels[:, block.col : block.col + block.width]

    def with_border(self, block: Block) -> NDArray[Code]:
        """Return the pixels of a block that extends the latest one by the row above and by columns on its left."""
        cols = slice(block.col, block.col + block.width)
        if block.row == self._top:
            return self._pixels[: block.height, cols]
        return np.concatenate([self._above[:, cols], self._pixels[: block.height - 1, cols]])

    def _encode_pixels(self) -> None:
        """Encode the rows that are kept as pixels; only the last of them is kept for :meth:`with_border`."""
        from icepipe.raster._kernels import find_runs

        # In strips, as the buffers for the worst case, a run per pixel, are larger than the pixels.
        height = max(1, BLOCK_PIXELS // self._width)
        for top in range(0, len(self._pixels), height):
            strip = self._pixels[top : top + height]
            size, counts = strip.size + len(strip), np.empty(len(strip), dtype=np.int64)
            starts, codes = np.empty(size, dtype=np.int32), np.empty(size, dtype=self._dtype)
            n = find_runs(strip, border_code(self._dtype), starts, codes, counts)
            # Copies, as slices would keep the whole buffers in memory.
            self._parts.append((starts[:n].copy(), codes[:n].copy()))
            self._counts.append(counts)
        if len(self._pixels):
            self._above, self._pixels = self._pixels[-1:].copy(), self._pixels[:0]

    def finish(self) -> RunLengthRaster[Code]:
        """Return the raster of all blocks; none may be written afterwards.

        Raises
        ------
        IntegrityError
            If the raster has more than ``MAX_RUNS`` runs.
        """
        if self._raster is None:
            self._encode_pixels()
            rows, below = np.cumsum(np.concatenate(self._counts)), border_runs([0, self._width], self._dtype)
            if (n := int(rows[-1]) + len(below[0])) > MAX_RUNS:
                raise IntegrityError(f"a raster has {n:,} run lengths, more than {MAX_RUNS:,}", "use a smaller region")
            starts, codes = zip(*self._parts, below, strict=True)
            self._raster = RunLengthRaster(np.concatenate(starts), np.concatenate(codes), rows)
            self._parts.clear()
        return self._raster


def run_length_raster(strips: Iterable[NDArray[Code]], width: int, dtype: np.dtype[Code]) -> RunLengthRaster[Code]:
    """Encode a raster that arrives in strips of full rows, each of shape (rows, width)."""
    writer, row = RunLengthWriter(width, dtype), 0
    for strip in strips:
        writer.write(Block(row, 0, *strip.shape), strip)
        row += len(strip)
    return writer.finish()
