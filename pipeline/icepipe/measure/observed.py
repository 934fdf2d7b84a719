"""One observation, classified and measured."""

from __future__ import annotations

from dataclasses import dataclass

from icepipe.measure.area import Budget, Tally
from icepipe.measure.vectorize import PolygonLayer
from icepipe.records import GeoBox, Observation, UInt8


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
    tally: Tally
    unit_m2: float
    budget: Budget
    layers: tuple[PolygonLayer, ...]
    doubled_fraction: float
    drift: float
    misfit: float
