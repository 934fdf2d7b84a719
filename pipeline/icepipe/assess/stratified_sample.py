"""A stratified random sample of pixels with what the map and what people call them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from icepipe.arrays import Float64, Int64

LEAST_POINTS = 2
"""One point tells no spread."""


@dataclass(frozen=True)
class Stratum:
    """One part of the place that points were drawn in.

    Attributes
    ----------
    label
        Its name.
    area_km2
        Its true area.
    n_pixels
        Pixels that could be drawn; None where there is no end to them.
    """

    label: str
    area_km2: float
    n_pixels: int | None = None


@dataclass(frozen=True)
class StratifiedSample:
    """Labelled points; arrays hold one item a point.

    Attributes
    ----------
    strata, classes
        What the numbers below count in.
    stratum
        Stratum that the point was drawn in.
    mapped, reference
        Class that the map gives, and the one that people see.
    pixel_area
        True area of the point's pixel, in any unit.
    """

    strata: tuple[Stratum, ...]
    classes: tuple[str, ...]
    stratum: Int64
    mapped: Int64
    reference: Int64
    pixel_area: Float64

    @cached_property
    def n_points(self) -> Int64:
        """Points of each stratum."""
        return np.bincount(self.stratum, minlength=len(self.strata))

    @cached_property
    def total_km2(self) -> float:
        """True area of all strata."""
        return sum(stratum.area_km2 for stratum in self.strata)

    @cached_property
    def shares(self) -> Float64:
        """Part of the whole area in each stratum."""
        return np.array([stratum.area_km2 for stratum in self.strata]) / self.total_km2

    @cached_property
    def not_drawn(self) -> Float64:
        """Part of each stratum's pixels that was not drawn: the finite population correction."""
        return np.array(
            [1.0 if s.n_pixels is None else 1 - n / s.n_pixels for s, n in zip(self.strata, self.n_points, strict=True)]
        )

    @cached_property
    def weights(self) -> Float64:
        """Part of the whole area that each point stands for; they add up to 1."""
        drawn_area = np.bincount(self.stratum, self.pixel_area, len(self.strata))
        return (self.shares / drawn_area)[self.stratum] * self.pixel_area

    @cached_property
    def agreement(self) -> Float64:
        """Part of each stratum that the map calls what it is."""
        return np.clip(self.means((self.mapped == self.reference).astype(np.float64)), 0, 1)

    def means(self, values: Float64) -> Float64:
        """Mean over the area of each stratum."""
        return np.bincount(self.stratum, self.weights * values, len(self.strata)) / self.shares
