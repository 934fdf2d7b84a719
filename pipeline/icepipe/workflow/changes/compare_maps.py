"""Class rasters of several observations laid side by side, square by square, where any of them tells of something."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
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
    check_closes,
    encode_pairs,
    gain_loss,
    pair_code,
)
from icepipe.publish.run_folder.class_map import ClassMap, open_together
from icepipe.raster.blocks import blocks
from icepipe.raster.run_length import CLASS_DTYPE, RunLengthWriter

SIDE_PX = 1024
"""Of a square: whole tiles of class rasters, so that none is unpacked twice."""


@dataclass(frozen=True)
class GainLossRasters:
    """The class that each pixel of a pair gained, and the one that it lost."""

    gained: RunLengthWriter[np.uint8]
    lost: RunLengthWriter[np.uint8]

    @classmethod
    def on(cls, grid: GeoBox) -> GainLossRasters:
        """Rasters to be filled block by block."""
        return cls(RunLengthWriter(grid.width, CLASS_DTYPE), RunLengthWriter(grid.width, CLASS_DTYPE))

    def put(self, block: Block, before: UInt8, after: UInt8) -> None:
        """Take the classes of a block on both days."""
        for writer, classes in zip((self.gained, self.lost), gain_loss(before, after), strict=True):
            writer.write(block, classes)

    def put_nothing(self, block: Block) -> None:
        """Take a block of which nothing can be said."""
        for writer in (self.gained, self.lost):
            writer.write_view(block)[:] = ClassCode.UNOBSERVED


def _published(mapped: ClassMap) -> dict[ClassCode, float]:
    """Areas of the rows; nothing where several regions share the map, whose rows do not add up to it."""
    rows = mapped.record.rows
    if len({row.region for row in rows}) > 1:
        return {}
    return {ClassCode[row.class_.upper()]: row.area_km2 for row in rows if row.area_km2 is not None}


def _squares(maps: Sequence[ClassMap]) -> Iterator[tuple[Block, bool]]:
    """Every square of the grid that maps share, and whether one of them may tell of something there."""
    for square in blocks(maps[0].basis.grid, SIDE_PX):
        yield square, any(one.reaches(square) for one in maps)


def change_between(
    before: ClassMap, after: ClassMap, unseen: Background | None = None, into: GainLossRasters | None = None
) -> ChangeTable:
    """The table of two maps on one basis.

    Parameters
    ----------
    before, after
        The maps.
    unseen
        What pixels are where neither reaches, which is then not looked at.
    into
        Takes what each pixel gained and lost.

    Raises
    ------
    IntegrityError
        If the table does not add up to the areas that were published.
    """
    tally = Tally()
    with open_together([before, after]) as read:
        for square, is_reached in _squares([before, after]):
            if unseen and not is_reached:
                _add_unseen(tally, unseen.block_tallies(square).values())
                if into:
                    into.put_nothing(square)
                continue
            first, second = read(0, square), read(1, square)
            tally.add(encode_pairs(first, second), before.area.units(square))
            if into:
                into.put(square, first, second)
    return _checked(change_table(tally, before.basis.unit_m2, before.known_classes, after.known_classes), before, after)


def _add_unseen(tally: Tally, unseen: Iterable[Tally]) -> None:
    """Add pixels of which no map tells anything: they are what they were."""
    for rest in unseen:
        tally.add_tally(rest, lambda code: pair_code(code, code))


def _checked(change: ChangeTable, before: ClassMap, after: ClassMap) -> ChangeTable:
    published = _published(before), _published(after)
    if all(published):
        check_closes(change, *published, before.record.rows[0].region_km2)
    return change


def occlusion_between(mapped: ClassMap, earlier: Sequence[ClassMap], unseen: Background) -> dict[str, Occlusion]:
    """What one map hides of what earlier ones, the latest first, last saw; by region."""
    tallies, regions = defaultdict[int, Tally](Tally), unseen.regions
    with open_together([mapped, *earlier]) as read:
        for square, is_reached in _squares([mapped, *earlier]):
            if not is_reached:
                for key, rest in unseen.block_tallies(square).items():
                    _add_unseen(tallies[key], [rest])
                continue
            now, there = read(0, square), [n for n, one in enumerate(earlier, 1) if one.reaches(square)]
            pairs = encode_pairs(last_seen(now, (read(n, square) for n in there)), now)
            count_by_set(tallies, pairs, regions.set_numbers(square), mapped.area.units(square))
    found = {}
    for number, outline in enumerate(regions.outlines):
        change = change_table(region_tally(number, tallies, regions), mapped.basis.unit_m2, BUDGET, BUDGET)
        found[outline.name] = find_occlusion(change)
    return found
