"""Where the regions of a run lie on its grid."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyproj
import shapely
from affine import Affine
from shapely.affinity import translate
from shapely.geometry import Point, box
from shapely.geometry.base import BaseGeometry

from icepipe.errors import NoUsableInput
from icepipe.inputs.earth import Earth
from icepipe.inputs.grid import blocks
from icepipe.inputs.place import same_crs
from icepipe.inputs.runs import Runs, RunsWriter, beyond
from icepipe.inputs.within import Centres, Other, in_pixels, inside, turns_of
from icepipe.records import Block, Bool, Float64, GeoBox, Outline, UInt16

Places = dict[str, Centres]
"""Centres of a block's pixels, by the WKT of a coordinate system."""

OUTLINE_PARTS = 256
"""An outline is cut into at least so many pieces before it is bent by another projection."""


@dataclass(frozen=True)
class RegionMap:
    """Which regions every pixel of a grid belongs to.

    Attributes
    ----------
    outlines
        The regions.
    grid
        The run grid.
    own
        Whether they are what the scenes cover, on the map of the grid, and not outlines that were named.
    """

    outlines: tuple[Outline, ...]
    grid: GeoBox
    own: bool

    @cached_property
    def _alone(self) -> BaseGeometry | None:
        """What the scenes cover, in pixels, for which nothing needs to be remembered."""
        return in_pixels(shapely.from_wkt(self.outlines[0].wkt), self.grid) if self.own else None

    def _in_pixels(self, shape: BaseGeometry, crs: pyproj.CRS) -> list[BaseGeometry]:
        """A shape on the map of the grid, in pixels, at every turn of its longitudes."""
        return [in_pixels(translate(shape, turn), self.grid) for turn in turns_of(crs)]

    @cached_property
    def _sets(self) -> tuple[Runs[np.uint16], tuple[tuple[int, ...], ...]]:
        """Number of the set of regions of each pixel, and the regions of each set."""
        numbers: dict[tuple[int, ...], int] = {(): 0}
        writer = RunsWriter(self.grid.width, np.dtype(np.uint16))
        holders = [self._holder(outline) for outline in self.outlines]
        for block in blocks(self.grid):
            places: Places = {}
            writer.put(block, _numbered((holder(block, places) for holder in holders), block, numbers))
        return writer.done(), tuple(numbers)

    def _holder(self, outline: Outline) -> Callable[[Block, Places], Bool]:
        """What tells which pixels of a block have their centre in a region."""
        shape, crs = shapely.from_wkt(outline.wkt), pyproj.CRS.from_wkt(outline.crs)
        if same_crs(outline.crs, self.grid.crs):
            turned = self._in_pixels(shape, crs)
            return lambda block, _: np.any([inside(pixels, block) for pixels in turned], axis=0)
        other = Other.of(self.grid, crs)

        def holds(block: Block, places: Places) -> Bool:
            if outline.crs not in places:
                places[outline.crs] = Centres(self.grid, block, other)
            return places[outline.crs].inside(shape)

        return holds

    @property
    def members(self) -> tuple[tuple[int, ...], ...]:
        """Numbers of the regions of each set; set 0 is outside all of them."""
        return ((), (0,)) if self.own else self._sets[1]

    def sets(self, block: Block) -> UInt16:
        """Number of the set of regions that each pixel of a block belongs to, 0 outside all; shape (rows, columns)."""
        if self._alone is not None:
            return inside(self._alone, block).astype(np.uint16)
        return self._sets[0].block(block)

    def within(self, block: Block) -> Bool:
        """True for pixels of a block that lie in any region; shape (rows, columns)."""
        return inside(self._alone, block) if self._alone is not None else np.asarray(self.sets(block) > 0)

    def window(self, number: int) -> Block | None:
        """Smallest rectangle of the grid that holds a region's pixels; None where it has none."""
        if self.own:
            return Block(0, 0, self.grid.height, self.grid.width)
        return self._sets[0].window([key for key, members in enumerate(self.members) if number in members])

    def held(self, number: int) -> Runs[np.uint8]:
        """1 for pixels that lie in a named region, else 0."""
        sets, members = self._sets
        holds = np.zeros(2**16, dtype=np.uint8)
        holds[: len(members)], holds[beyond(np.uint16)] = [number in one for one in members], beyond(np.uint8)
        return sets.recoded(holds[sets.codes])

    def outline_km2(self, number: int) -> float:
        """Geodesic area of a region's outline."""
        outline = self.outlines[number]
        shape = shapely.from_wkt(outline.wkt)
        return Earth.of(outline.crs).area_m2(_in_pieces(shape, OUTLINE_PARTS)) / 1e6


def _numbered(holding: Iterable[Bool], block: Block, numbers: dict[tuple[int, ...], int]) -> UInt16:
    """Number of the set of regions of each pixel of a block, shape (rows, columns); new sets are added to ``numbers``.

    Parameters
    ----------
    holding
        For each region, which pixels it holds; shape (rows, columns).
    """
    from icepipe.inputs.kernels import divide

    keys = np.zeros((block.height, block.width), dtype=np.uint16)
    sets: list[tuple[int, ...]] = [()]
    for number, holds in enumerate(holding):
        if holds.all():
            sets = [(*one, number) for one in sets]
        elif holds.any():
            halves = np.full(2 * len(sets), -1, dtype=np.int64)
            divide(keys, holds, halves)
            order = np.argsort(halves)[np.count_nonzero(halves < 0) :].tolist()
            sets = [(*sets[half // 2], number) if half % 2 else sets[half // 2] for half in order]
    known = [numbers.setdefault(one, len(numbers)) for one in sets]
    if len(numbers) > beyond(np.uint16):
        raise NoUsableInput("the regions overlap in too many ways to be told apart", "split inputs.regions in files")
    return np.array(known, dtype=np.uint16)[keys]


def _in_pieces(shape: BaseGeometry, parts: int) -> BaseGeometry:
    west, south, east, north = shape.bounds
    return shapely.segmentize(shape, max(east - west, north - south) / parts)


def bounds_on(outline: Outline, grid: GeoBox) -> tuple[float, float, float, float] | None:
    """Bounds of a region in pixels of a grid (left, top, right, bottom); None where it has no place on its map."""
    shape, ours = shapely.from_wkt(outline.wkt), pyproj.CRS.from_wkt(grid.crs)
    points = shapely.get_coordinates(_in_pieces(shape, OUTLINE_PARTS))
    x, y = pyproj.Transformer.from_crs(outline.crs, grid.crs, always_xy=True).transform(*points.T)
    if not np.all(np.isfinite(x)) or not np.all(np.isfinite(y)):
        return None
    if ours.is_geographic:
        x, y = _turned(x, y, outline, grid)
    col, row = grid.to_pixels(x, y)
    return float(col.min()), float(row.min()), float(col.max()), float(row.max())


def _turned(x: Float64, y: Float64, outline: Outline, grid: GeoBox) -> tuple[Float64, Float64]:
    """Longitudes next to those of a grid, and all of them with the pole where the region holds it."""
    middle = (grid.transform @ (grid.width / 2, grid.height / 2))[0]
    each = x + 360 * np.round((middle - x) / 360)
    whole = x + 360 * np.round((middle - (x.min() + x.max()) / 2) / 360)
    x = min(each, whole, key=np.ptp)
    theirs = pyproj.CRS.from_wkt(outline.crs)
    for pole in (-90.0, 90.0):
        at = pyproj.Transformer.from_crs(grid.crs, outline.crs, always_xy=True).transform(0.0, pole)
        if not theirs.is_geographic and np.all(np.isfinite(at)) and shapely.from_wkt(outline.wkt).contains(Point(at)):
            x, y = np.append(x, [middle - 180, middle + 180]), np.append(y, [pole, pole])
    return x, y


def touched(outlines: Sequence[Outline], grid: GeoBox) -> list[tuple[float, float, float, float]]:
    """Bounds, in pixels, of the regions that reach a grid.

    Raises
    ------
    NoUsableInput
        If none does.
    """
    found = [bounds_on(outline, grid) for outline in outlines]
    frame = box(0, 0, grid.width, grid.height)
    reached = [bounds for bounds in found if bounds and box(*bounds).intersects(frame)]
    if not reached:
        raise NoUsableInput("no scene touches any of the regions", "check inputs.regions against inputs.scenes")
    return reached


def grid_of_regions(outlines: Sequence[Outline], grid: GeoBox) -> GeoBox:
    """The grid cut, or grown, to the regions that reach it; its pixels stay where they are."""
    bounds = np.array(touched(outlines, grid))
    left, top = (int(value) for value in np.floor(bounds[:, :2].min(axis=0)))
    right, bottom = (int(value) for value in np.ceil(bounds[:, 2:].max(axis=0)))
    return GeoBox(grid.crs, grid.transform @ Affine.translation(left, top), max(1, right - left), max(1, bottom - top))
