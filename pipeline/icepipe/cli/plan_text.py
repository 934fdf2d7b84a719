"""Plans, results and files told to people, as lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from icepipe.inputs.scenes import Scene
from icepipe.measure.area.series import Row
from icepipe.measure.trends.alerts import AlertRow
from icepipe.publish.tables.text import align_columns, series_cells
from icepipe.runtime.memory import MAX_PIXEL_BYTES, STRATA_PIXEL_BYTES, TYPICAL_PIXEL_BYTES, memory_bytes
from icepipe.workflow.inspect import _validity
from icepipe.workflow.plan import Plan

SECONDS_PER_MPX = 0.04
"""Measured on two cores, with a margin, for decoding twice, classifying and polygons; a busy picture costs more."""

SECONDS_PER_OBSERVATION = 0.2
DAYS_A_YEAR = 365.25
BYTES_PER_PX_OUT = 1.5
"""Measured: class raster, polygons and quicklook, for a picture with many small pieces."""


def closing_table(rows: Sequence[Row]) -> list[str]:
    """The series for people, one line an observation and region."""
    return align_columns(series_cells(rows))


def alert_lines(alerts: Iterable[AlertRow]) -> list[str]:
    """A line an alert."""
    return [f"alert {alert.date}  {alert.region}: {alert.message}" for alert in alerts]


def _scene_line(scene: Scene) -> str:
    masks = [f"{key} {mask.path.name}" for key, mask in (("cloud", scene.cloud), ("land", scene.land)) if mask]
    files = dict.fromkeys(band.path for band in scene.bands)
    bands = "bands " + ",".join(str(band.index) for band in scene.bands) if len(files) == 1 else f"{len(files)} files"
    return "  " + "  ".join(filter(None, [scene.path.name, scene.platform, bands, _validity(scene), *masks]))


def _region_lines(plan: Plan) -> list[str]:
    if plan.regions.from_scenes:
        return []
    names = [outline.name for outline in plan.regions.outlines]
    off = [name for number, name in enumerate(names) if plan.regions.window(number) is None]
    lines = [f"{len(names)} region(s): {', '.join(names)}"]
    return lines + ([f"no scene reaches {', '.join(off)}"] if off else [])


def _a_year(plan: Plan, megabytes: float) -> str:
    """What the outputs of a year take, at the rate at which the observations came so far."""
    days = (plan.observations[-1].date - plan.observations[0].date).days if plan.observations else 0
    if not days:
        return ""
    count = len(plan.observations)
    return f", {megabytes / count * (count - 1) / days * DAYS_A_YEAR / 1000:.2f} GB a year at this rate"


def _memory(pixels: int, workers: int, strata_bytes: int = 0) -> str:
    """From what usual scenes take to what the densest do; one number where they are nearly the same."""
    usual, most = (
        memory_bytes(pixels, workers, n + strata_bytes) / 1e6 for n in (TYPICAL_PIXEL_BYTES, MAX_PIXEL_BYTES)
    )
    return f"{most:.0f}" if most < 1.1 * usual else f"{usual:.0f} to {most:.0f}"


def plan_lines(plan: Plan) -> list[str]:
    """What a run would do: scenes, dates, masks, grid, what is skipped, and a rough estimate of its cost."""
    grid, sensor = plan.grid, plan.sensor
    pixels, count = grid.width * grid.height, len(plan.observations)
    read_mpx = sum(s.geobox.width * s.geobox.height for s in plan.catalog.scenes) / 1e6
    seconds = 2 + SECONDS_PER_OBSERVATION * count + SECONDS_PER_MPX * read_mpx
    hidden = sorted(code.label for code in plan.masked_classes) or ["nothing"]
    strata_bytes = STRATA_BYTES if plan.config.measure.min_patch_m2 else 0
    memory = _memory(pixels, min(plan.workers, count), strata_bytes)
    written = BYTES_PER_PX_OUT * pixels * count / 1e6
    whose = "of an earlier run" if plan.earlier else "new"
    lines = [
        f"{len(plan.catalog.scenes)} scene(s), {count} observation(s)",
        f"sensor {sensor.key}: {sensor.title}; {' '.join(sensor.roles)}, numbers by {sensor.encoding}",
        f"grid {grid.width} x {grid.height} pixels, {whose}; areas measured on {plan.pixel_area.surface}",
        f"masked: {', '.join(hidden)}",
        *_region_lines(plan),
        f"roughly {seconds:.0f} s, {memory} MB of memory, {written:.1f} MB written{_a_year(plan, written)}",
    ]
    for observation in plan.observations:
        lines += [observation.key, *(_scene_line(scene) for scene in observation.scenes)]
    lines += [f"will be skipped: {path} is not a regular file" for path in plan.catalog.skipped]
    return lines + [f"will be skipped: {fault}" for fault in plan.catalog.faults]
