"""What a run published, read again from its folder: all that the report is made from."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from icepipe.errors import ConfigError, IntegrityError
from icepipe.geo.geobox import GeoBox
from icepipe.inputs.observation_key import ObservationKey
from icepipe.measure.area.series import COLUMNS, Row
from icepipe.publish.run_folder.basis import Basis, load_basis
from icepipe.publish.run_folder.paths import ObservationPaths, RunPaths
from icepipe.publish.run_folder.record import last_record

Read = TypeVar("Read")


@dataclass(frozen=True)
class PublishedObservation:
    """One observation as the report shows it.

    Attributes
    ----------
    key
        Of the observation.
    start
        First second that its scenes can be of, as ISO text.
    classes
        Class raster.
    picture
        What was seen, or None where no picture was kept: class rasters are their own picture.
    """

    key: ObservationKey
    start: str
    classes: Path
    picture: Path | None


@dataclass(frozen=True)
class PublishedRun:
    """What stands in a run's folder.

    Attributes
    ----------
    folder
        Of the run.
    basis
        Grid and regions of the run.
    run
        ``run.json``.
    rows
        The series.
    observations
        Every observation of the series, in its order.
    """

    folder: Path
    basis: Basis
    run: Mapping[str, Any]
    rows: tuple[Row, ...]
    observations: tuple[PublishedObservation, ...]

    @property
    def paths(self) -> RunPaths:
        """Where its files lie."""
        return RunPaths(self.folder, self.name)

    @property
    def name(self) -> str:
        """Name of the run."""
        return str(self.run["name"])

    @property
    def grid(self) -> GeoBox:
        """The run grid."""
        return self.basis.grid

    @property
    def has_named_regions(self) -> bool:
        """Whether the config names regions; else there is one, all that the scenes cover."""
        return bool(self.run["config"]["inputs"]["regions"])

    @cached_property
    def regions(self) -> tuple[str, ...]:
        """Regions in the order of the series."""
        return tuple(dict.fromkeys(row.region for row in self.rows))

    def rows_of(self, region: str) -> dict[ObservationKey, dict[str, Row]]:
        """Rows of a region by observation and class."""
        found: dict[ObservationKey, dict[str, Row]] = {}
        for row in self.rows:
            if row.region == region:
                found.setdefault(row.date, {})[row.class_] = row
        return found

    @cached_property
    def series_csv(self) -> str:
        """The table as it was published, byte for byte."""
        return _read(self.paths.series_csv, lambda path: path.read_bytes().decode())

    @property
    def model(self) -> Mapping[str, Any] | None:
        """The model that all observations share, or None."""
        path = self.paths.model
        return _read(path, _json) if path.exists() else None

    def explanation(self, key: str) -> Mapping[str, Any]:
        """Why each cluster of an observation got its name."""
        return _read(self.paths.observation(key).explanation, _json)

    @property
    def transitions(self) -> list[dict[str, str]]:
        """Rows of ``change.csv``."""
        return _read(self.paths.changes, _table)


def _json(path: Path) -> Any:  # noqa: ANN401
    return json.loads(path.read_bytes())


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _read(path: Path, reader: Callable[[Path], Read]) -> Read:
    """What a file of the run holds.

    Raises
    ------
    IntegrityError
        If it is not there, or is not what a run writes.
    """
    try:
        return reader(path)
    except (OSError, ValueError) as error:
        raise IntegrityError(f"{path}: cannot be read ({error})", "run `icepipe run` again with --force") from error


def _rows(path: Path) -> tuple[Row, ...]:
    """The series in full precision."""
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=list(COLUMNS)).to_pylist()
    return tuple(Row.from_cells(row.values()) for row in table)


def _observations(folder: Path, rows: tuple[Row, ...]) -> Iterator[PublishedObservation]:
    for key in dict.fromkeys(row.date for row in rows):
        place = RunPaths(folder).observation(key).folder
        record = last_record(place)
        if record is None or record.class_raster is None:
            raise IntegrityError(f"{place}: has no record", "run `icepipe run` again")
        raster = place / record.class_raster[0]
        picture = ObservationPaths.from_raster(raster).picture
        yield PublishedObservation(key, record.moments[0], raster, picture if picture.is_file() else None)


def read_published_run(folder: Path) -> PublishedRun:
    """What a run published.

    Raises
    ------
    ConfigError
        If no run has finished there.
    IntegrityError
        If a file is not as a run writes it.
    """
    basis, paths = load_basis(folder), RunPaths(folder)
    if basis is None or not paths.provenance.is_file():
        raise ConfigError(f"{folder}: no run has finished there", "run `icepipe run` first")
    rows = _read(paths.series_parquet, _rows)
    run = _read(paths.provenance, _json)
    return PublishedRun(folder, basis, run, rows, tuple(_observations(folder, rows)))
