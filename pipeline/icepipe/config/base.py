"""What all parts of a config share."""

from __future__ import annotations

import os
import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationInfo


def absolute(path: str, info: ValidationInfo) -> str:
    """A path, relative to the config file it stands in."""
    base = (info.context or {}).get("base") or Path.cwd()
    try:
        return os.path.normpath(Path(base) / Path(path).expanduser())
    except RuntimeError:
        raise ValueError("its ~ names no home folder") from None


def directives(pattern: str) -> set[str]:
    """What a strptime pattern reads."""
    return set(re.findall(r"%.", pattern))


class Section(BaseModel):
    """A part of a config: no unknown keys, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
