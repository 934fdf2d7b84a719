"""Rows of the series: one per region, observation and class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from icepipe.classes import BUDGET, SEEN, ClassCode
from icepipe.config.segment import Ice
from icepipe.flags import Flag, Flags, flags_text, parse_flags
from icepipe.inputs.observation_key import ObservationKey, PublishedKey
from icepipe.inputs.scenes import Observation
from icepipe.measure.area.budget import Budget

FULLY_SEEN = 0.9995
"""Valid fraction below which a row is flagged ``partly_seen``: the least that the table rounds to 1.000."""

CLOUDY = 0.1
"""Cloud fraction of the region without land above which a row is flagged ``cloudy``; a convention."""

MIXED = 0.1
"""Difference between surface and pixel area, relative to the pixel area, and fraction of the seen area in mixed pixels,
above which a row is flagged ``mixed_pixels``; a convention, as for cloud."""

LEAST_MIXED = 0.003
"""Smallest difference that counts, as a fraction of the seen area: another seed or k moves areas by as much (0.31
points, docs/explanation/stability.md), so that a tenth of a class that is hardly there is no difference."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the series; an unknown area is None, an area known to be zero is 0.

    ``date`` is the key of the observation. ``area_est_km2`` is the area in the seen part of the region, scaled to the
    whole region. ``weighted_km2`` is the surface that the class covers: each pixel counts by the share of it that is of
    the class. ``weighted_est_km2`` is the surface scaled likewise; rows of earlier versions lack it. ``planar_km2`` is
    the pixel count times the nominal pixel size of the map. ``ice`` is which ice is in the class: any, or white ice
    only.
    """

    region: str
    date: PublishedKey
    sensor: str
    class_: str
    area_km2: float | None
    area_low_km2: float | None
    area_high_km2: float | None
    unknown_km2: float
    area_est_km2: float | None
    weighted_km2: float | None
    weighted_est_km2: float | None = None
    region_km2: float
    valid_fraction: float
    edge_km2: float | None
    planar_km2: float | None
    n_pixels: int | None
    n_polygons: int | None
    n_scenes: int
    prefer: str
    # Rows of earlier versions have no such column: they count any ice.
    ice: Ice = "any"
    flags: Flags
    model: str
    config_hash: str

    @property
    def cells(self) -> tuple[Any, ...]:
        """Values of the columns, in order, as written to tables."""
        values = vars(self) | {"date": str(self.date), "flags": flags_text(self.flags)}
        # By the fields, as a row that was read from a document holds its values in another order.
        return tuple(values[field.name] for field in fields(self))

    @classmethod
    def from_cells(cls, cells: Iterable[Any]) -> Row:
        """Create a row from the cells of a table.

        Raises
        ------
        ValueError
            If a cell is not in the format that a run writes.
        """
        values = dict(zip((field.name for field in fields(cls)), cells, strict=True))
        key, flags = ObservationKey(values["date"]), parse_flags(values["flags"])
        return cls(**values | {"date": key, "flags": flags})


COLUMNS = tuple(field.name.rstrip("_") for field in fields(Row))
"""Names of the columns, in order; the field ``class_`` is the column ``class``."""


ADDED_COLUMNS = frozenset(field.name for field in fields(Row) if field.default is not MISSING)
"""Columns that tables of earlier versions lack."""


def all_flags(rows: Iterable[Row]) -> frozenset[Flag]:
    """Return every flag of some rows; a flag can be set on one class alone."""
    return frozenset().union(*(row.flags for row in rows))


def water_is_separable(observation: Observation) -> bool:
    """Return whether the bands separate water from dark forest and shadow, which visible bands alone cannot."""
    return all(scene.rule_set != "visible" for scene in observation.scenes)


def has_mixed_pixels(budget: Budget) -> bool:
    """Return whether the area of the pixels of a class differs notably from its surface, or many pixels are mixed.

    Concentrations give the share of ice in a pixel themselves, so they are never taken for mixed.
    """
    if budget.from_concentration:
        return False
    areas = [(area.area_km2, area.weighted_km2) for area in map(budget.classes.__getitem__, SEEN)]
    least_km2 = LEAST_MIXED * budget.seen_km2
    differs = any(
        weighted is not None and abs(weighted - pixels) > max(MIXED * pixels, least_km2) for pixels, weighted in areas
    )
    return differs or budget.mixed_fraction > MIXED


def ice_is_separable(observation: Observation, screened: frozenset[ClassCode]) -> bool:
    """Return whether the bands separate ice from bright ground, or a land mask hides the ground."""
    return ClassCode.LAND in screened or all(scene.rule_set != "visible" for scene in observation.scenes)


def row_flags(
    budget: Budget,
    min_valid: float,
    screened: frozenset[ClassCode],
    observation: Observation,
    drifted: bool,
    unfit: bool,
    on_grid: bool = True,
    noisy: bool = False,
    gapless: bool = False,
) -> frozenset[Flag]:
    """Return the flags that hold for all classes of an observation in a region, and the notes of its scenes."""
    conditions = {
        Flag.CLOUDY: budget.cloud_fraction > CLOUDY,
        Flag.CLOUD_NOT_SCREENED: ClassCode.CLOUD not in screened,
        Flag.ICE_NOT_SEPARABLE: not ice_is_separable(observation, screened),
        Flag.LAND_NOT_MASKED: ClassCode.LAND not in screened,
        # Where the model does not fit, neither of the two areas is published.
        Flag.MIXED_PIXELS: has_mixed_pixels(budget) and not unfit,
        Flag.MODEL_DRIFT: drifted,
        Flag.MODEL_MISFIT: unfit,
        Flag.CONCENTRATION: budget.from_concentration,
        Flag.NOISY: noisy,
        Flag.NO_ICE_WATER_GAP: gapless and not unfit,
        Flag.NOTHING_SEEN: budget.seen_km2 == 0 and not budget.all_land,
        Flag.OFF_GRID: not on_grid,
        Flag.PARTLY_SEEN: budget.seen_km2 > 0 and budget.valid_fraction < FULLY_SEEN,
        Flag.UNDER_MIN_VALID: budget.valid_fraction < min_valid and not budget.all_land,
        Flag.WATER_NOT_SEPARABLE: not water_is_separable(observation),
    }
    notes = {note for scene in observation.scenes for note in scene.notes}
    return frozenset(notes | {flag for flag, holds in conditions.items() if holds})


@dataclass(frozen=True)
class RowContext:
    """Values that all rows of an observation in a region share.

    ``screened`` are the classes that were masked, ``fits`` is whether the model has clusters for the seen pixels.
    """

    region: str
    observation: Observation
    prefer: str
    ice: Ice
    planar_km2_per_pixel: float | None
    flags: frozenset[Flag]
    model: str
    config_hash: str
    screened: frozenset[ClassCode]
    fits: bool

    def is_known(self, code: ClassCode, budget: Budget) -> bool:
        """Return whether the area of a class is known; if not, its cells are left empty."""
        if code is ClassCode.WATER and not water_is_separable(self.observation):
            return False
        if code in SEEN:
            return budget.all_land or (budget.seen_km2 > 0 and self.fits)
        # Without a mask, cloud and land are not zero but unknown.
        return code is ClassCode.UNOBSERVED or code in self.screened


def _row(code: ClassCode, budget: Budget, n_polygons: int | None, context: RowContext) -> Row:
    area = budget.classes[code]
    known = context.is_known(code, budget)
    estimated = known and code in SEEN
    planar = context.planar_km2_per_pixel
    # valid_fraction is 0 for a region that is all land, whose seen area is 0 as well.
    seen = budget.valid_fraction or 1.0
    return Row(
        region=context.region,
        date=context.observation.key,
        sensor=context.observation.sensor,
        class_=code.label,
        area_km2=area.area_km2 if known else None,
        area_low_km2=area.low_km2 if known else None,
        area_high_km2=area.high_km2 if known else None,
        unknown_km2=budget.unknown_km2,
        area_est_km2=area.area_km2 / seen if estimated else None,
        weighted_km2=area.weighted_km2 if known else None,
        weighted_est_km2=area.weighted_km2 / seen if estimated and area.weighted_km2 is not None else None,
        region_km2=budget.region_km2,
        valid_fraction=budget.valid_fraction,
        edge_km2=budget.edge_km2[code] if estimated else None,
        planar_km2=area.n_pixels * planar if known and planar is not None else None,
        n_pixels=area.n_pixels if known else None,
        n_polygons=n_polygons if known else None,
        n_scenes=len(context.observation.scenes),
        prefer=context.prefer,
        ice=context.ice,
        flags=context.flags,
        model=context.model,
        config_hash=context.config_hash,
    )


def observation_rows(budget: Budget, n_polygons: Mapping[ClassCode, int], context: RowContext) -> tuple[Row, ...]:
    """Return the rows of one observation in a region, one per class of the budget."""
    return tuple(_row(code, budget, n_polygons.get(code), context) for code in BUDGET)
