"""The design of a reference sample: what was drawn, from where, and by which chance. Kept from the labellers' eyes.

It stands beside the points, and holds their strata. Two hashes tie it to them and to itself, so that points that were
moved, added or left out are not taken for a random sample.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from icepipe.assess.options import Allocation
from icepipe.errors import InputError
from icepipe.storage.json_document import JsonDocument

SUFFIX = ".design.json"


@dataclass(frozen=True)
class DesignStratum:
    """A stratum: a class of the map when the points were drawn."""

    label: str
    area_km2: float
    n_pixels: int
    n_points: int


@dataclass(frozen=True)
class DesignPoint:
    """A point: the centre of a pixel of the run grid.

    Attributes
    ----------
    id
        What the labellers know it by.
    row, col
        Its pixel.
    x, y
        Its place in the grid's coordinate system.
    stratum
        Class that the map gave it.
    pixel_m2
        True area of its pixel.
    """

    id: int
    row: int
    col: int
    x: float
    y: float
    stratum: str
    pixel_m2: float


@dataclass(frozen=True)
class Design:
    """What a sample was drawn from, and how.

    Attributes
    ----------
    run, observation
        Name of the run and key of the observation.
    model, raster
        Digest of the model, and fingerprint of the class raster.
    crs
        Of the places, as WKT.
    seed, allocation
        How the points were chosen.
    strata, points
        What was drawn.
    points_hash
        Digest of the numbers and places of the points.
    design_hash
        Digest of all the above.
    """

    run: str
    observation: str
    model: str
    raster: str
    crs: str
    seed: int
    allocation: Allocation
    strata: tuple[DesignStratum, ...]
    points: tuple[DesignPoint, ...]
    points_hash: str = ""
    design_hash: str = ""


_DOCUMENT = JsonDocument(Design)


def points_hash(points: Iterable[tuple[int, float, float]]) -> str:
    """Digest of numbers and places, whatever order they come in; 32 hexadecimal digits."""
    lines = (f"{number} {x!r} {y!r}\n" for number, x, y in sorted(points))
    return hashlib.blake2b("".join(lines).encode(), digest_size=16).hexdigest()


def _design_hash(design: Design) -> str:
    return hashlib.blake2b(_DOCUMENT.compact(replace(design, design_hash="")).encode(), digest_size=16).hexdigest()


def sealed(design: Design) -> Design:
    """The design with its two hashes."""
    tied = replace(design, points_hash=points_hash((point.id, point.x, point.y) for point in design.points))
    return replace(tied, design_hash=_design_hash(tied))


def design_path(points: Path) -> Path:
    """Where the design of a file of points stands."""
    return points.with_suffix(SUFFIX)


def dump_design(design: Design) -> str:
    """The design as JSON text."""
    return _DOCUMENT.text(design)


def read_design(points: Path) -> Design:
    """The design that belongs to a file of points.

    Raises
    ------
    InputError
        If it is not there, or not as icepipe wrote it.
    """
    path = design_path(points)
    if not path.is_file():
        raise InputError(
            points,
            f"its design {path.name} is not beside it, so nothing says that the points were drawn at random",
            "put both files into one folder, or draw a sample with `icepipe assess sample`",
        )
    unusable = InputError(path, "not a design that icepipe wrote", "draw a sample with `icepipe assess sample`")
    design = _DOCUMENT.load(path, unusable)
    if design != sealed(design):
        raise InputError(path, "it was changed after the points were drawn", "put back the file that was written")
    return design
