"""How long decoding alone takes on two threads: `python benchmarks/floor.py RASTER|FOLDER` prints Mpx, and seconds."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import rasterio

THREADS = 2

Tile = tuple[Path, Any]
"""A file, and a window of it."""


def windows(path: Path) -> list[Tile]:
    """Tiles of a raster."""
    with rasterio.open(path) as dataset:
        return [(path, window) for _, window in dataset.block_windows()]


def decode(tiles: list[Tile]) -> None:
    """Read some tiles, those of one file in a row."""
    opened = {path: rasterio.open(path) for path in dict.fromkeys(path for path, _ in tiles)}
    for path, window in tiles:
        opened[path].read(window=window)


def seconds(tiles: list[Tile]) -> float:
    """Read all tiles, each thread its share of them."""
    share = -(-len(tiles) // THREADS)
    start = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(decode, (tiles[first : first + share] for first in range(0, len(tiles), share))))
    return time.perf_counter() - start


if __name__ == "__main__":
    source = Path(sys.argv[1])
    wanted = [
        tile for path in (sorted(source.glob("*.tif")) if source.is_dir() else [source]) for tile in windows(path)
    ]
    print(sum(window.width * window.height for _, window in wanted) / 1e6)
    print(min(seconds(wanted) for _ in range(2)))
