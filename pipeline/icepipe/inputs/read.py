"""Pixels of one observation, block by block, on the run grid: every valid pixel once."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Self

import numpy as np
import rasterio
from rasterio.enums import MaskFlags
from rasterio.errors import RasterioError
from rasterio.windows import Window

from icepipe.errors import InputError
from icepipe.inputs.checks import Dataset, open_raster
from icepipe.inputs.grid import offset
from icepipe.inputs.roles import has_palette
from icepipe.records import Block, Bool, GeoBox, Observation, Pixels, Scene, UInt8

CACHE_MB = 64
"""GDAL's cache of decoded blocks: a row of tiles of the widest scenes, and not the whole raster."""


def _palette(dataset: Dataset) -> UInt8:
    """Red, green, blue of every number of a colour table; shape (3, 256)."""
    table = np.zeros((3, 256), dtype=np.uint8)
    for number, colour in dataset.colormap(1).items():
        table[:, number] = colour[:3]
    return table


def _validity(dataset: Dataset, scene: Scene, window: Window, bands: UInt8) -> Bool:
    """True where no nodata value, alpha band or mask says otherwise.

    A colour is nodata when all of its bands hold the value: black water has a zero in some band too.
    """
    valid = np.ones(bands.shape[1:], dtype=bool)
    for value in scene.nodata:
        valid &= ~np.all(bands == value, axis=0)
    if scene.alpha is not None:
        valid &= dataset.read(scene.alpha, window=window) > 0
    if MaskFlags.per_dataset in dataset.mask_flag_enums[scene.bands[0] - 1] and scene.alpha is None:
        valid &= dataset.read_masks(scene.bands[0], window=window) > 0
    return valid


def read_window(dataset: Dataset, scene: Scene, window: Window) -> Pixels:
    """Bands and validity of a window of one file.

    Raises
    ------
    InputError
        If the pixels cannot be decoded.
    """
    try:
        bands = dataset.read(scene.bands, window=window)
        valid = _validity(dataset, scene, window, bands)
    except RasterioError as error:
        raise InputError(scene.path, f"its pixels cannot be read ({error})", "fetch the file again") from error
    if has_palette(dataset):
        return Pixels(_palette(dataset)[:, bands[0]], valid)
    return Pixels(bands, valid)


class ObservationReader:
    """Open files of one observation.

    Use as a context manager; the files stay open between blocks, so that a tile is decoded once.
    """

    def __init__(self, observation: Observation, grid: GeoBox, n_bands: int) -> None:
        self._observation = observation
        self._grid = grid
        self._n_bands = n_bands
        self._stack = ExitStack()
        self._open: list[tuple[Scene, Dataset, tuple[int, int]]] = []

    def __enter__(self) -> Self:
        """Open every scene."""
        self._stack.enter_context(rasterio.Env(GDAL_CACHEMAX=CACHE_MB))
        for scene in self._observation.scenes:
            place = offset(scene.geobox, self._grid)
            assert place is not None, "the run grid was made from the scenes"
            self._open.append((scene, self._stack.enter_context(open_raster(scene.path)), place))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every scene."""
        self._stack.close()

    def read(self, block: Block) -> Pixels:
        """Pixels of a block; of a place seen twice, the first scene that has it."""
        bands = np.zeros((self._n_bands, block.height, block.width), dtype=np.uint8)
        valid = np.zeros((block.height, block.width), dtype=bool)
        for scene, dataset, (row, col) in self._open:
            top, left = max(block.row, row), max(block.col, col)
            bottom = min(block.row + block.height, row + scene.geobox.height)
            right = min(block.col + block.width, col + scene.geobox.width)
            if top >= bottom or left >= right:
                continue
            part = read_window(dataset, scene, Window(left - col, top - row, right - left, bottom - top))
            target = np.s_[top - block.row : bottom - block.row, left - block.col : right - block.col]
            new = part.valid & ~valid[target]
            np.copyto(bands[:, *target], part.bands, where=new)
            valid[target] |= new
        return Pixels(bands, valid)
