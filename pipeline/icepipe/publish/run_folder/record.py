"""The record that stands in every observation's folder: what it was made from, and what it gave.

A folder whose record matches inputs, basis, settings and code, and whose files match the record, is done.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from icepipe.classes import ClassCode
from icepipe.errors import IntegrityError
from icepipe.geo.geobox import Block
from icepipe.inputs.intervals import acquisition_interval
from icepipe.measure.area.budget import Budget
from icepipe.measure.area.observation import ObservationResult
from icepipe.measure.area.series import Row
from icepipe.publish.run_folder.paths import ObservationPaths
from icepipe.storage.fingerprint import fingerprint
from icepipe.storage.json_document import JsonDocument


@dataclass(frozen=True)
class Provenance:
    """What an observation is made from.

    Attributes
    ----------
    inputs
        Name and fingerprint of every file, sorted.
    basis, settings
        Digests.
    code
        Versions of icepipe and of the libraries whose bytes it publishes.
    polygons
        Digest of how its polygons are written, which changes none of its pixels or rows.
    """

    inputs: tuple[tuple[str, str], ...]
    basis: str
    settings: str
    code: tuple[str, ...]
    polygons: str

    def has_same_pixels(self, other: Provenance) -> bool:
        """Whether classes and rows are made from the same, whatever the polygons."""
        return replace(self, polygons="") == replace(other, polygons="")


@dataclass(frozen=True)
class Record:
    """What an observation was made from and what it gave.

    Attributes
    ----------
    made
        What it was made from.
    rows
        Its rows of the series.
    doubled_fraction
        Part of the pixels seen that more than one scene saw.
    drift
        How far its pixels lie from the model, over how far the model's own sample did.
    misnamed
        Share of its pixels whose own colour has another name than the model gives them.
    cloud_km2, cloud_like_ice_fraction
        What clouds hide, and the part of it whose colour is that of ice; None where class rasters do not tell.
    moments
        First and last second that its scenes can be of, as ISO text.
    pixel_side_m
        Side of a square as large as the mean pixel of the region.
    moved_km2
        Area of small patches that went to their surroundings, as ``ice to water``.
    superseded
        Rows that stood here before and were replaced, oldest first.
    outputs
        Name and fingerprint of every file of the folder, less this record.
    remarks
        What was written otherwise than asked for, in sentences.
    reached
        Rectangle of the grid that holds all that a file tells of, of no width where none reaches it; None where that is
        not known, as in records of earlier versions.
    """

    made: Provenance
    rows: tuple[Row, ...]
    doubled_fraction: float
    drift: float
    misnamed: float
    cloud_km2: float
    cloud_like_ice_fraction: float | None
    moments: tuple[str, str]
    pixel_side_m: float
    moved_km2: dict[str, float]
    superseded: tuple[tuple[Row, ...], ...]
    outputs: tuple[tuple[str, str], ...]
    remarks: tuple[str, ...] = ()
    reached: Block | None = None

    @property
    def class_raster(self) -> tuple[str, str] | None:
        """Name and fingerprint of the class raster; None where no output is one."""
        ending = ObservationPaths.class_raster.ending
        return next((output for output in self.outputs if output[0].endswith(ending)), None)


DOCUMENT = JsonDocument(Record)


def folder_outputs(folder: Path, fingerprint: Callable[[Path], str] = fingerprint) -> tuple[tuple[str, str], ...]:
    """Name and fingerprint of every file in a folder, less the record."""
    record = ObservationPaths(folder).record
    return tuple(
        (path.name, fingerprint(path)) for path in sorted(folder.iterdir()) if path.is_file() and path != record
    )


def superseded_rows(rows: Sequence[Row], old: Record | None) -> tuple[tuple[Row, ...], ...]:
    """What an earlier record says was replaced, with its own rows where new ones say something else."""
    if old is None:
        return ()
    same = [replace(row, config_hash="") for row in old.rows] == [replace(row, config_hash="") for row in rows]
    return old.superseded if same else (*old.superseded, old.rows)


def pixel_side_m(budget: Budget) -> float:
    """Side of a square as large as the mean pixel of the region, whatever the unit of the map."""
    pixels = sum(area.n_pixels for area in budget.classes.values())
    return round(math.sqrt(budget.region_km2 * 1e6 / pixels), 3) if pixels else 0.0


def write_record(
    folder: Path,
    made: Provenance,
    rows: Sequence[Row],
    observed: ObservationResult,
    old: Record | None,
    remarks: Sequence[str],
) -> Record:
    """Fingerprint what stands in a folder and write its record; ``old`` is the record that it replaces."""
    record = Record(
        made=made,
        rows=tuple(rows),
        doubled_fraction=observed.doubled_fraction,
        drift=observed.drift,
        misnamed=observed.misnamed,
        cloud_km2=observed.budget.classes[ClassCode.CLOUD].area_km2,
        cloud_like_ice_fraction=observed.cloud_like_ice_fraction,
        moments=acquisition_interval(observed.observation).texts,
        pixel_side_m=pixel_side_m(observed.budget),
        moved_km2=observed.moved_km2,
        superseded=superseded_rows(rows, old),
        outputs=folder_outputs(folder),
        remarks=tuple(remarks),
        reached=observed.reached,
    )
    return _written(folder, record)


def _written(folder: Path, record: Record) -> Record:
    ObservationPaths(folder).record.write_text(DOCUMENT.text(record), encoding="utf-8")
    return record


def rewrite_record(folder: Path, old: Record, made: Provenance, remarks: Sequence[str]) -> Record:
    """Fingerprint a folder whose polygons were written anew and write its record; what its pixels gave stays."""
    return _written(folder, replace(old, made=made, remarks=tuple(remarks), outputs=folder_outputs(folder)))


def last_record(folder: Path) -> Record | None:
    """The record of a folder as it stands, whatever became of the files; None where there is none, or not a whole one.

    Raises
    ------
    IntegrityError
        If it cannot be read; it may well be whole.
    """
    path = ObservationPaths(folder).record
    try:
        return DOCUMENT.parse(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise IntegrityError(f"{path}: cannot be read ({error})", "check the disk and its permissions") from error


def read_record(folder: Path, fingerprint: Callable[[Path], str] = fingerprint) -> Record | None:
    """The record of a folder if every file it lists is as it says, or None; files of others there do not count.

    Raises
    ------
    IntegrityError
        If it cannot be read.
    """
    record = last_record(folder)
    if record is None:
        return None
    return record if set(record.outputs) <= set(folder_outputs(folder, fingerprint)) else None
