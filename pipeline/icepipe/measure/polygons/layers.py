"""The polygons of an observation as they are published: traced, simplified, brought to another coordinate system."""

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
    """How polygons are drawn.

    Attributes
    ----------
    codes
        Classes that become polygons.
    simplify_m
        Root of the area of the largest triangle that is cut off, 0 for none.
    crs
        WKT of the coordinate system they are brought to, None for the grid's own.
    """

    codes: Sequence[ClassCode]
    simplify_m: float = 0.0
    crs: str | None = None


def polygon_layers(
    runs: ClassRuns, grid: GeoBox, area: Callable[[Block], Int64], unit_m2: float, drawing: PolygonOptions
) -> tuple[PolygonLayer, ...]:
    """Layers of the classes asked for, in their order.

    Parameters
    ----------
    runs
        Class raster of the whole grid.
    grid
        Its grid.
    area
        Gives the true area of the pixels of a block, in units.
    unit_m2
        The unit.
    drawing
        Which classes, and how.

    Raises
    ------
    ConfigError
        If the coordinate system asked for has no place for them.
    IntegrityError
        If a polygon would vanish.
    """
    codes = tuple(ClassCode) if drawing.simplify_m else drawing.codes
    layers = tuple(polygonize(runs, codes, grid, area, unit_m2).values())
    middle = Block(grid.height // 2, grid.width // 2, 1, 1)
    side_m = float(np.sqrt(area(middle)[0, 0] * unit_m2))
    if drawing.simplify_m:
        layers = simplify_layers(layers, grid, drawing.simplify_m / side_m)
    wanted = tuple(layer for code in drawing.codes for layer in layers if layer.code == code)
    if drawing.crs is None:
        return wanted
    target = DensifySpec.of(drawing.crs, grid, side_m)
    return tuple(reproject_layer(layer, target) for layer in wanted)
