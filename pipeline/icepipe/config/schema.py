"""Define the config as a whole, its hashes and its JSON Schema."""

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
    """Config of a run."""

    name: str = Field(pattern=_NAME, description="Name of the folder and the files of the run")
    inputs: Inputs
    segment: Segment = Segment()
    measure: Measure = Measure()
    # A default per config: its folder is resolved when it is created, not when the module is imported.
    publish: Publish = Field(default_factory=Publish)
    batch: Batch = Batch()

    @model_validator(mode="after")
    def check_clustering(self) -> Self:
        """Raise if class rasters, which are not clustered, come with settings of clustering."""
        if self.inputs.classes is not None and self.segment.model_fields_set:
            keys = ", ".join(sorted(self.segment.model_fields_set))
            # The message names the section: pydantic reports no key for a fault between two sections.
            raise ValueError(f"segment: class rasters are not clustered: take {keys} out")
        return self

    @cached_property
    def run_folder(self) -> Path:
        """Folder that the run writes to, without symbolic links in its path."""
        # Resolved once: a link that is put into the path later is then noticed instead of followed.
        return Path(os.path.realpath(Path(self.publish.folder) / self.name))

    @property
    def digest(self) -> str:
        """12 hexadecimal digits that change with every setting that can change an observation's classes or rows."""
        # Settings of the finished series and of file formats are left out: they must not reprocess any observation.
        excluded: dict[str, Any] = {"batch": True, "publish": True, "inputs": {"scenes"}, "measure": SERIES_KEYS}
        settings = self.model_dump(mode="json", exclude=excluded)
        # Folders are left out too, so that a run can move to another disk; file names stay.
        for mask in ("cloud", "land"):
            if settings["inputs"][mask] and settings["inputs"][mask]["path"]:
                settings["inputs"][mask]["path"] = Path(settings["inputs"][mask]["path"]).name
        settings["segment"]["fit"] = Path(self.segment.fit).name
        if self.inputs.regions:
            settings["inputs"]["regions"]["path"] = Path(self.inputs.regions.path).name
        return hash_settings(settings)

    @property
    def polygons_digest(self) -> str:
        """12 hexadecimal digits that change with the settings of the polygons of an observation."""
        return hash_settings(self.publish.polygons.model_dump(mode="json"))

    @property
    def published_settings(self) -> dict[str, Any]:
        """All settings as JSON values, without paths and without the use of cores and memory."""
        excluded: dict[str, Any] = {"inputs": {"scenes"}, "segment": {"fit"}, "publish": {"folder"}, "batch": True}
        return self.model_dump(mode="json", by_alias=True, exclude=excluded) | {"fit": Path(self.segment.fit).name}

    @property
    def basis_digest(self) -> str:
        """12 hexadecimal digits that change with the settings that determine the basis: region, grid and model."""
        # Pinned classes are left out: they are applied to the model of the basis and do not fit another.
        segment = self.segment.model_dump(mode="json") | {"fit": Path(self.segment.fit).name}
        segment["labels"] = {key: new.model_dump(mode="json") for key, new in self.segment.new_thresholds.items()}
        # Left out for any ice, so that a basis made before there was a choice is still that of its config.
        if self.segment.ice != "any":
            segment["ice"] = self.segment.ice
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
        return hash_settings(settings)


def hash_settings(settings: dict[str, Any]) -> str:
    """Return the first 12 hexadecimal digits of the SHA-256 of settings, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a config file."""
    return Config.model_json_schema()
