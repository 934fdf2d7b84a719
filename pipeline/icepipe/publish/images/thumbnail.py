"""Thumbnails of scenes and of class rasters in display colours."""

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
"""Largest side of a thumbnail in pixels."""

PNG_EFFORT = 5
"""Compression level of zlib: level 9 takes two to five times as long for files at most 3 % smaller."""


def thumbnail_step(grid: GeoBox) -> int:
    """Return the step between the pixels of a grid that a thumbnail takes."""
    return max(1, math.ceil(max(grid.shape) / PANEL_PX))


def to_rgb(bands: StoredPixels, sensor: Sensor) -> UInt8:
    """Return red, green and blue bytes for display, shape (3, rows, columns).

    Pictures are returned unchanged, and class rasters in the colours of their classes. Reflectances are shown in
    natural colours if the sensor has the bands, else as shortwave infrared, near infrared and green; the power 1/2.2
    approximates the sRGB curve.
    """
    if sensor.stretch:
        return bands.astype(np.uint8)
    if sensor.key == CLASSES:
        return np.moveaxis(paint(encoded_codes(bands[0])), -1, 0)
    natural = {"red", "green", "blue"} <= set(sensor.roles)
    roles = ("red", "green", "blue") if natural else ("swir1", "nir", "green")
    reflectance = np.stack([bands[sensor.roles.index(role)] for role in roles]) * REFLECTANCE_UNIT
    return np.asarray(np.rint(255 * np.clip(reflectance, 0, 1) ** (1 / 2.2)), dtype=np.uint8)


class Thumbnail:
    """Display colours of every n-th pixel of a grid, collected block by block.

    Attributes
    ----------
    picture
        Colours, shape (rows, columns, 3).
    """

    def __init__(self, grid: GeoBox, sensor: Sensor) -> None:
        self._sensor = sensor
        self._step = thumbnail_step(grid)
        shape = tuple(math.ceil(side / self._step) for side in grid.shape)
        # Pixels that no block covers are unobserved in a class raster, and black in a scene.
        empty = CLASS_COLOURS[ClassCode.UNOBSERVED] if sensor.key == CLASSES else (0, 0, 0)
        self.picture = np.full((*shape, 3), empty, dtype=np.uint8)

    def add(self, block: Block, bands: StoredPixels) -> None:
        """Add the pixels of a block; bands have shape (bands, rows, columns)."""
        # The thumbnail takes rows and columns that are multiples of the step; these are the first ones of the block.
        top, left = -block.row % self._step, -block.col % self._step
        small = to_rgb(bands[:, top :: self._step, left :: self._step], self._sensor).transpose(1, 2, 0)
        row, col = (block.row + top) // self._step, (block.col + left) // self._step
        self.picture[row : row + small.shape[0], col : col + small.shape[1]] = small


def paint(classes: UInt8) -> UInt8:
    """Return class codes in the colours of their classes, shape (rows, columns, 3)."""
    # A table gives the colours of all pixels in one lookup; a code that is no class is black.
    table = np.zeros((256, 3), dtype=np.uint8)
    for code, colour in CLASS_COLOURS.items():
        table[code] = colour
    return np.asarray(table[classes])


def grey_unobserved(picture: UInt8, classes: UInt8) -> UInt8:
    """Return a picture with unobserved pixels in grey; shapes (rows, columns, 3) and (rows, columns)."""
    grey = np.uint8(CLASS_COLOURS[ClassCode.UNOBSERVED][0])
    return np.where((classes == ClassCode.UNOBSERVED)[..., None], grey, picture)


def write_picture(path: Path, picture: UInt8) -> None:
    """Write red, green and blue bytes, shape (rows, columns, 3), as a PNG."""
    from PIL import Image

    Image.fromarray(picture).save(path, format="PNG", compress_level=PNG_EFFORT)
