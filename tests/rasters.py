"""Write small GeoTIFFs for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray

WATER = (40, 55, 75)
ICE = (225, 228, 232)
GROUND = (140, 115, 85)
PLANTS = (70, 105, 60)
TRANSFORM = Affine(250, 0, -650_000, 0, -250, -1_350_000)


def paint(letters: Sequence[str]) -> NDArray[np.uint8]:
    """Return RGB pixels from rows of letters: w water, i ice, g ground, p plants, . black; shape (3, rows, columns)."""
    colours = {"w": WATER, "i": ICE, "g": GROUND, "p": PLANTS, ".": (0, 0, 0)}
    return np.array([[colours[letter] for letter in row] for row in letters], dtype=np.uint8).transpose(2, 0, 1)


def write(path: Path, pixels: NDArray[np.generic], **options: Any) -> Path:
    """Write bands as a GeoTIFF; ``tags``, ``colorinterp`` and ``mask`` are set on it, other options go to rasterio."""
    tags, interpretation = options.pop("tags", {}), options.pop("colorinterp", None)
    mask = options.pop("mask", None)
    profile = {
        "driver": "GTiff",
        "height": pixels.shape[1],
        "width": pixels.shape[2],
        "count": pixels.shape[0],
        "dtype": pixels.dtype,
        "crs": "EPSG:3413",
        "transform": TRANSFORM,
    }
    if pixels.shape[0] >= 3 and pixels.dtype == np.uint8:
        profile["photometric"] = "RGB"
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "w", **(profile | options)) as dataset:
        if interpretation:
            dataset.colorinterp = interpretation
        dataset.write(pixels)
        dataset.update_tags(**tags)
        if mask is not None:
            dataset.write_mask(mask)
    return path
