"""Drawn scenes of ice whose area is known below the pixel, for mixed_pixels.py.

A ground of 1920 by 1920 cells is ice or is not, cell by cell. A pixel shows the mean light of its cells. The spectra
are rounded, plausible ones and not measured: water 0.05, white ice 0.77 in green.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from scipy.ndimage import gaussian_filter

from icepipe.arrays import Bool, Float64, UInt8

CELLS = 1920
"""Cells of a ground to each side."""
CELL_M = 31.25
"""Side of a cell: the ground is 60 km wide."""
CRS, LEFT, TOP = "EPSG:6931", -500_000, 1_500_000
"""An equal-area projection, so that shares of cells are shares of area."""
WATER, ICE = np.array([0.035, 0.050, 0.070]), np.array([0.74, 0.77, 0.80])
"""Reflectance in red, green and blue."""
GREY = np.array([0.97, 1.0, 1.04])
"""Colour of thin ice of albedo 1."""
NOISE = 1.5
"""Noise of a picture, in steps of its 256."""
BAY = 160
"""Size of bays in cells: ten pixels of sixteen cells."""
BLUR = 0.5
"""Standard deviation of the blur of the optics, in pixels."""


@dataclass(frozen=True)
class Ground:
    """Reflectance of the cells, shape (rows, columns, bands), and which of them are ice, shape (rows, columns)."""

    reflectance: Float64
    ice: Bool

    @property
    def ice_percent(self) -> float:
        """Share of the ground that is ice."""
        return 100 * float(self.ice.mean())


def smooth_noise(rng: np.random.Generator, scale: float) -> Float64:
    """Return noise of mean 0 and deviation 1 that is correlated over a number of cells."""
    noise = gaussian_filter(rng.standard_normal((CELLS, CELLS)), scale, mode="wrap")
    return np.asarray((noise - noise.mean()) / noise.std())


def patches(rng: np.random.Generator, scale: float, share: float) -> Bool:
    """Return patches of some cells that cover a share of the ground."""
    noise = smooth_noise(rng, scale)
    return np.asarray(noise > np.quantile(noise, 1 - share))


def lay(top: Float64, where: Bool, under: Float64) -> Float64:
    """Return one surface on another; both one colour, or a colour for each cell."""
    return np.where(where[..., None], top, under)


def textured_ice(rng: np.random.Generator) -> Float64:
    """Return ice whose brightness varies by 5 % over about a pixel of sixteen cells."""
    return ICE * (1 + 0.05 * smooth_noise(rng, 24))[..., None]


def floes(rng: np.random.Generator, share: float = 0.3, scale: float = 8) -> Ground:
    """Return floes of one colour on water of one colour."""
    ice = patches(rng, scale, share)
    return Ground(lay(ICE, ice, WATER), ice)


def bays(rng: np.random.Generator, water: Float64 = WATER, veil: float = 0) -> Ground:
    """Return large bays in textured ice, under a veil that adds light to water: none at the top, ``veil`` below."""
    ice = patches(rng, BAY, 0.45)
    reflectance = lay(textured_ice(rng), ice, water)
    ramp = np.linspace(0, veil, CELLS)[:, None]
    return Ground(reflectance + (ramp * ~ice)[..., None], ice)


def leads(rng: np.random.Generator, width: int, open_water: float = 0.2) -> Ground:
    """Return parallel leads of a width in cells, 160 cells apart, through textured ice beside bays of open water."""
    rows, cols = np.indices((CELLS, CELLS))
    # Rows count three times, so that leads are at an angle to the pixels; across them, cells are 10 ** 0.5 apart.
    ice = ((3 * rows + cols) % 506 >= 10**0.5 * width) & patches(rng, BAY, 1 - open_water)
    return Ground(lay(textured_ice(rng), ice, WATER), ice)


def brash(rng: np.random.Generator, share: float) -> Ground:
    """Return brash of pieces of one cell, far smaller than a pixel,, over half of the ground."""
    ice = (rng.random((CELLS, CELLS)) < share) & patches(rng, BAY, 0.5)
    return Ground(lay(ICE, ice, WATER), ice)


def shadow(rng: np.random.Generator, brightness: float) -> Ground:
    """Return textured ice of which a quarter has the brightness of shadow."""
    ice = patches(rng, BAY, 0.45)
    dark = patches(rng, 32, 0.25) & ice
    return Ground(lay(brightness * GREY, dark, lay(textured_ice(rng), ice, WATER)), ice)


def thin_ice(rng: np.random.Generator, albedo: float) -> Ground:
    """Return textured ice with a fifth of thin ice of one albedo at its edges."""
    noise = smooth_noise(rng, BAY)
    edge, inner = np.quantile(noise, [0.45, 0.65])
    return Ground(lay(textured_ice(rng), noise > inner, lay(albedo * GREY, noise > edge, WATER)), noise > edge)


HARD: dict[str, Callable[[np.random.Generator], Ground]] = {
    "bays of water in ice, for comparison": bays,
    "leads 2 pixels wide, in ice beside open water": lambda rng: leads(rng, 32),
    "leads 1 pixel wide, in ice beside open water": lambda rng: leads(rng, 16),
    "leads 1/2 pixel wide, in ice beside open water": lambda rng: leads(rng, 8),
    "leads 1/4 pixel wide, in ice beside open water": lambda rng: leads(rng, 4),
    "leads 1 pixel wide, no open water in the scene": lambda rng: leads(rng, 16, open_water=0),
    "even brash, 30 % ice, over half of the region": lambda rng: brash(rng, 0.3),
    "even brash, 80 % ice, over half of the region": lambda rng: brash(rng, 0.8),
    "ice, a quarter of it in shadow at 0.20": lambda rng: shadow(rng, 0.20),
    "ice, a quarter of it in shadow at 0.06": lambda rng: shadow(rng, 0.06),
    "thin ice of albedo 0.15 over a fifth of the region": lambda rng: thin_ice(rng, 0.15),
    "thin ice of albedo 0.08 over a fifth of the region": lambda rng: thin_ice(rng, 0.08),
    "fog or glint adds up to 0.05 to water": lambda rng: bays(rng, veil=0.05),
    "fog or glint adds up to 0.10 to water": lambda rng: bays(rng, veil=0.10),
    "brown muddy water beside ice": lambda rng: bays(rng, water=np.array([0.20, 0.16, 0.11])),
    "grey muddy water beside ice": lambda rng: bays(rng, water=np.array([0.16, 0.15, 0.13])),
}
"""Grounds that are hard to unmix, by title; a pixel is sixteen cells wide."""


def pixel_means(cells: Float64, step: int) -> Float64:
    """Return the mean light of every ``step`` by ``step`` cells, shape (rows, columns, bands)."""
    n = CELLS // step
    return np.asarray(cells.reshape(n, step, n, step, -1).mean(axis=(1, 3)))


def picture(ground: Ground, step: int, blur: float, rng: np.random.Generator) -> UInt8:
    """Return an 8-bit picture of a ground with pixels of ``step`` cells, shape (bands, rows, columns)."""
    light = np.clip(gaussian_filter(pixel_means(ground.reflectance, step), (blur, blur, 0)), 0, 1)
    # The sRGB curve of IEC 61966-2-1.
    encoded = 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    noisy = np.rint(encoded + rng.normal(0, NOISE, encoded.shape))
    return np.asarray(np.moveaxis(np.clip(noisy, 1, 255), -1, 0), dtype=np.uint8)


def write_picture(bands: UInt8, step: int, path: Path) -> None:
    """Write a picture with pixels of ``step`` cells."""
    side = CELL_M * step
    profile = {"crs": CRS, "transform": Affine(side, 0, LEFT, 0, -side, TOP), "dtype": bands.dtype}
    with rasterio.open(path, "w", "GTiff", *bands.shape[:0:-1], len(bands), photometric="RGB", **profile) as dataset:
        dataset.write(bands)
