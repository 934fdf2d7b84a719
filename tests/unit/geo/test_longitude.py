"""Longitudes that differ by full circles."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest

from icepipe.geo.longitude import (
    full_circle,
    is_jump,
    shift_longitudes,
    unwrap_longitude,
    wrap_degrees,
    wrap_longitude,
)


def test_a_full_circle_is_in_the_unit_of_the_system():
    assert full_circle(pyproj.CRS("EPSG:4326")) == pytest.approx(360)
    assert full_circle(pyproj.CRS("EPSG:4807")) == pytest.approx(400)
    assert full_circle(pyproj.CRS("EPSG:3413")) == 0


def test_wrapped_longitudes_lie_within_half_a_circle_of_0():
    lon = np.array([-541.0, -180.0, -1.0, 0.0, 180.0, 181.0, 540.0, 721.0])
    assert wrap_longitude(lon, 360).tolist() == [179.0, -180.0, -1.0, 0.0, 180.0, -179.0, -180.0, 1.0]
    assert wrap_longitude(np.array([201.0]), 400).tolist() == [-199.0]


def test_wrapped_degrees_leave_180_out():
    assert wrap_degrees(np.array([-180.0, 180.0, 540.0, 190.0])).tolist() == [-180.0, -180.0, -180.0, -170.0]


def test_each_longitude_is_unwrapped_by_itself_and_a_shape_is_shifted_as_one():
    lon = np.array([-170.0, 10.0])
    assert unwrap_longitude(lon, 120.0, 360).tolist() == [190.0, 10.0]
    assert shift_longitudes(lon, 120.0, 360).tolist() == [190.0, 370.0]


def test_a_step_over_half_a_circle_is_a_jump():
    assert is_jump(np.array([-181.0, -180.0, 180.0, 181.0, np.nan]), 360).tolist() == [True, False, False, True, False]
