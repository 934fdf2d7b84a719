"""Class raster and ice fraction as Cloud Optimized GeoTIFFs, with palette, names and unit inside."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
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
from icepipe.classes import CLASS_COLOURS, FULL_PERCENT, NO_PERCENT, ClassCode, percent_colour
from icepipe.errors import IntegrityError
from icepipe.geo.geobox import Block, GeoBox
from icepipe.measure.area.ice_fraction import IceFraction
from icepipe.raster.overviews import halve, halve_percent, overview_shapes
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


@dataclass(frozen=True)
class Band:
    """Content of the only band of a raster.

    Attributes
    ----------
    description
        Its description.
    nodata
        Number of pixels without a value.
    colours
        RGB by number.
    halve
        Resamples a raster to half its size, for overviews.
    tags
        Further tags of the band.
    unit
        Unit of the numbers; empty for codes.
    """

    description: str
    nodata: int
    colours: Mapping[int, tuple[int, int, int]]
    halve: Callable[[UInt8], UInt8]
    tags: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""


CLASS_BAND = Band(
    description="class",
    nodata=int(ClassCode.OUTSIDE),
    colours={int(code): colour for code, colour in CLASS_COLOURS.items()},
    halve=halve,
    tags={f"CLASS_{int(code)}": code.label for code in ClassCode},
)
FRACTION_BAND = Band(
    description="ice fraction",
    nodata=NO_PERCENT,
    colours={percent: percent_colour(percent) for percent in range(FULL_PERCENT + 1)},
    halve=halve_percent,
    unit="%",
)


def write_raster(path: Path, band: Band, pixels: ClassRuns | IceFraction, grid: GeoBox, date: dt.date) -> None:
    """Write a raster.

    Parameters
    ----------
    path
        File to write.
    band
        Its description.
    pixels
        Class codes, or percent of ice, of the grid.
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
            whole = _held(stack, band, pixels, grid, date)
            copy(whole.name, (packed := stack.enter_context(MemoryFile(ext="tif"))).name, **CLOUD_OPTIMIZED)
            path.write_bytes(packed.getbuffer())
    except RasterioError as error:
        raise IntegrityError(f"{path.name}: cannot be written ({error})", "check free space") from error


def _held(stack: ExitStack, band: Band, pixels: ClassRuns | IceFraction, grid: GeoBox, date: dt.date) -> MemoryFile:
    """Write the raster and its overviews to memory; each overview is the ``.ovr`` file of the previous level.

    GDAL looks for overviews under these names.
    """
    folder = uuid.uuid4().hex
    shapes = overview_shapes(grid.shape)
    names = ["raster.tif" + number * ".ovr" for number in range(len(shapes))]
    files = [stack.enter_context(MemoryFile(dirname=folder, filename=name)) for name in names]
    with ExitStack() as opened:
        profiles = [_profile(shape, grid, band.nodata) for shape in shapes]
        levels = [opened.enter_context(file.open(**profile)) for file, profile in zip(files, profiles, strict=True)]
        _describe(levels[0], band, date)
        height = max(STRIP_ROWS, 2 ** (len(shapes) - 1))
        for top in range(0, grid.height, height):
            strip = Block(top, 0, min(height, grid.height - top), grid.width)
            _put(levels, pixels.block(strip), top, band.halve)
    return files[0]


def _describe(dataset: DatasetWriter, band: Band, date: dt.date) -> None:
    dataset.colorinterp = (ColorInterp.palette,)
    dataset.write_colormap(1, {number: (*colour, 255) for number, colour in band.colours.items()})
    dataset.set_band_description(1, band.description)
    dataset.set_band_unit(1, band.unit)
    dataset.update_tags(TIFFTAG_DATETIME=date.strftime("%Y:%m:%d 00:00:00"))
    dataset.update_tags(1, **band.tags)


def _put(levels: Sequence[DatasetWriter], strip: UInt8, top: int, halve: Callable[[UInt8], UInt8]) -> None:
    """Write a strip of full rows, and what is left of it at each overview."""
    for number, level in enumerate(levels):
        strip = halve(strip) if number else strip
        level.write(strip, 1, window=Window(0, top >> number, strip.shape[1], strip.shape[0]))


def _profile(shape: tuple[int, int], grid: GeoBox, nodata: int) -> dict[str, Any]:
    height, width = shape
    return {
        "driver": "GTiff",
        "width": width,
        "height": height,
        "count": 1,
        "dtype": "uint8",
        "crs": rasterio.crs.CRS.from_wkt(grid.crs),
        "transform": grid.transform @ Affine.scale(grid.width / width, grid.height / height),
        "nodata": nodata,
        **SMALL,
    }
