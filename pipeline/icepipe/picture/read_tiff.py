"""GeoTIFFs as pictures, with what their copies must keep."""

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
from icepipe.picture.image import MAX_PIXELS, Numbers, Picture, orient

ORIENTATION = 274
COLOURS = ("red", "green", "blue")
TYPES = {"uint8", "uint16"}


def _bands(path: Path, dataset: Dataset) -> tuple[tuple[int, ...], str]:
    """Numbers of the bands of colour, and what was assumed."""
    bands = [index for index in dataset.indexes if index != alpha_band(dataset)]
    found = by_interpretation(dataset, COLOURS)
    if found is not None:
        left = len(bands) - 3
        return found, f"{left} of its {len(bands)} bands are no colour and are left out" if left else ""
    if len(bands) == 1:
        return tuple(bands), ""
    if len(bands) == 2:
        raise InputError(path, "its two bands are neither grey nor colour", "keep one (gdal_translate -b 1)")
    which = "its three bands" if len(bands) == 3 else f"the first three of its {len(bands)} bands"
    return tuple(bands[:3]), f"{which} are taken for red, green and blue"


def _refuse_numbers(path: Path, dataset: Dataset, bands: Sequence[int]) -> None:
    kinds = {dataset.dtypes[index - 1] for index in bands}
    if len(kinds) > 1 or not kinds <= TYPES:
        raise InputError(
            path,
            f"its numbers are {', '.join(sorted(kinds))}, and a picture has whole numbers of 8 or 16 bits",
            "scale it first (gdal_translate -ot UInt16 -scale)",
        )
    if dataset.width * dataset.height > MAX_PIXELS:
        raise InputError(
            path,
            f"it has {dataset.width:,} x {dataset.height:,} pixels, more than {MAX_PIXELS:,}",
            "cut it, or make it smaller (gdal_translate -outsize 25% 25%)",
        )


def _valid(dataset: Dataset, bands: Sequence[int], stored: Numbers, alpha: Numbers | None) -> Bool:
    """Where neither alpha, mask nor nodata hides a pixel; a colour is nodata when all of its bands hold the value."""
    valid = np.ones(stored.shape[1:], dtype=bool) if alpha is None else alpha > 0
    if MaskFlags.per_dataset in dataset.mask_flag_enums[bands[0] - 1] and alpha is None:
        valid = valid & (dataset.read_masks(bands[0]) > 0)
    if dataset.nodata is not None:
        valid = valid & ~np.all(stored == dataset.nodata, axis=0)
    return np.asarray(valid)


def _palette(dataset: Dataset) -> UInt8:
    """Red, green, blue and alpha of every number of a colour table; shape (256, 4)."""
    table = np.zeros((256, 4), dtype=np.uint8)
    for number, colour in dataset.colormap(1).items():
        table[number] = colour
    return table


def _kept(dataset: Dataset, other: bool) -> dict[str, Any]:
    gcps, gcp_crs = dataset.gcps
    place = {"gcps": gcps, "crs": gcp_crs} if gcps else {"crs": dataset.crs, "transform": dataset.transform}
    return place if other else place | {"nodata": dataset.nodata}


def _orientation(path: Path) -> int:
    """The tag that plain TIFFs of cameras have and GDAL leaves alone."""
    with Image.open(path, formats=("TIFF",)) as image:
        return int(image.getexif().get(ORIENTATION, 1))


def _as_seen(dataset: Dataset, stored: Numbers, valid: Bool) -> tuple[Numbers, Bool, bool]:
    """Pixels as numbers of light, which take part, and whether the numbers had another meaning in the file."""
    structure = dataset.tags(1, ns="IMAGE_STRUCTURE")
    values = np.moveaxis(stored, 0, -1)
    if has_palette(dataset) and stored.dtype == np.uint8:
        table = _palette(dataset)
        return table[stored[0], :3], valid & (table[stored[0], 3] > 0), True
    if structure.get("NBITS") == "1":
        return values * np.uint8(255), valid, True
    if structure.get("MINISWHITE"):
        return np.iinfo(values.dtype).max - values, valid, True
    return values, valid, False


def _picture(path: Path, dataset: Dataset) -> Picture:
    bands, said = _bands(path, dataset)
    _refuse_numbers(path, dataset, bands)
    check_pixels(path, dataset)
    stored, number = dataset.read(bands), alpha_band(dataset)
    alpha = None if number is None else dataset.read(number).astype(stored.dtype)
    values, valid, other = _as_seen(dataset, stored, _valid(dataset, bands, stored, alpha))
    unplaced = georeference_problem(dataset)
    grid = None if unplaced else GeoBox(dataset.crs.to_wkt(), dataset.transform, dataset.width, dataset.height)
    return Picture(
        path=path,
        kind="GeoTIFF",
        values=np.ascontiguousarray(values),
        valid=valid,
        alpha=alpha,
        grid=grid,
        unplaced=unplaced,
        kept=_kept(dataset, other),
        masked=alpha is None and not valid.all() and (other or dataset.nodata is None),
        notes=(said,) if said else (),
    )


def read_tiff(path: Path) -> Picture:
    """Read a GeoTIFF, or a TIFF without a place.

    Raises
    ------
    InputError
        If it is no picture, is damaged, or is too large.
    """
    with open_raster(path) as dataset:
        try:
            picture = _picture(path, dataset)
        except RasterioError as error:
            raise InputError(path, f"its pixels cannot be read ({error})", "fetch the file again") from error
    if picture.grid is not None or picture.kept.get("gcps"):
        return picture
    orientation = _orientation(path)
    return orient(picture, orientation)
