"""Writes the folder of one observation: class raster, polygons, explanation, quicklook, record."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from icepipe.geo.footprint import Footprint
from icepipe.geo.geobox import GeoBox
from icepipe.inputs.observation_key import utc_text
from icepipe.inputs.scenes import Observation, shared_time
from icepipe.measure.area.observation import ObservationResult
from icepipe.measure.area.quantity import Quantity
from icepipe.measure.area.series import Row
from icepipe.measure.polygons.polygonize import PolygonLayer
from icepipe.publish.cog import CLASS_BAND, FRACTION_BAND, write_raster
from icepipe.publish.images.k_selection import write_k_curve
from icepipe.publish.images.quicklook import draw_quicklook, legend_entries, write_quicklook
from icepipe.publish.images.thumbnail import grey_unobserved, thumbnail_step, write_picture
from icepipe.publish.run_folder.paths import ObservationPaths
from icepipe.publish.run_folder.record import (
    Provenance,
    Record,
    last_record,
    pixel_side_m,
    rewrite_record,
    write_record,
)
from icepipe.publish.stac import write_item
from icepipe.publish.tables.explanation import explain_document
from icepipe.publish.vectors.features import Features
from icepipe.publish.vectors.qml_styles import classes_qml, fraction_qml
from icepipe.publish.vectors.writers import write_polygons
from icepipe.runtime.memory_allocator import trim_heap
from icepipe.segment.model import Model
from icepipe.segment.model_file import model_document
from icepipe.sensors.sensor import CLASSES, Sensor
from icepipe.storage.atomic import replace_folder
from icepipe.storage.json_document import json_text


def write_models(paths: ObservationPaths, models: Sequence[Model]) -> None:
    """Write each model, and its figure if k was chosen; names have the number of the scene if there are several."""
    for number, model in enumerate(models, start=1):
        model_paths = paths if len(models) == 1 else paths.for_scene(number)
        model_paths.model.write_text(json_text(model_document(model)), encoding="utf-8")
        if model.k_curve:
            write_k_curve(model_paths.k_curve, model)


def write_layers(
    paths: ObservationPaths, layers: Sequence[PolygonLayer], observation: Observation, formats: Sequence[str]
) -> list[str]:
    """Write the polygons of every class; return sentences about files in another format than configured."""
    remarks: list[str] = []
    moment = utc_text(observation.date, shared_time(observation))
    for layer in layers:
        features = Features(layer, observation.date, moment)
        remarks += write_polygons(paths.folder, paths.polygon_stem(layer.code), features, formats)
    return remarks


def rewrite_polygons(
    folder: Path,
    name: str,
    observation: Observation,
    layers: Sequence[PolygonLayer],
    old: Record,
    made: Provenance,
    footprint: Footprint,
    grid: GeoBox,
    formats: Sequence[str],
) -> Record:
    """Write the polygons of an observation again and keep its other files; the folder is replaced as a whole.

    The share of ice is left out where the new provenance has none.

    Parameters
    ----------
    folder
        Folder of the observation.
    name
        Name of the run.
    observation, layers
        The observation and its polygons.
    old, made
        Its current record, and the provenance of the new one.
    footprint, grid
        Footprint of the region, and grid of the class raster.
    formats
        Formats of the polygons, as in the config.
    """
    paths = ObservationPaths.of(folder, name, observation.key)
    left_out = () if made.fraction else (ObservationPaths.fraction_raster, ObservationPaths.fraction_style)
    with replace_folder(folder) as part:
        for output, _ in old.outputs:
            row = paths.find_row(output)
            if row is not None and (row.has_polygons or row in left_out):
                continue
            # A hard link needs no copy; not every file system has them.
            try:
                (part / output).hardlink_to(folder / output)
            except OSError:
                shutil.copyfile(folder / output, part / output)
        remarks = write_layers(paths.in_folder(part), layers, observation, formats)
        write_item(part, name, observation, footprint, grid, old.pixel_side_m)
        return rewrite_record(part, old, made, remarks)


def write_rasters(
    paths: ObservationPaths, name: str, observed: ObservationResult, sensor: Sensor, rows: Sequence[Row]
) -> None:
    """Write the class raster and the share of ice with their styles, the quicklook, and the picture of the scene."""
    key, date, grid = observed.observation.key, observed.observation.date, observed.grid
    write_raster(paths.class_raster, CLASS_BAND, observed.classes, grid, date)
    paths.class_style.write_text(classes_qml(), encoding="utf-8")
    if observed.fraction:
        write_raster(paths.fraction_raster, FRACTION_BAND, observed.fraction, grid, date)
        paths.fraction_style.write_text(fraction_qml(), encoding="utf-8")
    # Rasters are compressed in memory, which malloc otherwise keeps while polygons are traced in the main thread.
    trim_heap()
    thumbnail = observed.classes.decimate(thumbnail_step(grid))
    # The series has no area of a class that the scenes cannot separate, or of a scene that the model does not fit.
    known = {row.class_ for row in rows if row.area_km2 is not None}
    areas_km2 = {
        code: {
            Quantity.SURFACE: area.weighted_km2 if code.label in known else None,
            Quantity.PIXEL_AREA: area.area_km2 if code.label in known else None,
        }
        for code, area in observed.budget.classes.items()
    }
    legend = legend_entries(areas_km2, Quantity.of(rows), thumbnail)
    write_quicklook(paths.quicklook, draw_quicklook(f"{name}  {key}", observed.picture, thumbnail, grid, legend))
    # The picture of a class raster would be that of its classes.
    if sensor.key != CLASSES:
        write_picture(paths.picture, grey_unobserved(observed.picture, thumbnail))


def publish_observation(
    folder: Path,
    name: str,
    observed: ObservationResult,
    sensor: Sensor,
    rows: Sequence[Row],
    made: Provenance,
    footprint: Footprint,
    own_models: bool,
    formats: Sequence[str],
) -> Record:
    """Write the folder of an observation as a whole: readers see all of its files or none.

    Parameters
    ----------
    folder
        Folder of the observation.
    name
        Name of the run, with which every file name starts.
    observed, sensor, rows
        The result, the sensor of its scenes, and its rows of the series.
    made
        Provenance, for the record.
    footprint
        Footprint of the region.
    own_models
        Whether the observation has its own models, which are then written too.
    formats
        Formats of the polygons, as in the config.
    """
    observation = observed.observation
    with replace_folder(folder) as part, ThreadPoolExecutor(1) as executor:
        paths = ObservationPaths.of(part, name, observation.key)
        # Rasters are compressed by GDAL and zlib without the GIL, while polygons are traced here.
        rasters = executor.submit(write_rasters, paths, name, observed, sensor, rows)
        layers = observed.draw()
        trim_heap()
        remarks = write_layers(paths, layers, observation, formats)
        document = explain_document(observation.key, observed.strata, sensor, observed.tally, observed.unit_m2)
        paths.explanation.write_text(json_text(document), encoding="utf-8")
        if own_models:
            write_models(paths, observed.strata.models)
        rasters.result()
        # Item and record list the files of the folder, so they are written last.
        write_item(part, name, observation, footprint, observed.grid, pixel_side_m(observed.budget))
        return write_record(part, made, rows, observed, last_record(folder), remarks)
