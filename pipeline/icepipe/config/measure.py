"""The section ``measure`` of a config: how classes become numbers over time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from icepipe.config.base import Section

Period = tuple[dt.date, dt.date]
"""First and last day."""


class Alert(Section):
    """When to tell that something happened; areas are those scaled by what was seen."""

    model_config = ConfigDict(populate_by_name=True)

    class_: Literal["ice", "water", "other"] = Field("ice", alias="class", description="Class that is watched")
    under_km2: float | None = Field(None, ge=0, allow_inf_nan=False, description="Area falls under this")
    over_km2: float | None = Field(None, ge=0, allow_inf_nan=False, description="Area rises over this")
    faster_km2_per_day: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Area grows or shrinks faster between consecutive observations"
    )
    unseen_days: int | None = Field(None, ge=1, description="No usable area for more than so many days")
    as_of: dt.date | None = Field(None, description="Day until which unseen_days counts; the last observation if none")

    @model_validator(mode="after")
    def _watches_something(self) -> Self:
        if all(v is None for v in (self.under_km2, self.over_km2, self.faster_km2_per_day, self.unseen_days)):
            raise ValueError("wants under_km2, over_km2, faster_km2_per_day or unseen_days")
        if self.as_of and self.unseen_days is None:
            raise ValueError("as_of goes with unseen_days")
        return self


SERIES_KEYS = {"season", "baseline", "dates_under_km2", "processing_changed", "alerts"}
"""Keys of ``measure`` that look at the finished series and change no observation."""


class Measure(Section):
    """How classes become numbers."""

    period: Literal["scene", "day", "solar-day", "8day", "month"] = Field(
        "day", description="What one row stands for; solar-day is the day by the sun where the scene lies"
    )
    prefer: Literal["first", "latest", "clearest", "mode"] = Field(
        "first", description="Which scene of an observation wins a pixel seen twice; mode takes the most frequent class"
    )
    min_valid: float = Field(
        0.5, ge=0, le=1, description="Rows that saw less of the region are flagged, and left out of trends and alerts"
    )
    min_patch_m2: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="Patches with less area go to their largest neighbour, before areas"
    )
    season: tuple[Annotated[int, Field(ge=1, le=12)], ...] | None = Field(
        None,
        min_length=1,
        description="Months that a trend compares from year to year, in order, e.g. [9] or [12, 1, 2]",
    )
    baseline: Period | None = Field(
        None, description="First and last day that anomalies and percent refer to, e.g. [1981-01-01, 2010-12-31]"
    )
    dates_under_km2: Mapping[Literal["ice", "water"], Annotated[float, Field(gt=0, allow_inf_nan=False)]] | None = (
        Field(None, description="Areas whose first and last day under them are told for every year, e.g. {ice: 1000}")
    )
    processing_changed: tuple[dt.date, ...] = Field(
        (), description="First days of a new processing, tested for a step as changes of the sensor are"
    )
    alerts: tuple[Alert, ...] | None = Field(
        None,
        description="One or a list of {class, under_km2, over_km2, faster_km2_per_day, unseen_days, as_of}: "
        "events for alerts.csv",
    )

    @field_validator("alerts", mode="before")
    @classmethod
    def _one_alert_or_many(cls, value: Any) -> Any:  # noqa: ANN401
        return (value,) if isinstance(value, Mapping) else value

    @field_validator("season")
    @classmethod
    def _months_in_order(cls, value: tuple[int, ...] | None) -> tuple[int, ...] | None:
        months = value or ()
        turns = [pair for pair in pairwise(months) if pair[0] > pair[1]]
        if len(set(months)) < len(months) or turns not in ([], [(12, 1)]):
            raise ValueError("wants every month once and in order; a winter is [12, 1, 2]")
        return value

    @field_validator("baseline")
    @classmethod
    def _first_before_last(cls, value: Period | None) -> Period | None:
        if value and value[0] > value[1]:
            raise ValueError("ends before it begins")
        return value
