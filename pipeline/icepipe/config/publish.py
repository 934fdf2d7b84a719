"""Define the sections ``publish`` and ``batch`` of a config: outputs, workers and blocks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from icepipe.config.base import ONE_OR_MANY, Section, absolute

PolygonFormat = Literal["shapefile", "geopackage", "geoparquet", "flatgeobuf"]


class Polygons(Section):
    """Classes that become polygons, and their file formats."""

    format: Annotated[tuple[PolygonFormat, ...], ONE_OR_MANY] = Field(
        ("shapefile",), description="One or a list; geopackage is one file per run, the others one per date and class"
    )
    classes: Annotated[tuple[Literal["ice", "water", "other"], ...], ONE_OR_MANY] = Field(
        ("ice", "water"), description="One or a list; each class is a layer"
    )
    simplify_m: float = Field(
        0.0,
        ge=0,
        allow_inf_nan=False,
        description="Cut off corners whose triangle is smaller than the square of this; areas stay those of the pixels",
    )
    crs: str | None = Field(
        None,
        pattern=r"(?i)^EPSG:\d{4,6}$",
        description="Coordinate system of the polygons, as EPSG:number; by default that of the run grid",
    )

    @field_validator("format")
    @classmethod
    def normalise_formats(cls, value: tuple[PolygonFormat, ...]) -> tuple[PolygonFormat, ...]:
        """Return each format once, in alphabetical order; raise if there is none."""
        if not value:
            raise ValueError("names no format")
        # Sorted, so that another order of the same formats has the same digest and rewrites no polygons.
        return tuple(sorted(set(value)))


class Publish(Section):
    """Outputs, and the folder that they are written to."""

    folder: Annotated[str, AfterValidator(absolute)] = Field(
        "../out", description="Results are written to <folder>/<name>"
    )
    polygons: Polygons = Polygons()
    fraction: bool = Field(
        False,
        description="Share of ice in every pixel in percent, a Cloud Optimized GeoTIFF for each observation: a "
        "concentration map",
    )
    change: bool = Field(
        True,
        description="Polygons of gain and loss between consecutive observations, in `change/`; a pair takes about as "
        "long as the polygons of one observation",
    )

    report: bool = Field(
        True,
        description="The page `report.html` and the images `series.png`, `series.svg` and `timelapse.gif`",
    )


class Batch(Section):
    """Use of cores and memory; changes no result."""

    workers: Literal["auto"] | Annotated[int, Field(ge=1, le=64)] = Field(
        "auto", description="Observations processed at once; auto is one per core, as far as memory allows"
    )
    block: Literal["auto"] | Annotated[int, Field(ge=16, le=4096)] = Field(
        "auto", description="Side of a block in pixels; does not change results"
    )
