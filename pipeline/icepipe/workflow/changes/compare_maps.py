"""Class rasters of several observations laid side by side, square by square, where any of them tells of something."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from icepipe.arrays import UInt8
from icepipe.classes import BUDGET, ClassCode
from icepipe.geo.geobox import Block, GeoBox
from icepipe.measure.area.background import Unseen
from icepipe.measure.area.by_region import count_by_set, tally_of
from icepipe.measure.area.tally import Tally
from icepipe.measure.change.occlusion import Hidden, hidden_of, last_seen
from icepipe.measure.change.transitions import Change, change_of, check_closes, moved, pair_of, paired
from icepipe.publish.run_folder.class_map import Mapped, side_by_side
from icepipe.raster.blocks import blocks
from icepipe.raster.run_length import CLASS_CODE, RunsWriter

SIDE_PX = 1024
"""Of a square: whole tiles of class rasters, so that none is unpacked twice."""


@dataclass(frozen=True)
class Moved:
    """The class that each pixel of a pair gained, and the one that it lost."""

    gained: RunsWriter[np.uint8]
    lost: RunsWriter[np.uint8]

    @classmethod
    def on(cls, grid: GeoBox) -> Moved:
        """Rasters to be filled block by block."""
        return cls(RunsWriter(grid.width, CLASS_CODE), RunsWriter(grid.width, CLASS_CODE))

    def put(self, block: Block, before: UInt8, after: UInt8) -> None:
        """Take the classes of a block on both days."""
        for writer, classes in zip((self.gained, self.lost), moved(before, after), strict=True):
            writer.put(block, classes)

    def put_nothing(self, block: Block) -> None:
        """Take a block of which nothing can be said."""
        for writer in (self.gained, self.lost):
            writer.room(block)[:] = ClassCode.UNOBSERVED


def _published(mapped: Mapped) -> dict[ClassCode, float]:
    """Areas of the rows; nothing where several regions share the map, whose rows do not add up to it."""
    rows = mapped.record.rows
    if len({row.region for row in rows}) > 1:
        return {}
    return {ClassCode[row.class_.upper()]: row.area_km2 for row in rows if row.area_km2 is not None}


def _squares(maps: Sequence[Mapped]) -> Iterator[tuple[Block, bool]]:
    """Every square of the grid that maps share, and whether one of them may tell of something there."""
    for square in blocks(maps[0].basis.grid, SIDE_PX):
        yield square, any(one.reaches(square) for one in maps)


def change_between(before: Mapped, after: Mapped, unseen: Unseen | None = None, into: Moved | None = None) -> Change:
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
    with side_by_side([before, after]) as read:
        for square, is_reached in _squares([before, after]):
            if unseen and not is_reached:
                _add_unseen(tally, unseen.tallies(square).values())
                if into:
                    into.put_nothing(square)
                continue
            first, second = read(0, square), read(1, square)
            tally.add(paired(first, second), before.area.units(square))
            if into:
                into.put(square, first, second)
    return _checked(change_of(tally, before.basis.unit_m2, before.known, after.known), before, after)


def _add_unseen(tally: Tally, unseen: Iterable[Tally]) -> None:
    """Add pixels of which no map tells anything: they are what they were."""
    for rest in unseen:
        tally.add_tally(rest, lambda code: pair_of(code, code))


def _checked(change: Change, before: Mapped, after: Mapped) -> Change:
    published = _published(before), _published(after)
    if all(published):
        check_closes(change, *published, before.record.rows[0].region_km2)
    return change


def hidden_between(mapped: Mapped, earlier: Sequence[Mapped], unseen: Unseen) -> dict[str, Hidden]:
    """What one map hides of what earlier ones, the latest first, last saw; by region."""
    tallies, regions = defaultdict[int, Tally](Tally), unseen.regions
    with side_by_side([mapped, *earlier]) as read:
        for square, is_reached in _squares([mapped, *earlier]):
            if not is_reached:
                for key, rest in unseen.tallies(square).items():
                    _add_unseen(tallies[key], [rest])
                continue
            now, there = read(0, square), [n for n, one in enumerate(earlier, 1) if one.reaches(square)]
            pairs = paired(last_seen(now, (read(n, square) for n in there)), now)
            count_by_set(tallies, pairs, regions.sets(square), mapped.area.units(square))
    found = {}
    for number, outline in enumerate(regions.outlines):
        change = change_of(tally_of(number, tallies, regions), mapped.basis.unit_m2, BUDGET, BUDGET)
        found[outline.name] = hidden_of(change)
    return found
