"""Paths of the files of a run; no other module composes the name of an output file.

The classes below are the table of output files, one row per output: :class:`RunPaths` lists the files of the run,
:class:`ObservationPaths` the files of an observation, :class:`PairPaths` the files of two consecutive observations. The
assets of the STAC catalogue, the files that are written again with the polygons and the files of the report follow from
the rows. A test compares the list in README with them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self, overload

from icepipe.classes import SEEN, ClassCode
from icepipe.storage.ledger_schema import SQLITE_FILES
from icepipe.storage.lock import FILE as LOCK

OBSERVATIONS, CHANGE, ASSESS = "observations", "change", "assess"
"""Folders of a run: of the observations, of pairs of observations, and of accuracy samples."""

NOT_OUTPUTS = frozenset({LOCK, ASSESS, *SQLITE_FILES})
"""Entries of a run's folder that are not outputs: its lock, its ledger, and the accuracy samples."""

POLYGON_ENDINGS = (".shp", ".gpkg", ".fgb", ".parquet")
"""Suffixes of files that hold polygons of an observation."""

_PLACEHOLDERS = {"{class}": f"(?:{'|'.join(code.label for code in SEEN)})", "{scene}": r"(?:_scene\d+)?", "*": ".*"}


@dataclass(frozen=True)
class Outputs:
    """A row of the table: one or several files that a run writes.

    Attributes
    ----------
    pattern
        File name. It may begin with ``{stem}``, the common start of the names of a run, an observation or a pair.
        ``{scene}`` is the number of a scene with its own model, or empty; ``{class}`` is a class label; ``*`` is any
        text.
    is_asset
        Whether the file is an asset of the STAC item of the observation or of the STAC collection of the run.
    has_polygons
        Whether the file is written again when only the polygons of an observation change.
    in_report
        Whether the file is part of the report, and is removed when no report is configured.
    """

    pattern: str
    is_asset: bool = True
    has_polygons: bool = False
    in_report: bool = False

    @property
    def ending(self) -> str:
        """Part of the pattern after the stem."""
        return self.pattern.removeprefix("{stem}")

    @cached_property
    def _after_stem(self) -> re.Pattern[str]:
        # DOTALL: the name of a foreign file may contain a line break, which ``*`` matches as any other letter.
        parts = re.split(r"(\{class\}|\{scene\}|\*)", self.ending)
        return re.compile("".join(_PLACEHOLDERS.get(part) or re.escape(part) for part in parts), re.DOTALL)

    def matches(self, name: str, stem: str) -> bool:
        """Return whether a file name belongs to this row."""
        start = stem if self.ending != self.pattern else ""
        return name.startswith(start) and bool(self._after_stem.fullmatch(name, len(start)))


class OutputFile(Outputs):
    """A row that is one file: a descriptor whose value on the paths of a folder is the path of the file."""

    @overload
    def __get__(self, paths: None, owner: type[_Paths]) -> Self: ...

    @overload
    def __get__(self, paths: _Paths, owner: type[_Paths]) -> Path: ...

    def __get__(self, paths: _Paths | None, owner: type[_Paths]) -> Self | Path:
        """Return the path of the file in a folder, or the row itself where it is read from the class."""
        if paths is None:
            return self
        if self.ending != self.pattern and not paths.stem:
            # An empty stem would give the name of a file that does not exist, and nothing would be found there.
            raise ValueError(f"{self.pattern} has no name without a stem")
        return paths.folder / self.pattern.format(stem=paths.stem, scene=paths.scene)


@dataclass(frozen=True)
class _Paths:
    """Files of one folder.

    Attributes
    ----------
    folder
        The folder.
    stem
        Text that replaces ``{stem}``; empty if it is not known, and only names without it are read.
    scene
        Text that replaces ``{scene}``.
    """

    folder: Path
    stem: str = ""
    scene: str = ""

    @classmethod
    def rows(cls) -> tuple[Outputs, ...]:
        """Return the rows of the table for this kind of folder."""
        # Class attributes keep the order in which they are defined.
        return tuple(row for row in vars(cls).values() if isinstance(row, Outputs))

    def find_row(self, name: str) -> Outputs | None:
        """Return the row that a file name belongs to; None for a file that no run writes."""
        return next((row for row in self.rows() if row.matches(name, self.stem)), None)

    def is_asset_name(self, name: str) -> bool:
        """Return whether the file of this name is a STAC asset."""
        row = self.find_row(name)
        return row is not None and row.is_asset


class RunPaths(_Paths):
    """Files of a run's folder; the stem is the name of the run."""

    series_csv = OutputFile("series.csv")
    series_parquet = OutputFile("series.parquet")
    history = OutputFile("history.csv")
    regions = OutputFile("regions.gpkg")
    changes = OutputFile("change.csv")
    occlusion = OutputFile(f"{CHANGE}/hidden.json", is_asset=False)
    trend = OutputFile("trend.json")
    alerts = OutputFile("alerts.csv")
    model = OutputFile("model.json")
    k_curve = OutputFile("k.png")
    basis = OutputFile("basis.json")
    provenance = OutputFile("run.json")
    geopackage = OutputFile("{stem}.gpkg")
    project = OutputFile("{stem}.qgs")
    report = OutputFile("report.html", in_report=True)
    series_png = OutputFile("series.png", in_report=True)
    series_svg = OutputFile("series.svg", in_report=True)
    timelapse = OutputFile("timelapse.gif", in_report=True)
    collection = OutputFile("collection.json", is_asset=False)
    manifest = OutputFile("manifest.json", is_asset=False)

    @property
    def observations(self) -> Path:
        """Folder with a folder for each observation."""
        return self.folder / OBSERVATIONS

    @property
    def change(self) -> Path:
        """Folder of changes between observations."""
        return self.folder / CHANGE

    def assessment(self, key: str) -> Path:
        """Return the folder of the accuracy sample of an observation."""
        return self.folder / ASSESS / key

    def observation(self, key: str) -> ObservationPaths:
        """Return the files of an observation."""
        folder = self.observations / key
        return ObservationPaths.of(folder, self.stem, key) if self.stem else ObservationPaths(folder)

    def observation_folders(self) -> list[Path]:
        """Return the folder of every observation, in the order of the keys."""
        # A name that begins with a dot is the folder of an observation that is being written.
        return sorted(self.observations.glob("[!.]*"))

    def pair(self, before: str, after: str) -> PairPaths:
        """Return the files of two observations."""
        return PairPaths(self.change, f"{before}_{after}")

    def pair_records(self) -> list[Path]:
        """Return every file in the folder of changes whose name is that of a record of a pair."""
        return sorted(self.change.glob(f"*{PairPaths.record.ending}"))


class ObservationPaths(_Paths):
    """Files of an observation's folder; the stem is the name of the run and the key."""

    class_raster = OutputFile("{stem}_classes.tif")
    class_style = OutputFile("{stem}_classes.qml")
    fraction_raster = OutputFile("{stem}_fraction.tif")
    fraction_style = OutputFile("{stem}_fraction.qml")
    polygons = Outputs("{stem}_{class}.*", has_polygons=True)
    explanation = OutputFile("explain.json")
    model = OutputFile("{stem}{scene}_model.json")
    k_curve = OutputFile("{stem}{scene}_k.png")
    quicklook = OutputFile("quicklook.png")
    picture = OutputFile("picture.png")
    item = OutputFile("{stem}.json", is_asset=False, has_polygons=True)
    record = OutputFile("record.json", is_asset=False)

    @classmethod
    def from_raster(cls, raster: Path) -> ObservationPaths:
        """Return the files next to a class raster."""
        return cls(raster.parent, raster.name.removesuffix(cls.class_raster.ending))

    @classmethod
    def of(cls, folder: Path, name: str, key: str) -> ObservationPaths:
        """Return the files of an observation in a folder, which may be a temporary one."""
        return cls(folder, f"{name}_{key}")

    def in_folder(self, folder: Path) -> ObservationPaths:
        """Return the same files in another folder."""
        return replace(self, folder=folder)

    def for_scene(self, number: int) -> ObservationPaths:
        """Return the files of a scene that has its own model."""
        return replace(self, scene=f"_scene{number}")

    def polygon_stem(self, code: ClassCode) -> str:
        """Return the common start of the names of the polygon files of a class."""
        return f"{self.stem}_{code.label}"

    def polygon_file(self, code: ClassCode, ending: str) -> Path:
        """Return the polygon file of a class with this suffix."""
        return self.folder / f"{self.polygon_stem(code)}{ending}"


class PairPaths(_Paths):
    """Files of two consecutive observations in the folder of changes; the stem is their keys."""

    record = OutputFile("{stem}.json", is_asset=False)
    polygons = OutputFile("{stem}.gpkg", is_asset=False)
    style = OutputFile("{stem}.qml", is_asset=False)
