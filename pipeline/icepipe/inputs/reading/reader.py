"""Pixels of one observation, block by block, on the run grid: every valid pixel once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

import numpy as np
import rasterio

from icepipe.arrays import Bool, Dataset, StoredPixels
from icepipe.classes import SEEN, ClassCode
from icepipe.geo.coverage import bounding_block, columns_of, covered_window
from icepipe.geo.geobox import Block, GeoBox
from icepipe.geo.resampling import locate_source
from icepipe.inputs.masks import read_mask
from icepipe.inputs.reading.class_values import WORD, encoded_codes
from icepipe.inputs.reading.mosaic import Composite, covers, mosaic, single_scene
from icepipe.inputs.reading.pixels import Layer, Pixels
from icepipe.inputs.reading.tile_cache import MAX_BYTES, TileCache
from icepipe.inputs.reading.windows import read_window
from icepipe.inputs.scenes import Band, MaskFile, Observation, Scene
from icepipe.inputs.validate import open_raster
from icepipe.raster.blocks import blocks
from icepipe.raster.run_length import RunLengthRaster
from icepipe.runtime.gdal_environment import CACHE_MB
from icepipe.sensors.sensor import CLASSES
from icepipe.sensors.table import SENSORS


class ObservationReader:
    """Open files of one observation. Layers of one block may be read while those of another are laid over each other.

    Use as a context manager; the files stay open between blocks, so that a tile is decoded once.

    Parameters
    ----------
    observation
        Its scenes stand in the order that wins a pixel seen twice.
    grid
        The run grid.
    within
        True for pixels of a block that lie in a region; those outside are nothing. None for no limit.
    land
        1 where land is for all scenes, on the run grid; or None.
    threads
        That decode the tiles of a file.
    """

    def __init__(
        self,
        observation: Observation,
        grid: GeoBox,
        within: Callable[[Block], Bool] | None = None,
        land: RunLengthRaster[np.uint8] | None = None,
        threads: int = 1,
    ) -> None:
        self._observation = observation
        self._grid = grid
        self._within = within
        self._land = land
        self._threads = threads
        self._stack = ExitStack()
        self._open: dict[Path, Dataset] = {}
        self._windows: dict[tuple[int, Path], TileCache] = {}
        self._turn = Lock()  # an open file is for one thread at a time

    def __enter__(self) -> Self:
        """Open every scene and mask."""
        self._stack.enter_context(rasterio.Env(GDAL_CACHEMAX=CACHE_MB))
        for scene in self._observation.scenes:
            for path in scene.rasters:
                if path not in self._open:
                    self._open[path] = self._stack.enter_context(open_raster(path, self._threads))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Close every scene."""
        self._stack.close()

    @property
    def n_scenes(self) -> int:
        """Scenes of the observation."""
        return len(self._observation.scenes)

    @cached_property
    def _rectangles(self) -> list[Block]:
        """Where each scene lies on the grid, and each land raster, which tells of pixels that no scene reaches."""
        scenes = self._observation.scenes
        boxes = {band.geobox for scene in scenes for band in scene.bands}
        boxes |= {scene.land.geobox for scene in scenes if scene.land}
        return [found for box in boxes if (found := covered_window(box, self._grid))]

    @property
    def reached(self) -> Block:
        """Rectangle of the grid that holds all that any file tells of; of no width where none tells of anything."""
        return bounding_block(self._rectangles)

    def parts(self, side: int | None = None) -> list[tuple[Block, Block]]:
        """Blocks of the grid, each with the columns that files reach; of the first all, where they reach none."""
        found = [(block, columns_of(block, self._rectangles)) for block in blocks(self._grid, side)]
        return found if any(part.width for _, part in found) else [(found[0][0], found[0][0]), *found[1:]]

    def layers(self, block: Block) -> Iterator[Layer]:
        """What each scene shows of a block, in their order; scenes that do not reach it are left out."""
        for number, scene in enumerate(self._observation.scenes):
            layer = self._layer(scene, block)
            if layer is not None:
                yield replace(layer, scene=number)

    def _layer(self, scene: Scene, block: Block) -> Layer | None:
        """What a scene shows of a block, its bands brought together; None where one of them does not reach it."""
        files = _by_file(scene.bands)
        placements = [locate_source(bands[0].geobox, self._grid, block) for bands in files]
        held = [placement for placement in placements if placement]
        target = _common([placement.target for placement in held])
        if len(held) < len(files) or target is None:
            return None
        shape = tuple(side.stop - side.start for side in target)
        numbers, valid = list[StoredPixels](), np.ones(shape, dtype=bool)
        for bands, placement in zip(files, held, strict=True):
            with self._turn:
                kept, seen = self._rows_of(scene, bands)(placement.window)
            part = tuple(
                slice(t.start - p.start, t.stop - p.start) for t, p in zip(target, placement.target, strict=True)
            )
            numbers.append(placement.take(kept)[..., part[0], part[1]])
            here = placement.take(seen) if placement.reached is None else placement.take(seen) & placement.reached
            valid &= here[part]
        hides, known = self._mask(scene.cloud, block)
        bands_ = numbers[0] if len(numbers) == 1 else np.concatenate(numbers)
        layer = Layer(target, bands_, valid & known[target], hides[target])
        return _by_class(layer) if scene.values else layer

    def _rows_of(self, scene: Scene, bands: Sequence[Band]) -> TileCache:
        """What reads windows of some bands of a scene."""
        key = id(scene), bands[0].path
        if key not in self._windows:
            dataset = self._open[bands[0].path]
            size = 1 + len(bands) * (1 if SENSORS[scene.sensor].stretch else 2)
            limit = MAX_BYTES // len(self._open)
            self._windows[key] = TileCache(dataset, partial(read_window, dataset, scene, bands), size, limit)
        return self._windows[key]

    def composite(self, layers: Sequence[Layer], block: Block) -> Pixels:
        """Lay scenes over each other and take out land and what lies outside the region."""
        sensor = SENSORS[self._observation.scenes[0].sensor]
        kind, n = np.dtype(np.uint8 if sensor.stretch else np.int16), len(self._observation.scenes[0].roles)
        kind = WORD if sensor.key == CLASSES else kind
        if layers:
            kind, n = layers[0].bands.dtype, len(layers[0].bands)
        if len(layers) == 1 and covers(layers[0], block):
            return self._hide(layers[0].bands, single_scene(layers[0]), block)
        bands = np.zeros((n, block.height, block.width), dtype=kind)
        return self._hide(bands, mosaic(layers, bands), block)

    def _mask(self, mask: MaskFile | None, block: Block) -> tuple[Bool, Bool]:
        """Where a mask hides, and where it says anything, for a whole block; no mask hides nothing, everywhere."""
        shape = (block.height, block.width)
        hides, known = np.zeros(shape, dtype=bool), np.full(shape, mask is None)
        placement = locate_source(mask.geobox, self._grid, block) if mask else None
        if mask and placement:
            with self._turn:
                hides[placement.target], known[placement.target] = read_mask(self._open[mask.path], mask, placement)
        return hides, known

    def _land_of(self, block: Block) -> tuple[Bool, Bool]:
        """Where land is, and where something tells: outlines tell everywhere, rasters where they have data."""
        rasters = list(dict.fromkeys(scene.land for scene in self._observation.scenes if scene.land))
        land, known = (
            np.zeros((block.height, block.width), dtype=bool),
            np.full((block.height, block.width), not rasters),
        )
        if self._land is not None:
            land |= self._land.block(block).view(bool)
        for mask in rasters:
            hides, tells = self._mask(mask, block)
            land |= hides
            known |= tells
        return land, known

    def _hide(self, bands: StoredPixels, laid: Composite, block: Block) -> Pixels:
        from icepipe.inputs.reading._kernels import apply_masks

        within = self._within(block) if self._within else np.ones((block.height, block.width), dtype=bool)
        if within.all() and self._land is None and not any(scene.land for scene in self._observation.scenes):
            return Pixels(bands, laid.valid, laid.hidden, int(np.count_nonzero(laid.twice)))
        land, known = self._land_of(block)
        doubled = apply_masks(known, land, np.ascontiguousarray(within), laid)
        return Pixels(bands, laid.valid, laid.hidden, int(doubled))

    def read(self, block: Block) -> Pixels:
        """Pixels of a block; of a place seen twice, the first scene whose surface shows."""
        return self.composite(list(self.layers(block)), block)


def _by_class(layer: Layer) -> Layer:
    """A layer of coded classes: what was seen is what a class of the surface says, or cloud."""
    codes = encoded_codes(layer.bands[0])
    shows, cloud = np.isin(codes, SEEN) & layer.valid, (codes == ClassCode.CLOUD) & layer.valid
    return replace(layer, valid=shows | cloud, cloud=layer.cloud | cloud, land=(codes == ClassCode.LAND) & layer.valid)


def _by_file(bands: Sequence[Band]) -> list[list[Band]]:
    """Bands that stand next to each other in one file, together."""
    return [list(group) for _, group in itertools.groupby(bands, key=lambda band: band.path)]


def _common(targets: Sequence[tuple[slice, slice]]) -> tuple[slice, slice] | None:
    """Rectangle that all targets share, or None."""
    if not targets:
        return None
    rows, cols = (
        slice(max(target[axis].start for target in targets), min(target[axis].stop for target in targets))
        for axis in (0, 1)
    )
    return (rows, cols) if rows.start < rows.stop and cols.start < cols.stop else None
