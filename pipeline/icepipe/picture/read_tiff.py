"""Read a TIFF as a picture, with the metadata that its copies preserve."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rasterio.enums import MaskFlags
from rasterio.errors import RasterioError

from icepipe.arrays import Bool, Dataset, UInt8
from icepipe.errors import InputError
from icepipe.geo.geobox import GeoBox
from icepipe.inputs.products.bands import alpha_band, by_interpretation, has_palette
from icepipe.inputs.validate import check_pixels, georeference_problem, open_raster
from icepipe.picture.image import MAX_PIXELS, Picture, PixelValues, orient

ORIENTATION_TAG = 274
COLOURS = ("red", "green", "blue")
DTYPES = {"uint8", "uint16"}


def colour_bands(path: Path, dataset: Dataset) -> tuple[tuple[int, ...], str]:
    """Return the indexes of the grey band or of red, green and blue, and a note on assumptions, or "".

    Raises
    ------
    InputError
        If there are two bands of unknown colour.
    """
    bands = [index for index in dataset.indexes if index != alpha_band(dataset)]
    interpreted = by_interpretation(dataset, COLOURS)
    if interpreted is not None:
        others = len(bands) - 3
        return interpreted, f"{others} of its {len(bands)} bands are no colour and are left out" if others else ""
    if len(bands) == 1:
        return tuple(bands), ""
    if len(bands) == 2:
        raise InputError(path, "its two bands are neither grey nor colour", "keep one (gdal_translate -b 1)")
    which = "its three bands" if len(bands) == 3 else f"the first three of its {len(bands)} bands"
    return tuple(bands[:3]), f"{which} are taken for red, green and blue"


def check_bands(path: Path, dataset: Dataset, bands: Sequence[int]) -> None:
    """Check the dtype and the size of the colour bands.

    Raises
    ------
    InputError
        If they are not 8-bit or 16-bit unsigned integers, or have too many pixels.
    """
    dtypes = {dataset.dtypes[index - 1] for index in bands}
    if len(dtypes) > 1 or not dtypes <= DTYPES:
        raise InputError(
            path,
            f"its pixel values are {', '.join(sorted(dtypes))}; a picture has whole numbers of 8 or 16 bits",
            "scale it first (gdal_translate -ot UInt16 -scale)",
        )
    if dataset.width * dataset.height > MAX_PIXELS:
        raise InputError(
            path,
            f"it has {dataset.width:,} x {dataset.height:,} pixels, more than {MAX_PIXELS:,}",
            "cut it, or make it smaller (gdal_translate -outsize 25% 25%)",
        )


def valid_pixels(dataset: Dataset, bands: Sequence[int], stored: PixelValues, alpha: PixelValues | None) -> Bool:
    """Return the pixels that neither alpha, the mask nor nodata hides; shape (rows, columns)."""
    valid = np.ones(stored.shape[1:], dtype=bool) if alpha is None else alpha > 0
    # GDAL derives a dataset mask from alpha, so the mask is read only without it.
    if MaskFlags.per_dataset in dataset.mask_flag_enums[bands[0] - 1] and alpha is None:
        valid = valid & (dataset.read_masks(bands[0]) > 0)
    if dataset.nodata is not None:
        # A colour with nodata in only some of its bands is a colour that happens to contain the value.
        valid = valid & ~np.all(stored == dataset.nodata, axis=0)
    return np.asarray(valid)


def decode_values(dataset: Dataset, stored: PixelValues, valid: Bool) -> tuple[PixelValues, Bool, bool]:
    """Convert stored values to brightness: apply a colour table, or scale or invert the values.

    Parameters
    ----------
    dataset
        The opened file.
    stored
        Stored values; shape (bands, rows, columns).
    valid
        Valid pixels; shape (rows, columns).

    Returns
    -------
    values
        Shape (rows, columns, channels).
    valid
        Valid pixels, without those that are transparent in the colour table.
    decoded
        Whether the values differ from the stored values.
    """
    structure = dataset.tags(1, ns="IMAGE_STRUCTURE")
    values = np.moveaxis(stored, 0, -1)
    if has_palette(dataset) and stored.dtype == np.uint8:
        table: UInt8 = np.zeros((256, 4), dtype=np.uint8)
        for index, colour in dataset.colormap(1).items():
            table[index] = colour
        return table[stored[0], :3], valid & (table[stored[0], 3] > 0), True
    # GDAL expands one bit to 0 and 1, which would be two nearly black colours.
    if structure.get("NBITS") == "1":
        return values * np.uint8(255), valid, True
    # Scanned documents may store white as 0.
    if structure.get("MINISWHITE"):
        return np.iinfo(values.dtype).max - values, valid, True
    return values, valid, False


def read_dataset(path: Path, dataset: Dataset) -> Picture:
    """Read the colours, the valid pixels and the georeference of an opened TIFF.

    Raises
    ------
    InputError
        If it is not a picture, or has too many or damaged pixels.
    """
    # Everything that the header can rule out is checked before pixels are read.
    bands, note = colour_bands(path, dataset)
    check_bands(path, dataset, bands)
    check_pixels(path, dataset)
    stored, alpha_index = dataset.read(bands), alpha_band(dataset)
    # Copies write colours and alpha as one array, so both have one dtype.
    alpha = None if alpha_index is None else dataset.read(alpha_index).astype(stored.dtype)
    values, valid, decoded = decode_values(dataset, stored, valid_pixels(dataset, bands, stored, alpha))
    gcps, gcp_crs = dataset.gcps
    profile: dict[str, Any] = {"gcps": gcps, "crs": gcp_crs}
    if not gcps:
        profile = {"crs": dataset.crs, "transform": dataset.transform}
    if not decoded:
        # Nodata is a stored value: it means something else among decoded values, whose copies get a mask instead.
        profile["nodata"] = dataset.nodata
    # A picture without a usable georeference is still a picture; only its areas are unknown.
    problem = georeference_problem(dataset)
    return Picture(
        path=path,
        kind="GeoTIFF",
        values=np.ascontiguousarray(values),
        valid=valid,
        alpha=alpha,
        grid=None if problem else GeoBox(dataset.crs.to_wkt(), dataset.transform, dataset.width, dataset.height),
        georeference_problem=problem,
        profile=profile,
        needs_mask=alpha is None and not valid.all() and (decoded or dataset.nodata is None),
        notes=(note,) if note else (),
    )


def read_tiff(path: Path) -> Picture:
    """Read a TIFF with or without georeference.

    Raises
    ------
    InputError
        If it is not a picture, is damaged, or is too large.
    """
    with open_raster(path) as dataset:
        try:
            picture = read_dataset(path, dataset)
        except RasterioError as error:
            raise InputError(path, f"its pixels cannot be read ({error})", "fetch the file again") from error
    if picture.grid is not None or picture.profile.get("gcps"):
        return picture
    # TIFFs of cameras and scanners have an orientation, which GDAL ignores.
    with Image.open(path, formats=("TIFF",)) as image:
        orientation = int(image.getexif().get(ORIENTATION_TAG, 1))
    return orient(picture, orientation)
