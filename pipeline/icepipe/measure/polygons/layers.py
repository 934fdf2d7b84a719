"""Build the published polygon layers of an observation: polygonize, simplify, reproject."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from icepipe.arrays import Int64
from icepipe.classes import ClassCode
from icepipe.geo.densify import DensifySpec
from icepipe.geo.geobox import Block, GeoBox
from icepipe.measure.polygons.polygonize import PolygonLayer, polygonize
from icepipe.measure.polygons.reproject import reproject_layer
from icepipe.measure.polygons.simplify import simplify_layers
from icepipe.raster.run_length import ClassRuns


@dataclass(frozen=True)
class PolygonOptions:
    """Which polygons to build, and how.

    Attributes
    ----------
    codes
        Classes that become polygons.
    simplify_m
        Simplification tolerance: root of the area of the largest triangle that is cut off; 0 for none.
    crs
        WKT of the CRS of the polygons; None for the grid's own.
    """

    codes: Sequence[ClassCode]
    simplify_m: float = 0.0
    crs: str | None = None


def polygon_layers(
    runs: ClassRuns, grid: GeoBox, area: Callable[[Block], Int64], unit_m2: float, options: PolygonOptions
) -> tuple[PolygonLayer, ...]:
    """Build the layers of the classes of the options, in their order.

    Parameters
    ----------
    runs
        Class raster of the whole grid.
    grid
        Grid of the raster.
    area
        Returns the true areas of the pixels of a block, in units.
    unit_m2
        Unit of area.
    options
        Classes, tolerance and CRS.

    Raises
    ------
    ConfigError
        If polygons have no coordinates in the CRS of the options.
    IntegrityError
        If simplification would remove a polygon.
    """
    # Classes are simplified together, whichever are published: a border must not depend on that.
    codes = tuple(ClassCode) if options.simplify_m else options.codes
    layers = tuple(polygonize(runs, codes, grid, area, unit_m2).values())
    middle = Block(grid.height // 2, grid.width // 2, 1, 1)
    side_m = float(np.sqrt(area(middle)[0, 0] * unit_m2))
    if options.simplify_m:
        layers = simplify_layers(layers, grid, options.simplify_m / side_m)
    published = tuple(layer for code in options.codes for layer in layers if layer.code == code)
    if options.crs is None:
        return published
    target = DensifySpec.for_grid(options.crs, grid, side_m)
    return tuple(reproject_layer(layer, target) for layer in published)
