"""Windows of a file out of whole rows of its tiles, each decoded once.

GDAL decodes every tile that a window touches and keeps none of those that hold several bands. Strips that are lower
than the tiles would decode each tile several times.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from icepipe.arrays import Bool, Dataset, StoredPixels
from icepipe.geo.geobox import Block

Read = Callable[[Block], tuple[StoredPixels, Bool]]

MAX_BYTES = 256 * 2**20
"""Most that all files of an observation may keep; a file with longer rows is read window by window."""


@dataclass(frozen=True)
class TileRow:
    """What is held of a row of tiles.

    Attributes
    ----------
    top
        Its first row of pixels.
    kept, valid
        Kept numbers, shape (bands, rows, columns), and validity, shape (rows, columns).
    """

    top: int
    kept: StoredPixels
    valid: Bool

    def below(self, top: int) -> TileRow:
        """What lies from a row of pixels on, on its own, so that what lies above need not be kept."""
        gone = max(top - self.top, 0)
        return TileRow(self.top + gone, self.kept[:, gone:].copy(), self.valid[gone:].copy())

    def cut(self, window: Block, left: int) -> tuple[StoredPixels, Bool]:
        """What a window shows of it, on its own, so that the row can go."""
        rows = slice(max(window.row - self.top, 0), window.row + window.height - self.top)
        cols = slice(window.col - left, window.col - left + window.width)
        return self.kept[:, rows, cols].copy(), self.valid[rows, cols].copy()


class TileCache:
    """Windows of some bands of one file; tiles are decoded once where the windows come from the top to the bottom.

    Parameters
    ----------
    dataset
        The open file.
    read
        Reads a window of the bands: kept numbers, shape (bands, rows, columns), and validity, shape (rows, columns).
    bytes_per_px
        Bytes that a pixel takes once it is read.
    limit_bytes
        Most that may be kept.
    """

    def __init__(self, dataset: Dataset, read: Read, bytes_per_px: int, limit_bytes: int) -> None:
        self._height, self._width = dataset.block_shapes[0]
        self._shape: tuple[int, int] = dataset.shape
        self._read, self._bytes_per_px, self._limit = read, bytes_per_px, limit_bytes
        self._held: dict[tuple[int, int, int], TileRow] = {}

    def __call__(self, window: Block) -> tuple[StoredPixels, Bool]:
        """Kept numbers and validity of a window.

        Raises
        ------
        InputError
            If the pixels cannot be decoded.
        """
        left = window.col // self._width * self._width
        right = min(-(-(window.col + window.width) // self._width) * self._width, self._shape[1])
        first, last = window.row // self._height, (window.row + window.height - 1) // self._height
        kept_bytes = (last - first + 1) * self._height * (right - left) * self._bytes_per_px
        if self._is_whole(window) or kept_bytes > self._limit:
            return self._read(window)
        keys = [(number, left, right) for number in range(first, last + 1)]
        self._held = {key: row for key, row in self._held.items() if key in keys and self._has_all(key, window)}
        for key in keys:
            if key not in self._held:
                self._held = {above: row.below(window.row) for above, row in self._held.items()}
                self._held[key] = self._row(*key)
        parts = [self._held[key].cut(window, left) for key in keys]
        if len(parts) == 1:
            return parts[0]
        kept, valid = zip(*parts, strict=True)
        return np.concatenate(kept, axis=1), np.concatenate(valid)

    def _has_all(self, key: tuple[int, int, int], window: Block) -> bool:
        """Whether what is left of a row that is held begins where the window does, or where the row does."""
        return self._held[key].top <= max(window.row, int(key[0] * self._height))

    def _is_whole(self, window: Block) -> bool:
        """Whether a window begins and ends where tiles do, so that nothing of them is left for another."""
        bottom = window.row + window.height
        return window.row % self._height == 0 and (bottom % self._height == 0 or bottom == self._shape[0])

    def _row(self, number: int, left: int, right: int) -> TileRow:
        top = number * self._height
        height = min(self._height, self._shape[0] - top)
        return TileRow(top, *self._read(Block(top, left, height, right - left)))
