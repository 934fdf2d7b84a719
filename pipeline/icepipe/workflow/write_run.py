"""What a run writes once its observations are done: series, changes, trends, projects, provenance, manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from icepipe.measure.area.series import Row
from icepipe.measure.polygons.reproject import needs_multipolygons
from icepipe.publish.images.k_selection import write_k_curve
from icepipe.publish.qgis_project import write_project
from icepipe.publish.report.write import remove_report, write_report
from icepipe.publish.run_folder.manifest import write_manifest
from icepipe.publish.run_folder.paths import RunPaths
from icepipe.publish.run_folder.provenance import previous_geopackage, provenance_document
from icepipe.publish.run_folder.record import Record
from icepipe.publish.stac import write_collection
from icepipe.publish.tables.trends import trend_document, write_trends
from icepipe.publish.tables.writers import write_change_table, write_history, write_series
from icepipe.publish.vectors.geopackage import ObservationParts, write_run_geopackage
from icepipe.publish.vectors.region_layer import write_region_layer
from icepipe.segment.model import Model
from icepipe.segment.model_file import model_document
from icepipe.storage.json_document import write_json
from icepipe.workflow.changes.update import RunChanges
from icepipe.workflow.notes import RunEvents
from icepipe.workflow.plan import Plan
from icepipe.workflow.process_observation import RunContext
from icepipe.workflow.result import RunResult


def _replaced(record: Record) -> Iterator[tuple[int, Row]]:
    """Rows that were replaced, each with the number of its revision."""
    for revision, rows in enumerate(record.superseded, start=1):
        for row in rows:
            yield revision, row


def _publish_model(paths: RunPaths, model: Model | None) -> None:
    """Write the model that all observations share, and its curve; what an earlier run left of either goes."""
    if model:
        write_json(paths.model, model_document(model))
    else:
        paths.model.unlink(missing_ok=True)
    if model and model.k_curve:
        write_k_curve(paths.k_curve, model)
    else:
        paths.k_curve.unlink(missing_ok=True)


def _collected(plan: Plan, events: RunEvents) -> ObservationParts:
    config, drawing = plan.config, plan.drawing
    return ObservationParts(
        folder=config.run_folder,
        name=config.name,
        codes=drawing.codes,
        crs=plan.polygons_crs,
        multi=needs_multipolygons(drawing.crs),
        records=events.records,
    )


def _publish_geopackage(plan: Plan, collected: ObservationParts) -> dict[str, str]:
    """Write the run's GeoPackage where it is asked for, or drop an earlier run's; what ``run.json`` keeps of it."""
    before = previous_geopackage(collected.folder)
    if "geopackage" in plan.config.publish.polygons.format:
        return write_run_geopackage(collected, before)
    if before:
        collected.path.unlink(missing_ok=True)
    return {}


def write_run(
    context: RunContext, result: RunResult, events: RunEvents, changes: RunChanges, fingerprint: Callable[[Path], str]
) -> None:
    """Write what all observations together give, from the series to the manifest."""
    folder, plan, basis = result.folder, context.plan, context.basis
    paths = RunPaths(folder, plan.config.name)
    write_series(folder, result.rows)
    write_region_layer(folder, basis.regions, result.rows)
    replaced = [pair for record in events.records.values() for pair in _replaced(record)]
    if replaced or paths.history.exists():
        write_history(folder, replaced)
    write_change_table(folder, plan.config.name, changes.pairs)
    write_trends(folder, trend_document(result.trends, plan.config.measure), result.alerts)
    _publish_model(paths, result.model)
    surface, scenes = plan.pixel_area.surface, plan.catalog.scenes
    collected = _collected(plan, events)
    geopackage = _publish_geopackage(plan, collected)
    document = provenance_document(
        plan.config,
        basis,
        surface,
        scenes,
        events.records,
        events.outside_km2,
        result.faults,
        result.notes,
        geopackage,
    )
    write_json(paths.provenance, document)
    moments = {key: record.moments for key, record in events.records.items()}
    write_project(folder, plan.config.name, moments, plan.grid, collected.path if geopackage else None)
    try:
        if plan.config.publish.report:
            write_report(folder)
        else:
            remove_report(folder)
    finally:
        write_collection(folder, plan.config.name, events.records, context.where)
        write_manifest(folder, events.records, fingerprint)
