"""The sections ``publish`` and ``batch`` of a config: what is written, and how the work is done."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from icepipe.config.base import Section, absolute

PolygonFormat = Literal["shapefile", "geopackage", "geoparquet", "flatgeobuf"]


class Polygons(Section):
    """Which classes become polygons, and how they are written."""

    format: tuple[PolygonFormat, ...] = Field(
        ("shapefile",), description="One or a list; a geopackage is one file a run, the others a file a date and class"
    )
    classes: tuple[Literal["ice", "water", "other"], ...] = Field(("ice", "water"), description="One layer each")
    simplify_m: float = Field(
        0.0,
        ge=0,
        allow_inf_nan=False,
        description="Cut off corners whose triangle is smaller than its square; areas stay those of the pixels",
    )
    crs: str | None = Field(
        None,
        pattern=r"(?i)^EPSG:\d{4,6}$",
        description="Coordinate system that polygons are brought to, as EPSG:number; the run grid's own if none",
    )

    @field_validator("format", "classes", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:  # noqa: ANN401
        return (value,) if isinstance(value, str) else value

    @field_validator("format")
    @classmethod
    def _each_format_once(cls, value: tuple[PolygonFormat, ...]) -> tuple[PolygonFormat, ...]:
        if not value:
            raise ValueError("names no format")
        return tuple(sorted(set(value)))


class Publish(Section):
    """Where results go."""

    folder: str = Field("../out", description="Results are written to <folder>/<name>")
    polygons: Polygons = Polygons()
    change: bool = Field(
        True,
        description="Polygons of gain and loss between consecutive observations, in `change/`: on, as what changed is "
        "what a series is asked for, and a pair costs about what the polygons of one observation do",
    )

    report: bool = Field(
        True,
        description="A page for people, `report.html`, and the pictures `series.png`, `series.svg`, `timelapse.gif`",
    )

    @field_validator("folder")
    @classmethod
    def _resolve(cls, value: str, info: ValidationInfo) -> str:
        return absolute(value, info)


class Batch(Section):
    """How the work is spread."""

    workers: Literal["auto"] | Annotated[int, Field(ge=1, le=64)] = Field(
        "auto", description="Observations worked on at once; auto is one a core, as far as memory allows"
    )
    block: Literal["auto"] | Annotated[int, Field(ge=16, le=4096)] = Field(
        "auto", description="Side of a block in pixels; changes no result"
    )
