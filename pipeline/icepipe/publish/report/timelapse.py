"""All dates one after another, as an animated GIF that any viewer plays."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from icepipe.arrays import UInt8
from icepipe.classes import CLASS_COLOURS, ClassCode
from icepipe.publish.images.annotations import INK, PAPER, draw_scale, font
from icepipe.publish.images.thumbnail import paint
from icepipe.publish.report.images import read_classes, read_picture, size_within
from icepipe.publish.report.page_data import shown_classes
from icepipe.publish.report.published_run import PublishedObservation, PublishedRun

if TYPE_CHECKING:
    from PIL.Image import Image


MOST_FRAMES = 200
PIXELS = 12_000_000
"""Of all frames' maps together; the more frames there are, the smaller each is."""

SIDES = (160, 480)
"""Least and most pixels of a map's longer side."""

LEAST_WIDTH = 300
"""Of a frame, for its text."""

COLOURS = 128
SHOW_MS, SHOW_LAST_MS = 700, 2000
CLASSES_OVER = 0.6
"""How much of a class's colour lies over what was seen."""

MARGIN, BAR, LINE = 10, 34, 18


def select_frames(observations: Sequence[PublishedObservation]) -> list[PublishedObservation]:
    """Observations that get a frame: all, or as many as there may be, evenly, with the first and the last."""
    count = len(observations)
    if count <= MOST_FRAMES:
        return list(observations)
    return [observations[round(n * (count - 1) / (MOST_FRAMES - 1))] for n in range(MOST_FRAMES)]


def _map_size(published: PublishedRun, n_frames: int) -> tuple[int, int]:
    """Columns and rows of a map; small grids are shown with whole multiples of their pixels."""
    side = int(min(SIDES[1], max(SIDES[0], math.sqrt(PIXELS / n_frames))))
    grid = published.grid
    times = max(1, side // max(grid.shape))
    width, height = size_within(grid, side)
    return width * times, height * times


def _mapped(shown: PublishedObservation, size: tuple[int, int]) -> Image:
    from PIL import Image

    codes = read_classes(shown, size)
    colours = paint(codes)
    if shown.picture:
        seen = np.asarray(read_picture(shown.picture, size), dtype=np.float64)
        colours = np.rint(CLASSES_OVER * colours + (1 - CLASSES_OVER) * seen).astype(np.uint8)
    outside: UInt8 = np.where((codes == ClassCode.OUTSIDE)[..., None], np.uint8(255), colours)
    return Image.fromarray(outside)


def _legend(published: PublishedRun, width: int) -> Image:
    """Classes that are there, in as many lines as they need."""
    from PIL import Image, ImageDraw

    letters, x, row = font(12), MARGIN, 0
    places: list[tuple[int, int, str]] = []
    for entry in shown_classes(published):
        wide = 18 + math.ceil(letters.getlength(entry["name"])) + 14
        if x + wide > width and x > MARGIN:
            x, row = MARGIN, row + 1
        places.append((x, row * LINE + 4, entry["name"]))
        x += wide
    strip = Image.new("RGB", (width, (row + 1) * LINE + 8), PAPER)
    pen = ImageDraw.Draw(strip)
    for left, top, name in places:
        pen.rectangle((left, top + 1, left + 12, top + 13), CLASS_COLOURS[ClassCode[name.upper()]], outline=INK)
        pen.text((left + 18, top), name, INK, letters)
    return strip


def _frame(published: PublishedRun, shown: PublishedObservation, size: tuple[int, int], legend: Image) -> Image:
    from PIL import Image, ImageDraw

    frame = Image.new("RGB", (legend.width, BAR + size[1] + legend.height), PAPER)
    left = (legend.width - size[0]) // 2
    frame.paste(_mapped(shown, size), (left, BAR))
    frame.paste(legend, (0, BAR + size[1]))
    pen = ImageDraw.Draw(frame)
    pen.text((MARGIN, 8), shown.key, INK, font(16))
    right = legend.width - MARGIN
    if font(12).getlength(published.name) + font(16).getlength(shown.key) + 3 * MARGIN < legend.width:
        pen.text((right, 11), published.name, INK, font(12), anchor="ra")
    draw_scale(frame, published.grid, left, BAR + size[1], size[0])
    return frame


def _with_palette(frame: Image, map_box: tuple[int, int, int, int]) -> Image:
    """A frame in few colours: those of classes and text as they are, the rest from its map."""
    from PIL import Image

    kept = [PAPER, INK, (0, 0, 0), *CLASS_COLOURS.values()]
    of_map = frame.crop(map_box).quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    colours = Image.new("P", (1, 1))
    colours.putpalette([value for colour in kept for value in colour] + (of_map.getpalette() or []))
    return frame.quantize(palette=colours, dither=Image.Dither.NONE)


def render_timelapse(published: PublishedRun) -> bytes | None:
    """Frames of the same size, each with its date, a scale bar and the classes; None where there are fewer than two."""
    observations = select_frames(published.observations)
    if len(observations) < 2:
        return None
    size = _map_size(published, len(observations))
    legend = _legend(published, max(LEAST_WIDTH, size[0]))
    left = (legend.width - size[0]) // 2
    box = (left, BAR, left + size[0], BAR + size[1])
    frames = [_with_palette(_frame(published, shown, size, legend), box) for shown in observations]
    held, durations = io.BytesIO(), [*[SHOW_MS] * (len(frames) - 1), SHOW_LAST_MS]
    frames[0].save(held, format="GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0)
    return held.getvalue()
