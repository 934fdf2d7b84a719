"""Windows of one file decoded: kept numbers, and where there are any."""

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


def _palette(dataset: Dataset) -> UInt8:
    """Red, green, blue of every number of a colour table; shape (3, 256)."""
    table = np.zeros((3, 256), dtype=np.uint8)
    for number, colour in dataset.colormap(1).items():
        table[:, number] = colour[:3]
    return table


def _masked_inside(dataset: Dataset, indexes: Sequence[int], alpha: int | None, window: Window) -> Bool:
    """True where no alpha band or mask inside the file says otherwise."""
    if alpha is not None:
        return np.asarray(dataset.read(alpha, window=window) > 0)
    valid = np.ones((window.height, window.width), dtype=bool)
    if MaskFlags.per_dataset in dataset.mask_flag_enums[indexes[0] - 1]:
        valid &= dataset.read_masks(indexes[0], window=window) > 0
    return valid


def _picture(dataset: Dataset, bands: Sequence[Band], alpha: int | None, window: Window) -> tuple[StoredPixels, Bool]:
    """Bytes of a picture. A colour is nodata when all of its bands hold the value: black water has a 0 too."""
    colours = dataset.read([band.index for band in bands], window=window)
    valid = _masked_inside(dataset, [band.index for band in bands], alpha, window)
    for value in bands[0].nodata:
        valid &= ~np.all(colours == value, axis=0)
    return (_palette(dataset)[:, colours[0]] if has_palette(dataset) else colours), valid


def _measured(dataset: Dataset, bands: Sequence[Band], alpha: int | None, window: Window) -> tuple[StoredPixels, Bool]:
    """Units of reflectance. A pixel that any band has not seen cannot be judged."""
    stored = dataset.read([band.index for band in bands], window=window)
    valid = _masked_inside(dataset, [band.index for band in bands], alpha, window)
    in_place = stored.dtype.kind in "ui" and stored.dtype.itemsize == 2
    kept = stored.view(np.int16) if in_place else np.empty(stored.shape, dtype=np.int16)

    def convert(rows: slice) -> None:
        for numbers, units, band in zip(stored, kept, bands, strict=True):
            _to_units(numbers[rows], band, units[rows], valid[rows])

    height = -(-len(valid) // THREADS)
    parts = [slice(top, top + height) for top in range(0, len(valid), height)]
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(convert, parts))
    return kept, valid


def _units(numbers: Float64, gain: float, offset: float, nodata: tuple[float, ...]) -> tuple[StoredPixels, Bool]:
    """Units of reflectance of stored numbers, and where there are any."""
    seen = np.isfinite(numbers) & ~np.isin(numbers, nodata)
    units = np.rint((np.where(seen, numbers, 0) * gain + offset) / REFLECTANCE_UNIT)
    return np.clip(units, -32768, 32767).astype(np.int16), seen


@lru_cache(maxsize=32)
def _units_table(dtype: str, gain: float, offset: float, nodata: tuple[float, ...]) -> tuple[StoredPixels, Bool]:
    """:func:`_units` of every number of a short integer type, in the order of the numbers' bits."""
    kind = np.dtype(dtype)
    every = np.arange(2 ** (8 * kind.itemsize), dtype=f"u{kind.itemsize}").view(kind)
    return _units(every.astype(np.float64), gain, offset, nodata)


@lru_cache(maxsize=32)
def _shift(dtype: str, gain: float, offset: float, nodata: tuple[float, ...]) -> int | None:
    """What is added to every number of an integer type of 16 bits to have its units; None where that is not all.

    So it is where numbers are units that begin elsewhere, as Sentinel-2's are, and no other number than 0 is nodata.
    """
    units, seen = _units_table(dtype, gain, offset, nodata)
    every = np.arange(2**16, dtype=np.uint16).view(dtype).astype(np.int64)
    by = int(units[0])
    return by if seen[1:].all() and np.array_equal(units, np.clip(every + by, -32768, 32767)) else None


def _add(by: int, stored: NDArray[np.number[Any]], kept: StoredPixels) -> None:
    """Units of numbers of 16 bits, into ``kept``, the least and the most that it has room for beyond."""
    least, most = (0, 65535) if stored.dtype.kind == "u" else (-32768, 32767)
    np.clip(stored, max(least, -32768 - by), min(most, 32767 - by), out=kept.view(stored.dtype))
    kept += np.int16(by)


def _to_units(stored: NDArray[np.number[Any]], band: Band, kept: StoredPixels, valid: Bool) -> None:
    """Units of reflectance of a band, into ``kept``; ``valid`` stays where it has seen anything.

    ``kept`` may be where the numbers are stored: each is read before it is written to. Short integers are looked up: a
    band holds far more pixels than there are such numbers.
    """
    if stored.dtype.kind not in "ui" or stored.dtype.itemsize > 2:
        kept[:], seen = _units(stored.astype(np.float64), band.gain, band.offset, band.nodata)
        valid &= seen
        return
    from icepipe.inputs.reading._kernels import look_up

    how = stored.dtype.str, band.gain, band.offset, band.nodata
    units, seen = _units_table(*how)
    if stored.dtype.itemsize == 2 and (by := _shift(*how)) is not None:
        if not seen[0]:
            valid &= stored != 0
        _add(by, stored, kept)
        return
    look_up(stored.view(f"u{stored.dtype.itemsize}"), units, seen, kept, valid)


def _coded(dataset: Dataset, scene: Scene, bands: Sequence[Band], window: Window) -> tuple[StoredPixels, Bool]:
    """Coded classes of a class raster.

    Raises
    ------
    InputError
        If it holds a number that the table does not name.
    """
    band, values = bands[0], scene.values
    assert values is not None
    stored = dataset.read(band.index, window=window)
    seen = _masked_inside(dataset, [band.index], scene.alpha, window) & np.isfinite(stored)
    kept, known = encode(np.where(seen, stored, 0), values)
    seen &= known | ~np.isin(stored, band.nodata)
    if not np.all(known[seen]):
        unnamed = ", ".join(f"{value:g}" for value in np.unique(stored[seen & ~known])[:5])
        raise InputError(band.path, f"it holds {unnamed}, which inputs.classes does not name", "name every value")
    return kept[None], seen


def read_window(dataset: Dataset, scene: Scene, bands: Sequence[Band], block: Block) -> tuple[StoredPixels, Bool]:
    """Kept numbers and validity of a rectangle of one file, in the file's own pixels.

    Raises
    ------
    InputError
        If the pixels cannot be decoded.
    """
    window = Window(block.col, block.row, block.width, block.height)
    reader = _picture if SENSORS[scene.sensor].stretch else _measured
    try:
        if scene.values:
            return _coded(dataset, scene, bands, window)
        return reader(dataset, bands, scene.alpha, window)
    except RasterioError as error:
        raise InputError(bands[0].path, f"its pixels cannot be read ({error})", "fetch the file again") from error
