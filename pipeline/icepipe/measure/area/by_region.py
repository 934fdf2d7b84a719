"""One observation by region: areas, borders and patches of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from icepipe.arrays import Int64, UInt16
from icepipe.classes import BUDGET, SEEN, ClassCode
from icepipe.geo.geobox import Block
from icepipe.measure.area.budget import Budget, ClassArea, budget
from icepipe.measure.area.mixed_edges import Edges, edge_areas
from icepipe.measure.area.tally import Tally, merge_tallies
from icepipe.raster.blocks import strips
from icepipe.raster.components import count_components
from icepipe.raster.regions import RegionMap
from icepipe.raster.run_length import CLASS_DTYPE, ClassRuns, RunLengthRaster, run_length_raster
from icepipe.segment.classification.strata import StrataTable


@dataclass(frozen=True)
class RegionResult:
    """What one observation gave of one region.

    Attributes
    ----------
    name
        The region.
    budget
        Its areas with bounds.
    n_patches
        4-connected patches of each class within it.
    on_grid
        Whether the run grid holds any of it.
    """

    name: str
    budget: Budget
    n_patches: Mapping[ClassCode, int]
    on_grid: bool


def count_by_set(tallies: defaultdict[int, Tally], strata: UInt16, sets: UInt16, area_units: Int64) -> None:
    """Count a block by the set of regions that its pixels belong to; all of shape (rows, columns)."""
    first = int(sets[0, 0])
    if (sets == first).all():
        tallies[first].add(strata, area_units)
        return
    for key in np.flatnonzero(np.bincount(sets.ravel())).tolist():
        tallies[key].add_of(key, sets, strata, area_units)


def region_tally(number: int, tallies: Mapping[int, Tally], regions: RegionMap) -> Tally:
    """What was counted of one region, in all sets that hold it."""
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
        By number of the set of regions that the pixels belong to.
    edges
        Of all regions together.
    strata
        What the tallied numbers mean.
    regions
        Where the regions lie.
    area, unit_m2
        True area of the pixels of a block, in units, and the unit.
    """
    for number, outline in enumerate(regions.outlines):
        window = regions.window(number)
        if window is None:
            yield RegionResult(outline.name, _never_seen(regions.outline_km2(number)), dict.fromkeys(SEEN, 0), False)
            continue
        tally = region_tally(number, tallies, regions)
        held = runs if regions.from_scenes else _cut(runs, regions.region_mask(number), window)
        own_edges = edges if regions.from_scenes else edge_areas(held, window, area)
        yield RegionResult(outline.name, budget(tally, strata, unit_m2, own_edges.units), count_components(held), True)


def _cut(runs: ClassRuns, within: RunLengthRaster[np.uint8], window: Block) -> ClassRuns:
    """The class raster of a window, outside where no pixel of a region is."""
    outside = CLASS_DTYPE.type(ClassCode.OUTSIDE)
    parts = (np.where(within.block(strip), runs.block(strip), outside) for strip in strips(window))
    return run_length_raster(parts, window.width, CLASS_DTYPE)


def _never_seen(km2: float) -> Budget:
    """A region that the grid does not reach: all of it is unobserved."""
    classes = {code: ClassArea(0.0, 0.0, 0.0, 0) for code in BUDGET}
    classes[ClassCode.UNOBSERVED] = ClassArea(km2, km2, km2, 0)
    return Budget(classes, km2, dict.fromkeys(SEEN, 0.0))
