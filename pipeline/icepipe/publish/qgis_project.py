"""The QGIS project of a run: every layer of every date, styled and with its time.

Paths are relative, and ids are derived from names, so that the bytes of the file depend on the run alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

from icepipe.geo.geobox import GeoBox
from icepipe.inputs.scenes import TimeInterval
from icepipe.publish.qgis_layers import MapLayer, find_layers
from icepipe.publish.run_folder.paths import RunPaths
from icepipe.publish.vectors.qml_styles import WRITTEN_FOR, add_element, xml_text
from icepipe.storage.atomic import replace_file

NAVIGATION_ANIMATED = "1"
"""The temporal controller is on when the project opens."""

STEP_BY_LAYER = "xxx"
"""Time step unit of QGIS for steps from the range of one layer to that of the next."""

MARGIN = 0.02
"""Margin around the map, as a fraction of its size."""


def add_crs(parent: Element, tag: str, wkt: str) -> None:
    """Add a coordinate system."""
    add_element(SubElement(SubElement(parent, tag), "spatialrefsys"), "wkt", wkt)


def add_range(parent: Element, tag: str, interval: TimeInterval) -> None:
    """Add a time range."""
    element = SubElement(parent, tag)
    start, end = interval.texts
    add_element(element, "start", start)
    add_element(element, "end", end)


def add_layer(parent: Element, layer: MapLayer) -> None:
    """Add the definition of a layer."""
    if layer.provider == "gdal":
        kind, encoding = {"type": "raster"}, {}
    else:
        kind = {"type": "vector", "geometry": "Polygon" if layer.renderer else "No geometry"}
        encoding = {"encoding": "UTF-8"}
    element = SubElement(parent, "maplayer", kind)
    add_element(element, "id", layer.id)
    add_element(element, "datasource", layer.source)
    add_element(element, "layername", layer.name)
    if layer.crs:
        add_crs(element, "srs", layer.crs)
    add_element(element, "provider", layer.provider, **encoding)
    # Mode 0 is a fixed time range.
    if layer.interval:
        add_range(SubElement(element, "temporal", {"enabled": "1", "mode": "0"}), "fixedRange", layer.interval)
    if layer.renderer:
        element.append(layer.renderer())


def add_tree(root: Element, layers: Sequence[MapLayer]) -> None:
    """Add the layer tree: layers in their order, consecutive layers of a group within it."""
    tree = SubElement(root, "layer-tree-group")
    checked = {True: "Qt::Checked", False: "Qt::Unchecked"}
    for name, group in groupby(layers, key=lambda layer: layer.group):
        members, parent = list(group), tree
        if name:
            # Layers of a group are all checked or all not, so that the first one decides.
            state = checked[members[0].is_checked]
            parent = SubElement(tree, "layer-tree-group", {"name": name, "checked": state, "expanded": "0"})
        for layer in members:
            entry = {"id": layer.id, "name": layer.name, "source": layer.source, "providerKey": layer.provider}
            state = checked[layer.is_checked]
            SubElement(parent, "layer-tree-layer", entry | {"checked": state, "expanded": "0"})


def add_view(root: Element, grid: GeoBox) -> None:
    """Add the map canvas: the extent of the grid with a margin, in its coordinate system."""
    x, y = zip(*grid.corners, strict=True)
    margin_x, margin_y = MARGIN * (max(x) - min(x)), MARGIN * (max(y) - min(y))
    canvas = SubElement(root, "mapcanvas", {"name": "theMapCanvas", "annotationsVisible": "1"})
    extent = SubElement(canvas, "extent")
    add_element(extent, "xmin", repr(float(min(x) - margin_x)))
    add_element(extent, "ymin", repr(float(min(y) - margin_y)))
    add_element(extent, "xmax", repr(float(max(x) + margin_x)))
    add_element(extent, "ymax", repr(float(max(y) + margin_y)))
    add_crs(canvas, "destinationsrs", grid.crs)


def add_time(root: Element, properties: Element, intervals: Sequence[TimeInterval]) -> None:
    """Add the temporal range of the project, and a temporal controller that stops at every date."""
    season = TimeInterval(min(interval.start for interval in intervals), max(interval.end for interval in intervals))
    controller = SubElement(properties, "TemporalControllerWidget")
    add_element(controller, "StartDateTime", season.texts[0], type="QString")
    add_element(controller, "EndDateTime", season.texts[1], type="QString")
    add_element(controller, "NavigationMode", NAVIGATION_ANIMATED, type="int")
    # The range is not cumulative: each step shows one date, not all dates up to it.
    settings = {"timeStepUnit": STEP_BY_LAYER, "timeStep": "1", "frameRate": "1", "cumulativeTemporalRange": "0"}
    add_range(SubElement(root, "ProjectTimeSettings", settings), "TemporalRange", season)


def project_xml(name: str, grid: GeoBox, layers: Sequence[MapLayer]) -> str:
    """Return the text of a project.

    Parameters
    ----------
    name
        Title of the project.
    grid
        The run grid, which gives the coordinate system and the first extent of the map.
    layers
        Layers from top to bottom.
    """
    # QGIS reads elements by name, but the order below is part of the published bytes.
    root = Element("qgis", {"projectname": name, "version": f"{WRITTEN_FOR}.0"})
    add_element(root, "title", name)
    add_crs(root, "projectCrs", grid.crs)
    add_tree(root, layers)
    add_view(root, grid)
    project_layers = SubElement(root, "projectlayers")
    for layer in layers:
        add_layer(project_layers, layer)
    properties = SubElement(root, "properties")
    add_element(SubElement(properties, "Paths"), "Absolute", "false", type="bool")
    add_element(SubElement(properties, "SpatialRefSys"), "ProjectionsEnabled", "1", type="int")
    intervals = [layer.interval for layer in layers if layer.interval]
    if intervals:
        add_time(root, properties, intervals)
    return xml_text(root)


def write_project(
    folder: Path, name: str, moments: Mapping[str, tuple[str, str]], grid: GeoBox, geopackage: Path | None = None
) -> None:
    """Write ``<name>.qgs`` for the files of a run folder.

    Parameters
    ----------
    folder, name
        Folder and name of the run.
    moments
        First and last second of each observation as ISO text, by key.
    grid
        The run grid.
    geopackage
        The GeoPackage of all observations; None if there is none.

    Raises
    ------
    IntegrityError
        If the project cannot be written, or a file has no coordinate system.
    """
    layers = find_layers(folder, name, moments, grid.crs, geopackage)
    with replace_file(RunPaths(folder, name).project) as part:
        part.write_text(project_xml(name, grid, layers), encoding="utf-8")
