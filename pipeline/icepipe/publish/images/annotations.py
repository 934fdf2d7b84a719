"""Text and scale bars on images that are drawn without matplotlib."""

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
    """Return the length of a scale bar as a fraction of the width of the grid, and its label.

    The scale is that of the middle row, on the ellipsoid.
    """
    # Only the middle tenth of the row is measured: on a global grid the ends of the row can be the same place.
    row = grid.height / 2
    (x1, y1), (x2, y2) = (grid.transform @ (col, row) for col in (grid.width * 0.45, grid.width * 0.55))
    width_m = 10 * float(Ellipsoid.from_wkt(grid.crs).distances_m(np.array([x1, x2]), np.array([y1, y2]))[0])
    # The bar is the longest of 1, 2 or 5 times a power of ten that is at most a quarter of the width.
    power = 10.0 ** math.floor(math.log10(width_m / 4))
    length_m = max(step * power for step in (1, 2, 5) if step * power <= width_m / 4)
    label = f"{length_m / 1000:g} km" if length_m >= 1000 else f"{length_m:g} m"
    return length_m / width_m, label


PAPER, INK = (255, 255, 255), (26, 36, 46)
"""Colours of the background and of text and lines."""


@cache
def font(size: int) -> FreeTypeFont:
    """Return the font that matplotlib ships, so that text has the same pixels on every machine."""
    from PIL import ImageFont

    # The path is found without an import of matplotlib, which takes 0.3 s.
    spec = find_spec("matplotlib")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "mpl-data/fonts/ttf/DejaVuSans.ttf"
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


def draw_scale(picture: Image, grid: GeoBox, left: int, bottom: int, map_width: int) -> None:
    """Draw a scale bar into the lower left corner of a map.

    Parameters
    ----------
    picture
        Image that contains the map.
    grid
        Grid of the map.
    left, bottom, map_width
        Lower left corner and width of the map, in pixels of the image.
    """
    from PIL import ImageDraw

    fraction, label = scale_bar(grid)
    pen = ImageDraw.Draw(picture)
    length = max(2, round(fraction * map_width))
    width = max(length, math.ceil(font(12).getlength(label)))
    pen.rectangle((left + 6, bottom - 30, left + width + 18, bottom - 6), (0, 0, 0))
    pen.text((left + 12, bottom - 29), label, PAPER, font(12))
    pen.rectangle((left + 12, bottom - 12, left + 12 + length, bottom - 10), PAPER)
