"""One observation, classified and measured."""

from __future__ import annotations

from dataclasses import dataclass

from icepipe.classes import ClassCode
from icepipe.measure.area import Budget, Tally
from icepipe.measure.vectorize import PolygonLayer
from icepipe.records import GeoBox, Observation, UInt8
from icepipe.segment.strata import FIRST_CLOUD, Strata


@dataclass(frozen=True)
class Observed:
    """What one observation gave.

    Attributes
    ----------
    observation, grid
        What was looked at.
    classes
        Class raster, shape of the grid.
    picture
        Thumbnail of its colours, shape (rows, columns, 3).
    strata
        What the numbers of strata mean.
    tally, unit_m2
        Pixels and area units by stratum, and the unit.
    budget
        Areas with bounds.
    layers
        Polygons of the classes asked for.
    doubled_fraction
        Part of the pixels seen that more than one scene saw.
    drift
        How far its pixels lie from the model, over how far the model's own sample did.
    misfit
        Share of its pixels that are certainly something else than the model calls them.
    """

    observation: Observation
    grid: GeoBox
    classes: UInt8
    picture: UInt8
    strata: Strata
    tally: Tally
    unit_m2: float
    budget: Budget
    layers: tuple[PolygonLayer, ...]
    doubled_fraction: float
    drift: float
    misfit: float

    @property
    def cloud_like_ice_fraction(self) -> float:
        """Part of what cloud masks hide whose colour is that of ice; 0 where nothing is hidden."""
        cloud = self.tally.units_in(self.strata.of(ClassCode.CLOUD))
        return self.tally.units[FIRST_CLOUD + ClassCode.ICE] / cloud if cloud else 0.0
