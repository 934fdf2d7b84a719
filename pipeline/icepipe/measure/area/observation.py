"""Result of one observation: class raster, areas and quality measures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from icepipe.arrays import UInt8
from icepipe.classes import ClassCode
from icepipe.geo.geobox import Block, GeoBox
from icepipe.inputs.scenes import Observation
from icepipe.measure.area.budget import Budget
from icepipe.measure.area.by_region import RegionResult
from icepipe.measure.area.ice_fraction import IceFraction
from icepipe.measure.area.tally import Tally
from icepipe.measure.polygons.polygonize import PolygonLayer
from icepipe.raster.run_length import ClassRuns
from icepipe.segment.classification.strata import FIRST_CLOUD, StrataTable, sieved_strata


@dataclass(frozen=True)
class ObservationResult:
    """Classified and measured observation.

    Attributes
    ----------
    observation, grid
        The observation and the run grid.
    classes
        Class raster on the grid.
    fraction
        Percent of ice of its pixels; None unless it is published.
    picture
        Thumbnail in true or false colour, shape (rows, columns, 3).
    strata
        Encoding of the strata.
    tally, unit_m2
        Pixel counts and area units per stratum, and the unit in m2.
    budget
        Areas with bounds of all regions together.
    regions
        Areas with bounds of each region.
    draw
        Returns the polygons of the configured classes; called on first use.
    doubled_fraction
        Fraction of the seen pixels that more than one scene saw.
    outlying
        Fraction of the seen pixels that are far from every cluster.
    misnamed, misfit
        Fraction of the pixels that the naming rules would give another class than their cluster has, and of those
        that are certainly of another class.
    gapless
        Whether brightness runs from water to ice without a gap, so that no threshold separates the two.
    reached
        Window of the grid that scenes or masks cover; of zero width where none does.
    """

    observation: Observation
    grid: GeoBox
    classes: ClassRuns
    fraction: IceFraction | None
    picture: UInt8
    strata: StrataTable
    tally: Tally
    unit_m2: float
    budget: Budget
    regions: tuple[RegionResult, ...]
    draw: Callable[[], tuple[PolygonLayer, ...]]
    doubled_fraction: float
    outlying: float
    misnamed: float
    misfit: float
    gapless: bool
    reached: Block

    @property
    def moved_km2(self) -> dict[str, float]:
        """Area of the small patches that the sieve moved, by classes such as ``ice to water``."""
        units = {f"{old.label} to {new.label}": self.tally.units[n] for n, old, new in sieved_strata()}
        return {classes: count * self.unit_m2 / 1e6 for classes, count in units.items() if count}

    @property
    def cloud_like_ice_fraction(self) -> float | None:
        """Fraction of the masked cloud that has the colour of ice; None for class rasters, which have no colours."""
        if not self.strata.models:
            return None
        cloud = self.tally.units_in(self.strata.class_strata(ClassCode.CLOUD))
        return round(self.tally.units[FIRST_CLOUD + ClassCode.ICE] / cloud, 6) if cloud else 0.0
