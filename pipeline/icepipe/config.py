"""What a user may say: every key, every default, nowhere else."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from icepipe.class_values import class_table

_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"


def _absolute(path: str, info: ValidationInfo) -> str:
    base = (info.context or {}).get("base", Path.cwd())
    try:
        return os.path.normpath(Path(base) / Path(path).expanduser())
    except RuntimeError:
        raise ValueError("its ~ names no home folder") from None


def _directives(pattern: str) -> set[str]:
    return set(re.findall(r"%.", pattern))


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Mask(_Section):
    """Rasters, or outlines, that say where something hides the surface."""

    path: str = Field(min_length=1, description="File; {stem} and {folder} stand for the scene's own name and folder")
    values: tuple[int, ...] = Field((), description="Numbers that hide; any but 0 where none is given")

    @field_validator("path")
    @classmethod
    def _resolve(cls, value: str, info: ValidationInfo) -> str:
        return value if not value or value.startswith("{folder}") else _absolute(value, info)


class Cloud(Mask):
    """A cloud mask: a raster of one's own, or the quality raster that comes with a product."""

    path: str = Field("", description="File; {stem} and {folder} stand for the scene's own; empty with `quality`")
    quality: Literal["landsat-c2", "landsat-c1", "sentinel2-scl"] | None = Field(
        None, description="Kind of quality raster that lies beside the bands"
    )
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


class Scale(_Section):
    """Reflectance = gain x number + offset."""

    gain: float = Field(gt=0, allow_inf_nan=False, description="Reflectance of one step of the stored numbers")
    offset: float = Field(0.0, allow_inf_nan=False, description="Reflectance of the stored number 0")


class Regions(_Section):
    """Named outlines."""

    path: str = Field(min_length=1, description="Vector file of polygons, in any coordinate system")
    name: str = Field("name", min_length=1, description="Field that names each; outlines of one name are one region")

    @field_validator("path")
    @classmethod
    def _resolve(cls, value: str, info: ValidationInfo) -> str:
        return _absolute(value, info)


Role = Literal["blue", "green", "red", "nir", "swir1", "swir2"]


class Grid(_Section):
    """A grid of one's own choice."""

    crs: str = Field(pattern=r"(?i)^EPSG:\d{4,6}$", description="Coordinate system of the run grid, as EPSG:number")
    resolution: float = Field(ge=1e-6, le=1e7, allow_inf_nan=False, description="Pixel size in its unit")


class Inputs(_Section):
    """Which files, and what their numbers mean."""

    scenes: tuple[str, ...] = Field(description="Glob, folder or file, or a list of them; relative to the config")
    sensor: Literal[
        "auto",
        "rgb",
        "modis-truecolor",
        "modis-721",
        "landsat-tm",
        "landsat-etm",
        "landsat-oli",
        "sentinel2-l1c",
        "sentinel2-l2a",
        "classes",
    ] = Field("auto", description="What the bands are; auto asks descriptions, colour interpretation and file names")
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
            and not ({"%Y", "%m", "%d"} <= _directives(value) or {"%Y", "%j"} <= _directives(value))
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
        return tuple(_absolute(path, info) for path in value)


class NewThreshold(_Section):
    """A threshold of one's own; what is not given stays as the table has it."""

    low: float | None = Field(None, allow_inf_nan=False, description="Low end of its range")
    mid: float | None = Field(None, allow_inf_nan=False, description="The value that names")
    high: float | None = Field(None, allow_inf_nan=False, description="High end of its range")
    feature: str | None = Field(None, description="Feature that it is compared with")


class Pin(_Section):
    """Names given by hand to clusters of one model."""

    model: str = Field(pattern=r"^[0-9a-f]{12}$", description="Hash of the model, as `icepipe explain` shows it")
    clusters: Mapping[Annotated[int, Field(ge=0)], Literal["water", "ice", "other"]] = Field(
        description="Number of each cluster, and its class"
    )


class Labels(_Section):
    """How clusters get their names, where the tables do not decide alone."""

    thresholds: Mapping[str, NewThreshold] = Field({}, description="Thresholds by key (`icepipe schema --rules`)")
    pin: Pin | None = Field(None, description="Names given by hand")


FIT_SCOPES = ("run", "observation", "scene")


class Segment(_Section):
    """How pixels become clusters."""

    k: Annotated[int, Field(ge=2, le=32)] | Literal["elbow", "silhouette"] = Field(
        6, description="Clusters that the fit starts from, at least 2, at most 32; or how to choose their number"
    )
    features: Literal["auto"] | Annotated[tuple[str, ...], Field(min_length=1, max_length=16)] = Field(
        "auto", description="What pixels are compared by: auto (the bands), or bands and indices by name"
    )
    fit: str = Field(
        "run", description="One model for the `run`, for every `observation` or `scene`, or the model.json of a run"
    )
    sample: int = Field(200_000, ge=1_000, le=5_000_000, description="Pixels that the fit looks at")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Picks the sample and the start of the fit")
    labels: Literal["auto"] | Labels = Field(
        "auto", description="auto, or `thresholds` to change by key and clusters to `pin` by hand"
    )

    @field_validator("fit")
    @classmethod
    def _scope_or_file(cls, value: str, info: ValidationInfo) -> str:
        if value in FIT_SCOPES:
            return value
        if not value.endswith(".json"):
            raise ValueError(f"is none of {', '.join(FIT_SCOPES)}, nor a model.json")
        return _absolute(value, info)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ignored = {"k", "features", "sample", "seed"} & self.model_fields_set
        if self.model_file and (ignored or self.new_thresholds):
            told = ", ".join(sorted(ignored)) or "labels.thresholds"
            raise ValueError(f"a model.json is already fitted and named: take {told} out")
        if self.pin and self.fit in {"observation", "scene"}:
            raise ValueError(f"labels.pin names clusters of one model, and fit: {self.fit} makes many")
        return self

    @property
    def model_file(self) -> Path | None:
        """The model to take, where one is named."""
        return None if self.fit in FIT_SCOPES else Path(self.fit)

    @property
    def new_thresholds(self) -> Mapping[str, NewThreshold]:
        """Thresholds to change, by key."""
        return {} if self.labels == "auto" else self.labels.thresholds

    @property
    def pin(self) -> Pin | None:
        """Names given by hand, or None."""
        return None if self.labels == "auto" else self.labels.pin


Period = tuple[dt.date, dt.date]
"""First and last day."""


class Alert(_Section):
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


_AFTERWARDS = {"season", "baseline", "dates_under_km2", "processing_changed", "alerts"}
"""Keys of ``measure`` that look at the finished series and change no observation."""


class Measure(_Section):
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


PolygonFormat = Literal["shapefile", "geopackage", "geoparquet", "flatgeobuf"]


class Polygons(_Section):
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

    @field_validator("format", mode="before")
    @classmethod
    def _one_format_or_many(cls, value: Any) -> Any:  # noqa: ANN401
        return (value,) if isinstance(value, str) else value

    @field_validator("format")
    @classmethod
    def _each_format_once(cls, value: tuple[PolygonFormat, ...]) -> tuple[PolygonFormat, ...]:
        if not value:
            raise ValueError("names no format")
        return tuple(sorted(set(value)))


class Publish(_Section):
    """Where results go."""

    folder: str = Field("../out", description="Results are written to <folder>/<name>")
    polygons: Polygons = Polygons()
    change: bool = Field(
        True,
        description="Polygons of gain and loss between consecutive observations, in `change/`: on, as what changed is "
        "what a series is asked for, and a pair costs about what the polygons of one observation do",
    )

    @field_validator("folder")
    @classmethod
    def _resolve(cls, value: str, info: ValidationInfo) -> str:
        return _absolute(value, info)


class Batch(_Section):
    """How the work is spread."""

    workers: Literal["auto"] | Annotated[int, Field(ge=1, le=64)] = Field(
        "auto", description="Observations worked on at once; auto is one a core, as far as memory allows"
    )
    block: Literal["auto"] | Annotated[int, Field(ge=16, le=4096)] = Field(
        "auto", description="Side of a block in pixels; changes no result"
    )


class Config(_Section):
    """A whole run."""

    name: str = Field(pattern=_NAME, description="Names the folder and the files of the run")
    inputs: Inputs
    segment: Segment = Segment()
    measure: Measure = Measure()
    publish: Publish = Field(default_factory=Publish)
    batch: Batch = Batch()

    @model_validator(mode="after")
    def _nothing_to_fit(self) -> Self:
        if self.inputs.classes is not None and self.segment.model_fields_set:
            told = ", ".join(sorted(self.segment.model_fields_set))
            raise ValueError(f"segment: class rasters are not clustered: take {told} out")
        return self

    @property
    def run_folder(self) -> Path:
        """Folder that the run writes to."""
        return Path(self.publish.folder) / self.name

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that change with every setting that can change an observation.

        Paths are left out, and so is what only looks at the finished series: another alert or baseline must not make
        observations be classified anew.
        """
        left_out: dict[str, Any] = {"batch": True, "inputs": {"scenes"}, "measure": _AFTERWARDS}
        left_out["publish"] = {"folder", "change"}
        settings = self.model_dump(mode="json", exclude=left_out)
        for mask in ("cloud", "land"):
            if settings["inputs"][mask] and settings["inputs"][mask]["path"]:
                settings["inputs"][mask]["path"] = Path(settings["inputs"][mask]["path"]).name
        settings["segment"]["fit"] = Path(self.segment.fit).name
        if self.inputs.regions:
            settings["inputs"]["regions"]["path"] = Path(self.inputs.regions.path).name
        return _digest(settings)

    @property
    def basis_digest(self) -> str:
        """The same for the settings that a basis is made with; names given by hand leave it as it is."""
        segment = self.segment.model_dump(mode="json") | {"fit": Path(self.segment.fit).name}
        segment["labels"] = {key: new.model_dump(mode="json") for key, new in self.segment.new_thresholds.items()}
        settings = {
            "grid": self.inputs.model_dump(mode="json")["grid"],
            "classes": self.inputs.classes is not None,
            "regions": self.inputs.regions is not None,
            "sensor": self.inputs.sensor,
            "bands": self.inputs.model_dump(mode="json")["bands"],
            "scale": self.inputs.model_dump(mode="json")["scale"],
            "segment": segment,
            "seen": self.model_dump(
                mode="json", include={"inputs": {"nodata", "date"}, "measure": {"period", "prefer"}}
            ),
            "masks": [
                mask and mask.model_dump(mode="json", exclude={"path"}) | {"path": Path(mask.path).name}
                for mask in (self.inputs.cloud, self.inputs.land)
            ],
        }
        return _digest(settings)


def _digest(settings: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def schema() -> dict[str, Any]:
    """JSON Schema of a config file."""
    return Config.model_json_schema()
