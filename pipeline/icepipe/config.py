"""What a user may say: every key, every default; sections of their own stand in modules of their own."""

from __future__ import annotations

import hashlib
import json
import os
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from icepipe.config_base import Section, absolute
from icepipe.config_inputs import Inputs
from icepipe.config_measure import AFTERWARDS, Measure
from icepipe.config_segment import Segment

_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"

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


class Config(Section):
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

    @cached_property
    def run_folder(self) -> Path:
        """Folder that the run writes to; with no links in its path, so that one that turns up later is seen."""
        return Path(os.path.realpath(Path(self.publish.folder) / self.name))

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that change with every setting that can change an observation's classes or rows.

        Paths are left out, and so is what only looks at the finished series, or writes the same pixels in another way:
        another alert, baseline or format must not make observations be classified anew.
        """
        left_out: dict[str, Any] = {"batch": True, "publish": True, "inputs": {"scenes"}, "measure": AFTERWARDS}
        settings = self.model_dump(mode="json", exclude=left_out)
        for mask in ("cloud", "land"):
            if settings["inputs"][mask] and settings["inputs"][mask]["path"]:
                settings["inputs"][mask]["path"] = Path(settings["inputs"][mask]["path"]).name
        settings["segment"]["fit"] = Path(self.segment.fit).name
        if self.inputs.regions:
            settings["inputs"]["regions"]["path"] = Path(self.inputs.regions.path).name
        return _digest(settings)

    @property
    def polygons_digest(self) -> str:
        """The same for how an observation's polygons are written."""
        return _digest(self.publish.polygons.model_dump(mode="json"))

    @property
    def stated(self) -> dict[str, Any]:
        """Every setting but paths, and but how the work is spread, as JSON values."""
        left_out: dict[str, Any] = {"inputs": {"scenes"}, "segment": {"fit"}, "publish": {"folder"}, "batch": True}
        return self.model_dump(mode="json", by_alias=True, exclude=left_out) | {"fit": Path(self.segment.fit).name}

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
