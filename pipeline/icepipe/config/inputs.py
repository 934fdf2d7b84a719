"""The section ``inputs`` of a config: which files, and what their numbers mean."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from icepipe.classes import class_table
from icepipe.config.base import Section, absolute
from icepipe.sensors.sensor import BANDS
from icepipe.sensors.table import QUALITIES, SENSORS

if TYPE_CHECKING:
    SensorKey = str
    QualityKey = str
else:  # the keys come from a table, which a type checker does not read
    SensorKey = Literal[("auto", *(key for key in SENSORS if key != BANDS))]
    QualityKey = Literal[tuple(QUALITIES)]


def directives(pattern: str) -> set[str]:
    """Return the directives of a strptime pattern."""
    return set(re.findall(r"%.", pattern))


class Mask(Section):
    """Rasters, or outlines, that say where something hides the surface."""

    path: str = Field(min_length=1, description="File; {stem} and {folder} stand for the scene's own name and folder")
    values: tuple[int, ...] = Field((), description="Numbers that hide; any but 0 where none is given")

    @field_validator("path")
    @classmethod
    def _resolve(cls, value: str, info: ValidationInfo) -> str:
        return value if not value or value.startswith("{folder}") else absolute(value, info)


class Cloud(Mask):
    """A cloud mask: a raster of one's own, or the quality raster that comes with a product."""

    path: str = Field("", description="File; {stem} and {folder} stand for the scene's own; empty with `quality`")
    quality: QualityKey | None = Field(None, description="Kind of quality raster that lies beside the bands")
    hide: tuple[str, ...] | None = Field(
        None, description="Words of the quality raster that hide the surface; none at all with []"
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if bool(self.path) == bool(self.quality):
            raise ValueError("wants either path or quality")
        if self.hide is not None and not self.quality:
            raise ValueError("hide goes with quality")
        return self


class Scale(Section):
    """Reflectance = gain x number + offset."""

    gain: float = Field(gt=0, allow_inf_nan=False, description="Reflectance of one step of the stored numbers")
    offset: float = Field(0.0, allow_inf_nan=False, description="Reflectance of the stored number 0")


class Regions(Section):
    """Named outlines."""

    path: str = Field(min_length=1, description="Vector file of polygons, in any coordinate system")
    name: str = Field("name", min_length=1, description="Field that names each; outlines of one name are one region")

    @field_validator("path")
    @classmethod
    def _resolve(cls, value: str, info: ValidationInfo) -> str:
        return absolute(value, info)


Role = Literal["blue", "green", "red", "nir", "swir1", "swir2"]


class Grid(Section):
    """A grid of one's own choice."""

    crs: str = Field(pattern=r"(?i)^EPSG:\d{4,6}$", description="Coordinate system of the run grid, as EPSG:number")
    resolution: float = Field(ge=1e-6, le=1e7, allow_inf_nan=False, description="Pixel size in its unit")


class Inputs(Section):
    """Which files, and what their numbers mean."""

    scenes: tuple[str, ...] = Field(description="Glob, folder or file, or a list of them; relative to the config")
    sensor: SensorKey = Field(
        "auto", description="What the bands are; auto asks descriptions, colour interpretation and file names"
    )
    classes: Mapping[str, str | float] | None = Field(
        None,
        description="With sensor classes: a class for each value or range, {0: water, '150..1000': ice, 254: land}; "
        "`weight` turns the values of ranges into concentrations of 0 to 1",
    )
    bands: Mapping[Role, Annotated[int, Field(ge=1)] | str] | None = Field(
        None,
        description="Role of each band by number, description, or pattern of its file's name, e.g. {green: '*_B20'}",
    )
    scale: Literal["auto"] | Scale = Field(
        "auto", description="Stored numbers to reflectance; auto asks tags and product metadata"
    )
    date: dt.date | str = Field("auto", description="auto, a strptime pattern, a regular expression, or a day")
    nodata: Literal["auto", "none"] | tuple[Annotated[float, Field(allow_inf_nan=False)], ...] = Field(
        "auto", description="auto (the file's tag), none, or values; alpha and mask bands always count"
    )

    cloud: Cloud | None = Field(None, description="Cloud masks; a scene without its mask is an error")
    land: Mask | None = Field(None, description="Land: a raster, one a scene or one for all, or a vector file")
    regions: Regions | None = Field(
        None, description="Outlines that areas are reported for, in a vector file; what the first run saw if none"
    )
    grid: Literal["auto"] | Grid = Field(
        "auto", description="Run grid; auto takes the scenes' own where they share one"
    )

    @field_validator("date", mode="before")
    @classmethod
    def _day_or_pattern(cls, value: Any) -> Any:  # noqa: ANN401
        if isinstance(value, int | str) and not isinstance(value, bool):
            try:
                return dt.date.fromisoformat(str(value))
            except ValueError:
                return str(value)
        return value

    @field_validator("date")
    @classmethod
    def _sound_pattern(cls, value: dt.date | str) -> dt.date | str:
        if (
            isinstance(value, str)
            and "%" in value
            and not ({"%Y", "%m", "%d"} <= directives(value) or {"%Y", "%j"} <= directives(value))
        ):
            raise ValueError("does not tell the day: it wants %Y with %m and %d, or with %j")
        if isinstance(value, str) and "%" not in value:
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"is neither a day nor a pattern ({error})") from None
        return value

    @field_validator("classes", mode="before")
    @classmethod
    def _keys_as_text(cls, value: Any) -> Any:  # noqa: ANN401
        return {str(key): name for key, name in value.items()} if isinstance(value, Mapping) else value

    @field_validator("classes")
    @classmethod
    def _sound_table(cls, value: Mapping[str, str | float] | None) -> Mapping[str, str | float] | None:
        if value is not None:
            class_table(value)
        return value

    @model_validator(mode="after")
    def _classes_go_together(self) -> Self:
        if (self.sensor == "classes") != (self.classes is not None):
            raise ValueError("sensor: classes and the table classes go together")
        if self.classes is not None and (self.bands or self.scale != "auto"):
            raise ValueError("bands and scale have no meaning with sensor: classes")
        return self

    @field_validator("cloud", "land", "regions", mode="before")
    @classmethod
    def _path_alone(cls, value: Any) -> Any:  # noqa: ANN401
        return {"path": value} if isinstance(value, str) else value

    @field_validator("scenes", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:  # noqa: ANN401
        return (value,) if isinstance(value, str) else value

    @field_validator("nodata", mode="before")
    @classmethod
    def _one_value_or_many(cls, value: Any) -> Any:  # noqa: ANN401
        return (value,) if isinstance(value, int | float) and not isinstance(value, bool) else value

    @field_validator("scenes")
    @classmethod
    def _resolve(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not value:
            raise ValueError("names no file")
        return tuple(absolute(path, info) for path in value)
