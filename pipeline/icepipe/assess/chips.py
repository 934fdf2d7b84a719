"""Image chips: the colours of a scene around a point, for the people who label it."""

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

RADIUS_PX = 32
"""Pixels of the run grid on each side of the point's pixel."""

ZOOM = 4
"""Image pixels for each pixel of the run grid, in both directions."""

UNOBSERVED_GREY = 136
FRAME_RGB = (255, 0, 0)


def read_chip(read: Callable[[Block], Pixels], grid: GeoBox, sensor: Sensor, row: int, col: int) -> UInt8:
    """Read the colours around a pixel of the run grid; shape (3, 65, 65), grey where no scene has data.

    Parameters
    ----------
    read
        Returns the pixels of a block.
    grid
        The run grid.
    sensor
        Bands and scaling of the pixels.
    row, col
        Pixel at the centre of the chip.
    """
    side = 2 * RADIUS_PX + 1
    chip = np.full((3, side, side), UNOBSERVED_GREY, dtype=np.uint8)
    top, left = max(0, row - RADIUS_PX), max(0, col - RADIUS_PX)
    bottom, right = min(grid.height, row + RADIUS_PX + 1), min(grid.width, col + RADIUS_PX + 1)
    pixels = read(Block(top, left, bottom - top, right - left))
    # Masked pixels still have colours: a labeller has to see the cloud that a mask found.
    has_data = pixels.valid | pixels.bands.any(axis=0)
    colours = np.where(has_data, to_rgb(pixels.bands, sensor), np.uint8(UNOBSERVED_GREY))
    # Part of the chip lies outside the grid for points near its edge, and stays grey.
    down, across = top - row + RADIUS_PX, left - col + RADIUS_PX
    chip[:, down : down + bottom - top, across : across + right - left] = colours
    return chip


def write_chip(path: Path, chip: UInt8) -> None:
    """Write a chip as a PNG of 260 x 260 pixels with a frame around the pixel at its centre.

    Raises
    ------
    IntegrityError
        If the file cannot be written.
    """
    image = chip.repeat(ZOOM, axis=1).repeat(ZOOM, axis=2)
    # The frame is drawn on the outermost dots of the neighbours, so that no dot of the centre pixel is covered.
    first, last = RADIUS_PX * ZOOM - 1, (RADIUS_PX + 1) * ZOOM
    colour = np.array(FRAME_RGB, dtype=np.uint8)[:, None]
    for edge in (first, last):
        image[:, edge, first : last + 1] = colour
        image[:, first : last + 1, edge] = colour
    profile = {"driver": "PNG", "count": 3, "height": image.shape[1], "width": image.shape[2], "dtype": "uint8"}
    try:
        # GDAL would write an .aux.xml next to the PNG.
        with rasterio.Env(GDAL_PAM_ENABLED="NO"), rasterio.open(path, "w", **profile) as dataset:
            dataset.write(image)
    except RasterioError as error:
        raise IntegrityError(f"{path.name}: cannot be written ({error})", "check free space") from error
