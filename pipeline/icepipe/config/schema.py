"""What a user may say: every key, every default; sections of their own stand in modules of their own."""

from __future__ import annotations

import hashlib
import json
import os
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from icepipe.config.base import Section
from icepipe.config.inputs import Inputs
from icepipe.config.measure import SERIES_KEYS, Measure
from icepipe.config.publish import Batch, Publish
from icepipe.config.segment import Segment

_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"


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
        left_out: dict[str, Any] = {"batch": True, "publish": True, "inputs": {"scenes"}, "measure": SERIES_KEYS}
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
    def published_settings(self) -> dict[str, Any]:
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
