"""What a file must be before its pixels are read: one list of small checks."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyproj
import rasterio
from rasterio.enums import Interleaving
from rasterio.errors import CRSError, RasterioError, RasterioIOError

from icepipe.arrays import Dataset
from icepipe.errors import InputError, is_printable
from icepipe.inputs.sidecars import SIDE_ENDINGS, side_files

MAGIC = {
    b"II*\x00": "GTiff",
    b"MM\x00*": "GTiff",
    b"II+\x00": "GTiff",
    b"MM\x00+": "GTiff",
    b"\0\0\0\x0c": "JP2OpenJPEG",
}
"""First four bytes of the formats that are read, and the one driver for each."""

MAX_BLOCK_BYTES = 64 * 2**20
MIN_BLOCK_BYTES = 8
"""A TIFF spends at least an offset and a length on every block."""

TEXTS = {".xml", *SIDE_ENDINGS}
MAX_TEXT_BYTES = 20_000_000


def driver_of(path: Path) -> str:
    """The one driver for a regular file that starts as a raster does.

    Raises
    ------
    InputError
        If it is no regular file, or starts as something else.
    """
    if not is_printable(path.name):
        raise InputError(path, "its name holds letters that cannot be shown", "rename it")
    if path.is_symlink() and not path.exists():
        raise InputError(path, "a link that leads nowhere", "bring back what it points to, or remove it")
    if not path.is_file():
        raise InputError(path, "not a regular file", "remove it from inputs.scenes")
    with path.open("rb") as file:
        start = file.read(4)
    if start not in MAGIC:
        raise InputError(path, "not a GeoTIFF", "convert it with gdal_translate, or remove it from inputs.scenes")
    return MAGIC[start]


def _refuse_odd_side_files(path: Path) -> None:
    """Stop at a pipe, a device or a flood of text that the library would read to its end.

    Raises
    ------
    InputError
        If a file beside the raster is no regular file, or holds more text than metadata do.
    """
    for beside in side_files(path):
        if beside.exists() and not beside.is_file():
            raise InputError(path, f"{beside.name} beside it is not a regular file", "remove that")
        if beside.suffix in TEXTS and beside.is_file() and beside.stat().st_size > MAX_TEXT_BYTES:
            raise InputError(path, f"{beside.name} beside it is too large to be metadata", "remove that")


def open_raster(path: Path, threads: int = 1) -> Dataset:
    """Open a GeoTIFF, or a JPEG 2000 file, by the one driver, with no side door to other data sets.

    A file whose metadata name other data sets is refused before any mask or overview of it is asked for. The open
    option ``OVERVIEW_LEVEL=NONE`` would stop those too, but it also loses band descriptions. Its tiles are
    decoded by ``threads``.

    Raises
    ------
    InputError
        If it is not a GeoTIFF, its header cannot be read, it points to other data sets, or what lies beside it cannot
        be read safely.
    """
    try:
        driver = driver_of(path)
        _refuse_odd_side_files(path)
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})", "check the disk and its permissions") from error
    options = {"NUM_THREADS": threads} if driver == "GTiff" else {}
    try:
        dataset = rasterio.open(path.absolute(), driver=driver, sharing=False, **options)
    except (RasterioIOError, CRSError) as error:
        raise InputError(path, f"cannot be opened ({error})", "fetch the file again") from error
    foreign = sorted({"OVERVIEWS", "GEOLOCATION"} & set(dataset.tag_namespaces()))
    if foreign:
        dataset.close()
        reason = f"its metadata ({', '.join(foreign)}) point to other files"
        raise InputError(path, reason, "strip them (gdal_translate -nomd)")
    return dataset


@dataclass(frozen=True)
class Problem:
    """What is wrong with a raster, and what the reader can do about it."""

    reason: str
    remedy: str

    def __str__(self) -> str:
        """Join both into one sentence."""
        return f"{self.reason}; {self.remedy}"


def _has_position(dataset: Dataset) -> Problem | None:
    gcps, _ = dataset.gcps
    if gcps and dataset.transform.is_identity:
        return Problem("it has ground control points but no geotransform", "warp it first (gdalwarp)")
    if dataset.crs is None:
        return Problem("it has no coordinate system", "assign one (gdal_edit.py -a_srs)")
    if dataset.transform.is_identity:
        return Problem("it has no geotransform, so its place is unknown", "assign one (gdal_edit.py -a_ullr)")
    return None


def _has_finite_transform(dataset: Dataset) -> Problem | None:
    transform = dataset.transform
    if not all(math.isfinite(value) for value in transform[:6]) or transform.determinant == 0:
        return Problem("its geotransform is not invertible", "assign a right one (gdal_edit.py -a_ullr)")
    return None


def _crs_has_place(dataset: Dataset) -> Problem | None:
    try:
        crs = pyproj.CRS.from_wkt(dataset.crs.to_wkt())
    except pyproj.exceptions.CRSError:
        return Problem("its coordinate system cannot be read", "assign an EPSG code (gdal_edit.py -a_srs)")
    if crs.geodetic_crs is None or crs.is_geocentric:
        return Problem(
            "its coordinate system does not say where on the Earth it is", "assign a geographic or projected one"
        )
    return None


def _blocks_are_bounded(dataset: Dataset) -> Problem | None:
    together = 1 if dataset.interleaving == Interleaving.band else dataset.count
    for (height, width), dtype in zip(dataset.block_shapes, dataset.dtypes, strict=True):
        if height * width * np.dtype(dtype).itemsize * together > MAX_BLOCK_BYTES:
            return Problem("one of its blocks unpacks to more than 64 MiB", "tile it (gdal_translate -co TILED=YES)")
    return None


def _blocks_are_present(dataset: Dataset) -> Problem | None:
    if dataset.driver != "GTiff":
        return None
    height, width = dataset.block_shapes[0]
    rows, cols = math.ceil(dataset.height / height), math.ceil(dataset.width / width)
    file_bytes = Path(dataset.name).stat().st_size
    planes = dataset.indexes if dataset.interleaving == Interleaving.band else (1,)
    if rows * cols * len(planes) * MIN_BLOCK_BYTES > file_bytes:
        return Problem("the file is too small for the pixels it declares", "fetch it again")
    for plane in planes:
        for row in range(rows):
            for col in range(cols):
                end = _block_end(dataset, plane, row, col)
                if end is None or end > file_bytes:
                    return Problem(
                        "pixels are missing from it, as if its writer had been stopped", "fetch the file again"
                    )
    return None


def _block_end(dataset: Dataset, plane: int, row: int, col: int) -> int | None:
    """Offset of the first byte after a block, None where the block is absent."""
    offset = dataset.get_tag_item(f"BLOCK_OFFSET_{col}_{row}", "TIFF", bidx=plane)
    size = dataset.get_tag_item(f"BLOCK_SIZE_{col}_{row}", "TIFF", bidx=plane)
    return None if offset is None or size is None else int(offset) + int(size)


Check = Callable[[Dataset], Problem | None]

PLACE_CHECKS: tuple[Check, ...] = (_has_position, _has_finite_transform, _crs_has_place)
PIXEL_CHECKS: tuple[Check, ...] = (_blocks_are_bounded, _blocks_are_present)


def georeference_problem(dataset: Dataset) -> Problem | None:
    """Why a raster has no place on the Earth; None where it has one."""
    return next(filter(None, (check(dataset) for check in PLACE_CHECKS)), None)


def _run_checks(checks: tuple[Check, ...], path: Path, dataset: Dataset) -> None:
    for check in checks:
        try:
            problem = check(dataset)
        except RasterioError as error:
            raise InputError(path, f"it cannot be read ({error})") from error
        if problem:
            raise InputError(path, problem.reason, problem.remedy)


def check_pixels(path: Path, dataset: Dataset) -> None:
    """Run the checks of an open raster's pixels, wherever it lies.

    Raises
    ------
    InputError
        With the first thing that is wrong.
    """
    _run_checks(PIXEL_CHECKS, path, dataset)


def check_raster(path: Path, dataset: Dataset) -> None:
    """Run every check on an open raster.

    Raises
    ------
    InputError
        With the first thing that is wrong.
    """
    _run_checks(PLACE_CHECKS + PIXEL_CHECKS, path, dataset)
