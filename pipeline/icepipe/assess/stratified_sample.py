"""A stratified random sample of pixels with the map class and the reference class of each point."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from icepipe.arrays import Float64, Int64

MIN_POINTS = 2
"""Points that a stratum needs at least: a single point has no variance."""


@dataclass(frozen=True)
class Stratum:
    """A part of the area that points are drawn from independently of the other parts.

    Attributes
    ----------
    label
        Name of the stratum.
    area_km2
        True area.
    n_pixels
        Number of pixels that points are drawn from; None for an infinite population.
    """

    label: str
    area_km2: float
    n_pixels: int | None = None


@dataclass(frozen=True)
class StratifiedSample:
    """Labelled points of a stratified random sample; the arrays have shape (n_points,).

    Attributes
    ----------
    strata, classes
        Strata and class names that the arrays index.
    stratum
        Index of the stratum that the point was drawn from.
    mapped, reference
        Index of the class on the map, and of the class in the reference labels.
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
        """Number of points in each stratum; shape (n_strata,)."""
        return np.bincount(self.stratum, minlength=len(self.strata))

    @cached_property
    def total_km2(self) -> float:
        """True area of all strata."""
        return sum(stratum.area_km2 for stratum in self.strata)

    @cached_property
    def shares(self) -> Float64:
        """Fraction of the total area in each stratum; shape (n_strata,)."""
        return np.array([stratum.area_km2 for stratum in self.strata]) / self.total_km2

    @cached_property
    def finite_population_correction(self) -> Float64:
        """Fraction of the pixels of each stratum that were not drawn, 1 - n / N; shape (n_strata,)."""
        return np.array(
            [1.0 if s.n_pixels is None else 1 - n / s.n_pixels for s, n in zip(self.strata, self.n_points, strict=True)]
        )

    @cached_property
    def weights(self) -> Float64:
        """Fraction of the total area that each point represents; the weights sum to 1."""
        # Points share the area of their stratum in proportion to the true area of their pixels, which differs within a
        # stratum on most grids.
        drawn_area = np.bincount(self.stratum, self.pixel_area, len(self.strata))
        return (self.shares / drawn_area)[self.stratum] * self.pixel_area

    @cached_property
    def agreement(self) -> Float64:
        """Fraction of each stratum where map and reference have the same class; shape (n_strata,)."""
        # Rounding can push a sum of weights just past 1, and p (1 - p) then turns negative.
        return np.clip(self.means((self.mapped == self.reference).astype(np.float64)), 0, 1)

    @cached_property
    def error_matrix(self) -> Float64:
        """Area proportions with map classes in rows and reference classes in columns; shape (n_classes, n_classes)."""
        size = len(self.classes)
        cells = np.bincount(self.mapped * size + self.reference, self.weights, size**2)
        return np.asarray(cells.reshape(size, size), dtype=np.float64)

    def means(self, values: Float64) -> Float64:
        """Return the area-weighted mean of a value of the points in each stratum; shape (n_strata,)."""
        # The weights of a stratum sum to its share, so the sums are divided by it.
        return np.bincount(self.stratum, self.weights * values, len(self.strata)) / self.shares
