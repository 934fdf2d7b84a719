"""Connected components of a class raster: pixels of one class that are connected by their sides."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from icepipe.arrays import Int32, Int64, UInt8
from icepipe.classes import SEEN, ClassCode
from icepipe.geo.geobox import Block
from icepipe.raster.blocks import strips
from icepipe.raster.run_length import ClassRuns


@dataclass(frozen=True)
class Components:
    """4-connected components of some classes, numbered in raster order of their first pixels.

    Attributes
    ----------
    runs
        Class raster.
    number
        Component of every run, shape (runs,); ``-1 - code`` for runs of other classes.
    codes
        Class of every component; shape (n,).
    """

    runs: ClassRuns
    number: Int32
    codes: UInt8


@dataclass(frozen=True)
class ComponentSizes:
    """Pixel count of every component and sum of its pixel areas in units of the basis; shape (n,)."""

    n_px: Int64
    units: Int64


def find_components(runs: ClassRuns, codes: Collection[ClassCode]) -> Components:
    """Label the connected components of some classes of a raster."""
    from icepipe.raster._kernels import fill_component_codes, number_components

    selected = np.zeros(256, dtype=bool)
    selected[list(codes)] = True
    number = np.empty(len(runs.starts), dtype=np.int32)
    component_codes = np.empty(number_components(runs.starts, runs.codes, runs.rows, selected, number), dtype=np.uint8)
    fill_component_codes(runs.codes, number, component_codes)
    return Components(runs, number, component_codes)


def component_sizes(components: Components, area: Callable[[Block], Int64]) -> ComponentSizes:
    """Compute pixel counts and areas of components, as exact integer sums.

    Parameters
    ----------
    components
        Components of a raster of the whole grid.
    area
        Returns the true areas of the pixels of a block, in units of the basis.
    """
    from icepipe.raster._kernels import add_strip

    runs, n = components.runs, len(components.codes)
    sizes = ComponentSizes(np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64))
    # Pixel areas are costly to compute, so they are computed only where components are.
    window = runs.bounding_window(components.number >= 0)
    for strip in strips(window) if window else ():
        origin = strip.row, strip.col
        add_strip(area(strip), origin, runs.starts, components.number, runs.rows, sizes.n_px, sizes.units)
    return sizes


def count_components(runs: ClassRuns) -> dict[ClassCode, int]:
    """Count the connected components of each seen class of a raster."""
    codes = find_components(runs, SEEN).codes
    return {code: int(np.sum(codes == code)) for code in SEEN}
