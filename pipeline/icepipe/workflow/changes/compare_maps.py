"""Compare the class rasters of several observations, square by square, where any of them was reached by a file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from icepipe.arrays import UInt8
from icepipe.classes import BUDGET, ClassCode
from icepipe.geo.geobox import Block, GeoBox
from icepipe.measure.area.background import Background
from icepipe.measure.area.by_region import count_by_set, region_tally
from icepipe.measure.area.tally import Tally
from icepipe.measure.change.occlusion import Occlusion, find_occlusion, last_seen
from icepipe.measure.change.transitions import (
    ChangeTable,
    change_table,
    check_table_closes,
    encode_pairs,
    gain_loss,
    pair_code,
)
from icepipe.publish.run_folder.class_map import ClassMap, open_together
from icepipe.raster.blocks import blocks
from icepipe.raster.run_length import CLASS_DTYPE, RunLengthWriter

SIDE_PX = 1024
"""Side of a square: a multiple of the tiles of class rasters, so that no tile is decompressed twice."""


@dataclass(frozen=True)
class GainLossRasters:
    """The class that each pixel of a pair gained, and the class that it lost."""

    gained: RunLengthWriter[np.uint8]
    lost: RunLengthWriter[np.uint8]

    @classmethod
    def for_grid(cls, grid: GeoBox) -> GainLossRasters:
        """Return empty rasters, to be filled block by block."""
        return cls(RunLengthWriter(grid.width, CLASS_DTYPE), RunLengthWriter(grid.width, CLASS_DTYPE))

    def write(self, block: Block, before: UInt8, after: UInt8) -> None:
        """Write a block from its classes on both dates."""
        for writer, classes in zip((self.gained, self.lost), gain_loss(before, after), strict=True):
            writer.write(block, classes)

    def write_unobserved(self, block: Block) -> None:
        """Write a block that neither observation reached."""
        for writer in (self.gained, self.lost):
            writer.write_view(block)[:] = ClassCode.UNOBSERVED


def reached_squares(maps: Sequence[ClassMap]) -> Iterator[tuple[Block, bool]]:
    """Yield every square of the grid that maps share, and whether a file of any map reached it."""
    for square in blocks(maps[0].basis.grid, SIDE_PX):
        yield square, any(class_map.reaches(square) for class_map in maps)


def add_background(tally: Tally, background: Tally) -> None:
    """Add pixels of the background to a tally of pairs: their class is the same in all maps."""
    tally.add_tally(background, lambda code: pair_code(code, code))


def published_areas(class_map: ClassMap) -> dict[ClassCode, float]:
    """Return the areas of the rows of a map by class, in km2; nothing if several regions share the map."""
    # Rows of several regions do not add up to the map: regions may overlap and leave gaps.
    rows = class_map.record.rows
    if len({row.region for row in rows}) > 1:
        return {}
    return {ClassCode[row.class_.upper()]: row.area_km2 for row in rows if row.area_km2 is not None}


def change_between(
    before: ClassMap, after: ClassMap, background: Background | None = None, into: GainLossRasters | None = None
) -> ChangeTable:
    """Return the table of change between two maps on one basis.

    Parameters
    ----------
    before, after
        The maps.
    background
        Classes of the pixels that neither map reached, so that those are not read; read them if it is None.
    into
        Rasters to write gain and loss to.

    Raises
    ------
    IntegrityError
        If the table does not add up to the published areas.
    """
    tally = Tally()
    with open_together([before, after]) as read:
        for square, is_reached in reached_squares([before, after]):
            # Whole squares of the grid are counted from the background, which is the same for all dates.
            if background and not is_reached:
                for pixels in background.block_tallies(square).values():
                    add_background(tally, pixels)
                if into:
                    into.write_unobserved(square)
                continue
            first, second = read(0, square), read(1, square)
            tally.add(encode_pairs(first, second), before.area.units(square))
            if into:
                into.write(square, first, second)
    change = change_table(tally, before.basis.unit_m2, before.known_classes, after.known_classes)
    published = published_areas(before), published_areas(after)
    if all(published):
        check_table_closes(change, *published, before.record.rows[0].region_km2)
    return change


def occlusion_between(class_map: ClassMap, earlier: Sequence[ClassMap], background: Background) -> dict[str, Occlusion]:
    """Return what clouds and gaps of a map hide of the class last seen in earlier maps, latest first, by region."""
    tallies = defaultdict[int, Tally](Tally)
    regions = background.regions
    with open_together([class_map, *earlier]) as read:
        for square, is_reached in reached_squares([class_map, *earlier]):
            if not is_reached:
                for key, pixels in background.block_tallies(square).items():
                    add_background(tallies[key], pixels)
                continue
            now = read(0, square)
            # The generator reads earlier maps only as far back as some pixel is still hidden.
            before = (read(n, square) for n, other in enumerate(earlier, 1) if other.reaches(square))
            pairs = encode_pairs(last_seen(now, before), now)
            count_by_set(tallies, pairs, regions.set_numbers(square), class_map.area.units(square))
    occlusion = {}
    for number, outline in enumerate(regions.outlines):
        tally = region_tally(number, tallies, regions)
        occlusion[outline.name] = find_occlusion(change_table(tally, class_map.basis.unit_m2, BUDGET, BUDGET))
    return occlusion
