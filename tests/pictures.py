"""Pictures for tests, written by Pillow and rasterio."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

from icepipe.arrays import Float64, UInt8

FLAT = np.array([(20, 40, 90), (60, 120, 60), (170, 110, 50), (120, 180, 220), (240, 240, 235)])


def patches(colours: ArrayLike, spread: float, height: int = 120, width: int = 160, seed: int = 0) -> UInt8:
    """Vertical stripes of flat colours with normal noise; uint8, shape (height, width, 3)."""
    rng = np.random.default_rng(seed)
    colours = np.asarray(colours)
    stripe = np.arange(width) * len(colours) // width
    flat = np.broadcast_to(colours[stripe], (height, width, 3))
    return np.clip(np.rint(rng.normal(flat, spread)), 0, 255).astype(np.uint8)


def declared_png(width: int, height: int) -> bytes:
    """A PNG of some hundred bytes that says it has so many pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(b"\0" * 4000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


def article_by_hand(pixels: NDArray[np.generic], k: int, seed: int, iterations: int = 10) -> Float64:
    """The article's algorithm as one would write it down; centroids in the order of the start."""
    colours = pixels.reshape(-1, pixels.shape[-1]).astype(float)
    centroids = np.random.default_rng(seed).integers(0, 256, size=(k, colours.shape[1])).astype(float)
    for _ in range(iterations):
        nearest = np.linalg.norm(colours[:, None, :] - centroids[None, :, :], axis=2).argmin(axis=1)
        moved = centroids.copy()
        for number in range(k):
            if (nearest == number).any():
                moved[number] = np.round(colours[nearest == number].mean(axis=0))
        if np.array_equal(moved, centroids):
            break
        centroids = moved
    return centroids
