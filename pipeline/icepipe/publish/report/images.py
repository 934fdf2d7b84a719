"""Small images of observations for the page, as PNGs with a palette in data URIs.

The images share a limit of bytes: the more observations a run has, the smaller they are.
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
"""Candidates for the longer side of an image in pixels, from large to small."""

COLOURS = 64
"""Colours of the palette of a scene."""

MOST_PICTURED = 300
"""Number of observations with images on the page, the newest; the page has the areas of all."""

TRIED = 8
"""Observations that are encoded to estimate whether a size fits."""


@dataclass(frozen=True)
class EncodedImages:
    """Images of an observation as data URIs; ``picture`` is empty if there is no picture of the scene."""

    key: str
    classes: str
    picture: str

    @property
    def size(self) -> int:
        """Length of both URIs."""
        return len(self.classes) + len(self.picture)


def size_within(grid: GeoBox, side: int) -> tuple[int, int]:
    """Return columns and rows of an image of a grid whose longer side has at most ``side`` pixels."""
    scale = min(1.0, side / max(grid.shape))
    return max(1, round(grid.width * scale)), max(1, round(grid.height * scale))


def read_classes(observation: PublishedObservation, size: tuple[int, int]) -> UInt8:
    """Return class codes resampled to a size of (columns, rows); each is the most frequent one of its pixels.

    Raises
    ------
    IntegrityError
        If the class raster cannot be read.
    """
    import rasterio
    from rasterio.enums import Resampling
    from rasterio.errors import RasterioError

    try:
        with rasterio.open(observation.classes) as dataset:
            # Class codes have no mean, so that the most frequent code is taken.
            codes: UInt8 = dataset.read(1, out_shape=(size[1], size[0]), resampling=Resampling.mode)
    except RasterioError as error:
        raise IntegrityError(f"{observation.classes}: cannot be read ({error})", "run again with --force") from error
    return codes


def read_picture(path: Path, size: tuple[int, int]) -> Image:
    """Return the picture of a scene resampled to a size of (columns, rows).

    Raises
    ------
    IntegrityError
        If the file cannot be read.
    """
    from PIL import Image

    try:
        with Image.open(path) as image:
            # An image that shrinks gets means of pixels, and one that grows gets sharp pixels.
            resampling = Image.Resampling.BOX if size[0] < image.width else Image.Resampling.NEAREST
            return image.convert("RGB").resize(size, resampling)
    except (OSError, ValueError) as error:
        raise IntegrityError(f"{path}: cannot be read ({error})", "run again with --force") from error


def png_uri(image: Image, **options: object) -> str:
    """Return an image as a data URI."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True, **options)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def classes_uri(codes: UInt8) -> str:
    """Return class codes in the colours of their classes; pixels outside the region are transparent."""
    from PIL import Image

    # Codes go up to 255: consecutive palette indices make the PNG palette short.
    palette = list(ClassCode)
    indices = np.zeros(256, dtype=np.uint8)
    indices[palette] = np.arange(len(palette))
    image = Image.fromarray(indices[codes]).convert("P")
    image.putpalette([value for code in palette for value in CLASS_COLOURS[code]])
    return png_uri(image, transparency=palette.index(ClassCode.OUTSIDE))


def encode_images(observations: Sequence[PublishedObservation], size: tuple[int, int]) -> Iterator[EncodedImages]:
    """Yield the images of observations in a size of (columns, rows)."""
    from PIL import Image

    for observation in observations:
        picture = ""
        if observation.picture:
            image = read_picture(observation.picture, size)
            picture = png_uri(image.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE))
        yield EncodedImages(observation.key, classes_uri(read_classes(observation, size)), picture)


def fit_images(published: PublishedRun, n_bytes: int) -> tuple[EncodedImages, ...]:
    """Return images of the newest observations in the largest size in which all fit into a number of bytes.

    If they fit in no size, they have the smallest one.
    """
    observations = published.observations[-MOST_PICTURED:]
    some = observations[:: max(1, len(observations) // TRIED)]
    for side in SIDES[:-1]:
        size = size_within(published.grid, side)
        # A few observations are encoded first: most sizes are far too large, and encoding all of them is slow.
        estimate = sum(images.size for images in encode_images(some, size)) * len(observations)
        if estimate > n_bytes * len(some):
            continue
        encoded = tuple(encode_images(observations, size))
        if sum(images.size for images in encoded) <= n_bytes:
            return encoded
    return tuple(encode_images(observations, size_within(published.grid, SIDES[-1])))
