"""What was seen in few pixels, in colours for the eye."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from icepipe.arrays import StoredPixels, UInt8
from icepipe.classes import CLASS_COLOURS, ClassCode
from icepipe.geo.geobox import Block, GeoBox
from icepipe.inputs.reading.class_values import encoded_codes
from icepipe.sensors.sensor import CLASSES, REFLECTANCE_UNIT, Sensor

PANEL_PX = 640
"""Largest side of a thumbnail."""

PNG_EFFORT = 5
"""Of zlib's nine levels: the last takes twice to five times as long, and the files are within 3 % as large."""


def thumbnail_step(grid: GeoBox) -> int:
    """Every how many pixels a thumbnail takes one."""
    return max(1, math.ceil(max(grid.shape) / PANEL_PX))


def to_rgb(bands: StoredPixels, sensor: Sensor) -> UInt8:
    """Red, green and blue bytes for the eye; shape (3, rows, columns).

    A picture as it is; measured bands by the sRGB curve's rough power of 1/2.2, in natural colours where they are
    there, else shortwave infrared, near infrared and green. Class rasters in the colours of their classes.
    """
    if sensor.stretch:
        return bands.astype(np.uint8)
    if sensor.key == CLASSES:
        return np.moveaxis(paint(encoded_codes(bands[0])), -1, 0)
    natural = {"red", "green", "blue"} <= set(sensor.roles)
    shown = ("red", "green", "blue") if natural else ("swir1", "nir", "green")
    chosen = np.stack([bands[sensor.roles.index(role)] for role in shown]) * REFLECTANCE_UNIT
    return np.asarray(np.rint(255 * np.clip(chosen, 0, 1) ** (1 / 2.2)), dtype=np.uint8)


class Thumbnail:
    """Colours of every n-th pixel of a grid, gathered block by block.

    Attributes
    ----------
    picture
        Shape (rows, columns, 3).
    """

    def __init__(self, grid: GeoBox, sensor: Sensor) -> None:
        self._sensor = sensor
        self._step = thumbnail_step(grid)
        shape = tuple(math.ceil(side / self._step) for side in grid.shape)
        nothing = CLASS_COLOURS[ClassCode.UNOBSERVED] if sensor.key == CLASSES else (0, 0, 0)
        self.picture = np.full((*shape, 3), nothing, dtype=np.uint8)

    def add(self, block: Block, bands: StoredPixels) -> None:
        """Take the pixels of a block; bands have shape (bands, rows, columns)."""
        top, left = -block.row % self._step, -block.col % self._step
        small = to_rgb(bands[:, top :: self._step, left :: self._step], self._sensor).transpose(1, 2, 0)
        row, col = (block.row + top) // self._step, (block.col + left) // self._step
        self.picture[row : row + small.shape[0], col : col + small.shape[1]] = small


def paint(classes: UInt8) -> UInt8:
    """Class codes in the colours of their classes; shape (rows, columns, 3)."""
    table = np.zeros((256, 3), dtype=np.uint8)
    for code, colour in CLASS_COLOURS.items():
        table[code] = colour
    return np.asarray(table[classes])


def grey_unobserved(picture: UInt8, classes: UInt8) -> UInt8:
    """A picture with grey where nothing was seen; shapes (rows, columns, 3) and (rows, columns)."""
    grey = np.uint8(CLASS_COLOURS[ClassCode.UNOBSERVED][0])
    return np.where((classes == ClassCode.UNOBSERVED)[..., None], grey, picture)


def write_picture(path: Path, picture: UInt8) -> None:
    """Write red, green and blue bytes as a PNG; shape (rows, columns, 3)."""
    from PIL import Image

    Image.fromarray(picture).save(path, format="PNG", compress_level=PNG_EFFORT)
