"""The quantity that a series shows: the surface of clustered scenes, the pixel area of all others."""

from __future__ import annotations

import pytest

from icepipe.measure.area.quantity import Quantity
from tests.series import daily

DAYS = [("2024-07-01", 10.0), ("2024-07-02", 20.0)]


@pytest.mark.parametrize(
    ("rows", "expected", "values"),
    [
        pytest.param(daily(DAYS, share=0.5), Quantity.SURFACE, [5, 10], id="clusters"),
        pytest.param(daily(DAYS), Quantity.PIXEL_AREA, [10, 20], id="class rasters"),
        pytest.param(daily(DAYS, share=0.5, flags="concentration"), Quantity.PIXEL_AREA, [10, 20], id="concentrations"),
        pytest.param([], Quantity.PIXEL_AREA, [], id="no rows"),
    ],
)
def test_the_input_decides_which_area_a_series_shows(rows, expected, values):
    quantity = Quantity.of(rows)
    assert quantity is expected
    assert [quantity.area_km2(row) for row in rows] == values
    assert [quantity.estimate_km2(row) for row in rows] == values


def test_one_row_with_a_surface_decides_for_the_rows_of_earlier_versions():
    rows = [*daily(DAYS), *daily([("2024-07-03", 30.0)], share=0.5)]
    assert Quantity.of(rows) is Quantity.SURFACE
    assert [Quantity.SURFACE.area_km2(row) for row in rows] == [None, None, 15]


def test_each_quantity_is_shown_beside_the_other_and_names_its_columns():
    assert (Quantity.SURFACE.other, Quantity.PIXEL_AREA.other) == (Quantity.PIXEL_AREA, Quantity.SURFACE)
    (row,) = daily(DAYS[:1], share=0.5)
    for quantity in Quantity:
        assert quantity.area_km2(row) == getattr(row, quantity.column)
        assert quantity.estimate_km2(row) == getattr(row, quantity.estimate_column)
