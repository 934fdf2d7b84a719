"""Pixels of one observation, block by block, on the run grid: every valid pixel once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import numpy as np
import rasterio
from rasterio.enums import MaskFlags
from rasterio.errors import RasterioError
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from icepipe.errors import InputError
from icepipe.inputs.checks import Dataset, open_raster
from icepipe.inputs.grid import inside
from icepipe.inputs.masks import read_mask
from icepipe.inputs.place import place
from icepipe.inputs.roles import has_palette
from icepipe.records import Block, Bool, ClassCode, GeoBox, Layer, MaskFile, Observation, Pixels, Scene, UInt8

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


def read_window(dataset: Dataset, scene: Scene, block: Block) -> tuple[UInt8, Bool]:
    """Colours and validity of a rectangle of one file, in the file's own pixels.

    Raises
    ------
    InputError
        If the pixels cannot be decoded.
    """
    window = Window(block.col, block.row, block.width, block.height)
    try:
        bands = dataset.read(scene.bands, window=window)
        valid = _validity(dataset, scene, window, bands)
    except RasterioError as error:
        raise InputError(scene.path, f"its pixels cannot be read ({error})", "fetch the file again") from error
    return (_palette(dataset)[:, bands[0]] if has_palette(dataset) else bands), valid


class ObservationReader:
    """Open files of one observation.

    Use as a context manager; the files stay open between blocks, so that a tile is decoded once.

    Parameters
    ----------
    observation
        Its scenes stand in the order that wins a pixel seen twice.
    grid
        The run grid.
    region
        Outline in the grid's CRS; pixels outside are nothing.
    land
        Outline of land for all scenes, or None.
    n_bands
        Bands of the sensor.
    """

    def __init__(
        self, observation: Observation, grid: GeoBox, region: BaseGeometry, land: BaseGeometry | None, n_bands: int
    ) -> None:
        self._observation = observation
        self._grid = grid
        self._region = region
        self._land = land
        self._n_bands = n_bands
        self._stack = ExitStack()
        self._open: dict[Scene | MaskFile, Dataset] = {}

    def __enter__(self) -> Self:
        """Open every scene and mask."""
        self._stack.enter_context(rasterio.Env(GDAL_CACHEMAX=CACHE_MB))
        for scene in self._observation.scenes:
            for source in (scene, scene.cloud, scene.land):
                if source is not None and source not in self._open:
                    self._open[source] = self._stack.enter_context(open_raster(source.path))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every scene."""
        self._stack.close()

    def layers(self, block: Block) -> Iterator[Layer]:
        """What each scene shows of a block, in their order; scenes that do not reach it are left out."""
        for scene in self._observation.scenes:
            placement = place(scene.geobox, self._grid, block)
            if placement is None:
                continue
            bands, valid = read_window(self._open[scene], scene, placement.window)
            bands, valid = placement.take(bands), placement.take(valid)
            if placement.reached is not None:
                valid = valid & placement.reached
            hides, known = self._mask(scene.cloud, block)
            target = placement.target
            yield Layer(target, bands, valid & known[target], hides[target])

    def _mask(self, mask: MaskFile | None, block: Block) -> tuple[Bool, Bool]:
        """Where a mask hides, and where it says anything, for a whole block; no mask hides nothing, everywhere."""
        shape = (block.height, block.width)
        hides, known = np.zeros(shape, dtype=bool), np.full(shape, mask is None)
        placement = place(mask.geobox, self._grid, block) if mask else None
        if mask and placement:
            hides[placement.target], known[placement.target] = read_mask(self._open[mask], mask, placement)
        return hides, known

    def _is_land(self, block: Block) -> Bool:
        land = np.zeros((block.height, block.width), dtype=bool)
        if self._land is not None:
            land |= inside(self._land, self._grid, block)
        for mask in dict.fromkeys(scene.land for scene in self._observation.scenes if scene.land):
            land |= self._mask(mask, block)[0]
        return land

    def hide(self, pixels: Pixels, block: Block) -> Pixels:
        """Take land and what lies outside the region out of the valid pixels."""
        land, within = self._is_land(block), inside(self._region, self._grid, block)
        hidden = np.where(land, np.uint8(ClassCode.LAND), pixels.hidden)
        hidden = np.where(within, hidden, np.uint8(ClassCode.OUTSIDE))
        return Pixels(pixels.bands, pixels.valid & ~land & within, hidden, pixels.doubled)

    def read(self, block: Block) -> Pixels:
        """Pixels of a block; of a place seen twice, the first scene whose surface shows."""
        return self.hide(composite(list(self.layers(block)), block, self._n_bands), block)


def composite(layers: Sequence[Layer], block: Block, n_bands: int) -> Pixels:
    """Lay scenes over each other: the first that shows the surface wins, then cloud, then nothing."""
    shape = (block.height, block.width)
    bands = np.zeros((n_bands, *shape), dtype=np.uint8)
    valid, hidden = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=np.uint8)
    twice = np.zeros(shape, dtype=bool)
    for layer in layers:
        clear = layer.valid & ~layer.cloud
        new = clear & ~valid[layer.target]
        np.copyto(bands[:, *layer.target], layer.bands, where=new)
        twice[layer.target] |= clear & ~new
        valid[layer.target] |= new
        hidden[layer.target][layer.valid & layer.cloud] = ClassCode.CLOUD
    return Pixels(bands, valid, hidden, int(twice.sum()))
