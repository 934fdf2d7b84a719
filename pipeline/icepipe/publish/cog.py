"""The class raster as a Cloud Optimized GeoTIFF with palette and class names inside."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import rasterio
from affine import Affine
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioError
from rasterio.io import DatasetWriter, MemoryFile
from rasterio.shutil import copy
from rasterio.windows import Window

from icepipe.arrays import UInt8
from icepipe.classes import CLASS_COLOURS, ClassCode
from icepipe.errors import IntegrityError
from icepipe.geo.geobox import Block, GeoBox
from icepipe.raster.overviews import halve, overview_shapes
from icepipe.raster.run_length import ClassRuns
from icepipe.runtime.gdal_environment import CACHE_MB
from icepipe.runtime.parallel import THREADS

SMALL = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "ZSTD", "zstd_level": 1}
"""How the raster waits in memory while the file is made of it: a fortieth of its pixels, packed in passing."""

STRIP_ROWS = 1024
"""Rows that are packed and halved at once, so that no smaller copy of all rows is held; more where more overviews need
to halve them."""

CLOUD_OPTIMIZED = {
    "driver": "COG",
    "compress": "DEFLATE",
    "level": 5,
    "overviews": "FORCE_USE_EXISTING",
    "num_threads": THREADS,
    "geotiff_version": "1.0",
}


def write_classes(path: Path, classes: ClassRuns, grid: GeoBox, date: dt.date) -> None:
    """Write class codes.

    Parameters
    ----------
    path
        File to write.
    classes
        Class codes of the grid; 255 is outside the region and becomes the nodata value.
    grid
        Its grid.
    date
        Day of the observation, the only date in the file.

    Raises
    ------
    IntegrityError
        If the file cannot be written.
    """
    try:
        with ExitStack() as stack, rasterio.Env(GDAL_PAM_ENABLED="NO", GDAL_CACHEMAX=CACHE_MB):
            whole = _held(stack, classes, grid, date)
            copy(whole.name, (packed := stack.enter_context(MemoryFile(ext="tif"))).name, **CLOUD_OPTIMIZED)
            path.write_bytes(packed.getbuffer())
    except RasterioError as error:
        raise IntegrityError(f"{path.name}: cannot be written ({error})", "check free space") from error


def _held(stack: ExitStack, classes: ClassRuns, grid: GeoBox, date: dt.date) -> MemoryFile:
    """Write the raster and its overviews to memory; each overview is the ``.ovr`` file of the previous level.

    GDAL looks for overviews under these names.
    """
    folder = uuid.uuid4().hex
    shapes = overview_shapes(grid.shape)
    names = ["classes.tif" + number * ".ovr" for number in range(len(shapes))]
    files = [stack.enter_context(MemoryFile(dirname=folder, filename=name)) for name in names]
    with ExitStack() as opened:
        profiles = [_profile(shape, grid) for shape in shapes]
        levels = [opened.enter_context(file.open(**profile)) for file, profile in zip(files, profiles, strict=True)]
        _describe(levels[0], date)
        height = max(STRIP_ROWS, 2 ** (len(shapes) - 1))
        for top in range(0, grid.height, height):
            strip = Block(top, 0, min(height, grid.height - top), grid.width)
            _put(levels, classes.block(strip), top)
    return files[0]


def _describe(dataset: DatasetWriter, date: dt.date) -> None:
    dataset.colorinterp = (ColorInterp.palette,)
    dataset.write_colormap(1, {int(code): (*colour, 255) for code, colour in CLASS_COLOURS.items()})
    dataset.set_band_description(1, "class")
    dataset.update_tags(TIFFTAG_DATETIME=date.strftime("%Y:%m:%d 00:00:00"))
    dataset.update_tags(1, **{f"CLASS_{int(code)}": code.label for code in ClassCode})


def _put(levels: Sequence[DatasetWriter], strip: UInt8, top: int) -> None:
    """Write a strip of full rows, and what is left of it at each overview."""
    for number, level in enumerate(levels):
        strip = halve(strip) if number else strip
        level.write(strip, 1, window=Window(0, top >> number, strip.shape[1], strip.shape[0]))


def _profile(shape: tuple[int, int], grid: GeoBox) -> dict[str, Any]:
    height, width = shape
    return {
        "driver": "GTiff",
        "width": width,
        "height": height,
        "count": 1,
        "dtype": "uint8",
        "crs": rasterio.crs.CRS.from_wkt(grid.crs),
        "transform": grid.transform @ Affine.scale(grid.width / width, grid.height / height),
        "nodata": int(ClassCode.OUTSIDE),
        **SMALL,
    }
