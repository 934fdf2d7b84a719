"""Write copies of a picture in its own format, preserving size, georeference, alpha and nodata."""

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
from icepipe.picture.image import Picture, PixelValues
from icepipe.storage.atomic import replace_file

PNG_COMPRESSION = 4
"""Level of 0 to 9: half the time of Pillow's default of 6, for a few percent of the size."""


def colour_table(palette: Palette) -> PixelValues:
    """Return the colours of a palette with zeros for the other labels; shape (256, channels)."""
    table = np.zeros((256, palette.colours.shape[1]), dtype=palette.colours.dtype)
    table[: len(palette.colours)] = palette.colours
    return table


def recolour(picture: Picture, palette: Palette, labels: UInt8) -> PixelValues:
    """Return the pixels in the colours of their clusters; pixels that are not valid keep their values."""
    pixels = colour_table(palette)[labels]
    hidden = ~picture.valid
    pixels[hidden] = picture.values[hidden]
    return pixels


def write_raster(path: Path, driver: str, bands: PixelValues, mask: Bool | None, profile: Mapping[str, Any]) -> None:
    """Write bands with GDAL, and a mask inside the file if given.

    Parameters
    ----------
    path
        File to write.
    driver
        GDAL driver.
    bands
        Grey or red, green and blue, with alpha or without; shape (bands, rows, columns).
    mask
        Valid pixels, or None; shape (rows, columns).
    profile
        Georeference, nodata and creation options.

    Raises
    ------
    IntegrityError
        If the file cannot be written.
    """
    shape = {"count": bands.shape[0], "height": bands.shape[1], "width": bands.shape[2], "dtype": bands.dtype}
    colours = [ColorInterp.gray] if len(bands) < 3 else [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
    try:
        with (
            replace_file(path) as part,
            rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True, GDAL_PAM_ENABLED="NO"),
            # GDAL can lose the error of a full disk when it closes a file; write_bytes raises it.
            MemoryFile() as memory,
        ):
            with memory.open(driver=driver, **(shape | dict(profile))) as dataset:
                dataset.colorinterp = [*colours, ColorInterp.alpha][: len(bands)]
                dataset.write(bands)
                if mask is not None:
                    dataset.write_mask(mask)
            part.write_bytes(bytes(memory.getbuffer()))
    except RasterioError as error:
        raise IntegrityError(f"{path}: cannot be written ({error})", "check free space") from error


def write_tiff(path: Path, bands: PixelValues, mask: Bool | None, profile: Mapping[str, Any]) -> None:
    """Write bands as a compressed GeoTIFF; parameters as for :func:`write_raster`.

    Raises
    ------
    IntegrityError
        If the file cannot be written.
    """
    photometric = "RGB" if len(bands) > 2 else "MINISBLACK"
    options = {"compress": "DEFLATE", "predictor": 2, "photometric": photometric, "BIGTIFF": "IF_SAFER"}
    write_raster(path, "GTiff", bands, mask, {**options, **profile})


def _write_png(path: Path, image: Image.Image) -> None:
    with replace_file(path) as part:
        image.save(part, format="PNG", compress_level=PNG_COMPRESSION)


def write_recoloured(path: Path, picture: Picture, palette: Palette, labels: UInt8) -> None:
    """Write the picture in the colours of its clusters.

    Raises
    ------
    IntegrityError
        If the file cannot be written.
    """
    opaque = picture.alpha is None and bool(picture.valid.all())
    if opaque and not picture.is_tiff and picture.values.dtype == np.uint8 and picture.values.shape[2] == 3:
        # No pixel has a colour outside the palette: labels with a colour table take a third of the bytes.
        image = Image.fromarray(labels)
        image.putpalette(palette.colours.astype(np.uint8).tobytes())
        _write_png(path, image)
        return
    pixels = recolour(picture, palette, labels)
    layers = pixels if picture.alpha is None else np.dstack([pixels, picture.alpha])
    bands = np.moveaxis(layers, -1, 0)
    if picture.is_tiff:
        write_tiff(path, bands, picture.valid if picture.needs_mask else None, picture.profile)
    elif picture.values.dtype == np.uint16:
        # Pillow cannot write colours of 16 bits.
        write_raster(path, "PNG", bands, None, {})
    else:
        _write_png(path, Image.fromarray(layers[..., 0] if layers.shape[2] == 1 else layers))


def write_mask(path: Path, picture: Picture, inside: Bool) -> None:
    """Write 255 inside a cluster and 0 elsewhere, with the picture's georeference.

    Raises
    ------
    IntegrityError
        If the file cannot be written.
    """
    mask = inside.astype(np.uint8) * np.uint8(255)
    if not picture.is_tiff:
        _write_png(path, Image.fromarray(mask))
        return
    # The picture's nodata may be 0 or 255, which mean something else in a mask.
    georeference = {name: value for name, value in picture.profile.items() if name != "nodata"}
    write_tiff(path, mask[None], None, georeference)
