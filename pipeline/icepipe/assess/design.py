"""The design of a reference sample: its strata, its points with their map classes, and how they were drawn.

The design is a file next to the points, kept from the labellers. Two hashes bind it to the points and to itself,
so that points that were moved, added or removed do not pass for a random sample.
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
    """A stratum: a class of the map that the points were drawn from."""

    label: str
    area_km2: float
    n_pixels: int
    n_points: int


@dataclass(frozen=True)
class DesignPoint:
    """A point at the centre of a pixel of the run grid.

    Attributes
    ----------
    id
        Number of the point in the file that is labelled, from 1.
    row, col
        Its pixel.
    x, y
        Its map coordinates in the coordinate system of the grid.
    stratum
        Class of the pixel on the map.
    pixel_m2
        True area of the pixel.
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
    """Origin, strata and points of a sample.

    Attributes
    ----------
    run, observation
        Name of the run and key of the observation.
    model, raster
        Digest of the model, and fingerprint of the class raster.
    crs
        Coordinate system of the points, as WKT.
    seed, allocation
        Seed of the random numbers, and allocation of the points to the strata.
    strata, points
        The sample.
    points_hash
        Digest of the ids and coordinates of the points.
    design_hash
        Digest of all other fields.
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


DESIGN_DOCUMENT = JsonDocument(Design)


def points_hash(points: Iterable[tuple[int, float, float]]) -> str:
    """Return a digest of ids and coordinates, independent of their order, as 32 hexadecimal digits."""
    # repr() of a float has as many digits as it takes to read the same bits back.
    lines = (f"{id_} {x!r} {y!r}\n" for id_, x, y in sorted(points))
    return hashlib.blake2b("".join(lines).encode(), digest_size=16).hexdigest()


def with_hashes(design: Design) -> Design:
    """Return the design with both of its hashes computed."""
    hashed = replace(design, points_hash=points_hash((point.id, point.x, point.y) for point in design.points))
    # The design's own hash covers the hash of the points, and itself as an empty string.
    text = DESIGN_DOCUMENT.compact(replace(hashed, design_hash=""))
    return replace(hashed, design_hash=hashlib.blake2b(text.encode(), digest_size=16).hexdigest())


def design_path(points: Path) -> Path:
    """Return the path of the design that belongs to a file of points."""
    return points.with_suffix(SUFFIX)


def write_design(points: Path, design: Design) -> None:
    """Write the design next to a file of points."""
    # The folder is written as a whole, so the file needs no temporary name of its own.
    design_path(points).write_text(DESIGN_DOCUMENT.text(design), encoding="utf-8")


def read_design(points: Path) -> Design:
    """Read the design that belongs to a file of points.

    Raises
    ------
    InputError
        If it is missing, is not a design, or was changed.
    """
    path = design_path(points)
    if not path.is_file():
        raise InputError(
            points,
            f"its design {path.name} is not next to it, so it is unknown whether the points were drawn at random",
            "put both files into one folder, or draw a sample with `icepipe assess sample`",
        )
    unusable = InputError(path, "not a design that icepipe wrote", "draw a sample with `icepipe assess sample`")
    design = DESIGN_DOCUMENT.load(path, unusable)
    if design != with_hashes(design):
        raise InputError(path, "it was changed after the points were drawn", "restore the file that icepipe wrote")
    return design
