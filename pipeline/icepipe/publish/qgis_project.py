"""The QGIS project of a run: every layer of every date, styled, with the time that it stands for.

Paths are relative and ids come from names, so that the file is the same bytes wherever and whenever it is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

from icepipe.geo.geobox import GeoBox
from icepipe.inputs.intervals import Interval
from icepipe.publish.qgis_layers import MapLayer, find_layers
from icepipe.publish.run_folder.paths import RunPaths
from icepipe.publish.vectors.qml_styles import WRITTEN_FOR, add_element, xml_text
from icepipe.storage.atomic import replace_file

NAVIGATION_ANIMATED = "1"
"""The time slider is on as the project opens."""

STEP_BY_LAYER = "xxx"
"""QGIS's word for steps that go from one layer's time to the next."""

MARGIN = 0.02
"""Part of the map's size that is left free around it."""


def _add_crs(parent: Element, tag: str, wkt: str) -> None:
    system = SubElement(SubElement(parent, tag), "spatialrefsys")
    add_element(system, "wkt", wkt)


def _add_range(parent: Element, tag: str, interval: Interval) -> None:
    held = SubElement(parent, tag)
    for tag_, text in zip(("start", "end"), interval.texts, strict=True):
        add_element(held, tag_, text)


def _kind(layer: MapLayer) -> dict[str, str]:
    if layer.provider == "gdal":
        return {"type": "raster"}
    return {"type": "vector", "geometry": "Polygon" if layer.draw else "No geometry"}


def _add_layer(parent: Element, layer: MapLayer) -> None:
    element = SubElement(parent, "maplayer", _kind(layer))
    add_element(element, "id", layer.id)
    add_element(element, "datasource", layer.source)
    add_element(element, "layername", layer.name)
    if layer.crs:
        _add_crs(element, "srs", layer.crs)
    add_element(element, "provider", layer.provider, **({} if layer.provider == "gdal" else {"encoding": "UTF-8"}))
    if layer.interval:
        _add_range(SubElement(element, "temporal", {"enabled": "1", "mode": "0"}), "fixedRange", layer.interval)
    if layer.draw:
        element.append(layer.draw())


def _add_to_tree(parent: Element, layer: MapLayer) -> None:
    told = {"id": layer.id, "name": layer.name, "source": layer.source, "providerKey": layer.provider}
    SubElement(parent, "layer-tree-layer", told | {"checked": _ticked(layer.shown), "expanded": "0"})


def _ticked(shown: bool) -> str:
    return "Qt::Checked" if shown else "Qt::Unchecked"


def _add_tree(root: Element, layers: Sequence[MapLayer]) -> None:
    """Layers as they follow one another, those of a group within it."""
    tree = SubElement(root, "layer-tree-group")
    for name, members in groupby(layers, key=lambda layer: layer.group):
        held, parent = list(members), tree
        if name:
            shown = _ticked(held[0].shown)
            parent = SubElement(tree, "layer-tree-group", {"name": name, "checked": shown, "expanded": "0"})
        for layer in held:
            _add_to_tree(parent, layer)


def _add_view(root: Element, grid: GeoBox) -> None:
    x, y = zip(*grid.corners, strict=True)
    free_x, free_y = MARGIN * (max(x) - min(x)), MARGIN * (max(y) - min(y))
    canvas = SubElement(root, "mapcanvas", {"name": "theMapCanvas", "annotationsVisible": "1"})
    extent = SubElement(canvas, "extent")
    sides = {"xmin": min(x) - free_x, "ymin": min(y) - free_y, "xmax": max(x) + free_x, "ymax": max(y) + free_y}
    for tag, value in sides.items():
        add_element(extent, tag, repr(float(value)))
    _add_crs(canvas, "destinationsrs", grid.crs)


def _add_time(root: Element, properties: Element, seen: Sequence[Interval]) -> None:
    """The season as the project's time, and a slider that is on and stops at every date."""
    season = Interval(min(interval.start for interval in seen), max(interval.end for interval in seen))
    slider = SubElement(properties, "TemporalControllerWidget")
    add_element(slider, "StartDateTime", season.texts[0], type="QString")
    add_element(slider, "EndDateTime", season.texts[1], type="QString")
    add_element(slider, "NavigationMode", NAVIGATION_ANIMATED, type="int")
    settings = {"timeStepUnit": STEP_BY_LAYER, "timeStep": "1", "frameRate": "1", "cumulativeTemporalRange": "0"}
    _add_range(SubElement(root, "ProjectTimeSettings", settings), "TemporalRange", season)


def project_xml(name: str, grid: GeoBox, layers: Sequence[MapLayer]) -> str:
    """A project as text.

    Parameters
    ----------
    name
        Its title.
    grid
        The run grid: the map's coordinate system and what it shows first.
    layers
        What it holds, from the top down.
    """
    root = Element("qgis", {"projectname": name, "version": f"{WRITTEN_FOR}.0"})
    add_element(root, "title", name)
    _add_crs(root, "projectCrs", grid.crs)
    _add_tree(root, layers)
    _add_view(root, grid)
    held = SubElement(root, "projectlayers")
    for layer in layers:
        _add_layer(held, layer)
    properties = SubElement(root, "properties")
    add_element(SubElement(properties, "Paths"), "Absolute", "false", type="bool")
    add_element(SubElement(properties, "SpatialRefSys"), "ProjectionsEnabled", "1", type="int")
    seen = [layer.interval for layer in layers if layer.interval]
    if seen:
        _add_time(root, properties, seen)
    return xml_text(root)


def write_project(
    folder: Path, name: str, moments: Mapping[str, tuple[str, str]], grid: GeoBox, together: Path | None = None
) -> None:
    """Write ``<name>.qgs`` into the folder of a run, for the files that are there.

    Parameters
    ----------
    folder, name
        Of the run.
    moments
        First and last second of each observation as ISO text, by key.
    grid
        The run grid.
    together
        The run's GeoPackage of all observations; None where there is none.

    Raises
    ------
    IntegrityError
        If it cannot be written, or a file does not say where its coordinates are.
    """
    layers = find_layers(folder, name, moments, grid.crs, together)
    with replace_file(RunPaths(folder, name).project) as part:
        part.write_text(project_xml(name, grid, layers), encoding="utf-8")
