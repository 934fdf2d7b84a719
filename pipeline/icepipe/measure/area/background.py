"""What pixels are where no scene reaches, and how much there is of it: the same on all dates of one run."""

from __future__ import annotations

from collections import Counter, defaultdict
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
"""Pixels and areas of classes, by number of the set of regions that the pixels belong to."""

MOST_KEPT = 10_000
"""Blocks whose tallies are kept, of a kilobyte or so each; more come only where scenes never lie as others did."""


@dataclass(frozen=True)
class Background:
    """A grid on which nothing was seen: unobserved, land where outlines say so, and what is outside the regions.

    Attributes
    ----------
    regions, area
        Where regions lie, and the true area of the pixels.
    land
        Gives where land is by outlines, which is worked out when it is asked for.
    """

    regions: RegionMap
    land: Callable[[], RunLengthRaster[np.uint8] | None]
    area: PixelArea
    _known: dict[Block, Tallies] = field(default_factory=dict, repr=False, compare=False)

    def _codes(self, block: Block) -> UInt8:
        codes = np.full((block.height, block.width), ClassCode.UNOBSERVED, dtype=CLASS_DTYPE)
        if land := self.land():
            codes[land.block(block) > 0] = ClassCode.LAND
        codes[~self.regions.mask(block)] = ClassCode.OUTSIDE
        return codes

    @cached_property
    def classes(self) -> ClassRuns:
        """Class raster of it."""
        grid = self.regions.grid
        return run_length_raster(map(self._codes, blocks(grid)), grid.width, CLASS_DTYPE)

    @cached_property
    def _whole(self) -> Tallies:
        return self._counted(blocks(self.regions.grid))

    def _counted(self, parts: Iterable[Block]) -> Tallies:
        found: defaultdict[int, Tally] = defaultdict(Tally)
        for part in parts:
            codes = self.classes.block(part).astype(np.uint16)
            count_by_set(found, codes, self.regions.set_numbers(part), self.area.units(part))
        return found

    def tallies(self, block: Block) -> Tallies:
        """Counted in a block; kept, as scenes lie where others lay before."""
        found = self._known.get(block)
        if found is None:
            if len(self._known) >= MOST_KEPT:
                self._known.clear()
            self._known[block] = found = self._counted([block])
        return found

    def beyond(self, parts: Iterable[Block]) -> dict[int, Tally]:
        """Counted everywhere but in some blocks, no two of which overlap."""
        rest = {key: merge_tallies([tally]) for key, tally in self._whole.items()}
        for part in parts:
            for key, tally in self.tallies(part).items():
                rest[key].pixels.subtract(tally.pixels)
                rest[key].units.subtract(tally.units)
        return {key: Tally(_there(tally.pixels), _there(tally.units)) for key, tally in rest.items()}


def _there(counts: Counter[int]) -> Counter[int]:
    return Counter({key: count for key, count in counts.items() if count})
