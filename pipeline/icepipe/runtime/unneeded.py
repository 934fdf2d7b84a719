"""Libraries that others load where they find them, and that no command has a use for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

UNNEEDED = frozenset({"geopandas", "pandas"})
"""pyogrio and pyarrow look for both, in case they are to fill their tables."""


class _NotFound(MetaPathFinder):
    """Says of some libraries that they are not installed."""

    def find_spec(self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None) -> ModuleSpec | None:
        """Nothing for all others, which are found as ever.

        Raises
        ------
        ModuleNotFoundError
            For one of those that are not to be loaded.
        """
        if name in UNNEEDED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


def block_imports() -> None:
    """Load none of them in this process from now on: it is the command's own, and starts sooner without."""
    sys.meta_path.insert(0, _NotFound())
