"""Convert a class raster to polygons: 4-connected, valid, with holes, each with its true area."""

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

    Neighbours share every point of their border, within a layer and between the layers of an observation.

    Attributes
    ----------
    code
        Class.
    crs
        WKT of the coordinates.
    batches
        Polygons, or multipolygons where ``multi``; traced in batches on each iteration, so that a million of them need
        not be in memory together.
    area_m2
        Sum of the true areas of the pixels, which simplification and reprojection do not change.
    perim_m
        Length of all rings on the ellipsoid.
    n_px
        Number of pixels.
    multi
        Whether the geometries are multipolygons.
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
        """All polygons together, shape (n,)."""
        return np.concatenate([np.zeros(0, dtype=object), *(batch.geometry for batch in self.batches)])


@dataclass(frozen=True)
class TracedPolygons:
    """Polygons of some components of a raster, traced in batches."""

    rings: RingIndex
    components: Int64
    grid: GeoBox

    def __iter__(self) -> Iterator[RaggedPolygons]:
        """Trace the batches; the next ones are traced in the background while one is in use."""

        def trace(batch: Int64) -> RaggedPolygons:
            return self.rings.trace(batch, self.grid.transform)

        return prefetch(trace, self.rings.batches(self.components))

    @property
    def perim_m(self) -> Float64:
        """Length of all rings of each polygon in metres; shape (n,)."""
        perimeters = perimeter_function(self.grid)

        def measure(batch: Int64) -> Float64:
            return perimeters(self.rings.trace(batch, Affine.identity()))

        with ThreadPoolExecutor(THREADS) as pool:
            return np.concatenate([np.zeros(0), *pool.map(measure, self.rings.batches(self.components))])


def polygonize(
    runs: ClassRuns, codes: Collection[ClassCode], grid: GeoBox, area: Callable[[Block], Int64], unit_m2: float
) -> dict[ClassCode, PolygonLayer]:
    """Convert some classes of a raster to a layer of polygons each.

    Parameters
    ----------
    runs
        Class raster of the whole grid.
    codes
        Classes to convert.
    grid
        Grid of the raster.
    area
        Returns the true areas of the pixels of a block, in units.
    unit_m2
        Unit of area.
    """
    components = find_components(runs, codes)
    sizes, rings = component_sizes(components, area), RingIndex.from_components(components)
    area_m2 = sizes.units.astype(np.float64) * unit_m2
    layers = {}
    for code in codes:
        in_layer = np.flatnonzero(components.codes == code)
        traced = TracedPolygons(rings, in_layer, grid)
        layers[code] = PolygonLayer(code, grid.crs, traced, area_m2[in_layer], traced.perim_m, sizes.n_px[in_layer])
    return layers


def empty_layer(code: ClassCode, crs: str) -> PolygonLayer:
    """Return a layer without polygons."""
    empty = np.zeros(0)
    return PolygonLayer(code, crs, (), empty, empty, np.zeros(0, dtype=np.int64))
