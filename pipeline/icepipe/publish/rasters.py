"""The class raster as a Cloud Optimized GeoTIFF with palette and class names inside."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import rasterio
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile
from rasterio.shutil import copy

from icepipe.classes import CLASS_COLOURS, ClassCode
from icepipe.errors import IntegrityError
from icepipe.records import GeoBox, UInt8

SMALL = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "ZSTD", "zstd_level": 1}
"""How the raster waits in memory while the file is made of it: a fortieth of its pixels, packed in passing."""

THREADS = 2
"""Blocks are packed and made smaller on so many; they are written in their order, so the bytes are those of one."""


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
    profile = {
        "driver": "GTiff",
        "width": grid.width,
        "height": grid.height,
        "count": 1,
        "dtype": "uint8",
        "crs": rasterio.crs.CRS.from_wkt(grid.crs),
        "transform": grid.transform,
        "nodata": int(ClassCode.OUTSIDE),
        **SMALL,
    }
    try:
        with MemoryFile() as memory, rasterio.Env(GDAL_PAM_ENABLED="NO"):
            with memory.open(**profile) as dataset:
                dataset.write(classes, 1)
                dataset.colorinterp = (ColorInterp.palette,)
                dataset.write_colormap(1, {int(code): (*colour, 255) for code, colour in CLASS_COLOURS.items()})
                dataset.set_band_description(1, "class")
                dataset.update_tags(TIFFTAG_DATETIME=date.strftime("%Y:%m:%d 00:00:00"))
                dataset.update_tags(1, **{f"CLASS_{int(code)}": code.label for code in ClassCode})
            with memory.open() as dataset, MemoryFile(ext="tif") as held:
                copy(
                    dataset,
                    held.name,
                    driver="COG",
                    compress="DEFLATE",
                    level=6,
                    overview_resampling="MODE",
                    num_threads=THREADS,
                    geotiff_version="1.0",
                )
                path.write_bytes(held.getbuffer())
    except RasterioError as error:
        raise IntegrityError(f"{path.name}: cannot be written ({error})", "check free space") from error
