"""Areas, borders and patches of one observation in each region."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from icepipe.arrays import Int64, UInt16
from icepipe.classes import BUDGET, SEEN, ClassCode
from icepipe.geo.geobox import Block
from icepipe.measure.area.budget import Budget, ClassArea, compute_budget
from icepipe.measure.area.mixed_edges import Edges, edge_areas
from icepipe.measure.area.tally import Tally, merge_tallies
from icepipe.raster.blocks import strips
from icepipe.raster.components import count_components
from icepipe.raster.regions import RegionMap
from icepipe.raster.run_length import CLASS_DTYPE, ClassRuns, RunLengthRaster, run_length_raster
from icepipe.segment.classification.strata import StrataTable
from icepipe.segment.mixtures.shares import Mixtures


@dataclass(frozen=True)
class RegionResult:
    """Result of one observation in one region.

    Attributes
    ----------
    name
        Name of the region.
    budget
        Areas of its classes with bounds.
    n_patches
        4-connected patches of each class within the region.
    on_grid
        Whether the run grid covers any part of the region.
    """

    name: str
    budget: Budget
    n_patches: Mapping[ClassCode, int]
    on_grid: bool


def count_by_set(tallies: defaultdict[int, Tally], strata: UInt16, sets: UInt16, area_units: Int64) -> None:
    """Count a block by the set of regions that its pixels belong to; arrays of shape (rows, columns)."""
    keys = set_keys(sets)
    # Most blocks are within one set of regions, and need one pass without a mask.
    if len(keys) == 1:
        tallies[keys[0]].add(strata, area_units)
        return
    for key in keys:
        tallies[key].add_where(key, sets, strata, area_units)


def count_mixtures_by_set(
    tallies: defaultdict[int, Tally], mixtures: Mixtures, sets: UInt16, area_units: Int64
) -> None:
    """Count the mixed pixels of some rows by the set of regions that they belong to; arrays: (rows, columns)."""
    for key in set_keys(sets):
        tallies[key].add_mixtures(key, sets, mixtures, area_units)


def set_keys(sets: UInt16) -> list[int]:
    """Return the numbers of the sets of regions that occur, in ascending order."""
    first = int(sets[0, 0])
    if (sets == first).all():
        return [first]
    return np.flatnonzero(np.bincount(sets.ravel())).tolist()


def region_tally(number: int, tallies: Mapping[int, Tally], regions: RegionMap) -> Tally:
    """Return the tally of one region, merged from all sets of regions that it belongs to."""
    return merge_tallies(tally for key, tally in tallies.items() if number in regions.members[key])


def results_by_region(
    runs: ClassRuns,
    tallies: Mapping[int, Tally],
    edges: Edges,
    strata: StrataTable,
    regions: RegionMap,
    area: Callable[[Block], Int64],
    unit_m2: float,
) -> Iterator[RegionResult]:
    """Measure every region.

    Parameters
    ----------
    runs
        Class raster of the whole grid.
    tallies
        Pixel counts and areas, by the number of the set of regions that the pixels belong to.
    edges
        Edges of all regions together.
    strata
        Encoding of the strata of the tallies.
    regions
        The regions on the run grid.
    area, unit_m2
        Returns the true area of the pixels of a block, in units; and the unit.
    """
    for number, outline in enumerate(regions.outlines):
        window = regions.window(number)
        if window is None:
            km2 = regions.outline_km2(number)
            yield RegionResult(outline.name, unobserved_budget(km2), dict.fromkeys(SEEN, 0), on_grid=False)
            continue
        tally = region_tally(number, tallies, regions)
        # ``from_scenes``: the only region is the grid itself, whose raster and edges are known already.
        if regions.from_scenes:
            classes, region_edges = runs, edges
        else:
            classes = region_classes(runs, regions.region_mask(number), window)
            region_edges = edge_areas(classes, window, area)
        budget = compute_budget(tally, strata, unit_m2, region_edges.units)
        yield RegionResult(outline.name, budget, count_components(classes), on_grid=True)


def region_classes(runs: ClassRuns, mask: RunLengthRaster[np.uint8], window: Block) -> ClassRuns:
    """Return the class raster of a region's window, with pixels off the region set to ``OUTSIDE``."""
    outside = CLASS_DTYPE.type(ClassCode.OUTSIDE)
    parts = (np.where(mask.block(strip), runs.block(strip), outside) for strip in strips(window))
    return run_length_raster(parts, window.width, CLASS_DTYPE)


def unobserved_budget(km2: float) -> Budget:
    """Return the budget of a region that the grid does not cover: all of its area is unobserved."""
    classes = {code: ClassArea(0.0, 0.0, 0.0, 0) for code in BUDGET}
    classes[ClassCode.UNOBSERVED] = ClassArea(km2, km2, km2, 0)
    return Budget(classes, km2, dict.fromkeys(SEEN, 0.0))
