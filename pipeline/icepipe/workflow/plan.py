"""What a run is made of, before any pixel is read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from icepipe.classes import ClassCode
from icepipe.config.schema import Config
from icepipe.errors import ConfigError, InputError
from icepipe.flags import Flag
from icepipe.geo.ellipsoid import Ellipsoid
from icepipe.geo.geobox import GeoBox, Region
from icepipe.geo.pixel_area import PixelArea
from icepipe.inputs.catalog import Catalog, find_scenes, group_observations, observations_with_faults
from icepipe.inputs.describe import Describe, describe, scene_sensor
from icepipe.inputs.masks import is_vector, read_land
from icepipe.inputs.observation_key import ObservationKey
from icepipe.inputs.reading.reader import ObservationReader
from icepipe.inputs.run_grid import configured_grid, footprint_polygon, run_grid, union_of_footprints
from icepipe.inputs.scenes import Observation
from icepipe.inputs.vector_files import read_regions
from icepipe.measure.area.background import Background
from icepipe.measure.polygons.layers import PolygonOptions
from icepipe.measure.polygons.reproject import check_reprojectable
from icepipe.publish.run_folder.basis import Basis, load_basis
from icepipe.publish.run_folder.paths import RunPaths
from icepipe.raster.regions import RegionMap, region_grid
from icepipe.raster.run_length import RunLengthRaster
from icepipe.runtime.memory import worker_count
from icepipe.segment.features import FeatureSpace, available_features, feature_space
from icepipe.segment.model import Model
from icepipe.segment.model_file import read_model
from icepipe.segment.rules import RULE_SETS, RuleSet, override_thresholds
from icepipe.sensors.sensor import Sensor

MAX_PIXELS = 2**31
"""As many as there can be numbers of runs of equal pixels."""


@dataclass(frozen=True)
class Clustering:
    """How pixels become clusters.

    Attributes
    ----------
    space, rules
        Where pixels are compared, and the thresholds that name clusters.
    encoding
        What the kept numbers mean.
    given
        The model that the config names, or None.
    """

    space: FeatureSpace
    rules: RuleSet
    encoding: str
    given: Model | None


@dataclass(frozen=True)
class Plan:
    """Everything a run is made of, before any pixel is read.

    Attributes
    ----------
    config, catalog, observations, sensor
        What was asked for and found.
    clustering
        How pixels become clusters; None for class rasters, which have their classes.
    earlier
        The basis of an earlier run, or None where this one makes its own.
    grid, regions
        The run grid, and where the regions that areas are reported for lie on it.
    unit_m2
        Unit that areas are summed in.
    """

    config: Config
    catalog: Catalog
    observations: tuple[Observation, ...]
    sensor: Sensor
    clustering: Clustering | None
    earlier: Basis | None
    grid: GeoBox
    regions: RegionMap
    unit_m2: float

    @cached_property
    def pixel_area(self) -> PixelArea:
        """True area of the run grid's pixels."""
        return PixelArea(self.grid, self.unit_m2)

    @cached_property
    def land(self) -> RunLengthRaster[np.uint8] | None:
        """Where land is for all scenes, where a vector file says it; see :func:`icepipe.inputs.masks.read_land`."""
        mask = self.config.inputs.land
        return read_land(mask, self.grid) if mask and is_vector(mask) else None

    @cached_property
    def unseen(self) -> Background:
        """What pixels are where no scene reaches."""
        return Background(self.regions, lambda: self.land, self.pixel_area)

    @cached_property
    def lacking(self) -> dict[ObservationKey, InputError]:
        """Observations that lack a file which cannot be used, by key."""
        return observations_with_faults(self.catalog, self.config.inputs, self.config.measure.period)

    @property
    def covered(self) -> BaseGeometry:
        """What class rasters cover, on the map of the grid."""
        return extent_of_scenes(self.regions)

    @property
    def block_side(self) -> int | None:
        """Side of a block, None for strips."""
        side = self.config.batch.block
        return side if isinstance(side, int) else None

    @property
    def workers(self) -> int:
        """Observations worked on at once."""
        return worker_count(self.config.batch.workers, self.grid.width * self.grid.height)

    @property
    def screened(self) -> frozenset[ClassCode]:
        """Classes that a mask tells, or that class rasters have told already."""
        inputs = self.config.inputs
        if inputs.classes is not None:
            return frozenset((ClassCode.CLOUD, ClassCode.LAND))
        asked = ((ClassCode.CLOUD, inputs.cloud), (ClassCode.LAND, inputs.land))
        return frozenset(code for code, mask in asked if mask)

    @cached_property
    def planar_km2_per_pixel(self) -> float | None:
        """What dx times dy says; None where the map's unit is an angle."""
        crs = Ellipsoid.from_wkt(self.grid.crs).crs
        if crs.is_geographic:
            return None
        return float(self.grid.planar_pixel_area * crs.axis_info[0].unit_conversion_factor ** 2 / 1e6)

    @cached_property
    def polygons_crs(self) -> str:
        """WKT of the coordinate system that polygons are written in."""
        return target_wkt(self.config) or self.grid.crs

    @property
    def drawing(self) -> PolygonOptions:
        """Which classes become polygons, and how."""
        asked = self.config.publish.polygons
        codes = tuple(dict.fromkeys(ClassCode[name.upper()] for name in asked.classes))
        return PolygonOptions(codes, asked.simplify_m, target_wkt(self.config))

    def reader(self, observation: Observation) -> ObservationReader:
        """Open an observation's files; to be used as a context manager."""
        at_once = min(self.workers, len(self.observations))
        threads = max(1, (os.cpu_count() or 1) // at_once)
        return ObservationReader(observation, self.grid, self.regions.mask, self.land, threads)


def _only_sensor(catalog: Catalog) -> Sensor:
    sensors = {(scene.sensor, scene.roles): scene_sensor(scene) for scene in catalog.scenes}
    if len(sensors) > 1:
        told = ", ".join(f"{key} ({' '.join(roles)})" for key, roles in sorted(sensors))
        raise ConfigError(f"the scenes are of several sensors: {told}", "give each a config of its own")
    return next(iter(sensors.values()))


def _new_grid(config: Config, catalog: Catalog) -> GeoBox:
    asked = config.inputs.grid
    if asked == "auto":
        return run_grid(catalog.scenes)
    return configured_grid(catalog.scenes, asked.crs, asked.resolution)


def _encoding(catalog: Catalog, sensor: Sensor) -> str:
    raw = any(Flag.NOT_SUN_CORRECTED in scene.notes for scene in catalog.scenes)
    return sensor.encoding + (", not sun-corrected" if raw else "")


def _check_fits(model: Model, sensor: Sensor, encoding: str, whose: str, todo: str) -> None:
    """Stop at a model that was fitted on something else than the scenes are."""
    theirs, ours = (model.sensor, model.roles, model.encoding), (sensor.key, sensor.roles, encoding)
    if theirs != ours:
        told = (f"{key} with {' '.join(roles)} by {numbers}" for key, roles, numbers in (ours, theirs))
        raise ConfigError(f"the scenes are {next(told)}, and {whose} was made with {next(told)}", todo)


def _clustering(config: Config, sensor: Sensor, catalog: Catalog) -> Clustering | None:
    if config.inputs.classes is not None:
        return None
    encoding, path = _encoding(catalog, sensor), config.segment.model_file
    if path and path == RunPaths(config.run_folder).model:
        raise ConfigError(
            f"segment.fit: {path} is what this run writes itself",
            "copy it elsewhere, or take fit out to keep its model",
        )
    given = read_model(path) if path else None
    if given and path:
        _check_fits(given, sensor, encoding, path.name, "fit a model on scenes of this kind, or correct segment.fit")
    rules = override_thresholds(RULE_SETS[sensor.rule_set], config.segment.new_thresholds, available_features(sensor))
    return Clustering(feature_space(sensor, config.segment.features), rules, encoding, given)


def _earlier(
    config: Config, sensor: Sensor, clustering: Clustering | None, named: tuple[Region, ...] | None
) -> Basis | None:
    """The basis of an earlier run, where the same settings, given model and named regions made it."""
    earlier = load_basis(config.run_folder)
    if earlier is None or earlier.settings != config.basis_digest or (named and earlier.regions != named):
        return None
    if clustering and clustering.given and earlier.model != clustering.given:
        return None
    if earlier.model and clustering:
        _check_fits(earlier.model, sensor, clustering.encoding, "the basis", "run with --rebase")
    return earlier


def extent_of_scenes(regions: RegionMap) -> BaseGeometry:
    """What class rasters cover, on the map of the grid: what the scenes saw, or all of it for named regions."""
    if regions.from_scenes:
        return shapely.from_wkt(regions.outlines[0].wkt)
    return footprint_polygon(regions.grid, regions.grid.crs)


def target_wkt(config: Config) -> str | None:
    """The coordinate system that the config asks polygons to be in, as WKT; None for the grid's own.

    Raises
    ------
    ConfigError
        If there is no such system.
    """
    asked = config.publish.polygons.crs
    if asked is None:
        return None
    try:
        return str(pyproj.CRS.from_user_input(asked).to_wkt())
    except pyproj.exceptions.CRSError:
        raise ConfigError(f"publish.polygons.crs: there is no {asked}", "correct the number") from None


def _new_regions(config: Config, catalog: Catalog, named: tuple[Region, ...] | None) -> RegionMap:
    """Grid and regions of a new basis: named outlines, or what the scenes cover."""
    grid = _new_grid(config, catalog)
    if named:
        return RegionMap(named, region_grid(named, grid), from_scenes=False)
    covered = shapely.to_wkt(union_of_footprints(catalog.scenes, grid), rounding_precision=-1)
    return RegionMap((Region(config.name, covered, grid.crs),), grid, from_scenes=True)


def make_plan(config: Config, rebase: bool = False, describe: Describe = describe) -> Plan:
    """Find scenes and observations; take grid and regions from the basis, or make them.

    Parameters
    ----------
    config
        What was asked for.
    rebase
        Whether to make grid and regions in any case.
    describe
        Tells everything about a scene but its pixels.

    Raises
    ------
    NoUsableInput
        If there is nothing to work on.
    ConfigError
        If the scenes do not belong in one run, or not to the basis or the model.
    """
    catalog = find_scenes(config.inputs, describe)
    sensor = _only_sensor(catalog)
    clustering = _clustering(config, sensor, catalog)
    named = read_regions(config.inputs.regions) if config.inputs.regions else None
    earlier = None if rebase else _earlier(config, sensor, clustering, named)
    if earlier:
        regions = RegionMap(earlier.regions, earlier.grid, from_scenes=named is None)
    else:
        regions = _new_regions(config, catalog, named)
    grid = regions.grid
    if grid.width * grid.height > MAX_PIXELS:
        raise ConfigError(f"the run grid would have {grid.width} x {grid.height} pixels", "set inputs.grid coarser")
    check_reprojectable(extent_of_scenes(regions), grid, target_wkt(config))
    unit_m2 = earlier.unit_m2 if earlier else PixelArea.of(grid).unit_m2
    found = group_observations(catalog.scenes, config.measure.period)
    return Plan(config, catalog, found, sensor, clustering, earlier, grid, regions, unit_m2)
