"""Ground of ice and water on cells finer than pixels, and pictures of it: every cell is ice or is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from affine import Affine
from scipy.ndimage import gaussian_filter

from icepipe.arrays import Bool, Float64, UInt8
from tests.rasters import write

SEA, SNOW = np.array([0.035, 0.05, 0.07]), np.array([0.74, 0.77, 0.80])
"""Reflectance of water and of snow on ice, in red, green and blue; plausible and rounded."""
GREY = np.array([0.97, 1.0, 1.04])
"""Colour of thin ice of albedo 1."""
CELL_M = 31.25


def texture(rng: np.random.Generator, side: int, size: float) -> Float64:
    """Return noise of mean 0 and deviation 1, smoothed over ``size`` cells (one sigma); shape (side, side)."""
    noise = gaussian_filter(rng.standard_normal((side, side)), size, mode="wrap", truncate=3)
    return np.asarray((noise - noise.mean()) / noise.std(), dtype=np.float64)


def covered(noise: Float64, share: float) -> Bool:
    """Return the cells that are covered, exactly a share of them: those where the noise is highest."""
    return np.asarray(noise > np.quantile(noise, 1 - share))


def spread(colour: Float64, noise: Float64, amount: float = 0.05) -> Float64:
    """Return a surface of a colour whose brightness varies; shape (side, side, 3)."""
    return np.asarray(colour * (1 + amount * noise)[..., None], dtype=np.float64)


def lay(top: Float64, where: Bool, under: Float64) -> Float64:
    """Return a surface with another on top of it in some cells."""
    return np.where(where[..., None], top, under)


def average(cells: Float64, step: int) -> Float64:
    """Return the mean of squares of ``step`` cells; shape (side / step, side / step, ...)."""
    side = len(cells) // step
    return np.asarray(cells.reshape(side, step, side, step, *cells.shape[2:]).mean(axis=(1, 3)))


def encode(reflectance: Float64) -> Float64:
    """Return the bytes of a picture as fractions, by IEC 61966-2-1."""
    light = np.clip(reflectance, 0, 1)
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(255 * curve, dtype=np.float64)


def picture(surface: Float64, step: int, rng: np.random.Generator, blur: float = 0.5, noise: float = 1.5) -> UInt8:
    """Return a picture whose pixels are ``step`` cells wide, with optics of ``blur`` pixels and noise in steps."""
    pixels = gaussian_filter(average(surface, step), (blur, blur, 0)) if blur else average(surface, step)
    drawn = encode(pixels) + rng.normal(0, noise, pixels.shape)
    return np.clip(np.rint(drawn), 0, 255).astype(np.uint8).transpose(2, 0, 1)


def write_picture(path: Path, drawn: UInt8, step: int) -> Path:
    """Write a picture in an equal-area projection, where the share of cells is the share of area."""
    transform = Affine(CELL_M * step, 0, -500_000, 0, -CELL_M * step, 1_500_000)
    return write(path, drawn, crs="EPSG:6931", transform=transform)
