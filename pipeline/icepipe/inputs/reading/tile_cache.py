"""Cache of decoded tile rows, so that windows read from top to bottom decode each tile once.

GDAL decodes every tile that a window touches, and its block cache does not keep tiles that interleave several bands.
Without this cache, windows lower than the tiles would decode each tile several times.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from icepipe.arrays import Bool, Dataset, StoredPixels
from icepipe.geo.geobox import Block

Read = Callable[[Block], tuple[StoredPixels, Bool]]

MAX_BYTES = 256 * 2**20
"""Memory limit for all files of an observation; a file whose tile rows are larger is read without the cache."""


@dataclass(frozen=True)
class TileRow:
    """Decoded pixels of a row of tiles.

    Attributes
    ----------
    top
        First row of pixels.
    pixels, valid
        Stored pixels, shape (bands, rows, columns), and validity, shape (rows, columns).
    """

    top: int
    pixels: StoredPixels
    valid: Bool

    def drop_above(self, top: int) -> TileRow:
        """Return the part from a row of pixels downward."""
        # Copies, so that the memory of the upper part is freed.
        n_rows = max(top - self.top, 0)
        return TileRow(self.top + n_rows, self.pixels[:, n_rows:].copy(), self.valid[n_rows:].copy())

    def crop(self, window: Block, left: int) -> tuple[StoredPixels, Bool]:
        """Return the part inside a window; ``left`` is the first column of the tile row."""
        rows = slice(max(window.row - self.top, 0), window.row + window.height - self.top)
        cols = slice(window.col - left, window.col - left + window.width)
        # Copies, so that the tile row can be freed while the window is in use.
        return self.pixels[:, rows, cols].copy(), self.valid[rows, cols].copy()


class TileCache:
    """Read windows of some bands of a file; each tile is decoded once if the windows are read from top to bottom.

    Parameters
    ----------
    dataset
        The open file.
    read
        Function that decodes a window: stored pixels (bands, rows, columns), and validity (rows, columns).
    bytes_per_px
        Memory of a decoded pixel.
    limit_bytes
        Memory limit of the cache.
    """

    def __init__(self, dataset: Dataset, read: Read, bytes_per_px: int, limit_bytes: int) -> None:
        self._height, self._width = dataset.block_shapes[0]
        self._shape: tuple[int, int] = dataset.shape
        self._read, self._bytes_per_px, self._limit = read, bytes_per_px, limit_bytes
        # Keys: number of the tile row, first and last column.
        self._rows: dict[tuple[int, int, int], TileRow] = {}

    def __call__(self, window: Block) -> tuple[StoredPixels, Bool]:
        """Return the stored pixels and the validity of a window.

        Raises
        ------
        InputError
            If the pixels cannot be decoded.
        """
        # Extend the window to whole tiles.
        left = window.col // self._width * self._width
        right = min(-(-(window.col + window.width) // self._width) * self._width, self._shape[1])
        first, last = window.row // self._height, (window.row + window.height - 1) // self._height
        needed_bytes = (last - first + 1) * self._height * (right - left) * self._bytes_per_px
        # A window of whole tile rows leaves nothing for the next one.
        bottom = window.row + window.height
        is_whole = window.row % self._height == 0 and (bottom % self._height == 0 or bottom == self._shape[0])
        if is_whole or needed_bytes > self._limit:
            return self._read(window)
        keys = [(number, left, right) for number in range(first, last + 1)]
        # A row that was dropped in part is of no use for a window that starts higher, as after the last block of a
        # column of blocks.
        self._rows = {
            key: row
            for key, row in self._rows.items()
            if key in keys and row.top <= max(window.row, key[0] * self._height)
        }
        for key in keys:
            if key not in self._rows:
                # Free the pixels above the window before the next row is decoded.
                self._rows = {above: row.drop_above(window.row) for above, row in self._rows.items()}
                self._rows[key] = self._decode_row(*key)
        parts = [self._rows[key].crop(window, left) for key in keys]
        if len(parts) == 1:
            return parts[0]
        pixels, valid = zip(*parts, strict=True)
        return np.concatenate(pixels, axis=1), np.concatenate(valid)

    def _decode_row(self, number: int, left: int, right: int) -> TileRow:
        """Decode the columns ``left`` to ``right`` of a row of tiles."""
        top = number * self._height
        height = min(self._height, self._shape[0] - top)
        return TileRow(top, *self._read(Block(top, left, height, right - left)))
