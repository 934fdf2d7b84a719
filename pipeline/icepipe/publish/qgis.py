"""The QGIS project of a run: every layer of every date, styled, with the time that it stands for.

Paths are relative and ids come from names, so that the file is the same bytes wherever and whenever it is written.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

import pyproj

from icepipe.classes import ClassCode
from icepipe.errors import IntegrityError
from icepipe.publish.atomic import replace_file
from icepipe.publish.moments import Interval
from icepipe.publish.styles import WRITTEN_FOR, add, classes_pipe, polygon_renderer, xml_text
from icepipe.records import GeoBox

VECTORS = (".shp", ".fgb")
"""Vector files of an observation that QGIS opens; the first that is there is taken."""

GROUPS = (ClassCode.ICE, ClassCode.WATER, ClassCode.OTHER)
"""Classes whose polygons are shown, from the top down."""

SERIES = "series.csv"
TABLE_ID = "series_table"
"""QGIS takes no id of ten characters or fewer for its own."""

RASTERS = "class rasters"

NAVIGATION_ANIMATED = "1"
"""The time slider is on as the project opens."""

STEP_BY_LAYER = "xxx"
"""QGIS's word for steps that go from one layer's time to the next."""

MARGIN = 0.02
"""Part of the map's size that is left free around it."""


@dataclass(frozen=True)
class MapLayer:
    """One layer of a project.

    Attributes
    ----------
    key
        Key of its observation.
    code
        Class of its polygons; None for the class raster.
    source
        Path, relative to the project.
    crs
        WKT of its coordinates.
    interval
        When what it shows was seen.
    """

    key: str
    code: ClassCode | None
    source: str
    crs: str
    interval: Interval

    @property
    def group(self) -> str:
        """Group that it stands in."""
        return self.code.label if self.code else RASTERS

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.code.label if self.code else 'classes'} {self.key}"

    @property
    def id(self) -> str:
        """What the project calls it."""
        return re.sub(r"\W", "_", self.name)

    @property
    def provider(self) -> str:
        """Part of QGIS that reads it."""
        return "ogr" if self.code else "gdal"


def _crs_of(path: Path) -> str:
    """WKT of a vector file's coordinates, which need not be the grid's."""
    from pyogrio import read_info
    from pyogrio.errors import DataSourceError

    try:
        return str(pyproj.CRS.from_user_input(read_info(path)["crs"]).to_wkt())
    except (DataSourceError, pyproj.exceptions.CRSError) as error:
        raise IntegrityError(f"{path}: cannot be read back ({error})", "run again with --force") from error


def _system_as_told(path: Path) -> str:
    """What tells a file's coordinate system, at a glance: a text that many Shapefiles share, or the file itself."""
    beside = path.with_suffix(".prj")
    return beside.read_text() if path.suffix == ".shp" and beside.is_file() else str(path)


def find_layers(folder: Path, name: str, moments: Mapping[str, tuple[str, str]], crs: str) -> tuple[MapLayer, ...]:
    """Layers of the files that are there: polygons class by class, then class rasters, each in the order of time.

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

    Raises
    ------
    IntegrityError
        If a file does not say where its coordinates are.
    """
    stems = [(key, folder / "observations" / key / f"{name}_{key}") for key in sorted(moments)]
    when = {key: Interval.of(texts) for key, texts in moments.items()}
    layers, systems = [], dict[str, str]()
    for code in GROUPS:
        for key, stem in stems:
            candidates = (Path(f"{stem}_{code.label}{suffix}") for suffix in VECTORS)
            path = next((path for path in candidates if path.is_file()), None)
            if path is None:
                continue
            told = _system_as_told(path)
            systems[told] = systems.get(told) or _crs_of(path)
            layers.append(MapLayer(key, code, _relative(path, folder), systems[told], when[key]))
    rasters = ((key, Path(f"{stem}_classes.tif")) for key, stem in stems)
    layers += [MapLayer(key, None, _relative(path, folder), crs, when[key]) for key, path in rasters if path.is_file()]
    return tuple(layers)


def _relative(path: Path, folder: Path) -> str:
    return f"./{path.relative_to(folder).as_posix()}"


def _add_crs(parent: Element, tag: str, wkt: str) -> None:
    system = SubElement(SubElement(parent, tag), "spatialrefsys")
    add(system, "wkt", wkt)


def _add_range(parent: Element, tag: str, interval: Interval) -> None:
    held = SubElement(parent, tag)
    for tag_, text in zip(("start", "end"), interval.texts, strict=True):
        add(held, tag_, text)


def _add_layer(parent: Element, layer: MapLayer) -> None:
    kind = {"type": "vector", "geometry": "Polygon"} if layer.code else {"type": "raster"}
    element = SubElement(parent, "maplayer", kind)
    add(element, "id", layer.id)
    add(element, "datasource", layer.source)
    add(element, "layername", layer.name)
    _add_crs(element, "srs", layer.crs)
    provider = add(element, "provider", layer.provider)
    if layer.code:
        provider.set("encoding", "UTF-8")
    _add_range(SubElement(element, "temporal", {"enabled": "1", "mode": "0"}), "fixedRange", layer.interval)
    element.append(polygon_renderer(layer.code) if layer.code else classes_pipe())


def _add_table(parent: Element, source: str) -> None:
    element = SubElement(parent, "maplayer", {"type": "vector", "geometry": "No geometry"})
    for tag, text in (("id", TABLE_ID), ("datasource", source), ("layername", "series")):
        add(element, tag, text)
    add(element, "provider", "delimitedtext", encoding="UTF-8")


def _add_to_tree(parent: Element, layer_id: str, name: str, source: str, provider: str) -> None:
    told = {"id": layer_id, "name": name, "source": source, "providerKey": provider}
    SubElement(parent, "layer-tree-layer", told | {"checked": "Qt::Checked", "expanded": "0"})


def _add_tree(root: Element, layers: Sequence[MapLayer], table: str | None) -> None:
    tree = SubElement(root, "layer-tree-group")
    groups: dict[str, list[MapLayer]] = defaultdict(list)
    for layer in layers:
        groups[layer.group].append(layer)
    for name, members in groups.items():
        group = SubElement(tree, "layer-tree-group", {"name": name, "checked": "Qt::Checked", "expanded": "0"})
        for layer in members:
            _add_to_tree(group, layer.id, layer.name, layer.source, layer.provider)
    if table:
        _add_to_tree(tree, TABLE_ID, "series", table, "delimitedtext")


def _add_view(root: Element, grid: GeoBox) -> None:
    x, y = zip(*grid.corners, strict=True)
    free_x, free_y = MARGIN * (max(x) - min(x)), MARGIN * (max(y) - min(y))
    canvas = SubElement(root, "mapcanvas", {"name": "theMapCanvas", "annotationsVisible": "1"})
    extent = SubElement(canvas, "extent")
    sides = {"xmin": min(x) - free_x, "ymin": min(y) - free_y, "xmax": max(x) + free_x, "ymax": max(y) + free_y}
    for tag, value in sides.items():
        add(extent, tag, repr(float(value)))
    _add_crs(canvas, "destinationsrs", grid.crs)


def _add_time(root: Element, properties: Element, layers: Sequence[MapLayer]) -> None:
    """The season as the project's time, and a slider that is on and stops at every date."""
    season = Interval(min(layer.interval.start for layer in layers), max(layer.interval.end for layer in layers))
    slider = SubElement(properties, "TemporalControllerWidget")
    add(slider, "StartDateTime", season.texts[0], type="QString")
    add(slider, "EndDateTime", season.texts[1], type="QString")
    add(slider, "NavigationMode", NAVIGATION_ANIMATED, type="int")
    settings = {"timeStepUnit": STEP_BY_LAYER, "timeStep": "1", "frameRate": "1", "cumulativeTemporalRange": "0"}
    _add_range(SubElement(root, "ProjectTimeSettings", settings), "TemporalRange", season)


def project_xml(name: str, grid: GeoBox, layers: Sequence[MapLayer], has_series: bool) -> str:
    """A project as text.

    Parameters
    ----------
    name
        Its title.
    grid
        The run grid: the map's coordinate system and what it shows first.
    layers
        What it holds.
    has_series
        Whether the series stands beside it.
    """
    root = Element("qgis", {"projectname": name, "version": f"{WRITTEN_FOR}.0"})
    add(root, "title", name)
    _add_crs(root, "projectCrs", grid.crs)
    table = f"file:./{SERIES}?type=csv&detectTypes=yes&geomType=none" if has_series else None
    _add_tree(root, layers, table)
    _add_view(root, grid)
    held = SubElement(root, "projectlayers")
    for layer in layers:
        _add_layer(held, layer)
    if table:
        _add_table(held, table)
    properties = SubElement(root, "properties")
    add(SubElement(properties, "Paths"), "Absolute", "false", type="bool")
    add(SubElement(properties, "SpatialRefSys"), "ProjectionsEnabled", "1", type="int")
    if layers:
        _add_time(root, properties, layers)
    return xml_text(root)


def write_project(folder: Path, name: str, moments: Mapping[str, tuple[str, str]], grid: GeoBox) -> None:
    """Write ``<name>.qgs`` into the folder of a run, for the files that are there.

    Raises
    ------
    IntegrityError
        If it cannot be written.
    """
    layers = find_layers(folder, name, moments, grid.crs)
    with replace_file(folder / f"{name}.qgs") as part:
        part.write_text(project_xml(name, grid, layers, (folder / SERIES).is_file()), encoding="utf-8")
