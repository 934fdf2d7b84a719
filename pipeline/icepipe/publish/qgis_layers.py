"""Layers of the QGIS project of a run: source, style and time of every file that QGIS can open."""

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
from icepipe.inputs.scenes import TimeInterval
from icepipe.publish.run_folder.paths import CHANGE, RunPaths
from icepipe.publish.vectors import change_layer, region_layer
from icepipe.publish.vectors.geopackage import OBSERVATION, PART_ENDING
from icepipe.publish.vectors.qml_styles import (
    change_renderer,
    classes_pipe,
    fraction_pipe,
    outline_renderer,
    polygon_renderer,
)

VECTORS = (".shp", ".fgb", ".gpkg")
"""Suffixes of vector files of an observation that QGIS opens; the first that exists is used."""

GROUPS = (ClassCode.ICE, ClassCode.WATER, ClassCode.OTHER)
"""Classes whose polygons are shown, from top to bottom."""

RASTERS, FRACTIONS = "class rasters", "ice fraction"
"""Names of the groups of class rasters and of the shares of ice."""


@dataclass(frozen=True)
class MapLayer:
    """One layer of a project.

    Attributes
    ----------
    name
        Name in the layer tree.
    source
        Data source relative to the project, in the syntax of the provider.
    provider
        QGIS data provider: ``ogr``, ``gdal`` or ``delimitedtext``.
    group
        Name of its group; empty for a layer outside any group.
    crs
        WKT of the coordinates; empty for a table.
    interval
        Time interval in which the temporal controller shows the layer; None for all dates.
    renderer
        Returns the element of its style; None for a table.
    is_checked
        Whether the layer is visible when the project opens.
    """

    name: str
    source: str
    provider: str = "ogr"
    group: str = ""
    crs: str = ""
    interval: TimeInterval | None = None
    renderer: Callable[[], Element] | None = None
    is_checked: bool = True

    @property
    def id(self) -> str:
        """Id of the layer in the project, derived from its name so that it is the same in every run."""
        return re.sub(r"\W", "_", self.name)


@dataclass(frozen=True)
class ProjectFiles:
    """Files of a run that layers are made of.

    Attributes
    ----------
    paths
        Paths of the run.
    intervals
        Interval of each observation by key, in the order of the keys.
    crs
        WKT of the run grid.
    geopackage
        The GeoPackage of all observations; None if there is none.
    crs_cache
        WKT by the text of a ``.prj`` file, or by path and layer.
    """

    paths: RunPaths
    intervals: Mapping[str, TimeInterval]
    crs: str
    geopackage: Path | None
    crs_cache: dict[str, str] = field(default_factory=dict)

    def source(self, path: Path, layer: str = "") -> str:
        """Return the data source of a file, or of one layer of a GeoPackage, relative to the project."""
        relative = f"./{path.relative_to(self.paths.folder).as_posix()}"
        return f"{relative}|layername={layer}" if layer else relative

    def vector_crs(self, path: Path, layer: str = "") -> str:
        """Return the WKT of the coordinates of a vector file, which can differ from that of the grid.

        Raises
        ------
        IntegrityError
            If the file has no coordinate system, or cannot be read.
        """
        # Shapefiles of all dates have the same .prj text, so that GDAL opens only the first of them.
        prj = path.with_suffix(".prj")
        cache_key = prj.read_text() if path.suffix == ".shp" and prj.is_file() else f"{path} {layer}"
        if cache_key not in self.crs_cache:
            from pyogrio import read_info
            from pyogrio.errors import DataLayerError, DataSourceError

            try:
                crs = pyproj.CRS.from_user_input(read_info(path, layer=layer or None)["crs"])
            except (DataSourceError, DataLayerError, pyproj.exceptions.CRSError) as error:
                raise IntegrityError(f"{path}: cannot be read back ({error})", "run again with --force") from error
            self.crs_cache[cache_key] = str(crs.to_wkt())
        return self.crs_cache[cache_key]

    def polygon_source(self, key: str, code: ClassCode) -> tuple[str, str] | None:
        """Return source and WKT of one class of an observation; None if QGIS can open no file of it."""
        label, paths = code.label, self.paths.observation(key)
        for path in (paths.polygon_file(code, suffix) for suffix in VECTORS):
            if path.is_file():
                layer = label if path.suffix == ".gpkg" else ""
                return self.source(path, layer), self.vector_crs(path, layer)
        if self.geopackage and paths.polygon_file(code, PART_ENDING).is_file():
            # The subset is an SQL condition, in which a quote within a text is doubled.
            quoted = key.replace("'", "''")
            source = f"{self.source(self.geopackage, label)}|subset=\"{OBSERVATION}\" = '{quoted}'"
            return source, self.vector_crs(self.geopackage, label)
        return None


def polygon_layers(files: ProjectFiles) -> Iterator[MapLayer]:
    """Yield the polygons of every class and observation."""
    for code in GROUPS:
        for key, interval in files.intervals.items():
            if polygons := files.polygon_source(key, code):
                source, crs = polygons
                renderer = partial(polygon_renderer, code)
                yield MapLayer(f"{code.label} {key}", source, "ogr", code.label, crs, interval, renderer)


def change_layers(files: ProjectFiles) -> Iterator[MapLayer]:
    """Yield gain and loss between consecutive observations, shown at the time of the second one."""
    for before, after in pairwise(files.intervals):
        path = files.paths.pair(before, after).polygons
        if path.is_file():
            name, source = f"change {before} to {after}", files.source(path, change_layer.LAYER)
            interval = files.intervals[after]
            # Changes are not checked, as they would hide the classes below.
            yield MapLayer(name, source, "ogr", CHANGE, files.crs, interval, change_renderer, is_checked=False)


def raster_layers(files: ProjectFiles) -> Iterator[MapLayer]:
    """Yield the class raster of every observation."""
    for key, interval in files.intervals.items():
        path = files.paths.observation(key).class_raster
        if path.is_file():
            yield MapLayer(f"classes {key}", files.source(path), "gdal", RASTERS, files.crs, interval, classes_pipe)


def fraction_layers(files: ProjectFiles) -> Iterator[MapLayer]:
    """Yield the share of ice of every observation that has one."""
    for key, interval in files.intervals.items():
        path = files.paths.observation(key).fraction_raster
        if path.is_file():
            name, source = f"ice fraction {key}", files.source(path)
            # Shares are not checked, as they would hide the class rasters below.
            yield MapLayer(name, source, "gdal", FRACTIONS, files.crs, interval, fraction_pipe, is_checked=False)


def find_layers(
    folder: Path, name: str, moments: Mapping[str, tuple[str, str]], crs: str, geopackage: Path | None = None
) -> tuple[MapLayer, ...]:
    """Return the layers of the files of a run, from top to bottom and in the order of time.

    Parameters
    ----------
    folder, name
        Folder and name of the run.
    moments
        First and last second of each observation as ISO text, by key.
    crs
        WKT of the run grid.
    geopackage
        The GeoPackage of the run, used for observations without a vector file that QGIS opens.

    Raises
    ------
    IntegrityError
        If a file has no coordinate system.
    """
    intervals = {key: TimeInterval.from_iso(moments[key]) for key in sorted(moments)}
    files = ProjectFiles(RunPaths(folder, name), intervals, crs, geopackage)
    layers = [*change_layers(files), *polygon_layers(files), *fraction_layers(files), *raster_layers(files)]
    if (path := files.paths.regions).is_file():
        source, wkt = files.source(path, region_layer.LAYER), files.vector_crs(path, region_layer.LAYER)
        layers.insert(0, MapLayer("areas by region", source, crs=wkt, renderer=outline_renderer))
    if (path := files.paths.series_csv).is_file():
        source = f"file:{files.source(path)}?type=csv&detectTypes=yes&geomType=none"
        layers.append(MapLayer("series table", source, "delimitedtext"))
    return tuple(layers)
