"""The folder of one observation: class raster, polygons, explanation, quicklook, record."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from icepipe.geo.footprint import Footprint
from icepipe.geo.geobox import GeoBox
from icepipe.inputs.intervals import shared_time
from icepipe.inputs.observation_key import utc_text
from icepipe.inputs.scenes import Observation
from icepipe.measure.area.observation import ObservationResult
from icepipe.measure.area.series import Row
from icepipe.measure.polygons.polygonize import PolygonLayer
from icepipe.publish.cog import write_classes
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
from icepipe.publish.vectors.qml_styles import classes_qml
from icepipe.publish.vectors.writers import write_polygons
from icepipe.runtime.memory_allocator import trim_heap
from icepipe.segment.model import Model
from icepipe.segment.model_file import model_document
from icepipe.sensors.sensor import CLASSES, Sensor
from icepipe.storage.atomic import replace_folder
from icepipe.storage.json_document import json_text


def _write_models(paths: ObservationPaths, models: Sequence[Model]) -> None:
    """A model file for each model, and its curve where k was chosen; numbered by scene where there are several."""
    for number, model in enumerate(models, start=1):
        own = paths if len(models) == 1 else paths.for_scene(number)
        own.model.write_text(json_text(model_document(model)), encoding="utf-8")
        if model.k_curve:
            write_k_curve(own.k_curve, model)


def _write_layers(
    paths: ObservationPaths, layers: Sequence[PolygonLayer], observation: Observation, formats: Sequence[str]
) -> list[str]:
    """Write the polygons of every class; what was done otherwise than asked for, in sentences."""
    remarks: list[str] = []
    moment = utc_text(observation.date, shared_time(observation))
    for layer in layers:
        features = Features(layer, observation.date, moment)
        remarks += write_polygons(paths.folder, paths.polygon_stem(layer.code), features, formats)
    return remarks


def _keep(path: Path, folder: Path) -> None:
    """Let a file stand in another folder too: without a copy where the disk can do that."""
    try:
        (folder / path.name).hardlink_to(path)
    except OSError:
        shutil.copyfile(path, folder / path.name)


def rewrite_polygons(
    folder: Path,
    name: str,
    observation: Observation,
    layers: Sequence[PolygonLayer],
    old: Record,
    made: Provenance,
    where: Footprint,
    grid: GeoBox,
    formats: Sequence[str],
) -> Record:
    """Write the polygons of an observation anew, and leave what its pixels gave as it is; the folder changes as one.

    Parameters
    ----------
    folder, name
        Its place, and the name of the run.
    observation, layers
        What to write.
    old, made
        The record that stands there, and what the new one is made from.
    where, grid
        Where the region lies, and the grid of its raster.
    formats
        Of the polygons.
    """
    paths = ObservationPaths.of(folder, name, observation.key)
    with replace_folder(folder) as part:
        for output, _ in old.outputs:
            row = paths.find_row(output)
            if row is None or not row.has_polygons:
                _keep(folder / output, part)
        remarks = _write_layers(paths.in_folder(part), layers, observation, formats)
        write_item(part, name, observation, where, grid, old.pixel_side_m)
        return rewrite_record(part, old, made, remarks)


def _write_pictures(
    paths: ObservationPaths, name: str, observed: ObservationResult, sensor: Sensor, rows: Sequence[Row]
) -> None:
    """The class raster with its style, the quicklook, and the scene as it was seen."""
    key, grid = observed.observation.key, observed.grid
    write_classes(paths.class_raster, observed.classes, grid, observed.observation.date)
    trim_heap()
    paths.class_style.write_text(classes_qml(), encoding="utf-8")
    step = thumbnail_step(grid)
    thumbnail = observed.classes.decimate(step)
    known = {row.class_ for row in rows if row.area_km2 is not None}
    areas_km2 = {code: a.area_km2 if code.label in known else None for code, a in observed.budget.classes.items()}
    quicklook = draw_quicklook(
        f"{name}  {key}", observed.picture, thumbnail, grid, legend_entries(areas_km2, thumbnail)
    )
    write_quicklook(paths.quicklook, quicklook)
    if sensor.key != CLASSES:
        write_picture(paths.picture, grey_unobserved(observed.picture, thumbnail))


def publish_observation(
    folder: Path,
    name: str,
    observed: ObservationResult,
    sensor: Sensor,
    rows: Sequence[Row],
    made: Provenance,
    where: Footprint,
    own_models: bool,
    formats: Sequence[str],
) -> Record:
    """Write the folder of an observation; it appears whole or not at all. Its pictures are made while it is drawn.

    Parameters
    ----------
    folder
        Its place.
    name
        Name of the run, which starts every file's name.
    observed, sensor, rows
        What to write.
    made
        What it was made from, for the record.
    where
        Where the region lies.
    own_models
        Whether it has models that no other observation shares, which are then written too.
    formats
        Of the polygons.
    """
    observation = observed.observation
    with replace_folder(folder) as part, ThreadPoolExecutor(1) as beside:
        paths = ObservationPaths.of(part, name, observation.key)
        pictures = beside.submit(_write_pictures, paths, name, observed, sensor, rows)
        layers = observed.draw()
        trim_heap()
        remarks = _write_layers(paths, layers, observation, formats)
        document = explain_document(observation.key, observed.strata, sensor, observed.tally, observed.unit_m2)
        paths.explanation.write_text(json_text(document), encoding="utf-8")
        if own_models:
            _write_models(paths, observed.strata.models)
        pictures.result()
        side_m = pixel_side_m(observed.budget)
        write_item(part, name, observation, where, observed.grid, side_m)
        return write_record(part, made, rows, observed, last_record(folder), remarks)
