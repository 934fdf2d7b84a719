"""Describe a raster as a run would read it, in lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from icepipe.errors import InputError
from icepipe.geo.pixel_area import PixelPlane
from icepipe.inputs.describe import describe, scene_sensor
from icepipe.inputs.observation_key import ObservationKey
from icepipe.inputs.reading.reader import ObservationReader
from icepipe.inputs.scenes import Observation, Scene
from icepipe.inputs.validate import check_raster, open_raster
from icepipe.raster.blocks import blocks
from icepipe.sensors.table import SENSORS


def validity_text(scene: Scene) -> str:
    """Return how valid pixels of a scene are recognised: by alpha, by nodata values, or not at all."""
    nodata = scene.bands[0].nodata
    if scene.alpha:
        return f"alpha band {scene.alpha}"
    return "nodata " + ", ".join(f"{value:g}" for value in nodata) if nodata else "no nodata value"


def header_lines(path: Path) -> list[str]:
    """Return lines on the size, bands, CRS and scaling in the header of a raster.

    Raises
    ------
    InputError
        If the file cannot be opened, or has no georeference.
    """
    with open_raster(path) as dataset:
        check_raster(path, dataset)
        dtypes = ", ".join(sorted(set(dataset.dtypes)))
        names = [name for name in dataset.descriptions if name]
        scales = {pair for pair in zip(dataset.scales, dataset.offsets, strict=True) if pair != (1.0, 0.0)}
        lines = [
            f"  {dataset.width} x {dataset.height} pixels, {dataset.count} band(s) of {dtypes}",
            f"  bands: {', '.join(names) if names else ', '.join(c.name for c in dataset.colorinterp)}",
            f"  crs {dataset.crs.to_string()[:80]}",
        ]
        if scales:
            lines.append(f"  scale and offset: {sorted(scales)}")
        return lines


def statistics_lines(scene: Scene) -> Iterator[str]:
    """Yield a line on the share of valid pixels, and a line on the range and mean of every band over them."""
    roles = scene.roles
    n_valid = 0
    sums = np.zeros(len(roles))
    low, high = np.full(len(roles), np.inf), np.full(len(roles), -np.inf)
    with ObservationReader(Observation(ObservationKey.of(scene.date), (scene,)), scene.geobox) as reader:
        for block in blocks(scene.geobox):
            pixels = reader.read(block)
            values = pixels.bands[:, pixels.valid]
            if values.size:
                n_valid += values.shape[1]
                sums += values.sum(axis=1, dtype=np.float64)
                low, high = np.minimum(low, values.min(axis=1)), np.maximum(high, values.max(axis=1))
    yield f"  seen {n_valid / (scene.geobox.width * scene.geobox.height):.1%} of the pixels"
    # Pictures are stored as bytes, measured bands as integers of 0.0001 reflectance.
    unit = "" if SENSORS[scene.sensor].stretch else " in units of 0.0001 reflectance"
    if n_valid:
        for i, role in enumerate(roles):
            yield f"  {role}: {low[i]:g} .. {high[i]:g}, mean {sums[i] / n_valid:.1f}{unit}"


def inspect_lines(path: Path) -> list[str]:
    """Return lines on how a run would read a raster, or why it would refuse it.

    Raises
    ------
    InputError
        If the file cannot be opened, or has no georeference.
    """
    from icepipe.config.inputs import Inputs

    lines = [str(path), *header_lines(path)]
    try:
        scene = describe((path,), Inputs(scenes=(str(path),)))
    except InputError as fault:
        return [*lines, f"  a run would refuse it: {fault.reason}; {fault.todo}"]
    # The size is that of the centre pixel: in polar maps the true size of pixels varies by several percent.
    plane = PixelPlane(scene.geobox)
    true_m2 = float(np.prod(plane.sides_m))
    sensor = scene_sensor(scene)
    lines += [
        f"  the centre pixel covers {true_m2:,.2f} m2 on {plane.ellipsoid.surface}",
        f"  date {scene.date.isoformat()}{f' {scene.time} UTC' if scene.time else ''}  {scene.platform}".rstrip(),
        f"  sensor {sensor.key}, rules {sensor.rule_set}, reflectance by {sensor.encoding}",
        f"  validity: {validity_text(scene)}",
    ]
    return [*lines, *statistics_lines(scene)]
