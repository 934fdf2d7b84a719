"""Define what all sections of a config share: the base class and the paths."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationInfo


def absolute(path: str, info: ValidationInfo) -> str:
    """Return a path of a config as an absolute path; relative paths start at the folder of the config file."""
    base = (info.context or {}).get("base") or Path.cwd()
    try:
        # normpath and not resolve: links stay in the path, so that one that changes later is followed again.
        return os.path.normpath(Path(base) / Path(path).expanduser())
    except RuntimeError:
        raise ValueError("its ~ names no home folder") from None


def as_tuple(value: Any) -> Any:  # noqa: ANN401
    """Return a single text or mapping as a tuple of one; any other value as it is."""
    return (value,) if isinstance(value, str | Mapping) else value


ONE_OR_MANY = BeforeValidator(as_tuple)
"""Lets a config give a single value where a list is expected."""


class Section(BaseModel):
    """Section of a config, immutable and without unknown keys."""

    # Defaults are validated too, so that a default path is resolved like one that the config gives.
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
