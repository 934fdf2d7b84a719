"""What a run's QGIS project shows: every layer that is there, where it lies, how it is drawn and when it was seen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from xml.etree.ElementTree import Element

import pyproj

from icepipe.classes import ClassCode
from icepipe.errors import IntegrityError
from icepipe.inputs.intervals import Interval
from icepipe.publish.run_folder.paths import CHANGE, RunPaths
from icepipe.publish.vectors import change_layer, region_layer
from icepipe.publish.vectors.geopackage import OBSERVATION, PART_ENDING
from icepipe.publish.vectors.qml_styles import change_renderer, classes_pipe, outline_renderer, polygon_renderer

VECTORS = (".shp", ".fgb", ".gpkg")
"""Vector files of an observation that QGIS opens; the first that is there is taken."""

GROUPS = (ClassCode.ICE, ClassCode.WATER, ClassCode.OTHER)
"""Classes whose polygons are shown, from the top down."""

RASTERS = "class rasters"


@dataclass(frozen=True)
class MapLayer:
    """One layer of a project.

    Attributes
    ----------
    name
        What people call it.
    source
        Where it is, relative to the project, as its provider reads it.
    provider
        Part of QGIS that reads it: ``ogr``, ``gdal`` or ``delimitedtext``.
    group
        Group that it stands in; none stands on its own.
    crs
        WKT of its coordinates; none for a table.
    interval
        When what it shows was seen; None for all dates.
    draw
        Gives how it is drawn; None for a table.
    shown
        Whether it is ticked as the project opens.
    """

    name: str
    source: str
    provider: str = "ogr"
    group: str = ""
    crs: str = ""
    interval: Interval | None = None
    draw: Callable[[], Element] | None = None
    shown: bool = True

    @property
    def id(self) -> str:
        """What the project calls it."""
        return re.sub(r"\W", "_", self.name)


@dataclass(frozen=True)
class _Run:
    """The folder of a run, and what its observations are.

    Attributes
    ----------
    paths
        Files of the run.
    when
        Interval of each observation, by key and in their order.
    crs
        WKT of the run grid.
    together
        The GeoPackage of all observations; None where there is none.
    systems
        WKT by what tells it, so that each system is read once.
    """

    paths: RunPaths
    when: Mapping[str, Interval]
    crs: str
    together: Path | None
    systems: dict[str, str] = field(default_factory=dict)

    def relative(self, path: Path) -> str:
        """Where a file lies, seen from the project."""
        return f"./{path.relative_to(self.paths.folder).as_posix()}"

    def crs_of(self, path: Path, layer: str) -> str:
        """WKT of a vector file's coordinates, which need not be the grid's."""
        beside = path.with_suffix(".prj")
        told = beside.read_text() if path.suffix == ".shp" and beside.is_file() else f"{path} {layer}"
        self.systems[told] = self.systems.get(told) or _crs_of(path, layer)
        return self.systems[told]


def _crs_of(path: Path, layer: str) -> str:
    from pyogrio import read_info
    from pyogrio.errors import DataLayerError, DataSourceError

    try:
        return str(pyproj.CRS.from_user_input(read_info(path, layer=layer or None)["crs"]).to_wkt())
    except (DataSourceError, DataLayerError, pyproj.exceptions.CRSError) as error:
        raise IntegrityError(f"{path}: cannot be read back ({error})", "run again with --force") from error


def _within(run: _Run, path: Path, layer: str) -> tuple[str, str]:
    """Source and coordinate system of one layer of a GeoPackage."""
    return f"{run.relative(path)}|layername={layer}", run.crs_of(path, layer)


def _polygons_at(run: _Run, key: str, code: ClassCode) -> tuple[str, str] | None:
    """Source and coordinate system of one class on one date, or None where QGIS could open nothing."""
    label, paths = code.label, run.paths.observation(key)
    for path in (paths.polygon_file(code, suffix) for suffix in VECTORS):
        if path.is_file():
            return _within(run, path, label) if path.suffix == ".gpkg" else (run.relative(path), run.crs_of(path, ""))
    if run.together and paths.polygon_file(code, PART_ENDING).is_file():
        source, crs = _within(run, run.together, label)
        quoted = key.replace("'", "''")
        return f"{source}|subset=\"{OBSERVATION}\" = '{quoted}'", crs
    return None


def _polygons(run: _Run) -> Iterator[MapLayer]:
    for code in GROUPS:
        for key, interval in run.when.items():
            found = _polygons_at(run, key, code)
            if found:
                source, crs = found
                draw = partial(polygon_renderer, code)
                yield MapLayer(f"{code.label} {key}", source, "ogr", code.label, crs, interval, draw)


def _changes(run: _Run) -> Iterator[MapLayer]:
    """Gain and loss up to each date, not ticked: they would hide what they tell of."""
    for before, after in pairwise(run.when):
        path = run.paths.pair(before, after).polygons
        if path.is_file():
            name, source = f"change {before} to {after}", f"{run.relative(path)}|layername={change_layer.LAYER}"
            yield MapLayer(name, source, "ogr", CHANGE, run.crs, run.when[after], change_renderer, shown=False)


def _regions(run: _Run) -> Iterator[MapLayer]:
    path = run.paths.regions
    if path.is_file():
        source, crs = _within(run, path, region_layer.LAYER)
        yield MapLayer("areas by region", source, crs=crs, draw=outline_renderer)


def _rasters(run: _Run) -> Iterator[MapLayer]:
    for key, interval in run.when.items():
        path = run.paths.observation(key).class_raster
        if path.is_file():
            yield MapLayer(f"classes {key}", run.relative(path), "gdal", RASTERS, run.crs, interval, classes_pipe)


def _series(run: _Run) -> Iterator[MapLayer]:
    table = run.paths.series_csv
    if table.is_file():
        yield MapLayer(
            "series table", f"file:{run.relative(table)}?type=csv&detectTypes=yes&geomType=none", "delimitedtext"
        )


def find_layers(
    folder: Path, name: str, moments: Mapping[str, tuple[str, str]], crs: str, together: Path | None = None
) -> tuple[MapLayer, ...]:
    """Layers of the files that are there, from the top down and in the order of time.

    Parameters
    ----------
    folder
        Folder of the run.
    name
        Its name, which starts every file's name.
    moments
        First and last second of each observation as ISO text, by key.
    crs
        WKT of the run grid.
    together
        The run's GeoPackage, which stands in for observations without a file of their own that QGIS opens.

    Raises
    ------
    IntegrityError
        If a file does not say where its coordinates are.
    """
    run = _Run(RunPaths(folder, name), {key: Interval.of(moments[key]) for key in sorted(moments)}, crs, together)
    return (*_regions(run), *_changes(run), *_polygons(run), *_rasters(run), *_series(run))
