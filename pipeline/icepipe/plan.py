"""What a run is made of, before any pixel is read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import shapely
from shapely.geometry.base import BaseGeometry

from icepipe.batch.execute import workers_of
from icepipe.classes import ClassCode
from icepipe.config import Config
from icepipe.errors import ConfigError
from icepipe.inputs.catalog import Catalog, find_scenes, observations
from icepipe.inputs.earth import Earth
from icepipe.inputs.grid import asked_grid, run_grid, union_of_footprints
from icepipe.inputs.masks import is_vector, read_land
from icepipe.inputs.pixel_area import PixelArea
from icepipe.inputs.read import ObservationReader
from icepipe.inputs.scene import sensor_of
from icepipe.inputs.sensors import Sensor
from icepipe.models import Basis
from icepipe.publish.basis import load_basis
from icepipe.records import Bool, GeoBox, Observation

MAX_PIXELS = 2**31
"""Class rasters of observations are held in memory."""


@dataclass(frozen=True)
class Plan:
    """Everything a run is made of, before any pixel is read.

    Attributes
    ----------
    config, catalog, observations, sensor
        What was asked for and found.
    earlier
        The basis of an earlier run, or None where this one makes its own.
    grid, region
        The run grid and the outline that areas are reported for.
    unit_m2
        Unit that areas are summed in.
    """

    config: Config
    catalog: Catalog
    observations: tuple[Observation, ...]
    sensor: Sensor
    earlier: Basis | None
    grid: GeoBox
    region: BaseGeometry
    unit_m2: float

    @cached_property
    def pixel_area(self) -> PixelArea:
        """True area of the run grid's pixels."""
        return PixelArea(self.grid, self.unit_m2)

    @cached_property
    def land(self) -> Bool | None:
        """Where land is for all scenes, where a vector file says it; shape of the grid."""
        mask = self.config.inputs.land
        return read_land(mask, self.grid) if mask and is_vector(mask) else None

    @property
    def block_side(self) -> int | None:
        """Side of a block, None for strips."""
        side = self.config.batch.block
        return side if isinstance(side, int) else None

    @property
    def workers(self) -> int:
        """Observations worked on at once."""
        return workers_of(self.config.batch.workers, self.grid.width * self.grid.height)

    @property
    def screened(self) -> frozenset[ClassCode]:
        """Classes that a mask tells."""
        inputs = self.config.inputs
        asked = ((ClassCode.CLOUD, inputs.cloud), (ClassCode.LAND, inputs.land))
        return frozenset(code for code, mask in asked if mask)

    @cached_property
    def planar_km2_per_pixel(self) -> float | None:
        """What dx times dy says; None where the map's unit is an angle."""
        crs = Earth.of(self.grid.crs).crs
        if crs.is_geographic:
            return None
        return float(self.grid.planar_pixel_area * crs.axis_info[0].unit_conversion_factor ** 2 / 1e6)

    def reader(self, observation: Observation) -> ObservationReader:
        """Open an observation's files; to be used as a context manager."""
        return ObservationReader(observation, self.grid, self.region, self.land)


def _only_sensor(catalog: Catalog) -> Sensor:
    sensors = {(scene.sensor, scene.roles): sensor_of(scene) for scene in catalog.scenes}
    if len(sensors) > 1:
        told = ", ".join(f"{key} ({' '.join(roles)})" for key, roles in sorted(sensors))
        raise ConfigError(f"the scenes are of several sensors: {told}", "give each a config of its own")
    return next(iter(sensors.values()))


def _new_grid(config: Config, catalog: Catalog) -> GeoBox:
    asked = config.inputs.grid
    if asked == "auto":
        return run_grid(catalog.scenes)
    return asked_grid(catalog.scenes, asked.crs, asked.resolution)


def make_plan(config: Config, rebase: bool = False) -> Plan:
    """Find scenes and observations; take grid and region from the basis, or make them.

    Raises
    ------
    NoUsableInput
        If there is nothing to work on.
    ConfigError
        If the scenes do not belong in one run, or not to the basis.
    """
    catalog = find_scenes(config.inputs)
    sensor = _only_sensor(catalog)
    earlier = None if rebase else load_basis(config.run_folder)
    if earlier and earlier.settings != config.basis_digest:
        earlier = None
    if earlier and (earlier.model.sensor, earlier.model.roles) != (sensor.key, sensor.roles):
        raise ConfigError(
            f"the scenes are {sensor.key} with {' '.join(sensor.roles)}, and the basis was made with "
            f"{earlier.model.sensor} with {' '.join(earlier.model.roles)}",
            "run with --rebase",
        )
    grid = earlier.grid if earlier else _new_grid(config, catalog)
    region = shapely.from_wkt(earlier.region_wkt) if earlier else union_of_footprints(catalog.scenes, grid)
    if grid.width * grid.height > MAX_PIXELS:
        raise ConfigError(f"the run grid would have {grid.width} x {grid.height} pixels", "set inputs.grid coarser")
    unit_m2 = earlier.unit_m2 if earlier else PixelArea.of(grid).unit_m2
    found = observations(catalog.scenes, config.measure.period)
    return Plan(config, catalog, found, sensor, earlier, grid, region, unit_m2)
