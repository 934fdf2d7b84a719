"""Image chips: what a scene shows around a point, for the people who label it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import RasterioError

from icepipe.arrays import UInt8
from icepipe.errors import IntegrityError
from icepipe.geo.geobox import Block, GeoBox
from icepipe.inputs.reading.pixels import Pixels
from icepipe.publish.images.thumbnail import to_rgb
from icepipe.sensors.sensor import Sensor

REACH_PX = 32
"""Pixels of the run grid to each side of the point."""

ZOOM = 4
"""Dots a pixel."""

UNSEEN = 136
FRAME = (255, 0, 0)


def read_chip(read: Callable[[Block], Pixels], grid: GeoBox, sensor: Sensor, row: int, col: int) -> UInt8:
    """Colours around a pixel of the run grid; shape (3, 65, 65), grey where no scene shows anything.

    Parameters
    ----------
    read
        Gives the pixels of a block.
    grid
        The run grid.
    sensor
        What the bands are.
    row, col
        The pixel in the middle.
    """
    side = 2 * REACH_PX + 1
    chip = np.full((3, side, side), UNSEEN, dtype=np.uint8)
    top, left = max(0, row - REACH_PX), max(0, col - REACH_PX)
    bottom, right = min(grid.height, row + REACH_PX + 1), min(grid.width, col + REACH_PX + 1)
    pixels = read(Block(top, left, bottom - top, right - left))
    shows = pixels.valid | pixels.bands.any(axis=0)
    shown = np.where(shows, to_rgb(pixels.bands, sensor), np.uint8(UNSEEN))
    down, across = top - row + REACH_PX, left - col + REACH_PX
    chip[:, down : down + bottom - top, across : across + right - left] = shown
    return chip


def _framed(chip: UInt8) -> UInt8:
    """The chip enlarged, with a frame around the pixel in its middle that covers nothing of it."""
    large = chip.repeat(ZOOM, axis=1).repeat(ZOOM, axis=2)
    first, last = REACH_PX * ZOOM - 1, (REACH_PX + 1) * ZOOM
    colour = np.array(FRAME, dtype=np.uint8)[:, None]
    for edge in (first, last):
        large[:, edge, first : last + 1] = colour
        large[:, first : last + 1, edge] = colour
    return large


def write_chip(path: Path, chip: UInt8) -> None:
    """Write a chip as a PNG of 260 x 260 dots.

    Raises
    ------
    IntegrityError
        If it cannot be written.
    """
    large = _framed(chip)
    profile = {"driver": "PNG", "count": 3, "height": large.shape[1], "width": large.shape[2], "dtype": "uint8"}
    try:
        with rasterio.Env(GDAL_PAM_ENABLED="NO"), rasterio.open(path, "w", **profile) as dataset:
            dataset.write(large)
    except RasterioError as error:
        raise IntegrityError(f"{path.name}: cannot be written ({error})", "check free space") from error
