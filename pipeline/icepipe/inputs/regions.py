"""Where the regions of a run lie on its grid."""

from __future__ import annotations

from collections.abc import Sequence
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
from icepipe.inputs.grid import blocks, in_pixels, inside
from icepipe.inputs.outlines import points_in
from icepipe.inputs.place import same_crs
from icepipe.records import Block, Bool, Float64, GeoBox, Outline, UInt16

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

    @cached_property
    def _turned(self) -> tuple[tuple[BaseGeometry, ...], ...]:
        """Each region in pixels, at every turn of its longitudes; none where it is on another map than the grid."""
        return tuple(self._in_pixels(outline) for outline in self.outlines)

    def _in_pixels(self, outline: Outline) -> tuple[BaseGeometry, ...]:
        if not same_crs(outline.crs, self.grid.crs):
            return ()
        shape = shapely.from_wkt(outline.wkt)
        turns = (0, -360, 360) if pyproj.CRS.from_wkt(outline.crs).is_geographic else (0,)
        return tuple(in_pixels(translate(shape, turn), self.grid) for turn in turns)

    @cached_property
    def _sets(self) -> tuple[UInt16, tuple[tuple[int, ...], ...]]:
        """Number of the set of regions of each pixel, shape of the grid, and the regions of each set."""
        numbers: dict[bytes, int] = {bytes(-(-len(self.outlines) // 8)): 0}
        sets = np.zeros(self.grid.shape, dtype=np.uint16)
        for block in blocks(self.grid):
            packed = np.packbits(self._members(block), axis=0).reshape(-1, block.height * block.width).T
            found, place = np.unique(packed, axis=0, return_inverse=True)
            known = [numbers.setdefault(key.tobytes(), len(numbers)) for key in found]
            sets[block.slices] = np.array(known, dtype=np.uint16)[place.ravel()].reshape(block.height, block.width)
        members = [np.unpackbits(np.frombuffer(key, dtype=np.uint8))[: len(self.outlines)] for key in numbers]
        return sets, tuple(tuple(np.flatnonzero(bits).tolist()) for bits in members)

    def _members(self, block: Block) -> Bool:
        """Whether each region holds each pixel's centre; shape (regions, rows, columns)."""
        found = np.zeros((len(self.outlines), block.height, block.width), dtype=bool)
        places: dict[str, tuple[Float64, Float64]] = {}
        for number, (outline, turned) in enumerate(zip(self.outlines, self._turned, strict=True)):
            if turned:
                found[number] = np.any([inside(pixels, block) for pixels in turned], axis=0)
                continue
            if outline.crs not in places:
                to_crs = pyproj.Transformer.from_crs(self.grid.crs, outline.crs, always_xy=True)
                places[outline.crs] = to_crs.transform(*self.grid.to_map(*block.centres))
            shape = shapely.from_wkt(outline.wkt)
            found[number] = points_in(shape, pyproj.CRS.from_wkt(outline.crs), *places[outline.crs])
        return found

    @property
    def members(self) -> tuple[tuple[int, ...], ...]:
        """Numbers of the regions of each set; set 0 is outside all of them."""
        return ((), (0,)) if self.own else self._sets[1]

    def sets(self, block: Block) -> UInt16:
        """Number of the set of regions that each pixel of a block belongs to, 0 outside all; shape (rows, columns)."""
        if self._alone is not None:
            return inside(self._alone, block).astype(np.uint16)
        return np.asarray(self._sets[0][block.slices])

    def within(self, block: Block) -> Bool:
        """True for pixels of a block that lie in any region; shape (rows, columns)."""
        return inside(self._alone, block) if self._alone is not None else np.asarray(self.sets(block) > 0)

    def window(self, number: int) -> Block | None:
        """Smallest rectangle of the grid that holds a region's pixels; None where it has none."""
        if self.own:
            return Block(0, 0, self.grid.height, self.grid.width)
        holds = np.array([number in members for members in self.members])[self._sets[0]]
        rows, cols = np.flatnonzero(holds.any(axis=1)), np.flatnonzero(holds.any(axis=0))
        if not len(rows):
            return None
        return Block(int(rows[0]), int(cols[0]), int(rows[-1] - rows[0]) + 1, int(cols[-1] - cols[0]) + 1)

    def holds(self, number: int, block: Block) -> Bool:
        """True for pixels of a block that lie in one region; shape (rows, columns)."""
        return np.array([number in members for members in self.members])[self.sets(block)]

    def outline_km2(self, number: int) -> float:
        """Geodesic area of a region's outline."""
        outline = self.outlines[number]
        shape = shapely.from_wkt(outline.wkt)
        return Earth.of(outline.crs).area_m2(_in_pieces(shape, OUTLINE_PARTS)) / 1e6


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
