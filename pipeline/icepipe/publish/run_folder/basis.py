"""The basis on disk: what the first run froze, and every later run starts from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from affine import Affine

from icepipe.errors import ConfigError
from icepipe.geo.geobox import GeoBox, Region
from icepipe.publish.run_folder.paths import RunPaths
from icepipe.segment.model import Model
from icepipe.storage.json_document import JsonDocument


@dataclass(frozen=True)
class Basis:
    """What all dates of a run share, frozen by its first run.

    Attributes
    ----------
    settings
        Digest of the settings it was made with.
    crs, transform, width, height
        The run grid.
    regions
        Outlines that areas are reported for.
    unit_m2
        Unit that areas are summed in.
    model
        The named clusters, less what the config pins; None where every observation is fitted on its own.
    """

    settings: str
    crs: str
    transform: tuple[float, float, float, float, float, float]
    width: int
    height: int
    regions: tuple[Region, ...]
    unit_m2: float
    model: Model | None

    @property
    def grid(self) -> GeoBox:
        """The run grid."""
        return GeoBox(self.crs, Affine(*self.transform), self.width, self.height)


_DOCUMENT = JsonDocument(Basis)


def basis_hash(basis: Basis) -> str:
    """Twelve hexadecimal digits that change with anything in the basis."""
    return hashlib.sha256(_DOCUMENT.text(basis).encode()).hexdigest()[:12]


def save_basis(folder: Path, basis: Basis) -> None:
    """Write ``basis.json``."""
    _DOCUMENT.save(RunPaths(folder).basis, basis)


def load_basis(folder: Path) -> Basis | None:
    """The basis of an earlier run in this folder, or None.

    Raises
    ------
    ConfigError
        If ``basis.json`` is there and is not one.
    """
    path = RunPaths(folder).basis
    if not path.exists():
        return None
    return _DOCUMENT.load(
        path, ConfigError(f"{path}: not a basis that this icepipe wrote", "run with --rebase to make a new one")
    )
