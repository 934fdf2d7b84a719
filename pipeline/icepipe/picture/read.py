"""Pictures from files: which format, whether it is safe to open, and its pixels."""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from icepipe.arrays import Bool
from icepipe.errors import InputError, is_printable
from icepipe.inputs.validate import MAGIC
from icepipe.picture.image import MAX_PIXELS, Numbers, Picture, orient

PNG_START = b"\x89PNG\r\n\x1a\n"
JPEG_START = b"\xff\xd8\xff"
ORIENTATION = 274

DEFLATE_RATIO = 1032
"""Bytes that a byte of deflate can unpack to, at most (zlib's technical notes)."""

JPEG_BLOCK_PIXELS = 64
"""Pixels of a block of a JPEG, which takes a bit at least."""

DAMAGE = (OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError, struct.error, zlib.error)
"""What Pillow raises for files that are not what they say."""

READABLE = {"L", "RGB", "I;16"}


def _start(path: Path) -> bytes:
    """First bytes of a regular file."""
    if not is_printable(path.name):
        raise InputError(path, "its name holds letters that cannot be shown", "rename it")
    if not path.exists():
        raise InputError(path, "there is no such file", "check its name")
    if not path.is_file():
        raise InputError(path, "not a regular file", "name a picture")
    try:
        with path.open("rb") as file:
            return file.read(26)
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})", "check its permissions") from error


def _check_size(path: Path, image: Image.Image, bits: int) -> None:
    """Stop before any memory is spent on pixels that are too many, or that so small a file cannot hold."""
    pixels = image.width * image.height
    if pixels > MAX_PIXELS:
        raise InputError(
            path, f"it declares {image.width:,} x {image.height:,} pixels, more than {MAX_PIXELS:,}", "make it smaller"
        )
    held = path.stat().st_size * (8 * DEFLATE_RATIO if image.format == "PNG" else 8 * JPEG_BLOCK_PIXELS * bits)
    if pixels * bits > held:
        raise InputError(path, "the file is too small for the pixels it declares", "fetch it again")


def _without_colour_table(image: Image.Image) -> Image.Image:
    """The same in grey or colour, with an alpha band where anything is transparent."""
    if image.mode == "I;16" and "transparency" not in image.info:
        return image
    if image.mode in {"L", "RGB", "P", "1"} and "transparency" in image.info:
        return image.convert("LA" if image.mode in {"L", "1"} else "RGBA")
    modes = {"1": "L", "P": "RGB", "PA": "RGBA", "CMYK": "RGB", "YCbCr": "RGB", "La": "LA", "RGBa": "RGBA"}
    return image.convert(modes[image.mode]) if image.mode in modes else image


def _split(pixels: Numbers) -> tuple[Numbers, Numbers | None, Bool]:
    """Colours, alpha and what takes part, of pixels of shape (rows, columns, 1 to 4)."""
    if pixels.shape[2] in {2, 4}:
        alpha = np.ascontiguousarray(pixels[..., -1])
        return np.ascontiguousarray(pixels[..., :-1]), alpha, alpha > 0
    return pixels, None, np.ones(pixels.shape[:2], dtype=bool)


def _of_pillow(path: Path, image: Image.Image) -> Picture:
    notes = []
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        notes.append(f"it holds {frames} pictures, and the first is taken")
    if image.mode == "CMYK":
        notes.append("its inks (CMYK) are turned into red, green and blue without a colour profile")
    plain = _without_colour_table(image)
    if plain.mode not in READABLE | {"LA", "RGBA"}:
        raise InputError(path, f"its pixels ({plain.mode}) are neither grey nor colour", "save it as an RGB picture")
    pixels = np.asarray(plain)
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    values, alpha, valid = _split(pixels[..., None] if pixels.ndim == 2 else pixels)
    return Picture(path, "PNG" if image.format == "PNG" else "JPEG", values, valid, alpha, notes=tuple(notes))


def _of_gdal(path: Path) -> Picture:
    """A PNG with 16 bits a colour, which Pillow reads with 8."""
    import rasterio
    from rasterio.errors import RasterioError

    try:
        with rasterio.open(path.absolute(), driver="PNG", sharing=False) as dataset:
            stored, nodata = dataset.read(), dataset.nodata
    except RasterioError as error:
        raise InputError(path, f"cannot be read ({error})", "fetch the file again") from error
    values, alpha, valid = _split(np.ascontiguousarray(np.moveaxis(stored, 0, -1)))
    if nodata is not None and alpha is None:
        valid = ~np.all(values == nodata, axis=-1)
        alpha = valid.astype(values.dtype) * np.iinfo(values.dtype).max
    return Picture(path, "PNG", values, valid, alpha)


def _bits(start: bytes) -> tuple[int, int]:
    """Bits of a number, and channels, of a PNG by its header (PNG, section 11.2.1); of a JPEG."""
    if not start.startswith(PNG_START) or len(start) < 26:
        return 8, 1
    return start[24], {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(start[25], 1)


def _read_photo(path: Path, start: bytes) -> Picture:
    depth, channels = _bits(start)
    with Image.open(path, formats=("PNG", "JPEG", "MPO")) as image:
        _check_size(path, image, depth * channels)
        orientation: Any = image.getexif().get(ORIENTATION, 1)
        picture = _of_gdal(path) if depth == 16 else _of_pillow(path, image)
    return orient(picture, orientation)


def _photo(path: Path, start: bytes) -> Picture:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _read_photo(path, start)
    except Image.DecompressionBombError as error:
        raise InputError(path, f"it declares more than {MAX_PIXELS:,} pixels", "make it smaller") from error
    except DAMAGE as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(path, f"is damaged ({said})", "fetch the file again") from error


def read_picture(path: Path) -> Picture:
    """Read a GeoTIFF, PNG or JPEG; its first frame where it has several.

    Raises
    ------
    InputError
        If it is none of them, is damaged or too large, or shows nothing.
    """
    start = _start(path)
    if MAGIC.get(start[:4]) == "GTiff":
        from icepipe.picture.read_tiff import read_tiff

        picture = read_tiff(path)
    elif start.startswith((PNG_START, JPEG_START)):
        picture = _photo(path, start)
    else:
        raise InputError(path, "is neither a GeoTIFF nor a PNG nor a JPEG", "convert it to one of them")
    if not picture.valid.any():
        raise InputError(path, "no pixel of it can be seen: all are transparent or nodata", "check alpha and nodata")
    return picture
