"""Rows of the series: one for each region, observation and class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from icepipe.classes import BUDGET, SEEN, ClassCode
from icepipe.flags import Flag, Flags, flags_text, parse_flags
from icepipe.inputs.observation_key import ObservationKey, PublishedKey
from icepipe.inputs.scenes import Observation
from icepipe.measure.area.budget import Budget

FULLY_SEEN = 0.9995
"""Rows that saw less of the region, at the three decimals of the table, are flagged ``partly_seen``."""


CLOUDY = 0.1
"""Part of the region without land that clouds hide where a row is flagged ``cloudy``; a convention."""


@dataclass(frozen=True)
class Row:
    """One row of the series; an area that is not known is None, an area known to be none is 0.

    ``date`` is the key of the observation. ``area_est_km2`` is the area over the seen part of the region, scaled to all
    of it. ``planar_km2`` is what pixel count times the map's pixel size would have said, ``weighted_km2`` the area
    weighted by concentration.
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
    region_km2: float
    valid_fraction: float
    edge_km2: float | None
    planar_km2: float | None
    n_pixels: int | None
    n_polygons: int | None
    n_scenes: int
    prefer: str
    flags: Flags
    model: str
    config_hash: str

    @property
    def cells(self) -> tuple[Any, ...]:
        """Values of the columns, in order, as tables hold them."""
        return tuple((vars(self) | {"date": str(self.date), "flags": flags_text(self.flags)}).values())

    @classmethod
    def from_cells(cls, cells: Iterable[Any]) -> Row:
        """Make the row of what a table holds.

        Raises
        ------
        ValueError
            If a cell is not as a run writes it.
        """
        values = dict(zip((field.name for field in fields(cls)), cells, strict=True))
        key, flags = ObservationKey(values["date"]), parse_flags(values["flags"])
        return cls(**values | {"date": key, "flags": flags})


COLUMNS = tuple(field.name.rstrip("_") for field in fields(Row))
"""Names of the columns, in order; the field ``class_`` is the column ``class``."""


def all_flags(rows: Iterable[Row]) -> frozenset[Flag]:
    """Return every flag of some rows; some are on one class alone."""
    return frozenset().union(*(row.flags for row in rows))


def water_is_separable(observation: Observation) -> bool:
    """Whether measured bands reach beyond the visible, where dark forest and shadow look like water."""
    return all(scene.rule_set != "visible" for scene in observation.scenes)


def row_flags(
    budget: Budget,
    min_valid: float,
    screened: frozenset[ClassCode],
    observation: Observation,
    drifted: bool,
    unfit: bool,
    on_grid: bool = True,
) -> frozenset[Flag]:
    """What a reader must know before using a row."""
    said = {
        Flag.CLOUDY: budget.cloud_fraction > CLOUDY,
        Flag.CLOUD_NOT_SCREENED: ClassCode.CLOUD not in screened,
        Flag.LAND_NOT_MASKED: ClassCode.LAND not in screened,
        Flag.MODEL_DRIFT: drifted,
        Flag.MODEL_MISFIT: unfit,
        Flag.CONCENTRATION: any(area.weighted_km2 is not None for area in budget.classes.values()),
        Flag.NOTHING_SEEN: budget.seen_km2 == 0 and not budget.all_land,
        Flag.OFF_GRID: not on_grid,
        Flag.PARTLY_SEEN: budget.seen_km2 > 0 and budget.valid_fraction < FULLY_SEEN,
        Flag.UNDER_MIN_VALID: budget.valid_fraction < min_valid and not budget.all_land,
        Flag.WATER_NOT_SEPARABLE: not water_is_separable(observation),
    }
    notes = {note for scene in observation.scenes for note in scene.notes}
    return frozenset(notes | {flag for flag, holds in said.items() if holds})


@dataclass(frozen=True)
class RowContext:
    """What all rows of an observation share; ``fits`` is whether the model has clusters for what was seen."""

    region: str
    observation: Observation
    prefer: str
    planar_km2_per_pixel: float | None
    flags: frozenset[Flag]
    model: str
    config_hash: str
    screened: frozenset[ClassCode]
    fits: bool


def _known(code: ClassCode, budget: Budget, context: RowContext) -> bool:
    screened = context.screened
    if code is ClassCode.WATER and not water_is_separable(context.observation):
        return False
    if code in SEEN:
        return budget.all_land or (budget.seen_km2 > 0 and context.fits)
    return code is ClassCode.UNOBSERVED or code in screened


def _estimate(area_km2: float, budget: Budget) -> float:
    return area_km2 / budget.valid_fraction if budget.valid_fraction else area_km2


def _row(code: ClassCode, budget: Budget, n_polygons: int | None, context: RowContext) -> Row:
    area = budget.classes[code]
    known = _known(code, budget, context)
    estimated = known and code in SEEN
    planar = context.planar_km2_per_pixel
    return Row(
        region=context.region,
        date=context.observation.key,
        sensor=context.observation.sensor,
        class_=code.label,
        area_km2=area.area_km2 if known else None,
        area_low_km2=area.low_km2 if known else None,
        area_high_km2=area.high_km2 if known else None,
        unknown_km2=budget.unknown_km2,
        area_est_km2=_estimate(area.area_km2, budget) if estimated else None,
        weighted_km2=area.weighted_km2 if known else None,
        region_km2=budget.region_km2,
        valid_fraction=budget.valid_fraction,
        edge_km2=budget.edge_km2[code] if estimated else None,
        planar_km2=area.n_pixels * planar if known and planar is not None else None,
        n_pixels=area.n_pixels if known else None,
        n_polygons=n_polygons if known else None,
        n_scenes=len(context.observation.scenes),
        prefer=context.prefer,
        flags=context.flags,
        model=context.model,
        config_hash=context.config_hash,
    )


def observation_rows(budget: Budget, n_polygons: Mapping[ClassCode, int], context: RowContext) -> tuple[Row, ...]:
    """Rows of one observation, one a class of the budget."""
    return tuple(_row(code, budget, n_polygons.get(code), context) for code in BUDGET)
