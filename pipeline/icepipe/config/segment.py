"""Define the section ``segment`` of a config: clustering of pixels and naming of clusters."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from icepipe.config.base import Section, absolute


class NewThreshold(Section):
    """Override of a threshold; values that are not given stay those of the table."""

    low: float | None = Field(None, allow_inf_nan=False, description="Low end of the range")
    mid: float | None = Field(None, allow_inf_nan=False, description="Value that decides the class")
    high: float | None = Field(None, allow_inf_nan=False, description="High end of the range")
    feature: str | None = Field(None, description="Feature that is compared with the threshold")


class Pin(Section):
    """Classes of some clusters of one model, set by the user."""

    model: str = Field(pattern=r"^[0-9a-f]{12}$", description="Hash of the model, as printed by `icepipe explain`")
    clusters: Mapping[Annotated[int, Field(ge=0)], Literal["water", "ice", "other"]] = Field(
        description="Class of each cluster by its number"
    )


Ice = Literal["any", "white"]
"""Which ice is in the class: every stage from grease ice on, or white ice only."""


class Labels(Section):
    """Changes to the rules that name clusters."""

    ice: Ice = Field("any", description="Ice of any stage, or white ice only: grey and thinner ice is then `other`")
    thresholds: Mapping[str, NewThreshold] = Field({}, description="Thresholds by key (`icepipe schema --rules`)")
    pin: Pin | None = Field(None, description="Classes set by the user")


FIT_SCOPES = ("run", "observation", "scene")


class Segment(Section):
    """How pixels are clustered, and clusters named."""

    k: Annotated[int, Field(ge=2, le=32)] | Literal["elbow", "silhouette"] = Field(
        6, description="Number of clusters that the fit starts from, 2 to 32, or the method that chooses it"
    )
    features: Literal["auto"] | Annotated[tuple[str, ...], Field(min_length=1, max_length=16)] = Field(
        "auto", description="Quantities by which pixels are compared: auto (the bands), or bands and indices by name"
    )
    fit: str = Field(
        "run",
        description="Scope of a model: the `run`, each `observation` or each `scene`; or a run's model.json",
    )
    sample: int = Field(200_000, ge=1_000, le=5_000_000, description="Number of pixels that the fit samples")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Seed of the sample and of the start of the fit")
    labels: Literal["auto"] | Labels = Field(
        "auto",
        description="auto, or which `ice` counts (any, or white ice only: white), `thresholds` to override by key, and "
        "clusters to `pin` to classes",
    )

    @field_validator("fit")
    @classmethod
    def check_fit(cls, value: str, info: ValidationInfo) -> str:
        """Return a scope as it is and a path absolute; raise if the value is neither."""
        if value in FIT_SCOPES:
            return value
        if not value.endswith(".json"):
            raise ValueError(f"is none of {', '.join(FIT_SCOPES)}, nor a model.json")
        return absolute(value, info)

    @model_validator(mode="after")
    def check_model_use(self) -> Self:
        """Raise if a setting would be ignored, or pins clusters of more than one model."""
        # Only keys that the config gives: a default is not a setting that the user would miss.
        ignored = {"k", "features", "sample", "seed"} & self.model_fields_set
        if self.model_file and (ignored or self.new_thresholds):
            keys = ", ".join(sorted(ignored)) or "labels.thresholds"
            raise ValueError(f"a model.json is already fitted and named: take {keys} out")
        if self.pin and self.fit in {"observation", "scene"}:
            raise ValueError(f"labels.pin names clusters of one model, and fit: {self.fit} makes many")
        return self

    @property
    def model_file(self) -> Path | None:
        """Path of the model to use; None where a model is fitted."""
        return None if self.fit in FIT_SCOPES else Path(self.fit)

    @property
    def ice(self) -> Ice:
        """Which ice is in the class."""
        return "any" if self.labels == "auto" else self.labels.ice

    @property
    def new_thresholds(self) -> Mapping[str, NewThreshold]:
        """Overridden thresholds by key."""
        return {} if self.labels == "auto" else self.labels.thresholds

    @property
    def pin(self) -> Pin | None:
        """Classes set by the user, or None."""
        return None if self.labels == "auto" else self.labels.pin
