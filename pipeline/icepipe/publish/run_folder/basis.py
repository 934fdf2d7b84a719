"""``basis.json``: grid, regions and model that the first run freezes and later runs read."""

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
    """Grid, regions and model that all observations of a run share, frozen by its first run.

    Attributes
    ----------
    settings
        Digest of the settings that decide it.
    crs, transform, width, height
        The run grid.
    regions
        Regions that areas are reported for.
    unit_m2
        Square metres of the integer unit in which areas are summed.
    model
        The named clusters without the pins of the config; None if every observation has its own model.
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
    """Return the first twelve hexadecimal digits of the SHA-256 of the document."""
    # Floats are written with all their digits, so that the same text means the same bits.
    return hashlib.sha256(_DOCUMENT.text(basis).encode()).hexdigest()[:12]


def save_basis(folder: Path, basis: Basis) -> None:
    """Write ``basis.json``."""
    _DOCUMENT.save(RunPaths(folder).basis, basis)


def load_basis(folder: Path) -> Basis | None:
    """Read the basis of a run folder; None if it has none.

    Raises
    ------
    ConfigError
        If ``basis.json`` does not hold a basis.
    """
    path = RunPaths(folder).basis
    if not path.exists():
        return None
    return _DOCUMENT.load(
        path,
        ConfigError(f"{path}: not a basis that this version of icepipe reads", "run with --rebase to make a new one"),
    )
