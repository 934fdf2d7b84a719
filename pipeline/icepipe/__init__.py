"""Ice and water area from satellite tiles, in true square kilometres, with a reason for every name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from icepipe.config import Config
    from icepipe.config_file import load
    from icepipe.picture.segmented import Segmented, segment_image
    from icepipe.result import RunResult
    from icepipe.stages import run

__version__ = "0.1.0"
__all__ = ["Config", "RunResult", "Segmented", "__version__", "load", "run", "segment_image"]

_HOMES = {
    "Config": "config",
    "load": "config_file",
    "RunResult": "result",
    "run": "stages",
    "Segmented": "picture.segmented",
    "segment_image": "picture.segmented",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import public names on first use, so that ``import icepipe`` stays light."""
    if name not in _HOMES:
        raise AttributeError(f"module 'icepipe' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"icepipe.{_HOMES[name]}"), name)
