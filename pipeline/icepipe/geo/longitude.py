"""Longitudes, which are the same place again after every full turn."""

from __future__ import annotations

import numpy as np
import pyproj

from icepipe.arrays import Bool, Float64

TURN_DEGREES = 360.0


def full_turn(crs: pyproj.CRS) -> float:
    """Return a full turn in units of a longitude/latitude system; 0 where the coordinates are no angles."""
    return float(2 * np.pi / crs.axis_info[0].unit_conversion_factor) if crs.is_geographic else 0.0


def unwrap_longitude(lon: Float64, near: Float64 | float, turn: float) -> Float64:
    """Shift longitudes by whole turns, each to where it lies nearest to another; any shape."""
    return np.asarray(lon + turn * np.rint((near - lon) / turn))


def shift_longitudes(lon: Float64, near: float, turn: float) -> Float64:
    """Shift longitudes by whole turns, all by as many, so that the middle of their range lies nearest to another."""
    return np.asarray(lon + turn * np.rint((near - (lon.min() + lon.max()) / 2) / turn))


def wrap_longitude(lon: Float64, turn: float) -> Float64:
    """Shift longitudes by whole turns into half a turn on both sides of 0; any shape."""
    return unwrap_longitude(lon, 0.0, turn)


def wrap_degrees(lon: Float64) -> Float64:
    """Shift longitudes in degrees by whole turns to -180 or more and less than 180; any shape."""
    return (lon + TURN_DEGREES / 2) % TURN_DEGREES - TURN_DEGREES / 2


def is_jump(step: Float64, turn: float) -> Bool:
    """Return whether steps of longitude are longer than half a turn, so that the shorter way leads around the back."""
    return np.asarray(np.abs(step) > turn / 2)
