"""Define the section ``measure`` of a config: from classes to areas and trends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from icepipe.config.base import ONE_OR_MANY, Section

Period = tuple[dt.date, dt.date]
"""First and last day."""


class Alert(Section):
    """Condition of an alert; areas are the estimates for the whole region."""

    # ``class`` is a keyword: configs say ``class``, code says ``class_``.
    model_config = ConfigDict(populate_by_name=True)

    class_: Literal["ice", "water", "other"] = Field("ice", alias="class", description="Class whose area is watched")
    under_km2: float | None = Field(None, ge=0, allow_inf_nan=False, description="Alert if the area falls below this")
    over_km2: float | None = Field(None, ge=0, allow_inf_nan=False, description="Alert if the area rises above this")
    faster_km2_per_day: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="Alert if the area changes faster than this between consecutive observations",
    )
    unseen_days: int | None = Field(None, ge=1, description="Alert after more days than this without a usable area")
    as_of: dt.date | None = Field(None, description="Last day of unseen_days; by default the last observation")

    @model_validator(mode="after")
    def check_conditions(self) -> Self:
        """Raise if the alert has no condition, or a date that none of its conditions uses."""
        if all(v is None for v in (self.under_km2, self.over_km2, self.faster_km2_per_day, self.unseen_days)):
            raise ValueError("needs under_km2, over_km2, faster_km2_per_day or unseen_days")
        if self.as_of and self.unseen_days is None:
            raise ValueError("as_of needs unseen_days")
        return self


SERIES_KEYS = {"season", "baseline", "dates_under_km2", "processing_changed", "alerts"}
"""Keys of ``measure`` that are applied to the finished series; a change of them reprocesses no observation."""


class Measure(Section):
    """How classes become areas and trends."""

    period: Literal["scene", "day", "solar-day", "8day", "month"] = Field(
        "day", description="Period of an observation; solar-day is the day in the local solar time of the scene"
    )
    prefer: Literal["first", "latest", "clearest", "mode"] = Field(
        "first",
        description="Scene that wins where several see a pixel; mode takes the most frequent class",
    )
    min_valid: float = Field(
        0.5, ge=0, le=1, description="Rows with a smaller valid fraction are flagged, and left out of trends and alerts"
    )
    min_patch_m2: float = Field(
        0.0,
        ge=0,
        allow_inf_nan=False,
        description="Smaller patches take the class of their largest neighbour before areas are computed",
    )
    season: tuple[Annotated[int, Field(ge=1, le=12)], ...] | None = Field(
        None,
        min_length=1,
        description="Months that a trend compares from year to year, in order, e.g. [9] or [12, 1, 2]",
    )
    baseline: Period | None = Field(
        None,
        description="Reference period of anomalies and percentages, e.g. [1981-01-01, 2010-12-31]",
    )
    dates_under_km2: Mapping[Literal["ice", "water"], Annotated[float, Field(gt=0, allow_inf_nan=False)]] | None = (
        Field(None, description="Area by class; its first and last day below it are given per year, e.g. {ice: 1000}")
    )
    processing_changed: tuple[dt.date, ...] = Field(
        (), description="First days of a new processing version, tested for a step as changes of the sensor are"
    )
    alerts: Annotated[tuple[Alert, ...] | None, ONE_OR_MANY] = Field(
        None,
        description="One or a list of {class, under_km2, over_km2, faster_km2_per_day, unseen_days, as_of}: "
        "events for alerts.csv",
    )

    @field_validator("season")
    @classmethod
    def check_season(cls, value: tuple[int, ...] | None) -> tuple[int, ...] | None:
        """Raise if a month is repeated or out of order."""
        months = value or ()
        # A season may cross the turn of the year once: from December to January.
        descents = [pair for pair in pairwise(months) if pair[0] > pair[1]]
        if len(set(months)) < len(months) or descents not in ([], [(12, 1)]):
            raise ValueError("needs each month once and in order; a winter is [12, 1, 2]")
        return value

    @field_validator("baseline")
    @classmethod
    def check_baseline(cls, value: Period | None) -> Period | None:
        """Raise if the last day is before the first."""
        if value and value[0] > value[1]:
            raise ValueError("ends before it begins")
        return value
