"""Plan a run from its config and the headers of its files, before any pixel is read."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from icepipe.classes import ClassCode
from icepipe.config.schema import Config
from icepipe.config.segment import Ice
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
from icepipe.inputs.run_grid import configured_grid, footprint_polygon, outside_km2, run_grid, union_of_footprints
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
from icepipe.segment.rules import RuleSet, override_thresholds
from icepipe.segment.which_ice import check_white_threshold, rules_for
from icepipe.sensors.sensor import Sensor

MAX_PIXELS = 2**31
"""Run lengths are counted in 32-bit integers: the encoding of a grid of this size always fits."""


@dataclass(frozen=True)
class Clustering:
    """How pixels become clusters.

    Attributes
    ----------
    space, rules
        Feature space in which pixels are compared, and the thresholds that name clusters.
    encoding
        How stored pixels become reflectance.
    given
        The model that the config names, or None.
    """

    space: FeatureSpace
    rules: RuleSet
    encoding: str
    given: Model | None


@dataclass(frozen=True)
class Plan:
    """Everything that is known of a run before any pixel is read.

    Attributes
    ----------
    config, catalog, observations, sensor
        The config, the scenes that were found for it, their observations, and their one sensor.
    clustering
        How pixels become clusters; None for class rasters, which come with their classes.
    earlier
        The basis of an earlier run; None if this run makes a basis.
    grid, regions
        The run grid, and the regions on it that areas are reported for.
    unit_m2
        Unit in which areas are summed, in m2.
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
        """True area of the pixels of the run grid."""
        return PixelArea(self.grid, self.unit_m2)

    @cached_property
    def land(self) -> RunLengthRaster[np.uint8] | None:
        """Land from a vector file, the same for all scenes; see :func:`icepipe.inputs.masks.read_land`."""
        mask = self.config.inputs.land
        return read_land(mask, self.grid) if mask and is_vector(mask) else None

    @cached_property
    def background(self) -> Background:
        """Classes of the pixels that no scene reaches."""
        # Land is a function, so that it is rasterized only if some pixel belongs to the background.
        return Background(self.regions, lambda: self.land, self.pixel_area)

    @cached_property
    def missing_inputs(self) -> dict[ObservationKey, InputError]:
        """The fault of every observation that lacks a file because the file cannot be used, by key."""
        return observations_with_faults(self.catalog, self.config.inputs, self.config.measure.period)

    @property
    def extent(self) -> BaseGeometry:
        """Outline of the class rasters, in the CRS of the grid."""
        return raster_extent(self.regions)

    @property
    def block_side(self) -> int | None:
        """Side of a block in pixels; None for strips."""
        side = self.config.batch.block
        return side if isinstance(side, int) else None

    @property
    def workers(self) -> int:
        """Number of observations to work on at once."""
        return worker_count(self.config.batch.workers, self.grid.width * self.grid.height)

    @property
    def masked_classes(self) -> frozenset[ClassCode]:
        """Classes that a mask marks; class rasters mark cloud and land themselves."""
        inputs = self.config.inputs
        if inputs.classes is not None:
            return frozenset((ClassCode.CLOUD, ClassCode.LAND))
        masks = ((ClassCode.CLOUD, inputs.cloud), (ClassCode.LAND, inputs.land))
        return frozenset(code for code, mask in masks if mask)

    @cached_property
    def planar_km2_per_pixel(self) -> float | None:
        """Area of a pixel as dx times dy; None where the unit of the map is an angle."""
        # This is published next to the true area, to show by how much pixel counts would be wrong.
        crs = Ellipsoid.from_wkt(self.grid.crs).crs
        if crs.is_geographic:
            return None
        return float(self.grid.planar_pixel_area * crs.axis_info[0].unit_conversion_factor ** 2 / 1e6)

    @cached_property
    def polygons_crs(self) -> str:
        """WKT of the CRS that polygons are written in."""
        return target_wkt(self.config) or self.grid.crs

    @property
    def polygon_options(self) -> PolygonOptions:
        """Options of polygons: classes, tolerance of the simplification, and CRS."""
        options = self.config.publish.polygons
        # The dictionary keeps each class once, in the order of the config.
        codes = tuple(dict.fromkeys(ClassCode[name.upper()] for name in options.classes))
        return PolygonOptions(codes, options.simplify_m, target_wkt(self.config))

    def reader(self, observation: Observation) -> ObservationReader:
        """Return a reader of an observation's files, to be used as a context manager."""
        # The observations that are read at the same time share the cores.
        at_once = min(self.workers, len(self.observations))
        threads = max(1, (os.cpu_count() or 1) // at_once)
        return ObservationReader(observation, self.grid, self.regions.mask, self.land, threads)

    def select(self, only: Collection[str]) -> tuple[Observation, ...]:
        """Return the observations with these keys or dates; all of them if none is named.

        Raises
        ------
        ConfigError
            If a name matches no observation.
        """
        wanted = set(only)
        selected = tuple(o for o in self.observations if not wanted or {o.key, o.date.isoformat()} & wanted)
        missing = wanted - {o.key for o in selected} - {o.date.isoformat() for o in selected}
        if missing:
            raise ConfigError(f"--only: no observation {', '.join(sorted(missing))}", "list them with `icepipe check`")
        return selected

    def new_basis(self, model: Model | None) -> Basis:
        """Return a basis of this plan's region and grid with a model."""
        t = self.grid.transform
        return Basis(
            settings=self.config.basis_digest,
            crs=self.grid.crs,
            transform=(t.a, t.b, t.c, t.d, t.e, t.f),
            width=self.grid.width,
            height=self.grid.height,
            regions=self.regions.outlines,
            unit_m2=self.unit_m2,
            model=model,
        )

    def outside_km2(self) -> dict[str, float]:
        """Return the area of every scene that falls outside the region of an earlier basis, by path, in km2."""
        # Named regions leave out parts of scenes on purpose, and a new region covers all scenes.
        if self.earlier is None or not self.regions.from_scenes:
            return {}
        region = shapely.from_wkt(self.regions.outlines[0].wkt)
        areas = {str(scene.path): outside_km2(scene, region, self.grid) for scene in self.catalog.scenes}
        return {path: km2 for path, km2 in areas.items() if km2 > 0}


def common_sensor(catalog: Catalog) -> Sensor:
    """Return the sensor of all scenes.

    Raises
    ------
    ConfigError
        If the scenes come from several sensors, or have different bands.
    """
    # One model serves all scenes, so they must have the same bands.
    sensors = {(scene.sensor, scene.roles): scene_sensor(scene) for scene in catalog.scenes}
    if len(sensors) > 1:
        names = ", ".join(f"{key} ({' '.join(roles)})" for key, roles in sorted(sensors))
        raise ConfigError(f"the scenes come from several sensors: {names}", "write a config for each sensor")
    return next(iter(sensors.values()))


def check_model_fits(model: Model, sensor: Sensor, encoding: str, owner: str, todo: str) -> None:
    """Raise ConfigError if a model was fitted on another sensor, other bands, encoding or rules than the scenes'."""
    of_model, of_scenes = (model.sensor, model.roles, model.encoding), (sensor.key, sensor.roles, encoding)
    if of_model != of_scenes:
        scenes, fitted = (f"{key} with {' '.join(roles)} by {by}" for key, roles, by in (of_scenes, of_model))
        raise ConfigError(f"the scenes are {scenes}, and {owner} was made with {fitted}", todo)
    rules = rules_for(sensor.rule_set, model.ice)
    keys, keys_of_model = ([t.key for t in made_by.thresholds] for made_by in (rules, model))
    if model.rule_set != sensor.rule_set or keys_of_model != keys:
        raise ConfigError(f"the rules have changed since {owner} was made", todo)


def check_model_ice(model: Model, ice: Ice, owner: str) -> None:
    """Raise ConfigError if a model counts other ice than the config wants: its clusters are already named."""
    if model.ice != ice:
        raise ConfigError(
            f"segment.labels.ice is {ice}, and the clusters of {owner} were named for {model.ice}",
            f"set segment.labels.ice: {model.ice}, or give a model that was fitted with ice: {ice}",
        )


def plan_clustering(config: Config, sensor: Sensor, catalog: Catalog) -> Clustering | None:
    """Return how pixels become clusters; None for class rasters.

    Raises
    ------
    ConfigError
        If the model that the config names does not fit the scenes, counts other ice or is an output of this run, or the
        thresholds contradict each other.
    """
    if config.inputs.classes is not None:
        return None
    # Reflectance without the sun's elevation is another quantity: its model must not be applied to corrected scenes.
    uncorrected = any(Flag.NOT_SUN_CORRECTED in scene.notes for scene in catalog.scenes)
    encoding = sensor.encoding + (", not sun-corrected" if uncorrected else "")
    path = config.segment.model_file
    if path and path == RunPaths(config.run_folder).model:
        raise ConfigError(
            f"segment.fit: {path} is an output of this run", "copy it elsewhere, or remove fit to keep its model"
        )
    given = read_model(path) if path else None
    if given and path:
        todo = "fit a model on scenes of this kind, or correct segment.fit"
        check_model_fits(given, sensor, encoding, path.name, todo)
        check_model_ice(given, config.segment.ice, path.name)
    rules = rules_for(sensor.rule_set, config.segment.ice)
    rules = override_thresholds(rules, config.segment.new_thresholds, available_features(sensor))
    check_white_threshold(rules)
    return Clustering(feature_space(sensor, config.segment.features), rules, encoding, given)


def load_earlier_basis(
    config: Config, sensor: Sensor, clustering: Clustering | None, named: tuple[Region, ...] | None
) -> Basis | None:
    """Return the basis of an earlier run; None unless it has the same settings, given model and named regions."""
    # Anything else that changed keeps the basis: a new date must not move the rows of the others.
    basis = load_basis(config.run_folder)
    if basis is None or basis.settings != config.basis_digest or (named and basis.regions != named):
        return None
    if clustering and clustering.given and basis.model != clustering.given:
        return None
    if basis.model and clustering:
        check_model_fits(basis.model, sensor, clustering.encoding, "the basis", "run with --rebase")
    return basis


def raster_extent(regions: RegionMap) -> BaseGeometry:
    """Return the outline of the class rasters: the region of the scenes, or the whole grid for named regions."""
    if regions.from_scenes:
        return shapely.from_wkt(regions.outlines[0].wkt)
    return footprint_polygon(regions.grid, regions.grid.crs)


def target_wkt(config: Config) -> str | None:
    """Return the WKT of the CRS that the config wants polygons in; None for the CRS of the grid.

    Raises
    ------
    ConfigError
        If PROJ does not know the CRS.
    """
    crs = config.publish.polygons.crs
    if crs is None:
        return None
    try:
        return str(pyproj.CRS.from_user_input(crs).to_wkt())
    except pyproj.exceptions.CRSError:
        raise ConfigError(f"publish.polygons.crs: unknown CRS {crs}", "correct the code") from None


def new_regions(config: Config, catalog: Catalog, named: tuple[Region, ...] | None) -> RegionMap:
    """Return grid and regions of a new basis: the named regions, or one region that covers all scenes."""
    option = config.inputs.grid
    if option == "auto":
        grid = run_grid(catalog.scenes)
    else:
        grid = configured_grid(catalog.scenes, option.crs, option.resolution)
    if named:
        return RegionMap(named, region_grid(named, grid), from_scenes=False)
    # All digits are written: the region of a later run must be the same to the last bit.
    covered = shapely.to_wkt(union_of_footprints(catalog.scenes, grid), rounding_precision=-1)
    return RegionMap((Region(config.name, covered, grid.crs),), grid, from_scenes=True)


def make_plan(config: Config, rebase: bool = False, describe: Describe = describe) -> Plan:
    """Find scenes and observations, and take grid and regions from the basis of an earlier run or make new ones.

    Parameters
    ----------
    config
        The config of the run.
    rebase
        Whether to make a new grid and new regions in any case.
    describe
        Function that reads everything about a scene but its pixels.

    Raises
    ------
    NoUsableInput
        If no scene can be used.
    ConfigError
        If the scenes do not fit together, or do not fit the basis or the model.
    """
    catalog = find_scenes(config.inputs, describe)
    sensor = common_sensor(catalog)
    clustering = plan_clustering(config, sensor, catalog)
    named = read_regions(config.inputs.regions) if config.inputs.regions else None
    earlier = None if rebase else load_earlier_basis(config, sensor, clustering, named)
    if earlier:
        regions = RegionMap(earlier.regions, earlier.grid, from_scenes=named is None)
    else:
        regions = new_regions(config, catalog, named)
    grid = regions.grid
    if grid.width * grid.height > MAX_PIXELS:
        raise ConfigError(f"the run grid would have {grid.width} x {grid.height} pixels", "set a coarser inputs.grid")
    # The run fails before the work: a CRS that cannot hold the extent would show only once polygons are written.
    check_reprojectable(raster_extent(regions), grid, target_wkt(config))
    # The unit is part of the basis: areas of all dates are integers of the same unit.
    unit_m2 = earlier.unit_m2 if earlier else PixelArea.of(grid).unit_m2
    observations = group_observations(catalog.scenes, config.measure.period)
    return Plan(config, catalog, observations, sensor, clustering, earlier, grid, regions, unit_m2)
