"""Copies of a picture in its own format: size, place, alpha and nodata stay."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from PIL import Image
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile

from icepipe.arrays import Bool, UInt8
from icepipe.errors import IntegrityError
from icepipe.picture.clustering.palette import Palette
from icepipe.picture.image import Numbers, Picture
from icepipe.storage.atomic import replace_file

COMPRESSION = 4
"""Of PNGs, 0 to 9: half the time of the usual 6, for a few percent."""


def recolour(picture: Picture, palette: Palette, labels: UInt8) -> Numbers:
    """Pixels with the colour of their cluster; those that take no part stay what they are."""
    table = np.zeros((256, palette.colours.shape[1]), dtype=picture.values.dtype)
    table[: len(palette.colours)] = palette.colours
    pixels = table[labels]
    hidden = ~picture.valid
    pixels[hidden] = picture.values[hidden]
    return pixels


def _gdal_bytes(
    driver: str, bands: Numbers, mask: Bool | None, meanings: list[ColorInterp], kept: Mapping[str, Any]
) -> bytes:
    """A raster as the bytes of a file; bands have shape (bands, rows, columns)."""
    profile = {"count": bands.shape[0], "height": bands.shape[1], "width": bands.shape[2], "dtype": bands.dtype}
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True, GDAL_PAM_ENABLED="NO"), MemoryFile() as memory:
        with memory.open(driver=driver, **(profile | dict(kept))) as dataset:
            dataset.colorinterp = meanings
            dataset.write(bands)
            if mask is not None:
                dataset.write_mask(mask)
        return bytes(memory.getbuffer())


def _write_raster(path: Path, driver: str, bands: Numbers, mask: Bool | None, kept: Mapping[str, Any]) -> None:
    try:
        with replace_file(path) as part:
            part.write_bytes(_gdal_bytes(driver, bands, mask, _meanings(len(bands)), kept))
    except RasterioError as error:
        raise IntegrityError(f"{path}: cannot be written ({error})", "check free space") from error


def _write_tiff(path: Path, bands: Numbers, mask: Bool | None, kept: Mapping[str, Any]) -> None:
    photometric = "RGB" if len(bands) > 2 else "MINISBLACK"
    options = {"compress": "DEFLATE", "predictor": 2, "photometric": photometric, "BIGTIFF": "IF_SAFER"}
    _write_raster(path, "GTiff", bands, mask, {**options, **kept})


def _meanings(bands: int) -> list[ColorInterp]:
    colours = [ColorInterp.gray] if bands < 3 else [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
    return [*colours, ColorInterp.alpha][:bands]


def _write_png(path: Path, image: Image.Image) -> None:
    with replace_file(path) as part:
        image.save(part, format="PNG", compress_level=COMPRESSION)


def _fits_a_colour_table(picture: Picture) -> bool:
    """Whether the copy has no colours but those of the palette, and they are bytes of red, green and blue."""
    plain = picture.alpha is None and bool(picture.valid.all())
    return plain and not picture.is_tiff and picture.values.dtype == np.uint8 and picture.values.shape[2] == 3


def _indexed(palette: Palette, labels: UInt8) -> Image.Image:
    """A picture of few colours as numbers in a colour table, a byte a pixel."""
    image = Image.fromarray(labels)
    image.putpalette(palette.colours.astype(np.uint8).tobytes())
    return image


def write_recoloured(path: Path, picture: Picture, palette: Palette, labels: UInt8) -> None:
    """Write the picture in the colours of its clusters.

    Raises
    ------
    IntegrityError
        If it cannot be written.
    """
    if _fits_a_colour_table(picture):
        _write_png(path, _indexed(palette, labels))
        return
    pixels = recolour(picture, palette, labels)
    layers = pixels if picture.alpha is None else np.dstack([pixels, picture.alpha])
    bands = np.moveaxis(layers, -1, 0)
    if picture.is_tiff:
        mask = picture.valid if picture.masked else None
        _write_tiff(path, bands, mask, picture.kept)
    elif picture.values.dtype == np.uint16:
        _write_raster(path, "PNG", bands, None, {})
    else:
        _write_png(path, Image.fromarray(layers[..., 0] if layers.shape[2] == 1 else layers))


def write_mask(path: Path, picture: Picture, inside: Bool) -> None:
    """Write 255 where a cluster is and 0 elsewhere, with the picture's place.

    Raises
    ------
    IntegrityError
        If it cannot be written.
    """
    mask = inside.astype(np.uint8) * np.uint8(255)
    if not picture.is_tiff:
        _write_png(path, Image.fromarray(mask))
        return
    place = {name: value for name, value in picture.kept.items() if name != "nodata"}
    _write_tiff(path, mask[None], None, place)
