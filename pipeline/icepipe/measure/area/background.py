"""Classes and areas of a grid where no scene covers it, shared by all observations of a run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from icepipe.arrays import UInt8
from icepipe.classes import ClassCode
from icepipe.geo.geobox import Block
from icepipe.geo.pixel_area import PixelArea
from icepipe.measure.area.by_region import count_by_set
from icepipe.measure.area.tally import Tally, merge_tallies
from icepipe.raster.blocks import blocks
from icepipe.raster.regions import RegionMap
from icepipe.raster.run_length import CLASS_DTYPE, ClassRuns, RunLengthRaster, run_length_raster

Tallies = Mapping[int, Tally]
"""Pixels and areas of classes, by the number of the set of regions that the pixels belong to."""

MAX_CACHED_BLOCKS = 10_000
"""Blocks whose tallies are cached, about a kilobyte each; only scenes that never share a footprint need more."""


@dataclass(frozen=True)
class Background:
    """Grid without any observation: unobserved pixels, land from outlines, and pixels outside the regions.

    Attributes
    ----------
    regions, area
        The regions on the run grid, and the true area of its pixels.
    land
        Returns the land raster from outlines, None without outlines; called on first use.
    """

    regions: RegionMap
    land: Callable[[], RunLengthRaster[np.uint8] | None]
    area: PixelArea
    _cache: dict[Block, Tallies] = field(default_factory=dict, repr=False, compare=False)

    def block_codes(self, block: Block) -> UInt8:
        """Return the class codes of a block."""
        codes = np.full((block.height, block.width), ClassCode.UNOBSERVED, dtype=CLASS_DTYPE)
        if land := self.land():
            codes[land.block(block) > 0] = ClassCode.LAND
        # This comes after land, as land outside the regions is not part of their budget.
        codes[~self.regions.mask(block)] = ClassCode.OUTSIDE
        return codes

    @cached_property
    def classes(self) -> ClassRuns:
        """Class raster of the whole grid."""
        grid = self.regions.grid
        return run_length_raster(map(self.block_codes, blocks(grid)), grid.width, CLASS_DTYPE)

    @cached_property
    def tallies(self) -> Tallies:
        """Tallies of the whole grid."""
        return self.count(blocks(self.regions.grid))

    def count(self, parts: Iterable[Block]) -> Tallies:
        """Count the pixels of some blocks together."""
        tallies: defaultdict[int, Tally] = defaultdict(Tally)
        for part in parts:
            codes = self.classes.block(part).astype(np.uint16)
            count_by_set(tallies, codes, self.regions.set_numbers(part), self.area.units(part))
        return tallies

    def block_tallies(self, block: Block) -> Tallies:
        """Return the tallies of a block, from the cache where possible."""
        # Scenes of one sensor repeat their footprints, so the same blocks return on most dates.
        tallies = self._cache.get(block)
        if tallies is None:
            if len(self._cache) >= MAX_CACHED_BLOCKS:
                self._cache.clear()
            self._cache[block] = tallies = self.count([block])
        return tallies

    def tallies_outside(self, parts: Iterable[Block]) -> dict[int, Tally]:
        """Return the tallies of the grid without some blocks, no two of which overlap."""
        # The whole minus the blocks is cheaper than a pass over the rest, and exact because areas are integers.
        rest = {key: merge_tallies([tally]) for key, tally in self.tallies.items()}
        for part in parts:
            for key, tally in self.block_tallies(part).items():
                rest[key].pixels.subtract(tally.pixels)
                rest[key].units.subtract(tally.units)
        # Unary plus drops the strata that no pixel is left of.
        return {key: Tally(+tally.pixels, +tally.units) for key, tally in rest.items()}
