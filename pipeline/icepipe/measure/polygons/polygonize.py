"""Class raster to polygons: 4-connected, valid, with holes, each with its true area."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from icepipe.arrays import Float64, Int64
from icepipe.classes import ClassCode
from icepipe.geo.geobox import Block, GeoBox
from icepipe.measure.polygons.geometry import PolygonBatch, RaggedPolygons
from icepipe.measure.polygons.perimeter import perimeter_function
from icepipe.measure.polygons.rings import RingIndex
from icepipe.raster.components import component_sizes, find_components
from icepipe.raster.run_length import ClassRuns
from icepipe.runtime.parallel import THREADS, prefetch


@dataclass(frozen=True)
class PolygonLayer:
    """Polygons of one class of one observation, in raster order of their first pixel.

    Neighbours share every point of their border, in one layer and between the layers of an observation.

    Attributes
    ----------
    code
        The class.
    crs
        WKT of the coordinates.
    batches
        Polygons, or multipolygons where a coordinate system may cut them; some at a time, drawn each time that they are
        asked for, so that a million need not be held at once.
    area_m2
        Sum of the true areas of the pixels, whatever happens to the outline afterwards.
    perim_m
        Length of all rings on the ellipsoid.
    n_px
        Pixels.
    multi
        Whether the geometry is multipolygons.
    """

    code: ClassCode
    crs: str
    batches: Iterable[PolygonBatch]
    area_m2: Float64
    perim_m: Float64
    n_px: Int64
    multi: bool = False

    @property
    def geometry(self) -> NDArray[Any]:
        """All polygons at once, shape (n,)."""
        return np.concatenate([np.zeros(0, dtype=object), *(shapes.geometry for shapes in self.batches)])


@dataclass(frozen=True)
class TracedPolygons:
    """Polygons of some pieces of a raster, traced batch by batch."""

    borders: RingIndex
    pieces: Int64
    grid: GeoBox

    def __iter__(self) -> Iterator[RaggedPolygons]:
        """Polygons, some at a time; the next are traced while those before are in use."""
        return prefetch(self._outlines, self.borders.batches(self.pieces))

    def _outlines(self, batch: Int64) -> RaggedPolygons:
        return self.borders.trace(batch, self.grid.transform)

    @property
    def perim_m(self) -> Float64:
        """Length of all rings of each, shape (n,)."""
        measured = perimeter_function(self.grid)
        with ThreadPoolExecutor(THREADS) as pool:
            outlines = pool.map(lambda batch: measured(self._pixels(batch)), self.borders.batches(self.pieces))
            return np.concatenate([np.zeros(0), *outlines])

    def _pixels(self, batch: Int64) -> RaggedPolygons:
        return self.borders.trace(batch, Affine.identity())


def polygonize(
    runs: ClassRuns, codes: Collection[ClassCode], grid: GeoBox, area: Callable[[Block], Int64], unit_m2: float
) -> dict[ClassCode, PolygonLayer]:
    """Polygons of some classes of a raster, a layer each.

    Parameters
    ----------
    runs
        Class raster of the whole grid.
    codes
        The classes.
    grid
        Its grid.
    area
        Gives the true area of the pixels of a block, in units.
    unit_m2
        The unit.
    """
    pieces = find_components(runs, codes)
    sizes, borders = component_sizes(pieces, area), RingIndex.from_components(pieces)
    area_m2 = sizes.units.astype(np.float64) * unit_m2
    layers = {}
    for code in codes:
        mine = np.flatnonzero(pieces.codes == code)
        drawn = TracedPolygons(borders, mine, grid)
        layers[code] = PolygonLayer(code, grid.crs, drawn, area_m2[mine], drawn.perim_m, sizes.n_px[mine])
    return layers


def empty_layer(code: ClassCode, crs: str) -> PolygonLayer:
    """A layer of nothing."""
    nothing = np.zeros(0)
    return PolygonLayer(code, crs, (), nothing, nothing, np.zeros(0, dtype=np.int64))
