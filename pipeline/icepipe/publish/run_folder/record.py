"""``record.json`` of an observation: the provenance of its outputs, and the results.

An observation is up to date if its record matches inputs, basis, settings and code, and its files match the record.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator

from icepipe.classes import ClassCode
from icepipe.errors import IntegrityError
from icepipe.geo.geobox import Block
from icepipe.inputs.scenes import acquisition_interval
from icepipe.measure.area.budget import Budget
from icepipe.measure.area.observation import ObservationResult
from icepipe.measure.area.series import Row
from icepipe.publish.run_folder.paths import ObservationPaths
from icepipe.storage.fingerprint import fingerprint
from icepipe.storage.json_document import JsonDocument


@dataclass(frozen=True)
class Provenance:
    """The inputs, settings and code that an observation is made from.

    Attributes
    ----------
    inputs
        Name and fingerprint of every file, sorted.
    basis, settings
        Digests.
    code
        Versions of icepipe and of the libraries that decide the bytes of its outputs.
    polygons
        Digest of the settings of the polygon files, which change no pixel and no row of the series.
    fraction
        Whether the share of ice is published.
    """

    inputs: tuple[tuple[str, str], ...]
    basis: str
    settings: str
    code: tuple[str, ...]
    polygons: str
    fraction: bool = False

    def has_pixels_for(self, later: Provenance) -> bool:
        """Return whether rows and rasters of a later provenance are those of this one.

        Settings of polygons may differ, and the share of ice may be left out.
        """
        same_pixels = replace(later, polygons=self.polygons, fraction=self.fraction) == self
        return same_pixels and self.fraction >= later.fraction

    def differences(self, later: Provenance) -> str:
        """Return what differs in a later provenance, in words; empty if nothing does."""
        changed = {
            "other inputs": self.inputs != later.inputs,
            "other basis": self.basis != later.basis,
            "other settings": self.settings != later.settings,
        }
        before = ", ".join(item for item in self.code if item not in later.code)
        after = ", ".join(item for item in later.code if item not in self.code)
        changed[f"versions: {' -> '.join(filter(None, (before, after)))}"] = before != after
        return "; ".join(words for words, holds in changed.items() if holds)


@dataclass(frozen=True)
class Revision:
    """Rows of an observation that others replaced, and the reason; empty in records of earlier versions."""

    rows: tuple[Row, ...]
    reason: str


def _parse_revision(value: Any) -> Any:  # noqa: ANN401
    # Records of earlier versions hold a list of rows.
    return {"rows": value, "reason": ""} if isinstance(value, list) else value


@dataclass(frozen=True)
class Record:
    """Provenance and results of an observation.

    Attributes
    ----------
    made
        The provenance.
    rows
        Its rows of the series.
    doubled_fraction
        Fraction of the observed pixels that more than one scene covers.
    misnamed
        Fraction of its pixels whose own colour has another class than their cluster.
    cloud_km2, cloud_like_ice_fraction
        Area under cloud, and the fraction of it whose colour is that of ice; None for class rasters, which have no
        colour.
    moments
        First and last possible second of its scenes, as ISO text.
    pixel_side_m
        Side of a square as large as the mean pixel of the region.
    moved_km2
        Area of small patches that took the class of their surroundings, by ``ice to water`` and so on.
    superseded
        Rows of earlier records that were replaced, oldest first, with the reasons.
    outputs
        Name and fingerprint of every file of the folder except this record.
    remarks
        Sentences about files that were written in another format than configured.
    reached
        Block of the grid that contains every pixel covered by an input, of zero width if no input covers any; None in
        records of earlier versions, which do not list it.
    outlying
        Fraction of its pixels that are far from every cluster; 0 in records of 0.1.0, which do not list it.
    """

    made: Provenance
    rows: tuple[Row, ...]
    doubled_fraction: float
    misnamed: float
    cloud_km2: float
    cloud_like_ice_fraction: float | None
    moments: tuple[str, str]
    pixel_side_m: float
    moved_km2: dict[str, float]
    superseded: tuple[Annotated[Revision, BeforeValidator(_parse_revision)], ...]
    outputs: tuple[tuple[str, str], ...]
    remarks: tuple[str, ...] = ()
    reached: Block | None = None
    outlying: float = 0.0

    @property
    def class_raster(self) -> tuple[str, str] | None:
        """Name and fingerprint of the class raster; None if no output is one."""
        ending = ObservationPaths.class_raster.ending
        return next((output for output in self.outputs if output[0].endswith(ending)), None)


DOCUMENT = JsonDocument(Record)


def folder_outputs(folder: Path, fingerprint: Callable[[Path], str] = fingerprint) -> tuple[tuple[str, str], ...]:
    """Return name and fingerprint of every file in a folder except the record."""
    # Files are sorted by name, so that the records of equal folders are equal.
    record = ObservationPaths(folder).record
    return tuple(
        (path.name, fingerprint(path)) for path in sorted(folder.iterdir()) if path.is_file() and path != record
    )


def superseded_rows(rows: Sequence[Row], made: Provenance, old: Record | None) -> tuple[Revision, ...]:
    """Return the revisions of an earlier record, plus its own rows if the new ones differ."""
    if old is None:
        return ()
    # The digest of the config changes with settings that change no number, so it does not make rows differ; and the
    # scaled surface follows from other columns, so that rows of earlier versions do not differ by its lack.
    ignored: dict[str, Any] = {"config_hash": "", "weighted_est_km2": None}
    if [replace(row, **ignored) for row in old.rows] == [replace(row, **ignored) for row in rows]:
        return old.superseded
    return (*old.superseded, Revision(old.rows, old.made.differences(made)))


def pixel_side_m(budget: Budget) -> float:
    """Return the side of a square as large as the mean pixel of the region, in metres also on a grid in degrees."""
    pixels = sum(area.n_pixels for area in budget.classes.values())
    # The side is rounded to millimetres.
    return round(math.sqrt(budget.region_km2 * 1e6 / pixels), 3) if pixels else 0.0


def write_record(
    folder: Path,
    made: Provenance,
    rows: Sequence[Row],
    observed: ObservationResult,
    old: Record | None,
    remarks: Sequence[str],
) -> Record:
    """Write the record of a folder with the fingerprints of its files; ``old`` is the record that it replaces."""
    record = Record(
        made=made,
        rows=tuple(rows),
        doubled_fraction=observed.doubled_fraction,
        misnamed=observed.misnamed,
        cloud_km2=observed.budget.classes[ClassCode.CLOUD].area_km2,
        cloud_like_ice_fraction=observed.cloud_like_ice_fraction,
        moments=acquisition_interval(observed.observation).texts,
        pixel_side_m=pixel_side_m(observed.budget),
        moved_km2=observed.moved_km2,
        superseded=superseded_rows(rows, made, old),
        outputs=folder_outputs(folder),
        remarks=tuple(remarks),
        reached=observed.reached,
        outlying=observed.outlying,
    )
    ObservationPaths(folder).record.write_text(DOCUMENT.text(record), encoding="utf-8")
    return record


def rewrite_record(folder: Path, old: Record, made: Provenance, remarks: Sequence[str]) -> Record:
    """Write the record of a folder whose polygons were written again; results of its pixels are those of ``old``."""
    record = replace(old, made=made, remarks=tuple(remarks), outputs=folder_outputs(folder))
    ObservationPaths(folder).record.write_text(DOCUMENT.text(record), encoding="utf-8")
    return record


def last_record(folder: Path) -> Record | None:
    """Return the record of a folder without a check of the files; None if the record is missing or not complete.

    Raises
    ------
    IntegrityError
        If the file exists and cannot be read.
    """
    path = ObservationPaths(folder).record
    try:
        return DOCUMENT.parse(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        # The record may be complete on a disk that fails now; None would make the run compute the observation again.
        raise IntegrityError(f"{path}: cannot be read ({error})", "check the disk and its permissions") from error


def read_record(folder: Path, fingerprint: Callable[[Path], str] = fingerprint) -> Record | None:
    """Return the record of a folder if every file that it lists matches its fingerprint, else None.

    Files that it does not list are ignored.

    Raises
    ------
    IntegrityError
        If it cannot be read.
    """
    record = last_record(folder)
    if record is None:
        return None
    return record if set(record.outputs) <= set(folder_outputs(folder, fingerprint)) else None
