"""Write benchmark scenes to $ICEPIPE_BENCH_DIR: `python benchmarks/rasters.py [A B C E Q1 Q2 S M T P regions]`.

Every pixel is a function of the seed and its position, so a smaller scene is a corner of a larger one. Smooth noise
of several sizes makes ground, open water and ice; cells of a finer noise make floes, with brash between them.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyproj
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.transform import from_origin
from rasterio.windows import Window
from shapely.geometry import Point, mapping

Real = NDArray[np.float32]

FOLDER = Path(os.environ.get("ICEPIPE_BENCH_DIR", ".bench-data"))
STRIP = 512
CRS, ORIGIN = "EPSG:32633", (499_980, 8_700_040)

SPECTRA = np.array(
    [
        [0.070, 0.055, 0.038, 0.020],
        [0.250, 0.245, 0.230, 0.180],
        [0.520, 0.520, 0.510, 0.440],
        [0.840, 0.850, 0.840, 0.770],
        [0.360, 0.400, 0.330, 0.130],
        [0.100, 0.115, 0.140, 0.270],
    ],
    np.float32,
)
"""Reflectance of water, grey ice, brash, snow on ice, melt ponds and ground in blue, green, red and near infrared."""


@dataclass(frozen=True)
class Case:
    """A scene: width and height in pixels of 10 m, and whether it has measured bands or is a picture."""

    width: int
    height: int
    measured: bool
    seed: int = 1


CASES = {
    "A": Case(3456, 2003, measured=False, seed=3),
    "B": Case(10980, 10980, measured=True),
    "C": Case(10980, 10980, measured=False, seed=2),
    "E": Case(21_960, 21_960, measured=True),
    "Q1": Case(2745, 2745, measured=True),
    "Q2": Case(5490, 5490, measured=True),
    "T": Case(64, 64, measured=True),
    "P": Case(64, 64, measured=False, seed=2),
}
DAYS, TILE = 30, 1024
ACROSS, DOWN = 5, 4


def hash_noise(cols: NDArray[np.int64], rows: NDArray[np.int64], seed: int) -> Real:
    """Return white noise in 0 .. 1, by the finaliser of SplitMix64 on column, row and seed."""
    with np.errstate(over="ignore"):
        mixed = cols.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) ^ rows.astype(np.uint64) * np.uint64(
            0xC2B2AE3D27D4EB4F
        )
        mixed ^= np.uint64(seed * 0x165667B19E3779F9 % 2**64)
        for multiplier in (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(30))) * multiplier
    return ((mixed >> np.uint64(40)).astype(np.float32)) / np.float32(2**24)


def noise(cols: NDArray[np.int64], rows: NDArray[np.int64], size: int, seed: int) -> Real:
    """Return smooth noise in -1 .. 1 with features of ``size`` pixels; shape (rows, columns)."""
    # Value noise: white noise on a lattice of this size, interpolated between its nodes.
    (left, across), (top, down) = (lattice_position(axis, size) for axis in (cols, rows))
    nodes_x, nodes_y = np.arange(left[0], left[-1] + 2), np.arange(top[0], top[-1] + 2)
    lattice = hash_noise(nodes_x[None, :], nodes_y[:, None], seed + size) * 2 - 1
    i, j = left - left[0], top - top[0]
    along = lattice[:, i] * (1 - across) + lattice[:, i + 1] * across
    return np.asarray(along[j] * (1 - down[:, None]) + along[j + 1] * down[:, None], np.float32)


def lattice_position(pixels: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], Real]:
    """Return the lattice node before each pixel, and the weight of the node after it."""
    part = (pixels % size / size).astype(np.float32)
    # Smoothstep: the slope is zero at nodes, so that no lattice line shows.
    return pixels // size, part * part * (3 - 2 * part)


def scene(cols: NDArray[np.int64], rows: NDArray[np.int64], seed: int, melt: float, grain: float) -> Real:
    """Return the reflectance of four bands; shape (4, rows, columns)."""
    # Later kinds overwrite earlier ones, in the order of SPECTRA.
    cover = 0.8 * noise(cols, rows, 1300, seed) + 0.3 * noise(cols, rows, 310, seed) + 0.3 - melt
    floes = noise(cols, rows, 64, seed + 1) + 0.4 * noise(cols, rows, 23, seed + 2) + 0.3 * noise(cols, rows, 6, seed)
    ground = 0.6 * noise(cols, rows, 1100, seed + 4) + 0.25 * noise(cols, rows, 50, seed + 4)
    kinds = np.zeros(cover.shape, np.int8)
    kinds[cover + 0.2 * floes > 0.1] = 1
    kinds[floes > 0.75 - cover] = 2
    kinds[floes > 1.0 - 1.3 * cover] = 3
    kinds[(kinds == 3) & (noise(cols, rows, 41, seed + 5) > 0.55 - melt)] = 4
    kinds[ground > 0.4] = 5
    speckle = hash_noise(cols[None, :], rows[:, None], seed + 9) - np.float32(0.5)
    return np.maximum(SPECTRA.T[:, kinds] * (1 + np.float32(grain) * speckle), np.float32(0.0005))


def as_stored(reflectance: Real, measured: bool) -> NDArray[np.uint16] | NDArray[np.uint8]:
    """Return stored pixels: ten thousandths of reflectance, or the colours of a picture."""
    if measured:
        return np.asarray(reflectance * 10_000, np.uint16)
    return np.asarray(np.clip(np.sqrt(reflectance[2::-1]) * 262, 0, 255), np.uint8)


def write(path: Path, case: Case, left: int = 0, melt: float = 0.0, above: int = 0) -> None:
    """Write a scene as a tiled GeoTIFF; strips are painted on two threads while others are compressed."""
    profile = {
        "driver": "GTiff",
        "width": case.width,
        "height": case.height,
        "count": 4 if case.measured else 3,
        "dtype": "uint16" if case.measured else "uint8",
        "crs": CRS,
        "transform": from_origin(ORIGIN[0] + 10 * left, ORIGIN[1] - 10 * above, 10, 10),
        "tiled": True,
        "blockxsize": STRIP,
        "blockysize": STRIP,
        "compress": "deflate",
        "predictor": 2,
        **({} if case.measured else {"photometric": "RGB"}),
    }
    cols, grain = left + np.arange(case.width), 0.01 if case.measured else 0.0

    def paint_strip(top: int) -> tuple[int, NDArray[np.generic]]:
        rows = np.arange(top, min(top + STRIP, case.height))
        return top, as_stored(scene(cols, above + rows, case.seed, melt, grain), case.measured)

    # A scene that was interrupted must not be taken for a whole one.
    part = path.with_suffix(".part")
    with rasterio.open(part, "w", num_threads=2, **profile) as dataset, ThreadPoolExecutor(2) as pool:
        for top, pixels in pool.map(paint_strip, range(0, case.height, STRIP)):
            dataset.write(pixels, window=Window(0, top, case.width, pixels.shape[1]))
    part.replace(path)


def write_stack(folder: Path) -> None:
    """Write two overlapping tiles for every day of a month of melt."""
    folder.mkdir(exist_ok=True)
    for number in range(DAYS):
        day = dt.date(2024, 6, 1) + dt.timedelta(number)
        for name, left in (("a", 0), ("b", 768)):
            path = folder / f"{day:%Y%m%d}_{name}.tif"
            write(path, Case(TILE, TILE, measured=False, seed=4), left, 0.012 * number)


def write_mosaic(folder: Path) -> None:
    """Write a tile for every day, side by side, until they fill a rectangle."""
    folder.mkdir(exist_ok=True)
    case = CASES["Q1"]
    for number in range(ACROSS * DOWN):
        down, across = divmod(number, ACROSS)
        day = dt.date(2024, 7, 1) + dt.timedelta(number)
        write(folder / f"{day:%Y%m%d}.tif", case, across * case.width, 0.0, down * case.height)


def write_regions(path: Path) -> None:
    """Write three overlapping regions of case B, in longitude and latitude."""
    side, (left, top) = 10 * CASES["B"].width, ORIGIN
    placed = {"west": (0.3, 0.6, 0.25), "east": (0.6, 0.5, 0.3), "both": (0.5, 0.5, 0.49)}
    circles = {name: Point(left + side * x, top - side * y).buffer(side * r) for name, (x, y, r) in placed.items()}
    to_degrees = pyproj.Transformer.from_crs(CRS, 4326, always_xy=True).transform
    features = [
        {
            "type": "Feature",
            "properties": {"name": name},
            "geometry": mapping(shapely.transform(circle, to_degrees, interleaved=False)),
        }
        for name, circle in circles.items()
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))


MAKERS: dict[str, tuple[str, Callable[[Path], None]]] = {
    **{name: (f"{name}.tif", partial(write, case=case)) for name, case in CASES.items()},
    "S": ("S", write_stack),
    "M": ("M", write_mosaic),
    "regions": ("regions.geojson", write_regions),
}


def make(name: str) -> Path:
    """Return the raster, folder or outlines of a case; write them if they do not exist."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    file, maker = MAKERS[name]
    if not (path := FOLDER / file).exists():
        maker(path)
    return path


if __name__ == "__main__":
    for name in sys.argv[1:] or MAKERS:
        print(make(name))
