"""Asks a real QGIS what it makes of a run; run by the Python that QGIS belongs to, never imported by tests.

    QT_QPA_PLATFORM=offscreen python3 qgis_check.py project PROJECT.qgs MOMENT PICTURE.png
    QT_QPA_PLATFORM=offscreen python3 qgis_check.py file LAYER

The last line is what was found, as JSON.
"""

import json
import sys

from qgis.core import (
    QgsApplication,
    QgsDateTimeRange,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProject,
    QgsRasterLayer,
    QgsTemporalUtils,
    QgsUnitTypes,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QDateTime, QSize, Qt

SIDE_PX = 900


def number_of(choice):
    """An enumeration as a number, in QGIS's older and newer Python."""
    return int(getattr(choice, "value", choice))


def crs_of(thing):
    """Code of a coordinate system, in full where it has none, empty where QGIS does not understand it."""
    crs = thing.crs()
    return crs.authid() or crs.toProj() if crs.isValid() else ""


def text_of(moment):
    return moment.toUTC().toString(Qt.ISODate)


def about_vector(layer):
    """Count, sum, types and fill colour of a vector layer."""
    return {
        "features": layer.featureCount(),
        "area_m2": sum(f["area_m2"] for f in layer.getFeatures()) if layer.fields().indexOf("area_m2") >= 0 else None,
        "types": {field.name(): field.typeName() for field in layer.fields()},
        "colours": colours_of(layer.renderer()),
    }


def colours_of(renderer):
    """Colours of what is drawn, by the kind of its style or by value."""
    if renderer is None:
        return {}
    if renderer.type() == "categorizedSymbol":
        return {category.value(): category.symbol().color().name() for category in renderer.categories()}
    return {str(renderer.type()): renderer.symbol().color().name()}


def about_raster(layer):
    """Names and colours of a raster's classes."""
    renderer = layer.renderer()
    classes = renderer.classes() if renderer.type() == "paletted" else []
    return {"size": [layer.width(), layer.height()], "colours": {c.label: c.color.name() for c in classes}}


def about_time(layer):
    time = layer.temporalProperties()
    if time is None or not time.isActive():
        return None
    held = time.fixedTemporalRange()
    return {"mode": number_of(time.mode()), "start": text_of(held.begin()), "end": text_of(held.end())}


def about(layer):
    tell = about_vector if isinstance(layer, QgsVectorLayer) else about_raster
    return {
        "name": layer.name(),
        "valid": layer.isValid(),
        "crs": crs_of(layer),
        "time": about_time(layer),
        **tell(layer),
    }


def draw(project, moment, picture):
    """Draw the project's map as it is at a moment, as large as the saved view."""
    settings = QgsMapSettings()
    layers = [node.layer() for node in project.layerTreeRoot().findLayers() if node.isVisible()]
    settings.setLayers([layer for layer in layers if layer.isSpatial()])
    settings.setDestinationCrs(project.crs())
    extent = settings.fullExtent()
    extent.scale(1.04)
    settings.setExtent(extent)
    settings.setOutputSize(QSize(SIDE_PX, round(SIDE_PX * extent.height() / extent.width())))
    time = QDateTime.fromString(moment, Qt.ISODate)
    settings.setIsTemporal(True)
    settings.setTemporalRange(QgsDateTimeRange(time, time))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    return job.renderedImage().save(picture)


def about_project(path, moment, picture):
    project = QgsProject.instance()
    read = project.read(path)
    mode, is_set = project.readNumEntry("TemporalControllerWidget", "/NavigationMode", 0)
    season = project.timeSettings().temporalRange()
    root = project.layerTreeRoot()
    return {
        "read": read,
        "title": project.title(),
        "crs": crs_of(project),
        "relative": project.readBoolEntry("Paths", "/Absolute", True)[0] is False,
        "slider": {"set": is_set, "mode": mode, "unit": QgsUnitTypes.encodeUnit(project.timeSettings().timeStepUnit())},
        "season": [text_of(season.begin()), text_of(season.end())],
        "stops": [text_of(r.begin()) for r in QgsTemporalUtils.usedTemporalRangesForProject(project)],
        "groups": {g.name(): [node.layerId() for node in g.findLayers()] for g in root.findGroups()},
        "layers": {key: about(layer) for key, layer in project.mapLayers().items()},
        "ticked": [node.layerId() for node in root.findLayers() if node.isVisible()],
        "drawn": draw(project, moment, picture),
    }


def about_file(path):
    """A file dragged in alone: what QGIS does then is open it and look for its default style."""
    layer = QgsRasterLayer(path) if path.endswith(".tif") else QgsVectorLayer(path, "alone", "ogr")
    message, styled = layer.loadDefaultStyle()
    return {"styled": styled, "message": message, **about(layer)}


def main():
    application = QgsApplication([], False)
    application.initQgis()
    what, *arguments = sys.argv[1:]
    found = about_project(*arguments) if what == "project" else about_file(*arguments)
    QgsProject.instance().clear()
    application.exitQgis()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
