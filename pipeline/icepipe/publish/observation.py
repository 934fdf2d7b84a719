"""The folder of one observation: class raster, polygons, explanation, quicklook, record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from icepipe.inputs.sensors import Sensor
from icepipe.measure.observed import Observed
from icepipe.measure.series import Row
from icepipe.models import Model
from icepipe.publish.atomic import replace_folder
from icepipe.publish.explain import explain_document
from icepipe.publish.features import features_of
from icepipe.publish.footprint import Footprint
from icepipe.publish.k_curve import write_k_curve
from icepipe.publish.model_file import model_document
from icepipe.publish.quicklook import thumbnail_step, write_quicklook
from icepipe.publish.rasters import write_classes
from icepipe.publish.record import Made, Record, last_record, write_record
from icepipe.publish.stac import write_item
from icepipe.publish.styles import classes_qml
from icepipe.publish.tables import json_text
from icepipe.publish.vectors import write_polygons
from icepipe.records import Observation


def moment_of(observation: Observation) -> str:
    """ISO text of the observation's day, with the time where its scenes share one and are of that day."""
    times = {(scene.date, scene.time) for scene in observation.scenes}
    day, only = times.pop() if len(times) == 1 else (observation.date, None)
    only = only if day == observation.date else None
    text = observation.date.isoformat()
    return f"{text}T{only.isoformat()}Z" if only else text


def _write_models(folder: Path, stem: str, models: Sequence[Model]) -> None:
    """A model file for each model, and its curve where k was chosen; numbered by scene where there are several."""
    for number, model in enumerate(models, start=1):
        name = stem if len(models) == 1 else f"{stem}_scene{number}"
        (folder / f"{name}_model.json").write_text(json_text(model_document(model)), encoding="utf-8")
        if model.k_curve:
            write_k_curve(folder / f"{name}_k.png", model)


def publish_observation(
    folder: Path,
    name: str,
    observed: Observed,
    sensor: Sensor,
    rows: Sequence[Row],
    made: Made,
    where: Footprint,
    own_models: bool,
    formats: Sequence[str],
) -> Record:
    """Write the folder of an observation; it appears whole or not at all.

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
    observation, stem = observed.observation, f"{name}_{observed.observation.key}"
    with replace_folder(folder) as part:
        write_classes(part / f"{stem}_classes.tif", observed.classes, observed.grid, observation.date)
        (part / f"{stem}_classes.qml").write_text(classes_qml(), encoding="utf-8")
        remarks: list[str] = []
        for layer in observed.layers:
            features = features_of(layer, observation.date, moment_of(observation))
            remarks += write_polygons(part, f"{stem}_{layer.code.label}", features, formats)
        document = explain_document(observation.key, observed.strata, sensor, observed.tally, observed.unit_m2)
        (part / "explain.json").write_text(json_text(document), encoding="utf-8")
        if own_models:
            _write_models(part, stem, observed.strata.models)
        step = thumbnail_step(observed.grid)
        thumbnail = observed.classes[::step, ::step]
        title = f"{name}  {observation.key}"
        write_quicklook(part / "quicklook.png", title, observed.picture, thumbnail, observed.grid, observed.budget)
        moment = moment_of(observation)
        write_item(part, name, observation, moment, where, observed.grid, observed.budget)
        return write_record(part, made, rows, observed, last_record(folder), remarks)
