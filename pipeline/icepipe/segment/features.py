"""Physical quantities that rules look at, from the reflectance of the bands."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from icepipe.inputs.sensors import Sensor
from icepipe.records import Float64

Features = Mapping[str, Float64]


def normalised_difference(a: Float64, b: Float64) -> Float64:
    """(a - b) / (a + b) of reflectances, 0 where the sum is not positive."""
    total = a + b
    return np.divide(a - b, total, out=np.zeros_like(total), where=total > 0)


def rgb_features(values: Float64, sensor: Sensor) -> Features:
    """Brightness and colour of 8-bit pixels or centroids.

    Parameters
    ----------
    values
        Shape (n, 3): red, green, blue bytes, fractions allowed.
    sensor
        Whose stretch turns bytes into reflectance.

    Returns
    -------
    Features
        ``brightness``: mean visible reflectance. ``greenness``: the smaller of the green-red and the green-blue
        normalised difference (Motohka and others 2010 use green-red; the second keeps turquoise water out).
        ``redness``: red-blue normalised difference.
    """
    red, green, blue = np.clip(sensor.stretch.reflectance(values), 0.0, None).T
    return {
        "brightness": (red + green + blue) / 3,
        "greenness": np.minimum(normalised_difference(green, red), normalised_difference(green, blue)),
        "redness": normalised_difference(red, blue),
    }
