"""Quantity by which an area is shown: the surface that a class covers, or the area of the pixels that carry it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Self

from icepipe.flags import Flag
from icepipe.measure.area.series import Row


class Quantity(StrEnum):
    """Area of a class that trends, alerts, charts and tables show; the value of a member is its published name.

    Attributes
    ----------
    column
        Column of the series that holds it, for the part of the region that was seen.
    estimate_column
        Column that holds it scaled to the whole region.
    """

    column: str
    estimate_column: str

    SURFACE = "surface", "weighted_km2", "weighted_est_km2"
    PIXEL_AREA = "pixel area", "area_km2", "area_est_km2"

    def __new__(cls, name: str, column: str = "", estimate_column: str = "") -> Self:
        """Create a member from its name and columns."""
        quantity = str.__new__(cls, name)
        quantity._value_ = name
        quantity.column, quantity.estimate_column = column, estimate_column
        return quantity

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Quantity:
        """Return the quantity of a series, one for all of its rows, classes and regions.

        It is the surface for scenes that were clustered. Class rasters have no surface. Concentrations have one, and
        keep the pixel area: their extent is what sea-ice indices publish and compare.
        """
        has_surface = any(row.weighted_km2 is not None and Flag.CONCENTRATION not in row.flags for row in rows)
        return cls.SURFACE if has_surface else cls.PIXEL_AREA

    @property
    def other(self) -> Quantity:
        """The quantity that is shown beside this one."""
        return Quantity.PIXEL_AREA if self is Quantity.SURFACE else Quantity.SURFACE

    def area_km2(self, row: Row) -> float | None:
        """Return the area of a row; None if it is not known."""
        return row.weighted_km2 if self is Quantity.SURFACE else row.area_km2

    def estimate_km2(self, row: Row) -> float | None:
        """Return the area of a row scaled to the whole region; None if it is not known."""
        return row.weighted_est_km2 if self is Quantity.SURFACE else row.area_est_km2
