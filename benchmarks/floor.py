"""Measure decoding alone on two threads: `python benchmarks/floor.py RASTER|FOLDER` prints megapixels and seconds."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import rasterio

THREADS = 2

Tile = tuple[Path, Any]
"""A file and one of its windows."""


def windows(path: Path) -> list[Tile]:
    """Return the tiles of a raster."""
    with rasterio.open(path) as dataset:
        return [(path, window) for _, window in dataset.block_windows()]


def decode(tiles: list[Tile]) -> None:
    """Read tiles, those of one file in a row."""
    # Every thread opens its own data set: a rasterio data set must not be shared.
    datasets = {path: rasterio.open(path) for path in dict.fromkeys(path for path, _ in tiles)}
    for path, window in tiles:
        datasets[path].read(window=window)


def seconds(tiles: list[Tile]) -> float:
    """Return the seconds to read all tiles, a share for each thread."""
    share = -(-len(tiles) // THREADS)
    start = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(decode, (tiles[first : first + share] for first in range(0, len(tiles), share))))
    return time.perf_counter() - start


if __name__ == "__main__":
    source = Path(sys.argv[1])
    tiles = [tile for path in (sorted(source.glob("*.tif")) if source.is_dir() else [source]) for tile in windows(path)]
    print(sum(window.width * window.height for _, window in tiles) / 1e6)
    # The second pass reads from the page cache.
    print(min(seconds(tiles) for _ in range(2)))
