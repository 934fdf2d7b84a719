"""Find mixed pixels, and the shares of ice, water and other ground in each, from a pixel's neighbourhood.

A pixel between water and ice on the line of linear mixing is a mixture, unless it is amid a smooth surface of its own
brightness: that is grey ice. The ends of the line are the pure surfaces of the neighbourhood, or those of the model
where the neighbourhood has none. What that cannot decide widens the bounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from icepipe.arrays import Bool, Float64, Int16, Int64, StoredPixels, UInt8, UInt16
from icepipe.classes import SEEN, ClassCode
from icepipe.geo.geobox import Block
from icepipe.segment.classification.strata import N_STRATA, ClusterStrata, StrataTable
from icepipe.segment.features import compute_features
from icepipe.segment.mixtures.shares import GREY_ICE, HALO, MAY_BE, OUTLIER, POSITION_UNITS, Mixtures
from icepipe.segment.model import Model, PureSurfaces
from icepipe.segment.pure_surfaces import pure_surfaces_of
from icepipe.segment.which_ice import WHITE_BRIGHTNESS, rules_for
from icepipe.sensors.sensor import REFLECTANCE_UNIT, Sensor

GAPLESS, EVENLY = 0.003, 4
"""Share of the seen pixels that each fifth of the range between water and ice must have, and ratio of the fullest to
the emptiest up to which they fill it evenly; conventions."""


@dataclass(frozen=True)
class MixingLine:
    """Line from pure water to pure ice, and what strata say of a pixel.

    Attributes
    ----------
    pure
        The ends of the line; black and white where no model has ice, as brightness alone is used then.
    reflectance
        Reflectance of every byte of a picture, shape (256,), or the unit of measured bands, shape (1,).
    surfaces
        Class code, possible classes and whether the class is pinned, by stratum; see the kernels. Shape (65536,).
    has_ice, has_water
        Whether any model has ice, and water.
    """

    pure: PureSurfaces
    reflectance: Float64
    surfaces: UInt8
    has_ice: bool
    has_water: bool

    @classmethod
    def of(cls, strata: ClusterStrata, sensor: Sensor) -> MixingLine | None:
        """Return the line of the models of an observation; None where they have neither ice nor a shore."""
        found = [pure for model in strata.models if (pure := pure_surfaces_of(model, sensor))]
        codes = {cluster.code for cluster in strata.clusters}
        unpinned = {cluster.code for cluster in strata.clusters if cluster.code == cluster.ruled}
        if not found and not unpinned >= {ClassCode.WATER, ClassCode.OTHER}:
            return None
        bytes_to_reflectance, n = np.clip(sensor.reflectance(np.arange(256.0)), 0.0, None), len(sensor.roles)
        return cls(
            pure=combine(found) if found else PureSurfaces((0.0,) * n, (1.0,) * n, 1.0, 1.0, 1.0, has_water=False),
            reflectance=bytes_to_reflectance if sensor.stretch else np.array([REFLECTANCE_UNIT]),
            surfaces=surfaces_of(strata, sensor),
            # Where the config pins the clusters of a class to others, the user rules that class out.
            has_ice=bool(found) and ClassCode.ICE in codes,
            has_water=any(pure.has_water for pure in found) and ClassCode.WATER in codes,
        )

    @cached_property
    def water(self) -> Float64:
        """Reflectance of pure water; shape (bands,)."""
        return np.array(self.pure.water)

    @cached_property
    def direction(self) -> Float64:
        """Reflectance of pure ice less that of pure water; shape (bands,)."""
        return np.array(self.pure.ice) - self.water

    @cached_property
    def ends(self) -> Int64:
        """Ends of the line in units of the kernels; see :func:`icepipe.segment.mixtures._kernels.unmix`."""
        ends = [round(end * POSITION_UNITS) for end in (self.pure.brightest, self.pure.darkest, self.pure.surest)]
        return np.array([*ends, self.has_water, self.has_ice], dtype=np.int64)


def combine(found: Sequence[PureSurfaces]) -> PureSurfaces:
    """Return the pure surfaces of several models of one observation: means, and the widest range of ice."""
    if len(found) == 1:
        return found[0]
    return PureSurfaces(
        water=tuple(np.mean([pure.water for pure in found], axis=0).tolist()),
        ice=tuple(np.mean([pure.ice for pure in found], axis=0).tolist()),
        brightest=max(pure.brightest for pure in found),
        darkest=min(pure.darkest for pure in found),
        surest=max(pure.surest for pure in found),
        has_water=any(pure.has_water for pure in found),
    )


def grey_ice(model: Model, sensor: Sensor) -> Bool:
    """Return which clusters of a model are other only because white ice alone counts; shape (clusters,)."""
    # The fit of a scene without a valid pixel has no clusters.
    if model.ice == "any" or not model.clusters:
        return np.zeros(len(model.clusters), dtype=bool)
    any_ice = [threshold for threshold in model.thresholds if threshold.key != WHITE_BRIGHTNESS.key]
    rules = replace(rules_for(model.rule_set, "any"), thresholds=tuple(any_ice))
    codes = rules.codes(compute_features(np.array([cluster.spectrum for cluster in model.clusters]), sensor))
    return np.asarray((codes == ClassCode.ICE) & (model.codes == ClassCode.OTHER), dtype=bool)


def surfaces_of(strata: ClusterStrata, sensor: Sensor) -> UInt8:
    """Return the class code of every stratum of a seen pixel plus bits that the kernels name; shape (65536,).

    Pixels of clusters that are pinned to another class than the rules give have 0: the user vouches for that class, so
    they are no mixtures.
    """
    table = np.zeros(N_STRATA, dtype=np.uint8)
    grey = np.concatenate([grey_ice(model, sensor) for model in strata.models])
    for number in strata.clustered:
        cluster = number % strata.n
        if strata.clusters[cluster].code == strata.clusters[cluster].ruled:
            table[number] = strata.codes[number] + GREY_ICE * grey[cluster]
    for place, code in enumerate(SEEN):
        possible = np.isin(np.arange(N_STRATA), strata.possible(code)) & (table > 0)
        table[possible] += MAY_BE << place
    outliers = np.array(strata.outlying)
    table[outliers[table[outliers] > 0]] += OUTLIER
    return table


def has_no_gap(between: Int64, n_seen: int) -> bool:
    """Return whether brightness runs from water to ice without a gap, so that no threshold separates the two.

    Thin ice of one kind, or rough water, is a step of brightness. Fog, glint, and ice of every thickness fill the range
    between water and ice evenly.

    Parameters
    ----------
    between
        Pixels amid one surface that could be water or ice, by fifths of the range between the two; shape (5,).
    n_seen
        Number of all pixels that were seen.
    """
    return bool(between.min() > GAPLESS * n_seen and between.min() * EVENLY >= between.max())


class MixedPixelScanner:
    """Finder of mixed pixels in blocks that arrive from left to right and from top to bottom.

    Rows are returned once the ``HALO`` rows below them are known, so that shares depend neither on blocks nor on
    their order.

    Parameters
    ----------
    strata, sensor
        Encoding of the strata, and the conversion of stored values to reflectance. Class rasters, and models with
        neither ice nor a shore, have no mixed pixels.
    width
        Columns of the grid.

    Attributes
    ----------
    between
        Number of pixels amid one surface that could be water or ice, by fifths of the range between them; shape (5,).
    """

    def __init__(self, strata: StrataTable, sensor: Sensor, width: int) -> None:
        self._line = MixingLine.of(strata, sensor) if isinstance(strata, ClusterStrata) else None
        self._width = width
        self.between = np.zeros(5, dtype=np.int64)
        # First row that the arrays hold, first row that was not returned yet, and row below the last.
        self._top = self._next = self._bottom = 0
        self._surface, self._position, self._brightness, self._strata = self._allocate(0)

    def _allocate(self, height: int) -> tuple[UInt8, Int16, Int16, UInt16]:
        shape = (height, self._width)
        numbers = np.zeros((2, *shape), dtype=np.int16)
        return np.zeros(shape, dtype=np.uint8), numbers[0], numbers[1], np.zeros(shape, dtype=np.uint16)

    def add(self, part: Block, strata: UInt16, bands: StoredPixels) -> Iterator[Mixtures]:
        """Add a part of a row of blocks, and yield the mixed pixels of rows that are complete.

        Parameters
        ----------
        part
            Place of the part; parts of one row of blocks have the same rows.
        strata, bands
            Strata, shape (rows, columns), and stored values, shape (bands, rows, columns), of its pixels.
        """
        from icepipe.segment.mixtures._kernels import locate_pixels

        if (line := self._line) is None:
            return
        if part.row >= self._bottom:
            # Many rows that no scene reaches separate this part from the rows above.
            yield from self._complete(self._bottom - HALO if self._is_near(part) else self._bottom)
            self._extend(part)
        rows, cols = slice(part.row - self._top, None), slice(part.col, part.col + part.width)
        self._strata[rows, cols] = strata
        for row in range(part.height):
            place = part.row - self._top + row
            locate_pixels(
                np.ascontiguousarray(bands[:, row]),
                strata[row],
                line.surfaces,
                line.reflectance,
                line.water,
                line.direction,
                self._surface[place, cols],
                self._position[place, cols],
                self._brightness[place, cols],
            )

    def finish(self) -> Iterator[Mixtures]:
        """Yield the mixed pixels of the rows that remain."""
        yield from self._complete(self._bottom)

    def _complete(self, bottom: int) -> Iterator[Mixtures]:
        """Yield the rows up to ``bottom`` that were not returned yet."""
        from icepipe.segment.mixtures._kernels import unmix

        if self._line is None or bottom <= self._next:
            return
        first, last = self._next - self._top, bottom - self._top
        out = np.empty((4, last - first, self._width), dtype=np.uint8)
        arrays = self._surface, self._position, self._brightness
        unmix(*arrays, first, last, self._line.ends, out, self.between)
        block = Block(self._next, 0, bottom - self._next, self._width)
        self._next = bottom
        yield Mixtures(block, out[0], out[1:], self._strata[first:last])

    def _is_near(self, part: Block) -> bool:
        """Return whether the rows of a part are within the halo of those above."""
        return part.row < self._bottom + HALO

    def _extend(self, part: Block) -> None:
        """Keep the rows that later rows need, and make room for those of a part."""
        kept = max(self._next - HALO, self._top) if self._is_near(part) else part.row
        n, bottom = max(self._bottom - kept, 0), part.row + part.height
        # Rows between, which no scene reaches, stay unseen.
        arrays = self._allocate(bottom - kept)
        surface, position, brightness, numbers = arrays
        last = slice(len(self._surface) - n, None)
        surface[:n], position[:n] = self._surface[last], self._position[last]
        brightness[:n], numbers[:n] = self._brightness[last], self._strata[last]
        self._surface, self._position, self._brightness, self._strata = arrays
        self._top, self._bottom, self._next = kept, bottom, max(self._next, kept)
