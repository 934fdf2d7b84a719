"""Read a picture from a file: detect its format, check its size before decoding, and decode its pixels."""

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
from icepipe.picture.image import MAX_PIXELS, Picture, PixelValues, orient

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"
ORIENTATION_TAG = 274

HEADER_BYTES = 26
"""Length of a PNG's signature and its IHDR chunk up to the colour type."""

DEFLATE_RATIO = 1032
"""Largest compression ratio of deflate (zlib's technical notes)."""

JPEG_BLOCK_PIXELS = 64
"""Pixels of a JPEG block, which is encoded in one bit at least."""

DECODE_ERRORS = (OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError, struct.error, zlib.error)
"""Exceptions that Pillow raises for damaged files."""

SUPPORTED_MODES = {"L", "RGB", "I;16", "LA", "RGBA"}


def read_header(path: Path) -> bytes:
    """Read the first bytes of a regular file.

    Raises
    ------
    InputError
        If the file does not exist, is not a regular file, or cannot be read.
    """
    if not is_printable(path.name):
        raise InputError(path, "the file name contains non-printable characters", "rename it")
    if not path.exists():
        raise InputError(path, "there is no such file", "check its name")
    if not path.is_file():
        raise InputError(path, "not a regular file", "name a picture")
    try:
        with path.open("rb") as file:
            return file.read(HEADER_BYTES)
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})", "check its permissions") from error


def check_declared_size(path: Path, image: Image.Image, bits: int) -> None:
    """Check the declared size of a picture before memory is allocated for its pixels.

    Parameters
    ----------
    path
        File of the picture.
    image
        The picture, opened but not decoded.
    bits
        Bits of a pixel of a PNG; for a JPEG, bits of a channel.

    Raises
    ------
    InputError
        If the pixels are too many, or more than the file can encode.
    """
    # Pillow reads the declared size from the header without decoding.
    pixels = image.width * image.height
    if pixels > MAX_PIXELS:
        raise InputError(
            path, f"it declares {image.width:,} x {image.height:,} pixels, more than {MAX_PIXELS:,}", "make it smaller"
        )
    # A few hundred bytes can declare gigabytes: no encoder packs more than these ratios.
    ratio = 8 * DEFLATE_RATIO if image.format == "PNG" else 8 * JPEG_BLOCK_PIXELS * bits
    if pixels * bits > path.stat().st_size * ratio:
        raise InputError(path, "the file is too small for the pixels it declares", "fetch it again")


def to_grey_or_rgb(image: Image.Image) -> Image.Image:
    """Return an image as grey or RGB, with an alpha band if any colour is transparent."""
    if image.mode == "I;16" and "transparency" not in image.info:
        return image
    # Transparency without an alpha band is a colour or a palette entry; the conversion makes a band of it.
    if image.mode in {"L", "RGB", "P", "1"} and "transparency" in image.info:
        return image.convert("LA" if image.mode in {"L", "1"} else "RGBA")
    modes = {"1": "L", "P": "RGB", "PA": "RGBA", "CMYK": "RGB", "YCbCr": "RGB", "La": "LA", "RGBa": "RGBA"}
    return image.convert(modes[image.mode]) if image.mode in modes else image


def split_alpha(pixels: PixelValues) -> tuple[PixelValues, PixelValues | None, Bool]:
    """Return colours, alpha and the valid pixels of an array of shape (rows, columns, 1 to 4)."""
    if pixels.shape[2] in {2, 4}:
        alpha = np.ascontiguousarray(pixels[..., -1])
        return np.ascontiguousarray(pixels[..., :-1]), alpha, alpha > 0
    return pixels, None, np.ones(pixels.shape[:2], dtype=bool)


def decode_with_pillow(path: Path, image: Image.Image) -> Picture:
    """Decode a JPEG, or a PNG of up to 8 bits a channel or 16-bit grey.

    Raises
    ------
    InputError
        If its pixels are neither grey nor colour.
    """
    notes = []
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        notes.append(f"it holds {frames} pictures, and the first is taken")
    if image.mode == "CMYK":
        notes.append("its inks (CMYK) are turned into red, green and blue without a colour profile")
    converted = to_grey_or_rgb(image)
    if converted.mode not in SUPPORTED_MODES:
        raise InputError(
            path, f"its pixels ({converted.mode}) are neither grey nor colour", "save it as an RGB picture"
        )
    pixels = np.asarray(converted)
    # PNG stores 16 bits in big-endian order; numba kernels need the native order.
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    values, alpha, valid = split_alpha(pixels[..., None] if pixels.ndim == 2 else pixels)
    return Picture(path, "PNG" if image.format == "PNG" else "JPEG", values, valid, alpha, notes=tuple(notes))


def decode_png16(path: Path) -> Picture:
    """Decode a PNG of 16 bits a channel with GDAL, as Pillow truncates colours to 8 bits.

    Raises
    ------
    InputError
        If GDAL cannot read it.
    """
    import rasterio
    from rasterio.errors import RasterioError

    try:
        with rasterio.open(path.absolute(), driver="PNG", sharing=False) as dataset:
            bands, nodata = dataset.read(), dataset.nodata
    except RasterioError as error:
        raise InputError(path, f"cannot be read ({error})", "fetch the file again") from error
    values, alpha, valid = split_alpha(np.ascontiguousarray(np.moveaxis(bands, 0, -1)))
    if nodata is not None and alpha is None:
        # GDAL reports a transparent grey value (chunk tRNS) as nodata; copies need it as alpha.
        valid = ~np.all(values == nodata, axis=-1)
        alpha = valid.astype(values.dtype) * np.iinfo(values.dtype).max
    return Picture(path, "PNG", values, valid, alpha)


def read_photo(path: Path, header: bytes) -> Picture:
    """Read a PNG or JPEG, upright.

    Raises
    ------
    InputError
        If it is damaged, too large, or neither grey nor colour.
    """
    depth, channels = 8, 1
    if header.startswith(PNG_SIGNATURE) and len(header) == HEADER_BYTES:
        # Bit depth and colour type of the IHDR chunk (PNG specification, section 11.2.1).
        depth, channels = header[24], {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(header[25], 1)
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures and odd metadata; the checks here are stricter.
            warnings.simplefilter("ignore")
            # The formats are listed so that no other decoder sees the file. MPO is a JPEG of several frames.
            with Image.open(path, formats=("PNG", "JPEG", "MPO")) as image:
                check_declared_size(path, image, depth * channels)
                orientation: Any = image.getexif().get(ORIENTATION_TAG, 1)
                picture = decode_png16(path) if depth == 16 else decode_with_pillow(path, image)
            return orient(picture, orientation)
    except Image.DecompressionBombError as error:
        raise InputError(path, f"it declares more than {MAX_PIXELS:,} pixels", "make it smaller") from error
    except DECODE_ERRORS as error:
        # Some of these messages have several lines, and an error is printed on one.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(path, f"is damaged ({reason})", "fetch the file again") from error


def read_picture(path: Path) -> Picture:
    """Read the first frame of a GeoTIFF, PNG or JPEG.

    Raises
    ------
    InputError
        If the file has another format, is damaged or too large, or has no valid pixel.
    """
    header = read_header(path)
    # The signature decides, not the suffix, which is often wrong.
    if MAGIC.get(header[:4]) == "GTiff":
        from icepipe.picture.read_tiff import read_tiff

        picture = read_tiff(path)
    elif header.startswith((PNG_SIGNATURE, JPEG_SIGNATURE)):
        picture = read_photo(path, header)
    else:
        raise InputError(path, "is neither a GeoTIFF nor a PNG nor a JPEG", "convert it to one of them")
    if not picture.valid.any():
        raise InputError(path, "has no visible pixel: all are transparent or nodata", "check alpha and nodata")
    return picture
