"""Describe a plan in lines of text, for `icepipe check`."""

from __future__ import annotations

from collections.abc import Iterator

from icepipe.inputs.scenes import Scene
from icepipe.runtime.memory import MAX_PIXEL_BYTES, STRATA_PIXEL_BYTES, TYPICAL_PIXEL_BYTES, memory_bytes
from icepipe.workflow.inspect import validity_text
from icepipe.workflow.plan import Plan

SECONDS_PER_MPX = 0.04
"""Measured on two cores, with a margin, for decoding twice, classifying and polygons; noisy scenes take longer."""

SECONDS_PER_OBSERVATION = 0.2
START_SECONDS = 2
DAYS_A_YEAR = 365.25
BYTES_PER_PX_OUT = 1.5
"""Measured: class raster, polygons and quicklook of a scene with many small polygons."""
FRACTION_BYTES_PER_PX_OUT = 0.7
"""Measured: the share of ice in brash, where more than a third of the pixels are mixed; most scenes take far less."""


def scene_line(scene: Scene) -> str:
    """Return a line on a scene: file, satellite, bands, validity and masks."""
    masks = [f"{key} {mask.path.name}" for key, mask in (("cloud", scene.cloud), ("land", scene.land)) if mask]
    # A scene is one file with several bands, or a file for each band.
    files = dict.fromkeys(band.path for band in scene.bands)
    bands = "bands " + ",".join(str(band.index) for band in scene.bands) if len(files) == 1 else f"{len(files)} files"
    return "  " + "  ".join(filter(None, [scene.path.name, scene.platform, bands, validity_text(scene), *masks]))


def region_lines(plan: Plan) -> Iterator[str]:
    """Yield lines on named regions, and on those that the run grid does not reach."""
    if plan.regions.from_scenes:
        return
    names = [outline.name for outline in plan.regions.outlines]
    yield f"{len(names)} region(s): {', '.join(names)}"
    if off_grid := [name for number, name in enumerate(names) if plan.regions.window(number) is None]:
        yield f"no scene covers {', '.join(off_grid)}"


def memory_range_mb(pixels: int, workers: int, strata_bytes: int = 0) -> str:
    """Return the memory of usual and of the densest scenes in MB; one number where they are nearly the same."""
    usual, most = (
        memory_bytes(pixels, workers, n + strata_bytes) / 1e6 for n in (TYPICAL_PIXEL_BYTES, MAX_PIXEL_BYTES)
    )
    return f"{most:.0f}" if most < 1.1 * usual else f"{usual:.0f} to {most:.0f}"


def cost_line(plan: Plan) -> str:
    """Return a line on the estimated time, memory and output size of a run."""
    pixels, count = plan.grid.width * plan.grid.height, len(plan.observations)
    read_mpx = sum(scene.geobox.width * scene.geobox.height for scene in plan.catalog.scenes) / 1e6
    seconds = START_SECONDS + SECONDS_PER_OBSERVATION * count + SECONDS_PER_MPX * read_mpx
    # The sieve holds the strata of the whole grid in memory.
    strata_bytes = STRATA_PIXEL_BYTES if plan.config.measure.min_patch_m2 else 0
    memory = memory_range_mb(pixels, min(plan.workers, count), strata_bytes)
    bytes_per_px = BYTES_PER_PX_OUT + FRACTION_BYTES_PER_PX_OUT * plan.config.publish.fraction
    written_mb = bytes_per_px * pixels * count / 1e6
    # Extrapolated from the dates so far; a single date gives no rate.
    days = (plan.observations[-1].date - plan.observations[0].date).days if plan.observations else 0
    rate = ""
    if days:
        gb_per_year = written_mb / count * (count - 1) / days * DAYS_A_YEAR / 1000
        rate = f", {gb_per_year:.2f} GB per year at this rate"
    return f"about {seconds:.0f} s, {memory} MB of memory, {written_mb:.1f} MB of output{rate}"


def plan_lines(plan: Plan) -> list[str]:
    """Return lines on what a run would do: scenes, sensor, grid, masks, cost, observations, and skipped files."""
    grid, sensor = plan.grid, plan.sensor
    masked = sorted(code.label for code in plan.masked_classes) or ["nothing"]
    origin = "of an earlier run" if plan.earlier else "new"
    lines = [
        f"{len(plan.catalog.scenes)} scene(s), {len(plan.observations)} observation(s)",
        f"sensor {sensor.key}: {sensor.title}; {' '.join(sensor.roles)}, reflectance by {sensor.encoding}",
        f"grid {grid.width} x {grid.height} pixels, {origin}; areas measured on {plan.pixel_area.surface}",
        f"masked: {', '.join(masked)}",
        *region_lines(plan),
        cost_line(plan),
    ]
    for observation in plan.observations:
        lines += [observation.key, *(scene_line(scene) for scene in observation.scenes)]
    lines += [f"skipped: {path} is not a regular file" for path in plan.catalog.skipped]
    return lines + [f"skipped: {fault}" for fault in plan.catalog.faults]
