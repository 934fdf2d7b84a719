"""Reads the published files of a run, from which the report is made."""

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
from icepipe.measure.area.quantity import Quantity
from icepipe.measure.area.series import ADDED_COLUMNS, COLUMNS, Row
from icepipe.publish.run_folder.basis import Basis, load_basis
from icepipe.publish.run_folder.paths import ObservationPaths, RunPaths
from icepipe.publish.run_folder.record import last_record

T = TypeVar("T")


@dataclass(frozen=True)
class PublishedObservation:
    """The published rasters of an observation.

    Attributes
    ----------
    key
        Key of the observation.
    start
        First possible second of its scenes, as ISO text.
    classes
        Path of the class raster.
    picture
        Path of the picture of the scene; None if it has none, because the scene is a class raster.
    """

    key: ObservationKey
    start: str
    classes: Path
    picture: Path | None


@dataclass(frozen=True)
class PublishedRun:
    """Published files of a run.

    Attributes
    ----------
    folder
        Folder of the run.
    basis
        Grid and regions of the run.
    run
        ``run.json``.
    rows
        The series.
    observations
        Every observation of the series, in the order of the series.
    """

    folder: Path
    basis: Basis
    run: Mapping[str, Any]
    rows: tuple[Row, ...]
    observations: tuple[PublishedObservation, ...]

    @property
    def paths(self) -> RunPaths:
        """Paths of the files."""
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
        """Whether the config names regions; if not, the only region is the extent of the scenes."""
        return bool(self.run["config"]["inputs"]["regions"])

    @cached_property
    def regions(self) -> tuple[str, ...]:
        """Names of the regions in the order of the series."""
        # The keys of a dictionary keep the order of the series, which a set would lose.
        return tuple(dict.fromkeys(row.region for row in self.rows))

    @cached_property
    def quantity(self) -> Quantity:
        """Quantity by which charts and tables show areas."""
        return Quantity.of(self.rows)

    def region_rows(self, region: str) -> dict[ObservationKey, dict[str, Row]]:
        """Return the rows of a region by observation and class."""
        by_date: dict[ObservationKey, dict[str, Row]] = {}
        for row in self.rows:
            if row.region == region:
                by_date.setdefault(row.date, {})[row.class_] = row
        return by_date

    @cached_property
    def series_csv(self) -> str:
        """Text of ``series.csv``, byte for byte."""
        # Bytes are decoded here: text mode would translate line ends.
        return read_published(self.paths.series_csv, lambda path: path.read_bytes().decode())

    @property
    def model(self) -> Mapping[str, Any] | None:
        """The model of the run; None if it has none."""
        path = self.paths.model
        return read_published(path, _read_json) if path.exists() else None

    def explanation(self, key: str) -> Mapping[str, Any]:
        """Return ``explain.json`` of an observation."""
        return read_published(self.paths.observation(key).explanation, _read_json)

    @property
    def transitions(self) -> list[dict[str, str]]:
        """Rows of ``change.csv``."""

        def read_rows(path: Path) -> list[dict[str, str]]:
            with path.open(newline="", encoding="utf-8") as file:
                return list(csv.DictReader(file))

        return read_published(self.paths.changes, read_rows)


def _read_json(path: Path) -> Any:  # noqa: ANN401
    return json.loads(path.read_bytes())


def read_published(path: Path, reader: Callable[[Path], T]) -> T:
    """Return what a reader returns for a published file.

    Raises
    ------
    IntegrityError
        If the file is missing, or the reader does not accept it.
    """
    try:
        return reader(path)
    except (OSError, ValueError, KeyError) as error:
        raise IntegrityError(f"{path}: cannot be read ({error})", "run `icepipe run` again with --force") from error


def read_series(path: Path) -> tuple[Row, ...]:
    """Read the series from its Parquet file, which has full precision."""
    import pyarrow.parquet as pq

    # ParquetFile is used because read_table loads pyarrow's datasets and with them pandas.
    table = pq.ParquetFile(path).read()
    names = [name for name in COLUMNS if name in table.column_names or name not in ADDED_COLUMNS]
    return tuple(Row.from_cells(map(row.get, COLUMNS)) for row in table.select(names).to_pylist())


def find_observations(folder: Path, rows: tuple[Row, ...]) -> Iterator[PublishedObservation]:
    """Yield the observations of a series, with the paths of their rasters.

    Raises
    ------
    IntegrityError
        If an observation has no record.
    """
    for key in dict.fromkeys(row.date for row in rows):
        observation_folder = RunPaths(folder).observation(key).folder
        record = last_record(observation_folder)
        if record is None or record.class_raster is None:
            raise IntegrityError(f"{observation_folder}: has no record", "run `icepipe run` again")
        # The record lists the name under which the raster was written, which contains the name of the run.
        raster = observation_folder / record.class_raster[0]
        picture = ObservationPaths.from_raster(raster).picture
        yield PublishedObservation(key, record.moments[0], raster, picture if picture.is_file() else None)


def read_published_run(folder: Path) -> PublishedRun:
    """Read the published files of a run.

    Raises
    ------
    ConfigError
        If no run has finished in the folder.
    IntegrityError
        If a file cannot be read, or an observation has no record.
    """
    basis, paths = load_basis(folder), RunPaths(folder)
    # A run writes run.json when all observations are done, so that a folder without it has no finished run.
    if basis is None or not paths.provenance.is_file():
        raise ConfigError(f"{folder}: no run has finished there", "run `icepipe run` first")
    rows = read_published(paths.series_parquet, read_series)
    run = read_published(paths.provenance, _read_json)
    return PublishedRun(folder, basis, run, rows, tuple(find_observations(folder, rows)))
