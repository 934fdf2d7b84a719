"""Read the pixels of an observation block by block on the run grid, each valid pixel once."""

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
from icepipe.geo.coverage import bounding_block, covered_columns, covered_window
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
    """Reader of the scenes and masks of an observation.

    Use as a context manager; the files stay open between blocks, so that each tile is decoded once. The layers of a
    block can be read in one thread while those of another are composited in a second one.

    Parameters
    ----------
    observation
        The observation, with its scenes in order of precedence.
    grid
        The run grid.
    within
        Function that returns True for the pixels of a block inside the region; None for no limit.
    land
        Land mask for all scenes on the run grid, 1 on land; or None.
    threads
        Threads that decode the tiles of a file.
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
        # A GDAL dataset must not be used by two threads at the same time.
        self._file_lock = Lock()

    def __enter__(self) -> Self:
        """Open all scenes and masks."""
        self._stack.enter_context(rasterio.Env(GDAL_CACHEMAX=CACHE_MB))
        for scene in self._observation.scenes:
            for path in scene.rasters:
                if path not in self._open:
                    self._open[path] = self._stack.enter_context(open_raster(path, self._threads))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Close all files."""
        self._stack.close()

    @property
    def n_scenes(self) -> int:
        """Number of scenes."""
        return len(self._observation.scenes)

    @cached_property
    def covered_windows(self) -> list[Block]:
        """Window of the grid that each file covers; land rasters count, as they mark pixels that no scene reaches."""
        scenes = self._observation.scenes
        boxes = {band.geobox for scene in scenes for band in scene.bands}
        boxes |= {scene.land.geobox for scene in scenes if scene.land}
        return [window for box in boxes if (window := covered_window(box, self._grid))]

    @property
    def reached(self) -> Block:
        """Smallest block of the grid that holds all pixels that a file reaches; of size 0 if there are none."""
        return bounding_block(self.covered_windows)

    def parts(self, side: int | None = None) -> list[tuple[Block, Block]]:
        """Return the blocks of the grid, each with the part of it whose columns the files reach."""
        parts = [(block, covered_columns(block, self.covered_windows)) for block in blocks(self._grid, side)]
        # If no file reaches the grid, the first block is read in full, so that at least one part has columns.
        return parts if any(part.width for _, part in parts) else [(parts[0][0], parts[0][0]), *parts[1:]]

    def layers(self, block: Block) -> Iterator[Layer]:
        """Read the layers of a block in the order of the scenes, without those of scenes that do not reach it."""
        for number, scene in enumerate(self._observation.scenes):
            layer = self.read_layer(scene, block)
            if layer is not None:
                yield replace(layer, scene=number)

    def read_layer(self, scene: Scene, block: Block) -> Layer | None:
        """Read the bands and the cloud mask of a scene in a block; None if one of its bands does not reach it."""
        # Bands of one file are read together; their windows differ if their resolutions do.
        files = [list(bands) for _, bands in itertools.groupby(scene.bands, key=lambda band: band.path)]
        windows = [window for bands in files if (window := locate_source(bands[0].geobox, self._grid, block))]
        target = common_target([window.target for window in windows])
        if len(windows) < len(files) or target is None:
            return None
        shape = tuple(side.stop - side.start for side in target)
        parts, valid = list[StoredPixels](), np.ones(shape, dtype=bool)
        for bands, window in zip(files, windows, strict=True):
            with self._file_lock:
                pixels, seen = self._tile_cache(scene, bands)(window.window)
            # The common target, relative to the target of this file.
            rows, cols = (
                slice(t.start - w.start, t.stop - w.start) for t, w in zip(target, window.target, strict=True)
            )
            parts.append(window.take(pixels)[..., rows, cols])
            seen = window.take(seen) if window.reached is None else window.take(seen) & window.reached
            valid &= seen[rows, cols]
        hides, known = self._read_mask(scene.cloud, block)
        stacked = parts[0] if len(parts) == 1 else np.concatenate(parts)
        # A pixel without a known cloud mask is unobserved, not clear.
        layer = Layer(target, stacked, valid & known[target], hides[target])
        return split_classes(layer) if scene.values else layer

    def _tile_cache(self, scene: Scene, bands: Sequence[Band]) -> TileCache:
        """Return the cached reader of the bands of a scene in one file."""
        key = id(scene), bands[0].path
        if key not in self._windows:
            dataset = self._open[bands[0].path]
            # Validity takes a byte; picture bands are uint8, all others 16-bit.
            size = 1 + len(bands) * (1 if SENSORS[scene.sensor].stretch else 2)
            limit = MAX_BYTES // len(self._open)
            self._windows[key] = TileCache(dataset, partial(read_window, dataset, scene, bands), size, limit)
        return self._windows[key]

    def composite(self, layers: Sequence[Layer], block: Block) -> Pixels:
        """Composite the layers of a block, and mask land and the pixels outside the region."""
        # Shape and type of the bands if no scene reaches the block.
        sensor = SENSORS[self._observation.scenes[0].sensor]
        kind, n = np.dtype(np.uint8 if sensor.stretch else np.int16), len(self._observation.scenes[0].roles)
        kind = WORD if sensor.key == CLASSES else kind
        if layers:
            kind, n = layers[0].bands.dtype, len(layers[0].bands)
        if len(layers) == 1 and covers(layers[0], block):
            return self._mask_composite(layers[0].bands, single_scene(layers[0]), block)
        bands = np.zeros((n, block.height, block.width), dtype=kind)
        return self._mask_composite(bands, mosaic(layers, bands), block)

    def _read_mask(self, mask: MaskFile | None, block: Block) -> tuple[Bool, Bool]:
        """Return where a mask hides a block, and where it is known; None hides nothing and is known everywhere."""
        shape = (block.height, block.width)
        hides, known = np.zeros(shape, dtype=bool), np.full(shape, mask is None)
        placement = locate_source(mask.geobox, self._grid, block) if mask else None
        if mask and placement:
            with self._file_lock:
                hides[placement.target], known[placement.target] = read_mask(self._open[mask.path], mask, placement)
        return hides, known

    def _read_land(self, block: Block) -> tuple[Bool, Bool]:
        """Return where a block is land, and where that is known: everywhere for outlines, where rasters have data."""
        rasters = list(dict.fromkeys(scene.land for scene in self._observation.scenes if scene.land))
        land, known = (
            np.zeros((block.height, block.width), dtype=bool),
            np.full((block.height, block.width), not rasters),
        )
        if self._land is not None:
            land |= self._land.block(block).view(bool)
        for mask in rasters:
            hides, has_data = self._read_mask(mask, block)
            land |= hides
            known |= has_data
        return land, known

    def _mask_composite(self, bands: StoredPixels, composite: Composite, block: Block) -> Pixels:
        """Mask land and the pixels outside the region in a composite."""
        from icepipe.inputs.reading._kernels import apply_masks

        within = self._within(block) if self._within else np.ones((block.height, block.width), dtype=bool)
        if within.all() and self._land is None and not any(scene.land for scene in self._observation.scenes):
            return Pixels(bands, composite.valid, composite.hidden, int(np.count_nonzero(composite.twice)))
        land, known = self._read_land(block)
        doubled = apply_masks(known, land, np.ascontiguousarray(within), composite)
        return Pixels(bands, composite.valid, composite.hidden, int(doubled))

    def read(self, block: Block) -> Pixels:
        """Read and composite the pixels of a block."""
        return self.composite(list(self.layers(block)), block)


def split_classes(layer: Layer) -> Layer:
    """Move the cloud and land classes of a class raster into the masks of its layer; unobserved becomes invalid."""
    codes = encoded_codes(layer.bands[0])
    surface, cloud = np.isin(codes, SEEN) & layer.valid, (codes == ClassCode.CLOUD) & layer.valid
    return replace(
        layer, valid=surface | cloud, cloud=layer.cloud | cloud, land=(codes == ClassCode.LAND) & layer.valid
    )


def common_target(targets: Sequence[tuple[slice, slice]]) -> tuple[slice, slice] | None:
    """Return the rows and columns that all targets share, or None."""
    if not targets:
        return None
    rows, cols = (
        slice(max(target[axis].start for target in targets), min(target[axis].stop for target in targets))
        for axis in (0, 1)
    )
    return (rows, cols) if rows.start < rows.stop and cols.start < cols.stop else None
