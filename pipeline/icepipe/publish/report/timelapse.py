"""Animated GIF of all observations in the order of time."""

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
"""Largest number of frames."""

PIXELS = 12_000_000
"""Pixels of the maps of all frames together, which decide the size of a map."""

SIDES = (160, 480)
"""Smallest and largest longer side of a map in pixels."""

LEAST_WIDTH = 300
"""Smallest width of a frame in pixels, for its text."""

COLOURS = 128
"""Palette colours of a map, next to those of classes and text."""

SHOW_MS, SHOW_LAST_MS = 700, 2000
"""Milliseconds that a frame and the last frame are shown."""

CLASSES_OVER = 0.6
"""Opacity of the class colours over the picture of the scene."""

MARGIN, BAR, LINE = 10, 34, 18
"""Pixels around text; height of the title; height of a line of the legend."""


def select_frames(observations: Sequence[PublishedObservation]) -> list[PublishedObservation]:
    """Return the observations that get a frame: all, or ``MOST_FRAMES`` evenly spaced from the first to the last."""
    count = len(observations)
    if count <= MOST_FRAMES:
        return list(observations)
    return [observations[round(n * (count - 1) / (MOST_FRAMES - 1))] for n in range(MOST_FRAMES)]


def map_size(published: PublishedRun, n_frames: int) -> tuple[int, int]:
    """Return columns and rows of a map; pixels of a small grid are enlarged by an integer factor."""
    # The pixels of all maps together are limited, and with them the size of the file.
    side = int(min(SIDES[1], max(SIDES[0], math.sqrt(PIXELS / n_frames))))
    grid = published.grid
    factor = max(1, side // max(grid.shape))
    width, height = size_within(grid, side)
    return width * factor, height * factor


def blend_map(observation: PublishedObservation, size: tuple[int, int]) -> Image:
    """Return the classes of an observation blended with the picture of the scene, white outside the region."""
    from PIL import Image

    codes = read_classes(observation, size)
    colours = paint(codes)
    if observation.picture:
        picture = np.asarray(read_picture(observation.picture, size), dtype=np.float64)
        colours = np.rint(CLASSES_OVER * colours + (1 - CLASSES_OVER) * picture).astype(np.uint8)
    blended: UInt8 = np.where((codes == ClassCode.OUTSIDE)[..., None], np.uint8(255), colours)
    return Image.fromarray(blended)


def draw_legend(published: PublishedRun, width: int) -> Image:
    """Draw the classes of the run in a strip of a width, wrapped to as many lines as they need."""
    from PIL import Image, ImageDraw

    text_font, x, line = font(12), MARGIN, 0
    entries: list[tuple[int, int, str]] = []
    for entry in shown_classes(published):
        entry_width = 18 + math.ceil(text_font.getlength(entry["name"])) + 14
        if x + entry_width > width and x > MARGIN:
            x, line = MARGIN, line + 1
        entries.append((x, line * LINE + 4, entry["name"]))
        x += entry_width
    strip = Image.new("RGB", (width, (line + 1) * LINE + 8), PAPER)
    pen = ImageDraw.Draw(strip)
    for left, top, name in entries:
        pen.rectangle((left, top + 1, left + 12, top + 13), CLASS_COLOURS[ClassCode[name.upper()]], outline=INK)
        pen.text((left + 18, top), name, INK, text_font)
    return strip


def draw_frame(
    published: PublishedRun, observation: PublishedObservation, size: tuple[int, int], legend: Image
) -> Image:
    """Draw a frame: key and name of the run, the map with a scale bar, the legend."""
    from PIL import Image, ImageDraw

    frame = Image.new("RGB", (legend.width, BAR + size[1] + legend.height), PAPER)
    left = (legend.width - size[0]) // 2
    frame.paste(blend_map(observation, size), (left, BAR))
    frame.paste(legend, (0, BAR + size[1]))
    pen = ImageDraw.Draw(frame)
    pen.text((MARGIN, 8), observation.key, INK, font(16))
    # The name of the run is left out if it would overlap the key.
    if font(12).getlength(published.name) + font(16).getlength(observation.key) + 3 * MARGIN < legend.width:
        pen.text((legend.width - MARGIN, 11), published.name, INK, font(12), anchor="ra")
    draw_scale(frame, published.grid, left, BAR + size[1], size[0])
    return frame


def quantize_frame(frame: Image, map_box: tuple[int, int, int, int]) -> Image:
    """Return a frame with a palette: the colours of classes and text unchanged, all others from its map."""
    from PIL import Image

    fixed = [PAPER, INK, (0, 0, 0), *CLASS_COLOURS.values()]
    # Only the map is quantized: text and margins would take colours of the palette from it.
    quantized = frame.crop(map_box).quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    palette = Image.new("P", (1, 1))
    palette.putpalette([value for colour in fixed for value in colour] + (quantized.getpalette() or []))
    return frame.quantize(palette=palette, dither=Image.Dither.NONE)


def render_timelapse(published: PublishedRun) -> bytes | None:
    """Return the GIF, a frame per observation; None for a run of fewer than two observations."""
    observations = select_frames(published.observations)
    if len(observations) < 2:
        return None
    size = map_size(published, len(observations))
    legend = draw_legend(published, max(LEAST_WIDTH, size[0]))
    left = (legend.width - size[0]) // 2
    map_box = (left, BAR, left + size[0], BAR + size[1])
    frames = [quantize_frame(draw_frame(published, shown, size, legend), map_box) for shown in observations]
    buffer = io.BytesIO()
    durations = [*[SHOW_MS] * (len(frames) - 1), SHOW_LAST_MS]
    # loop=0 repeats the animation without end.
    frames[0].save(buffer, format="GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0)
    return buffer.getvalue()
