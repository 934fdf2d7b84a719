"""Decode a window of one file to stored pixels and their validity."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import MaskFlags
from rasterio.errors import RasterioError
from rasterio.windows import Window

from icepipe.arrays import Bool, Dataset, Float64, StoredPixels, UInt8
from icepipe.errors import InputError
from icepipe.geo.geobox import Block
from icepipe.inputs.products.bands import has_palette
from icepipe.inputs.reading.class_values import encode
from icepipe.inputs.scenes import Band, Scene
from icepipe.runtime.parallel import THREADS
from icepipe.sensors.sensor import REFLECTANCE_UNIT
from icepipe.sensors.table import SENSORS


def colour_table(dataset: Dataset) -> UInt8:
    """Return red, green and blue of every index of the colour table; shape (3, 256)."""
    table = np.zeros((3, 256), dtype=np.uint8)
    for index, colour in dataset.colormap(1).items():
        table[:, index] = colour[:3]
    return table


def read_validity(dataset: Dataset, indexes: Sequence[int], alpha: int | None, window: Window) -> Bool:
    """Return where the alpha band or the mask of the file, if any, marks pixels as valid; shape (rows, columns)."""
    if alpha is not None:
        return np.asarray(dataset.read(alpha, window=window) > 0)
    valid = np.ones((window.height, window.width), dtype=bool)
    if MaskFlags.per_dataset in dataset.mask_flag_enums[indexes[0] - 1]:
        valid &= dataset.read_masks(indexes[0], window=window) > 0
    return valid


def read_picture(
    dataset: Dataset, bands: Sequence[Band], alpha: int | None, window: Window
) -> tuple[StoredPixels, Bool]:
    """Return the colours of a picture, uint8, and their validity."""
    colours = dataset.read([band.index for band in bands], window=window)
    valid = read_validity(dataset, [band.index for band in bands], alpha, window)
    # A pixel is nodata only if all bands have the nodata value: dark water has a 0 in some of them.
    for value in bands[0].nodata:
        valid &= ~np.all(colours == value, axis=0)
    return (colour_table(dataset)[:, colours[0]] if has_palette(dataset) else colours), valid


def read_measured(
    dataset: Dataset, bands: Sequence[Band], alpha: int | None, window: Window
) -> tuple[StoredPixels, Bool]:
    """Return units of reflectance, int16, and their validity; a pixel is valid if all bands are."""
    stored = dataset.read([band.index for band in bands], window=window)
    valid = read_validity(dataset, [band.index for band in bands], alpha, window)
    # 16-bit values are converted in place, which halves the memory of a window.
    in_place = stored.dtype.kind in "ui" and stored.dtype.itemsize == 2
    pixels = stored.view(np.int16) if in_place else np.empty(stored.shape, dtype=np.int16)

    def convert(rows: slice) -> None:
        for values, units, band in zip(stored, pixels, bands, strict=True):
            to_units(values[rows], band, units[rows], valid[rows])

    # Each thread converts its own rows of all bands, so that no two threads write to the same part of ``valid``.
    height = -(-len(valid) // THREADS)
    parts = [slice(top, top + height) for top in range(0, len(valid), height)]
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(convert, parts))
    return pixels, valid


def reflectance_units(
    values: Float64, gain: float, offset: float, nodata: tuple[float, ...]
) -> tuple[StoredPixels, Bool]:
    """Convert stored values to units of reflectance; return them and where the values are not nodata."""
    seen = np.isfinite(values) & ~np.isin(values, nodata)
    units = np.rint((np.where(seen, values, 0) * gain + offset) / REFLECTANCE_UNIT)
    return np.clip(units, -32768, 32767).astype(np.int16), seen


@lru_cache(maxsize=32)
def units_table(dtype: str, gain: float, offset: float, nodata: tuple[float, ...]) -> tuple[StoredPixels, Bool]:
    """Return :func:`reflectance_units` of every value of an 8- or 16-bit integer type, in the order of their bits."""
    kind = np.dtype(dtype)
    values = np.arange(2 ** (8 * kind.itemsize), dtype=f"u{kind.itemsize}").view(kind)
    return reflectance_units(values.astype(np.float64), gain, offset, nodata)


@lru_cache(maxsize=32)
def units_shift(dtype: str, gain: float, offset: float, nodata: tuple[float, ...]) -> int | None:
    """Return the constant that turns values of a 16-bit integer type into units of reflectance.

    None if the gain is not that of the unit, or a value other than 0 is nodata. Sentinel-2 products have such a shift.
    """
    units, seen = units_table(dtype, gain, offset, nodata)
    values = np.arange(2**16, dtype=np.uint16).view(dtype).astype(np.int64)
    shift = int(units[0])
    return shift if seen[1:].all() and np.array_equal(units, np.clip(values + shift, -32768, 32767)) else None


def to_units(stored: NDArray[np.number[Any]], band: Band, out: StoredPixels, valid: Bool) -> None:
    """Convert the stored values of a band to units of reflectance, and clear ``valid`` where they are nodata.

    Parameters
    ----------
    stored
        Stored values, shape (rows, columns).
    band
        Gain, offset and nodata values.
    out, valid
        Results, shape (rows, columns); ``out`` may share memory with ``stored``.
    """
    if stored.dtype.kind not in "ui" or stored.dtype.itemsize > 2:
        out[:], seen = reflectance_units(stored.astype(np.float64), band.gain, band.offset, band.nodata)
        valid &= seen
        return
    from icepipe.inputs.reading._kernels import look_up

    # A band has far more pixels than a short integer type has values, so these are converted once.
    key = stored.dtype.str, band.gain, band.offset, band.nodata
    units, seen = units_table(*key)
    shift = units_shift(*key) if stored.dtype.itemsize == 2 else None
    if shift is None:
        look_up(stored.view(f"u{stored.dtype.itemsize}"), units, seen, out, valid)
        return
    # ``stored`` is compared before ``out`` overwrites it.
    if not seen[0]:
        valid &= stored != 0
    # Clip in the stored type, so that adding the shift cannot overflow int16.
    least, most = (0, 65535) if stored.dtype.kind == "u" else (-32768, 32767)
    np.clip(stored, max(least, -32768 - shift), min(most, 32767 - shift), out=out.view(stored.dtype))
    out += np.int16(shift)


def read_classes(dataset: Dataset, scene: Scene, bands: Sequence[Band], window: Window) -> tuple[StoredPixels, Bool]:
    """Return the encoded classes of a class raster, uint16, and their validity.

    Raises
    ------
    InputError
        If it holds a value that ``inputs.classes`` does not define.
    """
    band, values = bands[0], scene.values
    assert values is not None
    stored = dataset.read(band.index, window=window)
    seen = read_validity(dataset, [band.index], scene.alpha, window) & np.isfinite(stored)
    pixels, known = encode(np.where(seen, stored, 0), values)
    # A nodata value that the table defines keeps its class.
    seen &= known | ~np.isin(stored, band.nodata)
    if not np.all(known[seen]):
        undefined = ", ".join(f"{value:g}" for value in np.unique(stored[seen & ~known])[:5])
        raise InputError(band.path, f"it holds {undefined}, which inputs.classes does not name", "name every value")
    return pixels[None], seen


def read_window(dataset: Dataset, scene: Scene, bands: Sequence[Band], block: Block) -> tuple[StoredPixels, Bool]:
    """Return the stored pixels and the validity of a rectangle of one file, on the file's own grid.

    Raises
    ------
    InputError
        If the pixels cannot be decoded, or a class raster holds a value that the config does not define.
    """
    window = Window(block.col, block.row, block.width, block.height)
    reader = read_picture if SENSORS[scene.sensor].stretch else read_measured
    try:
        if scene.values:
            return read_classes(dataset, scene, bands, window)
        return reader(dataset, bands, scene.alpha, window)
    except RasterioError as error:
        raise InputError(bands[0].path, f"its pixels cannot be read ({error})", "fetch the file again") from error
