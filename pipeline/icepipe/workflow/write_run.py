"""Publish the outputs of the whole series: tables, changes, trends, projects, provenance and manifest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from icepipe.errors import InputError
from icepipe.measure.polygons.reproject import needs_multipolygons
from icepipe.measure.trends.alerts import find_alerts
from icepipe.measure.trends.quality_flags import add_series_flags
from icepipe.measure.trends.summary import area_trends
from icepipe.publish.images.k_selection import write_k_curve
from icepipe.publish.qgis_project import write_project
from icepipe.publish.report.write import remove_report, write_report
from icepipe.publish.run_folder.manifest import write_manifest
from icepipe.publish.run_folder.paths import RunPaths
from icepipe.publish.run_folder.provenance import previous_geopackage, provenance_document
from icepipe.publish.stac import write_collection
from icepipe.publish.tables.trends import trend_document, write_trends
from icepipe.publish.tables.writers import write_change_table, write_history, write_series
from icepipe.publish.vectors.geopackage import ObservationParts, write_run_geopackage
from icepipe.publish.vectors.region_layer import write_region_layer
from icepipe.runtime.log import log_step
from icepipe.segment.model import Model
from icepipe.segment.model_file import model_document
from icepipe.storage.json_document import write_json
from icepipe.workflow.changes.update import RunChanges, update_changes
from icepipe.workflow.notes import RunEvents, occlusion_notes, run_notes, trend_notes
from icepipe.workflow.plan import Plan
from icepipe.workflow.process_observation import RunContext
from icepipe.workflow.result import RunResult
from icepipe.workflow.result_cache import store_result
from icepipe.workflow.run_state import RunState


def refit_advice(plan: Plan) -> str:
    """Return what to do about an observation that the model does not fit."""
    segment = plan.config.segment
    if segment.model_file:
        return "name the model of a run with such dates in segment.fit, or take it out so that a model is fitted"
    if segment.fit != "run":
        return "raise segment.k or segment.sample"
    if plan.earlier is None:
        return "set segment.fit: observation, so that every date has a model of its own"
    return "use --rebase to fit the model on these dates, too"


def collect_events(context: RunContext, run_state: RunState, faults: tuple[InputError, ...]) -> RunEvents:
    """Return the problems that the run met, with the records of all observations of the series."""
    plan = context.plan
    records, stale = run_state.current_records(context)
    return RunEvents(
        records=records,
        stale=stale,
        # Rows outlive their files: an archive that was cleaned up must not shorten the series.
        gone=sorted(records.keys() - {observation.key for observation in plan.observations}),
        outside_km2=plan.outside_km2(),
        frozen_without_files=plan.earlier is None and bool(faults),
        skipped=plan.catalog.skipped,
        refit_advice=refit_advice(plan),
    )


def publish_run(context: RunContext, run_state: RunState, faults: tuple[InputError, ...]) -> RunResult:
    """Compute and write the outputs of the whole series, and store the result in the ledger."""
    plan, config = context.plan, context.plan.config
    with log_step("finish"):
        events = collect_events(context, run_state, faults)
        # Comparisons skip blocks that no file of either date reaches; under other land outlines that is not known.
        records_to_compare = {
            key: record if run_state.has_current_land(plan, record) else replace(record, reached=None)
            for key, record in events.records.items()
        }
        changes = update_changes(
            config.run_folder,
            context.basis,
            plan.background,
            records_to_compare,
            config.publish.change,
            plan.workers,
            run_state.fingerprints,
        )
        measured = tuple(row for record in events.records.values() for row in record.rows)
        # Flags that depend on neighbours in time are added here: the records of observations hold none of them.
        series = add_series_flags(measured, changes.hidden)
        trends = area_trends(series, config.measure)
        result = RunResult(
            folder=config.run_folder,
            faults=faults,
            rows=series,
            model=context.model,
            notes=(*run_notes(context.model, events), *occlusion_notes(changes.hidden), *trend_notes(trends)),
            trends=trends,
            alerts=None if config.measure.alerts is None else find_alerts(series, config.measure.alerts),
        )
        write_run(context, result, events, changes, run_state.fingerprints)
    # This comes after the manifest: a result must not be cached before its outputs are complete.
    store_result(context, run_state, result, events)
    return result


def publish_model(paths: RunPaths, model: Model | None) -> None:
    """Write the model that all observations share and its k curve, or remove those of an earlier run."""
    if model:
        write_json(paths.model, model_document(model))
    else:
        paths.model.unlink(missing_ok=True)
    if model and model.k_curve:
        write_k_curve(paths.k_curve, model)
    else:
        paths.k_curve.unlink(missing_ok=True)


def publish_geopackage(plan: Plan, events: RunEvents) -> tuple[Path | None, dict[str, str]]:
    """Write the GeoPackage of the run if the config wants one, or remove that of an earlier run.

    Returns
    -------
    tuple of (Path or None, dict)
        The file, and what ``run.json`` says of it, by which the next run sees whether it is up to date.
    """
    config, options = plan.config, plan.polygon_options
    parts = ObservationParts(
        folder=config.run_folder,
        name=config.name,
        codes=options.codes,
        crs=plan.polygons_crs,
        multi=needs_multipolygons(options.crs),
        records=events.records,
    )
    before = previous_geopackage(config.run_folder)
    if "geopackage" in config.publish.polygons.format:
        written = write_run_geopackage(parts, before)
        return parts.path if written else None, written
    if before:
        parts.path.unlink(missing_ok=True)
    return None, {}


def write_tables(context: RunContext, result: RunResult, events: RunEvents, changes: RunChanges) -> None:
    """Write the series, its map layer, its history, changes and trends."""
    folder, config = result.folder, context.plan.config
    write_series(folder, result.rows)
    write_region_layer(folder, context.basis.regions, result.rows)
    records = events.records.values()
    # An earlier history is emptied if the observations that it lists are gone.
    if any(record.superseded for record in records) or RunPaths(folder, config.name).history.exists():
        write_history(folder, records)
    write_change_table(folder, config.name, changes.pairs)
    write_trends(folder, trend_document(result.trends, config.measure), result.alerts)


def write_run(
    context: RunContext, result: RunResult, events: RunEvents, changes: RunChanges, fingerprint: Callable[[Path], str]
) -> None:
    """Write the outputs of a run that are not of one observation, from the series to the manifest."""
    folder, plan, name = result.folder, context.plan, context.plan.config.name
    paths = RunPaths(folder, name)
    write_tables(context, result, events, changes)
    publish_model(paths, result.model)
    geopackage_path, geopackage = publish_geopackage(plan, events)
    document = provenance_document(
        plan.config,
        context.basis,
        plan.pixel_area.surface,
        plan.catalog.scenes,
        events.records,
        events.outside_km2,
        result.faults,
        result.notes,
        geopackage,
    )
    write_json(paths.provenance, document)
    moments = {key: record.moments for key, record in events.records.items()}
    write_project(folder, name, moments, plan.grid, geopackage_path)
    try:
        if plan.config.publish.report:
            write_report(folder)
        else:
            remove_report(folder)
    finally:
        # A report that cannot be written fails the run, but the manifest must list everything else.
        write_collection(folder, name, events.records, context.footprint)
        write_manifest(folder, events.records, fingerprint)
