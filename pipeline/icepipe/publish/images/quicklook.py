"""A picture of an observation for people: the scene and its classes beside each other, with scale bar and legend.

Drawn without matplotlib, which takes a third of a second to load and a tenth for each date.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from icepipe.arrays import UInt8
from icepipe.classes import CLASS_COLOURS, ClassCode
from icepipe.geo.geobox import GeoBox
from icepipe.publish.images.annotations import INK, PAPER, draw_scale, font
from icepipe.publish.images.thumbnail import PANEL_PX, PNG_EFFORT, grey_unobserved, paint

if TYPE_CHECKING:
    from PIL.Image import Image


MARGIN, TITLE = 12, 52
"""Around the panels and between them; height of the title."""

LINE, SWATCH = 22, (28, 12)
"""Height of a line of the legend; width and height of its colours."""

DESCRIPTION = "Description"
"""Keyword of what the legend says, for those who cannot see it (PNG specification, 11.3.3)."""


def legend_entries(areas_km2: Mapping[ClassCode, float | None], classes: UInt8) -> dict[ClassCode, str]:
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


def _panel(colours: UInt8) -> Image:
    """Colours, shape (rows, columns, 3), as large as a panel can be."""
    from PIL import Image

    image = Image.fromarray(colours)
    times = PANEL_PX / max(image.size)
    width, height = (max(1, round(side * times)) for side in image.size)
    return image.resize((width, height), Image.Resampling.NEAREST)


def _draw_legend(picture: Image, legend: Mapping[ClassCode, str], left: int, bottom: int) -> None:
    """A box of lines that ends at a lower left corner."""
    from PIL import ImageDraw

    pen, (wide, high) = ImageDraw.Draw(picture), SWATCH
    text = max(math.ceil(font(13).getlength(said)) for said in legend.values())
    top = bottom - len(legend) * LINE - 8
    pen.rounded_rectangle((left, top, left + wide + text + 28, bottom), 4, PAPER, outline=(204, 204, 204))
    for number, (code, said) in enumerate(legend.items()):
        x, y = left + 8, top + 4 + number * LINE
        pen.rectangle((x, y + 5, x + wide, y + 5 + high), CLASS_COLOURS[code], outline=INK)
        pen.text((x + wide + 10, y + 3), said, INK, font(13))


def draw_quicklook(title: str, picture: UInt8, classes: UInt8, grid: GeoBox, legend: Mapping[ClassCode, str]) -> Image:
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
    from PIL import Image, ImageDraw

    panels = [_panel(grey_unobserved(picture, classes)), _panel(paint(classes))]
    width, height = panels[0].size
    row = max(height, PANEL_PX // 2)
    sheet = Image.new("RGB", (2 * PANEL_PX + 3 * MARGIN, TITLE + row + MARGIN), PAPER)
    pen, bottom = ImageDraw.Draw(sheet), TITLE + (row + height) // 2
    pen.text((sheet.width / 2, TITLE / 2), title, INK, font(16), anchor="mm")
    lefts = [MARGIN + (PANEL_PX - width) // 2 + number * (PANEL_PX + MARGIN) for number in range(2)]
    for left, panel in zip(lefts, panels, strict=True):
        sheet.paste(panel, (left, bottom - height))
        pen.rectangle((left - 1, bottom - height - 1, left + width, bottom), outline=INK)
    draw_scale(sheet, grid, lefts[0], bottom, width)
    if legend:
        _draw_legend(sheet, legend, lefts[1] + 8, bottom - 8)
    sheet.info[DESCRIPTION] = "; ".join(legend.values())
    return sheet


def write_quicklook(path: Path, quicklook: Image) -> None:
    """Write what :func:`draw_quicklook` gave as a PNG, which tells what the legend says."""
    from PIL.PngImagePlugin import PngInfo

    told = PngInfo()
    told.add_itxt(DESCRIPTION, quicklook.info[DESCRIPTION])
    quicklook.save(path, format="PNG", compress_level=PNG_EFFORT, pnginfo=told)
