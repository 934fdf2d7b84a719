"""The folder of one observation: class raster, polygons, explanation, quicklook, record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from icepipe.measure.observed import Observed
from icepipe.measure.series import Row
from icepipe.models import Model
from icepipe.publish.atomic import replace_folder
from icepipe.publish.explain import explain_document
from icepipe.publish.quicklook import thumbnail_step, write_quicklook
from icepipe.publish.rasters import write_classes
from icepipe.publish.record import Made, Record, write_record
from icepipe.publish.tables import json_text
from icepipe.publish.vectors import write_shapefile
from icepipe.records import Observation


def moment_of(observation: Observation) -> str:
    """ISO text of the observation's day, with the time where its scenes share one."""
    times = {scene.time for scene in observation.scenes}
    only = times.pop() if len(times) == 1 else None
    day = observation.date.isoformat()
    return f"{day}T{only.isoformat()}Z" if only else day


def publish_observation(
    folder: Path, name: str, observed: Observed, model: Model, rows: Sequence[Row], made: Made
) -> Record:
    """Write the folder of an observation; it appears whole or not at all.

    Parameters
    ----------
    folder
        Its place.
    name
        Name of the run, which starts every file's name.
    observed, model, rows
        What to write.
    made
        What it was made from, for the record.
    """
    observation, stem = observed.observation, f"{name}_{observed.observation.key}"
    with replace_folder(folder) as part:
        write_classes(part / f"{stem}_classes.tif", observed.classes, observed.grid, observation.date)
        for layer in observed.layers:
            path = part / f"{stem}_{layer.code.label}.shp"
            write_shapefile(path, layer, observation.date, moment_of(observation))
        document = explain_document(observation.key, model, observed.tally, observed.unit_m2)
        (part / "explain.json").write_text(json_text(document), encoding="utf-8")
        step = thumbnail_step(observed.grid)
        thumbnail = observed.classes[::step, ::step]
        title = f"{name}  {observation.key}"
        write_quicklook(part / "quicklook.png", title, observed.picture, thumbnail, observed.grid, observed.budget)
        return write_record(part, made, rows, observed)
