"""Measure ice and water area from satellite tiles, in true square kilometres, with a reason for every name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from icepipe.config.loader import load
    from icepipe.config.schema import Config
    from icepipe.picture.segment_image import Segmented, segment_image
    from icepipe.workflow.result import RunResult
    from icepipe.workflow.run import run

__version__ = "0.1.0"
__all__ = ["Config", "RunResult", "Segmented", "__version__", "load", "run", "segment_image"]

_MODULES = {
    "Config": "config.schema",
    "load": "config.loader",
    "RunResult": "workflow.result",
    "run": "workflow.run",
    "Segmented": "picture.segment_image",
    "segment_image": "picture.segment_image",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import a public name on first use."""
    # `import icepipe` stays fast: the numeric libraries load only once a name needs them.
    if name not in _MODULES:
        raise AttributeError(f"module 'icepipe' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"icepipe.{_MODULES[name]}"), name)
