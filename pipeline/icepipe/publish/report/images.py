"""Small pictures of observations on the pixels of the run grid, as PNGs with a palette.

A picture is as large as the page can carry: the more observations there are, the smaller each of them.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from icepipe.arrays import UInt8
from icepipe.classes import CLASS_COLOURS, ClassCode
from icepipe.errors import IntegrityError
from icepipe.geo.geobox import GeoBox
from icepipe.publish.images.thumbnail import PANEL_PX
from icepipe.publish.report.published_run import PublishedObservation, PublishedRun

if TYPE_CHECKING:
    from PIL.Image import Image


SIDES = (PANEL_PX, 540, 450, 380, 320, 270, 220, 180, 150, 125, 100, 80)
"""Pixels of a picture's longer side that are tried, from large to small."""

COLOURS = 64
"""Of a picture's palette."""

MOST_PICTURED = 300
"""Newest observations that the page has maps of; it has the numbers of all."""

TRIED = 8
"""Observations that a size is tried on before all are drawn in it."""


@dataclass(frozen=True)
class EncodedImages:
    """An observation as data URIs: its classes, and what was seen or an empty text."""

    key: str
    classes: str
    picture: str

    @property
    def size(self) -> int:
        """Letters that it takes."""
        return len(self.classes) + len(self.picture)


def size_within(grid: GeoBox, side: int) -> tuple[int, int]:
    """Columns and rows of a picture of a grid whose longer side has at most ``side`` pixels."""
    part = min(1.0, side / max(grid.shape))
    return max(1, round(grid.width * part)), max(1, round(grid.height * part))


def read_classes(shown: PublishedObservation, size: tuple[int, int]) -> UInt8:
    """Class codes of an observation in a smaller picture, each the most frequent of its place.

    Raises
    ------
    IntegrityError
        If its raster cannot be read.
    """
    import rasterio
    from rasterio.enums import Resampling
    from rasterio.errors import RasterioError

    try:
        with rasterio.open(shown.classes) as dataset:
            codes: UInt8 = dataset.read(1, out_shape=(size[1], size[0]), resampling=Resampling.mode)
    except RasterioError as error:
        raise IntegrityError(f"{shown.classes}: cannot be read ({error})", "run again with --force") from error
    return codes


def read_picture(path: Path, size: tuple[int, int]) -> Image:
    """What was seen, in another size.

    Raises
    ------
    IntegrityError
        If it cannot be read.
    """
    from PIL import Image

    try:
        with Image.open(path) as image:
            finer = size[0] < image.width
            return image.convert("RGB").resize(size, Image.Resampling.BOX if finer else Image.Resampling.NEAREST)
    except (OSError, ValueError) as error:
        raise IntegrityError(f"{path}: cannot be read ({error})", "run again with --force") from error


def _uri(image: Image, **options: object) -> str:
    held = io.BytesIO()
    image.save(held, format="PNG", optimize=True, **options)
    return f"data:image/png;base64,{base64.b64encode(held.getvalue()).decode()}"


def classes_uri(codes: UInt8) -> str:
    """Class codes in the colours of their classes; what lies outside the region lets the page shine through."""
    from PIL import Image

    held = list(ClassCode)
    numbers = np.zeros(256, dtype=np.uint8)
    numbers[held] = np.arange(len(held))
    image = Image.fromarray(numbers[codes]).convert("P")
    image.putpalette([value for code in held for value in CLASS_COLOURS[code]])
    return _uri(image, transparency=held.index(ClassCode.OUTSIDE))


def _picture_uri(path: Path, size: tuple[int, int]) -> str:
    from PIL import Image

    small = read_picture(path, size)
    return _uri(small.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE))


def _drawn(observations: Sequence[PublishedObservation], size: tuple[int, int]) -> Iterator[EncodedImages]:
    for shown in observations:
        picture = _picture_uri(shown.picture, size) if shown.picture else ""
        yield EncodedImages(shown.key, classes_uri(read_classes(shown, size)), picture)


def _is_within(observations: Sequence[PublishedObservation], size: tuple[int, int], letters: int) -> bool:
    """Whether pictures of this size are likely to fit, by some of them."""
    some = observations[:: max(1, len(observations) // TRIED)]
    return sum(drawn.size for drawn in _drawn(some, size)) * len(observations) <= letters * len(some)


def encode_images(published: PublishedRun, letters: int) -> tuple[EncodedImages, ...]:
    """The newest observations, in the largest size in which all take at most so many letters; else in the smallest."""
    observations = published.observations[-MOST_PICTURED:]
    for side in SIDES:
        size = size_within(published.grid, side)
        if side != SIDES[-1] and not _is_within(observations, size, letters):
            continue
        drawn = tuple(_drawn(observations, size))
        if side == SIDES[-1] or sum(one.size for one in drawn) <= letters:
            return drawn
    return ()
