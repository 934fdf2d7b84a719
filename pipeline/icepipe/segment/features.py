"""Physical quantities that rules look at, from the reflectance of the bands."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from icepipe.inputs.sensors import Sensor
from icepipe.records import Float64

Features = Mapping[str, Float64]

INDICES: dict[str, tuple[str, str, str]] = {
    "ndsi": ("green", "swir1", "Hall, Riggs and Salomonson (1995), Remote Sens. Environ. 54"),
    "mndwi": ("green", "swir1", "Xu (2006), Int. J. Remote Sensing 27"),
    "ndwi": ("green", "nir", "McFeeters (1996), Int. J. Remote Sensing 17"),
    "ndvi": ("nir", "red", "Rouse and others (1974), NASA SP-351"),
    "ndsi_721": ("red", "swir2", "Salomonson and Appel (2006), IEEE TGRS 44"),
    "redness": ("red", "blue", "the colour of soil against snow: Warren (1982), Rev. Geophys. 20"),
}
"""Normalised differences by name: the two bands, and the source."""


def normalised_difference(a: Float64, b: Float64) -> Float64:
    """(a - b) / (a + b) of reflectances, 0 where the sum is not positive."""
    total = a + b
    return np.divide(a - b, total, out=np.zeros_like(total), where=total > 0)


def features_of(values: Float64, sensor: Sensor) -> Features:
    """Reflectances and indices of pixels or centroids.

    Parameters
    ----------
    values
        Shape (n, bands): kept numbers in the order of the sensor's roles, fractions allowed.
    sensor
        What the numbers mean.

    Returns
    -------
    Features
        Every role's reflectance by its name; ``brightness``, the mean of the visible bands (of all where not all
        three are there); every index whose bands are there; and ``greenness``, the smaller of the green-red and the
        green-blue difference (Motohka and others 2010 use green-red; the second keeps turquoise water out).
    """
    bands = dict(zip(sensor.roles, np.clip(sensor.reflectance(values), 0.0, None).T, strict=True))
    features = dict(bands)
    visible = [bands[role] for role in ("red", "green", "blue") if role in bands]
    features["brightness"] = np.mean(visible if len(visible) == 3 else list(bands.values()), axis=0)
    features |= {
        name: normalised_difference(bands[a], bands[b]) for name, (a, b, _) in INDICES.items() if {a, b} <= bands.keys()
    }
    if len(visible) == 3:
        over_red = normalised_difference(bands["green"], bands["red"])
        features["greenness"] = np.minimum(over_red, normalised_difference(bands["green"], bands["blue"]))
    return features
