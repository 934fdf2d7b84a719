"""Define the section ``inputs`` of a config: files, sensor, masks, regions and grid."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from icepipe.classes import parse_class_table
from icepipe.config.base import ONE_OR_MANY, Section, absolute
from icepipe.sensors.sensor import BANDS
from icepipe.sensors.table import QUALITIES, SENSORS

if TYPE_CHECKING:
    SensorKey = str
    QualityKey = str
else:
    # The keys come from a table, which a type checker does not evaluate.
    SensorKey = Literal[("auto", *(key for key in SENSORS if key != BANDS))]
    QualityKey = Literal[tuple(QUALITIES)]


class Mask(Section):
    """Rasters or polygons that mark where the surface is hidden."""

    path: str = Field(min_length=1, description="File; {stem} and {folder} are those of the scene")
    values: tuple[int, ...] = Field((), description="Values that mark hidden pixels; by default all but 0")

    @field_validator("path")
    @classmethod
    def resolve_path(cls, value: str, info: ValidationInfo) -> str:
        """Return the path absolute."""
        # {folder} is replaced by an absolute path for each scene; an empty path goes with a quality raster.
        return value if not value or value.startswith("{folder}") else absolute(value, info)


class Cloud(Mask):
    """Cloud mask: a raster of the user, or the quality raster of a product."""

    path: str = Field("", description="File; {stem} and {folder} are those of the scene; empty with `quality`")
    quality: QualityKey | None = Field(None, description="Kind of the quality raster next to the bands")
    hide: tuple[str, ...] | None = Field(
        None, description="Conditions of the quality raster that hide the surface; [] for none"
    )

    @model_validator(mode="after")
    def check_source(self) -> Self:
        """Raise unless the mask has exactly one source."""
        if bool(self.path) == bool(self.quality):
            raise ValueError("needs either path or quality")
        if self.hide is not None and not self.quality:
            raise ValueError("hide needs quality")
        return self


class Scale(Section):
    """Conversion of stored values: reflectance = gain x value + offset."""

    gain: float = Field(gt=0, allow_inf_nan=False, description="Reflectance per unit of the stored values")
    offset: float = Field(0.0, allow_inf_nan=False, description="Reflectance of the stored value 0")


class Regions(Section):
    """Named regions that areas are reported for."""

    path: Annotated[str, Field(min_length=1), AfterValidator(absolute)] = Field(
        description="Vector file of polygons, in any coordinate system"
    )
    name: str = Field(
        "name", min_length=1, description="Attribute with the name; polygons of the same name are one region"
    )


Role = Literal["blue", "green", "red", "nir", "swir1", "swir2"]


class Grid(Section):
    """Run grid set by the user."""

    crs: str = Field(pattern=r"(?i)^EPSG:\d{4,6}$", description="Coordinate system of the run grid, as EPSG:number")
    resolution: float = Field(ge=1e-6, le=1e7, allow_inf_nan=False, description="Pixel size in the unit of crs")


class Inputs(Section):
    """Input files and their interpretation."""

    scenes: Annotated[tuple[str, ...], ONE_OR_MANY] = Field(
        description="Glob, folder or file, or a list of them; relative to the config"
    )
    sensor: SensorKey = Field(
        "auto", description="Sensor of the bands; auto reads descriptions, colour interpretation and file names"
    )
    classes: Mapping[str, str | float] | None = Field(
        None,
        description="With sensor classes: class of each value or range, {0: water, '150..1000': ice, 254: land}; "
        "`weight` converts the values of ranges to concentrations from 0 to 1",
    )
    bands: Mapping[Role, Annotated[int, Field(ge=1)] | str] | None = Field(
        None,
        description="Role of each band by number, description, or pattern of the file name, e.g. {green: '*_B20'}",
    )
    scale: Literal["auto"] | Scale = Field(
        "auto", description="Conversion of stored values to reflectance; auto reads tags and product metadata"
    )
    date: dt.date | str = Field("auto", description="auto, a strptime pattern, a regular expression, or a day")
    nodata: Literal["auto", "none"] | tuple[Annotated[float, Field(allow_inf_nan=False)], ...] = Field(
        "auto", description="auto (tag of the file), none, or values; alpha and mask bands always apply"
    )

    cloud: Cloud | None = Field(None, description="Cloud masks; a scene without its mask is an error")
    land: Mask | None = Field(None, description="Land mask: a raster per scene, one raster for all, or a vector file")
    regions: Regions | None = Field(
        None, description="Regions that areas are reported for, in a vector file; by default what the first run saw"
    )
    grid: Literal["auto"] | Grid = Field(
        "auto", description="Run grid; auto is the grid of the scenes where they share one"
    )

    @field_validator("date", mode="before")
    @classmethod
    def parse_date(cls, value: Any) -> Any:  # noqa: ANN401
        """Return a day as a date, any other text as it is."""
        # YAML reads 20240701 as an integer; a bool is one too, and is refused later.
        if isinstance(value, int | str) and not isinstance(value, bool):
            try:
                return dt.date.fromisoformat(str(value))
            except ValueError:
                return str(value)
        return value

    @field_validator("date")
    @classmethod
    def check_date(cls, value: dt.date | str) -> dt.date | str:
        """Raise if a pattern is invalid or does not give the day."""
        if not isinstance(value, str):
            return value
        if "%" in value:
            directives = set(re.findall(r"%.", value))
            if not ({"%Y", "%m", "%d"} <= directives or {"%Y", "%j"} <= directives):
                raise ValueError("does not give the day: it needs %Y with %m and %d, or with %j")
            return value
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"is neither a day nor a pattern ({error})") from None
        return value

    @field_validator("classes", mode="before")
    @classmethod
    def convert_keys(cls, value: Any) -> Any:  # noqa: ANN401
        """Return the table with its keys as text: YAML reads ``0`` as a number and ``0..5`` as text."""
        return {str(key): name for key, name in value.items()} if isinstance(value, Mapping) else value

    @field_validator("classes")
    @classmethod
    def check_classes(cls, value: Mapping[str, str | float] | None) -> Mapping[str, str | float] | None:
        """Raise if the table of classes cannot be parsed."""
        if value is not None:
            parse_class_table(value)
        return value

    @model_validator(mode="after")
    def check_class_rasters(self) -> Self:
        """Raise if class rasters lack their table, or come with settings of reflectance."""
        if (self.sensor == "classes") != (self.classes is not None):
            raise ValueError("sensor: classes and the table classes go together")
        if self.classes is not None and (self.bands or self.scale != "auto"):
            raise ValueError("bands and scale have no meaning with sensor: classes")
        return self

    @field_validator("cloud", "land", "regions", mode="before")
    @classmethod
    def path_to_section(cls, value: Any) -> Any:  # noqa: ANN401
        """Return a path alone as a section that has no other key."""
        return {"path": value} if isinstance(value, str) else value

    @field_validator("nodata", mode="before")
    @classmethod
    def number_to_tuple(cls, value: Any) -> Any:  # noqa: ANN401
        """Return a single number as a tuple of one."""
        return (value,) if isinstance(value, int | float) and not isinstance(value, bool) else value

    @field_validator("scenes")
    @classmethod
    def resolve_scenes(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        """Return the paths absolute; raise if there is none."""
        if not value:
            raise ValueError("names no file")
        return tuple(absolute(path, info) for path in value)
