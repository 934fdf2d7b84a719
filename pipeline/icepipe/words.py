"""Plans, results and files told to people, as lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from icepipe.batch.execute import MOST_BYTES, STRATA_BYTES, USUAL_BYTES, memory_bytes
from icepipe.errors import InputError
from icepipe.inputs.checks import check_raster, open_raster
from icepipe.inputs.grid import blocks
from icepipe.inputs.plane import Plane
from icepipe.inputs.read import ObservationReader
from icepipe.inputs.scene import describe, sensor_of
from icepipe.inputs.sensors import SENSORS
from icepipe.measure.alerts import AlertRow
from icepipe.measure.series import Row
from icepipe.plan import Plan
from icepipe.publish.series_cells import series_cells
from icepipe.records import Observation, Scene

SECONDS_PER_MPX = 0.04
"""Measured on two cores, with a margin, for decoding twice, classifying and polygons; a busy picture costs more."""

SECONDS_PER_OBSERVATION = 0.2
DAYS_A_YEAR = 365.25
BYTES_PER_PX_OUT = 1.5
"""Measured: class raster, polygons and quicklook, for a picture with many small pieces."""


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Cells as columns: the first and the last to the left, numbers between them to the right."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    last = len(widths) - 1
    return [
        "  ".join(
            cell.ljust(width) if i in {0, last} else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def closing_table(rows: Sequence[Row]) -> list[str]:
    """The series for people, one line an observation and region."""
    return aligned(series_cells(rows))


def alert_lines(alerts: Iterable[AlertRow]) -> list[str]:
    """A line an alert."""
    return [f"alert {alert.date}  {alert.region}: {alert.message}" for alert in alerts]


def _validity(scene: Scene) -> str:
    nodata = scene.bands[0].nodata
    if scene.alpha:
        return f"alpha band {scene.alpha}"
    return "nodata " + ", ".join(f"{value:g}" for value in nodata) if nodata else "no nodata value"


def _scene_line(scene: Scene) -> str:
    masks = [f"{key} {mask.path.name}" for key, mask in (("cloud", scene.cloud), ("land", scene.land)) if mask]
    files = dict.fromkeys(band.path for band in scene.bands)
    bands = "bands " + ",".join(str(band.index) for band in scene.bands) if len(files) == 1 else f"{len(files)} files"
    return "  " + "  ".join(filter(None, [scene.path.name, scene.platform, bands, _validity(scene), *masks]))


def _region_lines(plan: Plan) -> list[str]:
    if plan.regions.own:
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
    usual, most = (memory_bytes(pixels, workers, n + strata_bytes) / 1e6 for n in (USUAL_BYTES, MOST_BYTES))
    return f"{most:.0f}" if most < 1.1 * usual else f"{usual:.0f} to {most:.0f}"


def plan_lines(plan: Plan) -> list[str]:
    """What a run would do: scenes, dates, masks, grid, what is skipped, and a rough estimate of its cost."""
    grid, sensor = plan.grid, plan.sensor
    pixels, count = grid.width * grid.height, len(plan.observations)
    read_mpx = sum(s.geobox.width * s.geobox.height for s in plan.catalog.scenes) / 1e6
    seconds = 2 + SECONDS_PER_OBSERVATION * count + SECONDS_PER_MPX * read_mpx
    hidden = sorted(code.label for code in plan.screened) or ["nothing"]
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


def _statistics(scene: Scene) -> Iterable[str]:
    """Share of pixels seen, and range and mean of every band over them."""
    roles = scene.roles
    seen, sums = 0, np.zeros(len(roles))
    low, high = np.full(len(roles), np.inf), np.full(len(roles), -np.inf)
    with ObservationReader(Observation("", scene.date, (scene,)), scene.geobox) as reader:
        for block in blocks(scene.geobox):
            pixels = reader.read(block)
            values = pixels.bands[:, pixels.valid]
            if values.size:
                seen += values.shape[1]
                sums += values.sum(axis=1, dtype=np.float64)
                low, high = np.minimum(low, values.min(axis=1)), np.maximum(high, values.max(axis=1))
    yield f"  seen {seen / (scene.geobox.width * scene.geobox.height):.1%} of the pixels"
    unit = "" if SENSORS[scene.sensor].stretch else " in units of 0.0001 reflectance"
    if seen:
        for i, role in enumerate(roles):
            yield f"  {role}: {low[i]:g} .. {high[i]:g}, mean {sums[i] / seen:.1f}{unit}"


def _header_lines(path: Path) -> list[str]:
    with open_raster(path) as dataset:
        check_raster(path, dataset)
        kinds = ", ".join(sorted(set(dataset.dtypes)))
        names = [name for name in dataset.descriptions if name]
        scales = {pair for pair in zip(dataset.scales, dataset.offsets, strict=True) if pair != (1.0, 0.0)}
        lines = [
            f"  {dataset.width} x {dataset.height} pixels, {dataset.count} band(s) of {kinds}",
            f"  bands: {', '.join(names) if names else ', '.join(c.name for c in dataset.colorinterp)}",
            f"  crs {dataset.crs.to_string()[:80]}",
        ]
        if scales:
            lines.append(f"  scale and offset: {sorted(scales)}")
        return lines


def inspect_lines(path: Path) -> list[str]:
    """What icepipe understands of a raster.

    Raises
    ------
    InputError
        If it cannot be opened or has no place on the Earth; what a run would refuse is told as a line instead.
    """
    from icepipe.config_inputs import Inputs

    lines = [str(path), *_header_lines(path)]
    try:
        scene = describe((path,), Inputs(scenes=(str(path),)))
    except InputError as fault:
        return [*lines, f"  a run would refuse it: {fault.reason}; {fault.todo}"]
    plane = Plane(scene.geobox)
    true_m2 = float(np.prod(plane.sides_m))
    sensor = sensor_of(scene)
    lines += [
        f"  a pixel in the middle covers {true_m2:,.2f} m2 on {plane.earth.surface}",
        f"  date {scene.date.isoformat()}{f' {scene.time} UTC' if scene.time else ''}  {scene.platform}".rstrip(),
        f"  sensor {sensor.key}, rules {sensor.rule_set}, numbers by {sensor.encoding}",
        f"  validity: {_validity(scene)}",
    ]
    return [*lines, *_statistics(scene)]
