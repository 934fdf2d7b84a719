"""The class raster as a Cloud Optimized GeoTIFF with palette and class names inside."""

from __future__ import annotations

import datetime as dt
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import rasterio
from affine import Affine
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile
from rasterio.shutil import copy

from icepipe.classes import CLASS_COLOURS, ClassCode
from icepipe.errors import IntegrityError
from icepipe.publish.overviews import overviews
from icepipe.records import GeoBox, UInt8

SMALL = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "ZSTD", "zstd_level": 1}
"""How the raster waits in memory while the file is made of it: a fortieth of its pixels, packed in passing."""

THREADS = 2
"""Blocks are packed on so many; they are written in their order, so the bytes are those of one."""

CLOUD_OPTIMIZED = {
    "driver": "COG",
    "compress": "DEFLATE",
    "level": 6,
    "overviews": "FORCE_USE_EXISTING",
    "num_threads": THREADS,
    "geotiff_version": "1.0",
}


def write_classes(path: Path, classes: UInt8, grid: GeoBox, date: dt.date) -> None:
    """Write class codes.

    Parameters
    ----------
    path
        File to write.
    classes
        uint8 class codes, shape of the grid; 255 is outside the region and becomes the nodata value.
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
        with ExitStack() as stack, rasterio.Env(GDAL_PAM_ENABLED="NO"):
            whole = _held(stack, classes, grid, date)
            copy(whole.name, (packed := stack.enter_context(MemoryFile(ext="tif"))).name, **CLOUD_OPTIMIZED)
            path.write_bytes(packed.getbuffer())
    except RasterioError as error:
        raise IntegrityError(f"{path.name}: cannot be written ({error})", "check free space") from error


def _held(stack: ExitStack, classes: UInt8, grid: GeoBox, date: dt.date) -> MemoryFile:
    """The raster in memory, its overviews in files beside it as GDAL looks for them: each the ``.ovr`` of the last."""
    folder, name = uuid.uuid4().hex, "classes.tif"
    whole = stack.enter_context(MemoryFile(dirname=folder, filename=name))
    with whole.open(**_profile(classes, grid)) as dataset:
        dataset.write(classes, 1)
        dataset.colorinterp = (ColorInterp.palette,)
        dataset.write_colormap(1, {int(code): (*colour, 255) for code, colour in CLASS_COLOURS.items()})
        dataset.set_band_description(1, "class")
        dataset.update_tags(TIFFTAG_DATETIME=date.strftime("%Y:%m:%d 00:00:00"))
        dataset.update_tags(1, **{f"CLASS_{int(code)}": code.label for code in ClassCode})
    for half in overviews(classes):
        name += ".ovr"
        with stack.enter_context(MemoryFile(dirname=folder, filename=name)).open(**_profile(half, grid)) as dataset:
            dataset.write(half, 1)
    return whole


def _profile(classes: UInt8, grid: GeoBox) -> dict[str, Any]:
    return {
        "driver": "GTiff",
        "width": classes.shape[1],
        "height": classes.shape[0],
        "count": 1,
        "dtype": "uint8",
        "crs": rasterio.crs.CRS.from_wkt(grid.crs),
        "transform": grid.transform @ Affine.scale(grid.width / classes.shape[1], grid.height / classes.shape[0]),
        "nodata": int(ClassCode.OUTSIDE),
        **SMALL,
    }
