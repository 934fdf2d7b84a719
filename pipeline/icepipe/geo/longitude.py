"""Arithmetic on longitudes, which repeat after a full circle."""

from __future__ import annotations

import numpy as np
import pyproj

from icepipe.arrays import Bool, Float64

CIRCLE_DEGREES = 360.0


def full_circle(crs: pyproj.CRS) -> float:
    """Return a full circle in units of a longitude/latitude CRS; 0 if its coordinates are not angles."""
    return float(2 * np.pi / crs.axis_info[0].unit_conversion_factor) if crs.is_geographic else 0.0


def unwrap_longitude(lon: Float64, near: Float64 | float, circle: float) -> Float64:
    """Shift each longitude by full circles to the position nearest to a reference; any shape."""
    return np.asarray(lon + circle * np.rint((near - lon) / circle))


def shift_longitudes(lon: Float64, near: float, circle: float) -> Float64:
    """Shift all longitudes by the same number of full circles, so that their middle is nearest to a reference."""
    return np.asarray(lon + circle * np.rint((near - (lon.min() + lon.max()) / 2) / circle))


def wrap_longitude(lon: Float64, circle: float) -> Float64:
    """Shift longitudes by full circles into half a circle on both sides of 0; any shape."""
    return unwrap_longitude(lon, 0.0, circle)


def wrap_degrees(lon: Float64) -> Float64:
    """Shift longitudes in degrees by full circles into the half-open interval [-180, 180); any shape."""
    return (lon + CIRCLE_DEGREES / 2) % CIRCLE_DEGREES - CIRCLE_DEGREES / 2


def is_jump(step: Float64, circle: float) -> Bool:
    """Return whether steps of longitude exceed half a circle, so that the shorter way crosses the antimeridian."""
    return np.asarray(np.abs(step) > circle / 2)
