"""The section ``segment`` of a config: how pixels become clusters, and clusters get names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from icepipe.config.base import Section, absolute


class NewThreshold(Section):
    """A threshold of one's own; what is not given stays as the table has it."""

    low: float | None = Field(None, allow_inf_nan=False, description="Low end of its range")
    mid: float | None = Field(None, allow_inf_nan=False, description="The value that names")
    high: float | None = Field(None, allow_inf_nan=False, description="High end of its range")
    feature: str | None = Field(None, description="Feature that it is compared with")


class Pin(Section):
    """Names given by hand to clusters of one model."""

    model: str = Field(pattern=r"^[0-9a-f]{12}$", description="Hash of the model, as `icepipe explain` shows it")
    clusters: Mapping[Annotated[int, Field(ge=0)], Literal["water", "ice", "other"]] = Field(
        description="Number of each cluster, and its class"
    )


class Labels(Section):
    """How clusters get their names, where the tables do not decide alone."""

    thresholds: Mapping[str, NewThreshold] = Field({}, description="Thresholds by key (`icepipe schema --rules`)")
    pin: Pin | None = Field(None, description="Names given by hand")


FIT_SCOPES = ("run", "observation", "scene")


class Segment(Section):
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
        return absolute(value, info)

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
