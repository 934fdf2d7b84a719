"""Letters and scale bars on pictures that no figure is made for."""

from __future__ import annotations

import math
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from icepipe.geo.ellipsoid import Ellipsoid
from icepipe.geo.geobox import GeoBox

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont


def scale_bar(grid: GeoBox) -> tuple[float, str]:
    """Length of a round scale bar as a part of the picture's width, and its label.

    Measured along the middle row on the ellipsoid.
    """
    row = grid.height / 2
    (x1, y1), (x2, y2) = (grid.transform @ (col, row) for col in (grid.width * 0.45, grid.width * 0.55))
    width_m = 10 * float(Ellipsoid.of(grid.crs).distances_m(np.array([x1, x2]), np.array([y1, y2]))[0])
    power = 10.0 ** math.floor(math.log10(width_m / 4))
    length_m = max(step * power for step in (1, 2, 5) if step * power <= width_m / 4)
    label = f"{length_m / 1000:g} km" if length_m >= 1000 else f"{length_m:g} m"
    return length_m / width_m, label


PAPER, INK = (255, 255, 255), (26, 36, 46)


@cache
def font(size: int) -> FreeTypeFont:
    """The font that matplotlib brings, so that text is the same pixels everywhere; without loading matplotlib."""
    from PIL import ImageFont

    found = find_spec("matplotlib")
    assert found is not None
    assert found.origin is not None
    path = Path(found.origin).parent / "mpl-data/fonts/ttf/DejaVuSans.ttf"
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


def draw_scale(picture: Image, grid: GeoBox, left: int, bottom: int, map_width: int) -> None:
    """Draw a scale bar into a map's lower left corner.

    Parameters
    ----------
    picture
        What is drawn on.
    grid
        Of the map.
    left, bottom, map_width
        Where the map lies on the picture, and how wide it is there.
    """
    from PIL import ImageDraw

    part, label = scale_bar(grid)
    pen, length = ImageDraw.Draw(picture), max(2, round(part * map_width))
    wide = max(length, math.ceil(font(12).getlength(label)))
    pen.rectangle((left + 6, bottom - 30, left + wide + 18, bottom - 6), (0, 0, 0))
    pen.text((left + 12, bottom - 29), label, PAPER, font(12))
    pen.rectangle((left + 12, bottom - 12, left + 12 + length, bottom - 10), PAPER)
