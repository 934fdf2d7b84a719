"""A picture of an observation for people: the scene and its classes, with scale bar and legend."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from icepipe.classes import CLASS_COLOURS, ClassCode
from icepipe.inputs.coded import codes_of
from icepipe.inputs.earth import Earth
from icepipe.inputs.sensors import CLASSES, REFLECTANCE_UNIT, Sensor
from icepipe.records import Block, GeoBox, Kept, UInt8

if TYPE_CHECKING:
    from matplotlib.patches import Patch

    from icepipe.publish.plot import Plot

PICTURE = "picture.png"
"""What was seen, without classes: what the report and the timelapse lay the classes over."""

PANEL_PX = 640

PNG_EFFORT = 5
"""Of zlib's nine levels: the last takes twice to five times as long, and the files are within 3 % as large."""


def thumbnail_step(grid: GeoBox) -> int:
    """Every how many pixels a thumbnail takes one."""
    return max(1, math.ceil(max(grid.shape) / PANEL_PX))


def as_colours(bands: Kept, sensor: Sensor) -> UInt8:
    """Red, green and blue bytes for the eye; shape (3, rows, columns).

    A picture as it is; measured bands by the sRGB curve's rough power of 1/2.2, in natural colours where they are
    there, else shortwave infrared, near infrared and green. Class rasters in the colours of their classes.
    """
    if sensor.stretch:
        return bands.astype(np.uint8)
    if sensor.key == CLASSES:
        return np.moveaxis(paint(codes_of(bands[0])), -1, 0)
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
        self.picture = np.zeros((*(math.ceil(side / self._step) for side in grid.shape), 3), dtype=np.uint8)

    def add(self, block: Block, bands: Kept) -> None:
        """Take the pixels of a block; bands have shape (bands, rows, columns)."""
        top, left = -block.row % self._step, -block.col % self._step
        small = as_colours(bands[:, top :: self._step, left :: self._step], self._sensor).transpose(1, 2, 0)
        row, col = (block.row + top) // self._step, (block.col + left) // self._step
        self.picture[row : row + small.shape[0], col : col + small.shape[1]] = small


def paint(classes: UInt8) -> UInt8:
    """Class codes in the colours of their classes; shape (rows, columns, 3)."""
    table = np.zeros((256, 3), dtype=np.uint8)
    for code, colour in CLASS_COLOURS.items():
        table[code] = colour
    return np.asarray(table[classes])


def scale_bar(grid: GeoBox) -> tuple[float, str]:
    """Length of a round scale bar as a part of the picture's width, and its label.

    Measured along the middle row on the ellipsoid.
    """
    row = grid.height / 2
    (x1, y1), (x2, y2) = (grid.transform @ (col, row) for col in (grid.width * 0.45, grid.width * 0.55))
    width_m = 10 * float(Earth.of(grid.crs).distances_m(np.array([x1, x2]), np.array([y1, y2]))[0])
    power = 10.0 ** math.floor(math.log10(width_m / 4))
    length_m = max(step * power for step in (1, 2, 5) if step * power <= width_m / 4)
    label = f"{length_m / 1000:g} km" if length_m >= 1000 else f"{length_m:g} m"
    return length_m / width_m, label


def legend_of(areas_km2: Mapping[ClassCode, float | None], classes: UInt8) -> dict[ClassCode, str]:
    """What the legend says of every class that has an area, or is there though its area is not known.

    Parameters
    ----------
    areas_km2
        Of every class; None where the series withholds it.
    classes
        Class codes that are drawn.
    """
    said = {}
    for code, area_km2 in areas_km2.items():
        if area_km2 is None and code in classes:
            said[code] = f"{code.label}, area not known"
        elif area_km2:
            said[code] = f"{code.label} {area_km2:,.1f} km²"
    return said


def _patches(legend: Mapping[ClassCode, str]) -> list[Patch]:
    from matplotlib.patches import Patch

    patches = []
    for code, said in legend.items():
        red, green, blue = (value / 255 for value in CLASS_COLOURS[code])
        patches.append(Patch(facecolor=(red, green, blue), edgecolor="black", label=said))
    return patches


def draw_quicklook(title: str, picture: UInt8, classes: UInt8, grid: GeoBox, legend: Mapping[ClassCode, str]) -> Plot:
    """Draw two panels: what was seen, and what it was called.

    Parameters
    ----------
    title
        Stands above both panels.
    picture
        Thumbnail, shape (rows, columns, 3).
    classes
        Class codes of the thumbnail's pixels.
    grid
        Grid of the whole observation, for the scale bar.
    legend
        What it says of each class that it shows.
    """
    from icepipe.publish.plot import Plot

    figure = Plot(13, 7)
    room = {"left": 0.01, "right": 0.99, "bottom": 0.01, "top": 0.94, "wspace": 0.02}
    left, right = figure.subplots(1, 2, gridspec_kw=room)
    for axes, image in ((left, dimmed(picture, classes)), (right, paint(classes))):
        axes.imshow(image, interpolation="nearest")
        axes.set_xticks([])
        axes.set_yticks([])
    part, label = scale_bar(grid)
    for colour, width in (("black", 6), ("white", 3)):
        left.plot([0.04, 0.04 + part], [0.05, 0.05], transform=left.transAxes, color=colour, linewidth=width)
    box = {"facecolor": "black", "alpha": 0.6, "pad": 2, "edgecolor": "none"}
    left.text(0.04, 0.075, label, transform=left.transAxes, color="white", bbox=box)
    right.legend(handles=_patches(legend), loc="lower left", framealpha=0.9)
    figure.suptitle(title)
    return figure


def write_quicklook(path: Path, figure: Plot) -> None:
    """Write what :func:`draw_quicklook` gave as a PNG."""
    told = {"compress_level": PNG_EFFORT}
    figure.savefig(path, format="png", metadata={"Software": None}, pil_kwargs=told)


def dimmed(picture: UInt8, classes: UInt8) -> UInt8:
    """A picture with grey where nothing was seen; shapes (rows, columns, 3) and (rows, columns)."""
    grey = np.uint8(CLASS_COLOURS[ClassCode.UNOBSERVED][0])
    return np.where((classes == ClassCode.UNOBSERVED)[..., None], grey, picture)


def write_picture(path: Path, picture: UInt8) -> None:
    """Write red, green and blue bytes as a PNG; shape (rows, columns, 3)."""
    from PIL import Image

    Image.fromarray(picture).save(path, format="PNG", compress_level=PNG_EFFORT)
