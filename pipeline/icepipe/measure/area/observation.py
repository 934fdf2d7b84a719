"""One observation, classified and measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from icepipe.arrays import UInt8
from icepipe.classes import ClassCode
from icepipe.geo.geobox import Block, GeoBox
from icepipe.inputs.scenes import Observation
from icepipe.measure.area.budget import Budget
from icepipe.measure.area.by_region import RegionResult
from icepipe.measure.area.tally import Tally
from icepipe.measure.polygons.polygonize import PolygonLayer
from icepipe.raster.run_length import ClassRuns
from icepipe.segment.classification.strata import FIRST_CLOUD, StrataTable, sieved_strata


@dataclass(frozen=True)
class ObservationResult:
    """What one observation gave.

    Attributes
    ----------
    observation, grid
        What was looked at.
    classes
        Class raster of the grid.
    picture
        Thumbnail of its colours, shape (rows, columns, 3).
    strata
        What the numbers of strata mean.
    tally, unit_m2
        Pixels and area units by stratum, and the unit.
    budget
        Areas with bounds, of all regions together.
    regions
        The same for each region.
    draw
        Draws the polygons of the classes asked for.
    doubled_fraction
        Part of the pixels seen that more than one scene saw.
    drift
        How far its pixels lie from the model, over how far the model's own sample did.
    misnamed, misfit
        Share of its pixels whose own colour has another name than the model gives them, and of those that certainly
        are something else.
    reached
        Rectangle of the grid that holds all that a file tells of, of no width where none reaches it.
    """

    observation: Observation
    grid: GeoBox
    classes: ClassRuns
    picture: UInt8
    strata: StrataTable
    tally: Tally
    unit_m2: float
    budget: Budget
    regions: tuple[RegionResult, ...]
    draw: Callable[[], tuple[PolygonLayer, ...]]
    doubled_fraction: float
    drift: float
    misnamed: float
    misfit: float
    reached: Block

    @property
    def moved_km2(self) -> dict[str, float]:
        """Area of small patches that went to their surroundings, as ``ice to water``; those that moved."""
        units = {f"{old.label} to {new.label}": self.tally.units[n] for n, old, new in sieved_strata()}
        return {what: count * self.unit_m2 / 1e6 for what, count in units.items() if count}

    @property
    def cloud_like_ice_fraction(self) -> float | None:
        """Part of what cloud masks hide whose colour is that of ice; None where class rasters do not tell."""
        if not self.strata.models:
            return None
        cloud = self.tally.units_in(self.strata.class_strata(ClassCode.CLOUD))
        return round(self.tally.units[FIRST_CLOUD + ClassCode.ICE] / cloud, 6) if cloud else 0.0
