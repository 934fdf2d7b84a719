"""Open rasters safely, and check a raster before its pixels are read."""

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
from icepipe.geo.geobox import GeoBox
from icepipe.inputs.scenes import WORLD_FILE_SUFFIXES, side_files

MAGIC = {
    b"II*\x00": "GTiff",
    b"MM\x00*": "GTiff",
    b"II+\x00": "GTiff",
    b"MM\x00+": "GTiff",
    b"\0\0\0\x0c": "JP2OpenJPEG",
}
"""First four bytes of a file -> GDAL driver."""

MAX_BLOCK_BYTES = 64 * 2**20
MIN_BLOCK_BYTES = 8
"""Least bytes per block of a TIFF: its offset and its length."""

TEXT_SUFFIXES = {".xml", *WORLD_FILE_SUFFIXES}
MAX_TEXT_BYTES = 20_000_000


def raster_driver(path: Path) -> str:
    """Return the GDAL driver of a raster file by its first bytes.

    Raises
    ------
    InputError
        If it is not a regular file, or not a GeoTIFF or JPEG 2000 file.
    """
    if not is_printable(path.name):
        raise InputError(path, "the file name contains non-printable characters", "rename it")
    if path.is_symlink() and not path.exists():
        raise InputError(path, "a broken symbolic link", "restore its target, or remove it")
    if not path.is_file():
        raise InputError(path, "not a regular file", "remove it from inputs.scenes")
    with path.open("rb") as file:
        start = file.read(4)
    if start not in MAGIC:
        raise InputError(path, "not a GeoTIFF", "convert it with gdal_translate, or remove it from inputs.scenes")
    return MAGIC[start]


def check_side_files(path: Path) -> None:
    """Refuse side files that GDAL would block on or read without limit: pipes, devices, very large text files.

    Raises
    ------
    InputError
        If a side file is not a regular file, or is too large to be metadata.
    """
    for side in side_files(path):
        if side.exists() and not side.is_file():
            raise InputError(path, f"{side.name} next to it is not a regular file", f"remove {side.name}")
        if side.suffix in TEXT_SUFFIXES and side.is_file() and side.stat().st_size > MAX_TEXT_BYTES:
            raise InputError(path, f"{side.name} next to it is too large to be metadata", f"remove {side.name}")


def open_raster(path: Path, threads: int = 1) -> Dataset:
    """Open a GeoTIFF or JPEG 2000 file with the driver of its format only.

    Parameters
    ----------
    path
        The raster.
    threads
        Threads that decode its tiles.

    Raises
    ------
    InputError
        If it is not a raster, its header cannot be read, it refers to other data sets, or a side file is not safe to
        read.
    """
    try:
        driver = raster_driver(path)
        check_side_files(path)
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})", "check the disk and its permissions") from error
    options = {"NUM_THREADS": threads} if driver == "GTiff" else {}
    try:
        dataset = rasterio.open(path.absolute(), driver=driver, sharing=False, **options)
    except (RasterioIOError, CRSError) as error:
        raise InputError(path, f"cannot be opened ({error})", "fetch the file again") from error
    # GDAL opens the data sets that these domains name as soon as a mask or an overview is requested. The open option
    # OVERVIEW_LEVEL=NONE would prevent that, but it also drops band descriptions.
    foreign = sorted({"OVERVIEWS", "GEOLOCATION"} & set(dataset.tag_namespaces()))
    if foreign:
        dataset.close()
        reason = f"its metadata ({', '.join(foreign)}) point to other files"
        raise InputError(path, reason, "strip them (gdal_translate -nomd)")
    return dataset


def dataset_grid(dataset: Dataset) -> GeoBox:
    """Return the pixel grid of an open raster."""
    return GeoBox(dataset.crs.to_wkt(), dataset.transform, dataset.width, dataset.height)


@dataclass(frozen=True)
class Problem:
    """Defect of a raster, and its remedy."""

    reason: str
    remedy: str

    def __str__(self) -> str:
        """Join both into one sentence."""
        return f"{self.reason}; {self.remedy}"


def check_position(dataset: Dataset) -> Problem | None:
    """Check that a raster has a coordinate system and a geotransform."""
    gcps, _ = dataset.gcps
    if gcps and dataset.transform.is_identity:
        return Problem("it has ground control points but no geotransform", "warp it first (gdalwarp)")
    if dataset.crs is None:
        return Problem("it has no coordinate system", "assign one (gdal_edit.py -a_srs)")
    if dataset.transform.is_identity:
        return Problem("it has no geotransform, so its position is unknown", "assign one (gdal_edit.py -a_ullr)")
    return None


def check_transform(dataset: Dataset) -> Problem | None:
    """Check that the geotransform is invertible."""
    transform = dataset.transform
    if not all(math.isfinite(value) for value in transform[:6]) or transform.determinant == 0:
        return Problem("its geotransform is not invertible", "assign a correct one (gdal_edit.py -a_ullr)")
    return None


def check_crs(dataset: Dataset) -> Problem | None:
    """Check that PROJ knows the coordinate system, and that it has a datum."""
    try:
        crs = pyproj.CRS.from_wkt(dataset.crs.to_wkt())
    except pyproj.exceptions.CRSError:
        return Problem("its coordinate system cannot be read", "assign an EPSG code (gdal_edit.py -a_srs)")
    if crs.geodetic_crs is None or crs.is_geocentric:
        return Problem(
            "its coordinate system does not say where on the Earth it is", "assign a geographic or projected one"
        )
    return None


def check_block_size(dataset: Dataset) -> Problem | None:
    """Check that no block needs more memory than ``MAX_BLOCK_BYTES`` when decoded."""
    # Pixel-interleaved blocks hold all bands.
    bands_per_block = 1 if dataset.interleaving == Interleaving.band else dataset.count
    for (height, width), dtype in zip(dataset.block_shapes, dataset.dtypes, strict=True):
        if height * width * np.dtype(dtype).itemsize * bands_per_block > MAX_BLOCK_BYTES:
            return Problem("one of its blocks decodes to more than 64 MiB", "tile it (gdal_translate -co TILED=YES)")
    return None


def check_blocks_exist(dataset: Dataset) -> Problem | None:
    """Check that every block of a TIFF is inside the file; GDAL reads missing blocks as nodata without an error."""
    if dataset.driver != "GTiff":
        return None
    height, width = dataset.block_shapes[0]
    rows, cols = math.ceil(dataset.height / height), math.ceil(dataset.width / width)
    file_bytes = Path(dataset.name).stat().st_size
    planes = dataset.indexes if dataset.interleaving == Interleaving.band else (1,)
    # A small file that declares billions of blocks would keep the loop below busy for hours.
    if rows * cols * len(planes) * MIN_BLOCK_BYTES > file_bytes:
        return Problem("the file is too small for the pixels it declares", "fetch it again")
    for plane in planes:
        for row in range(rows):
            for col in range(cols):
                offset = dataset.get_tag_item(f"BLOCK_OFFSET_{col}_{row}", "TIFF", bidx=plane)
                size = dataset.get_tag_item(f"BLOCK_SIZE_{col}_{row}", "TIFF", bidx=plane)
                if offset is None or size is None or int(offset) + int(size) > file_bytes:
                    return Problem(
                        "pixels are missing from it, as if its writer had been stopped", "fetch the file again"
                    )
    return None


Check = Callable[[Dataset], Problem | None]

# Each check relies on the ones before it.
GEOREFERENCE_CHECKS: tuple[Check, ...] = (check_position, check_transform, check_crs)
PIXEL_CHECKS: tuple[Check, ...] = (check_block_size, check_blocks_exist)


def georeference_problem(dataset: Dataset) -> Problem | None:
    """Return what is wrong with the georeference of a raster, or None."""
    return next(filter(None, (check(dataset) for check in GEOREFERENCE_CHECKS)), None)


def run_checks(checks: tuple[Check, ...], path: Path, dataset: Dataset) -> None:
    """Run checks on an open raster.

    Raises
    ------
    InputError
        For the first check that fails.
    """
    for check in checks:
        try:
            problem = check(dataset)
        except RasterioError as error:
            raise InputError(path, f"it cannot be read ({error})") from error
        if problem:
            raise InputError(path, problem.reason, problem.remedy)


def check_pixels(path: Path, dataset: Dataset) -> None:
    """Check the blocks of an open raster, whether it is georeferenced or not.

    Raises
    ------
    InputError
        For the first check that fails.
    """
    run_checks(PIXEL_CHECKS, path, dataset)


def check_raster(path: Path, dataset: Dataset) -> None:
    """Run every check on an open raster.

    Raises
    ------
    InputError
        For the first check that fails.
    """
    run_checks(GEOREFERENCE_CHECKS + PIXEL_CHECKS, path, dataset)
