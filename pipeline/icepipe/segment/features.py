"""Compute the physical quantities that rules test, from the reflectance of the bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from icepipe.arrays import Float64
from icepipe.errors import ConfigError
from icepipe.sensors.sensor import REFLECTANCE_UNIT, Sensor

Features = Mapping[str, Float64]

INDICES: dict[str, tuple[str, str, str]] = {
    "ndsi": ("green", "swir1", "Hall, Riggs and Salomonson (1995), Remote Sens. Environ. 54"),
    "mndwi": ("green", "swir1", "Xu (2006), Int. J. Remote Sensing 27"),
    "ndwi": ("green", "nir", "McFeeters (1996), Int. J. Remote Sensing 17"),
    "ndvi": ("nir", "red", "Rouse and others (1974), NASA SP-351"),
    "ndsi_721": ("red", "swir2", "Salomonson and Appel (2006), IEEE TGRS 44"),
    "ndgi": ("green", "red", "Keshri, Shukla and Gupta (2009), Int. J. Remote Sensing 30: snow and ice against debris"),
    "redness": ("red", "blue", "the colour of soil against snow: Warren (1982), Rev. Geophys. 20"),
}
"""Normalised differences by name: the two bands and the source."""

SUMS: dict[str, tuple[tuple[str, float], ...]] = {
    "mbsr": (("green", 1.0), ("red", 1.0), ("nir", -1.0), ("swir1", -1.0)),
    "awesh": (("blue", 1.0), ("green", 2.5), ("nir", -1.5), ("swir1", -1.5), ("swir2", -0.25)),
}
"""Weighted sums of reflectance by name: bands and weights, which are multiples of a quarter."""

OTHER_FEATURES: dict[str, str] = {
    "brightness": "mean of red, green and blue, or of all bands where one of the three is missing",
    "whiteness": "sum of abs(band - mean) / mean over red, green and blue; 0 is grey. Gomez-Chova and others (2007), "
    "IEEE GRSL 4, in the form of Zhu and Woodcock (2012), Remote Sens. Environ. 118",
    "greenness": "the smaller of (green - red) / (green + red) and (green - blue) / (green + blue). Motohka and "
    "others (2010), Remote Sensing 2; the second excludes turquoise water",
    "mbsr": "green + red - nir - swir1: the visible against the infrared, test 2 of the Dynamic Surface Water Extent. "
    "Jones (2019), Remote Sensing 11, 374; USGS, DSWE algorithm description",
    "awesh": "blue + 2.5 green - 1.5 (nir + swir1) - 0.25 swir2: the water index for scenes with shadow. Feyisa and "
    "others (2014), Remote Sens. Environ. 140; test 3 of the Dynamic Surface Water Extent",
}
"""Features that are not normalised differences, with their definitions."""

_RANGES: dict[str, tuple[float, float]] = {
    **dict.fromkeys(INDICES, (-1.0, 1.0)),
    "greenness": (-1.0, 1.0),
    # All light in one of three bands: mean m, deviations 2m + m + m.
    "whiteness": (0.0, 4.0),
    "mbsr": (-2.0, 2.0),
    # Between -3.25 and 3.5.
    "awesh": (-4.0, 4.0),
}
_REFLECTANCE_RANGE = (0.0, 1.0)

AXIS_LENGTH = 1 / REFLECTANCE_UNIT
"""Length of a feature axis: a listed reflectance has the same coordinate as the stored value of a measured band."""


def feature_range(feature: str) -> tuple[float, float]:
    """Return the least and the greatest value of a feature; reflectances range from 0 to 1.

    The range is fixed and not taken from the sample, so that distances mean the same in every run.
    """
    return _RANGES.get(feature, _REFLECTANCE_RANGE)


def feature_axis(feature: str) -> tuple[float, float]:
    """Return the origin of a feature's axis and the factor from feature values to coordinates."""
    low, high = feature_range(feature)
    # Ranges are powers of two long, so the quotient is exact and the order of division and product does not matter.
    return low, AXIS_LENGTH / (high - low)


class FeatureKind(IntEnum):
    """Formula of a feature that is computed from bands."""

    MEAN = 0
    DIFFERENCE = 1
    SMALLER_DIFFERENCE = 2
    WHITENESS = 3
    SUM = 4


def feature_recipe(feature: str, sensor: Sensor) -> tuple[int, ...]:
    """Return formula, number of bands and band indices of a computed feature, for the compiled classifier.

    The indices of a weighted sum are followed by its weights in quarters.
    """
    index = {role: position for position, role in enumerate(sensor.roles)}
    visible = tuple(index[role] for role in ("red", "green", "blue") if role in index)
    if feature == "brightness":
        bands = visible if len(visible) == 3 else tuple(index.values())
        return FeatureKind.MEAN, len(bands), *bands
    if feature == "whiteness":
        return FeatureKind.WHITENESS, 3, *visible
    if feature == "greenness":
        return FeatureKind.SMALLER_DIFFERENCE, 3, index["green"], index["red"], index["blue"]
    if terms := SUMS.get(feature):
        quarters = (int(4 * weight) for _, weight in terms)
        return FeatureKind.SUM, len(terms), *(index[role] for role, _ in terms), *quarters
    first, second, _ = INDICES[feature]
    return FeatureKind.DIFFERENCE, 2, index[first], index[second]


def normalised_difference(a: Float64, b: Float64) -> Float64:
    """Return (a - b) / (a + b) of reflectances, 0 where the sum is not positive."""
    total = a + b
    return np.divide(a - b, total, out=np.zeros_like(total), where=total > 0)


def compute_features(values: Float64, sensor: Sensor) -> Features:
    """Compute reflectances, indices and the other features of pixels or centroids.

    Parameters
    ----------
    values
        Stored pixel values in the order of the sensor's roles, shape (n, bands); centroids may hold fractions.
    sensor
        Roles of the bands and their conversion to reflectance.

    Returns
    -------
    Features
        By name, each of shape (n,): the reflectance of every role, and every feature whose bands the sensor has.
    """
    # Atmospheric correction can give reflectances below zero; indices of negative numbers leave their range.
    bands = dict(zip(sensor.roles, np.clip(sensor.reflectance(values), 0.0, None).T, strict=True))
    features = dict(bands)
    visible = [bands[role] for role in ("red", "green", "blue") if role in bands]
    brightness = np.mean(visible if len(visible) == 3 else list(bands.values()), axis=0)
    features["brightness"] = brightness
    features |= {
        name: normalised_difference(bands[a], bands[b]) for name, (a, b, _) in INDICES.items() if {a, b} <= bands.keys()
    }
    features |= {
        # Term by term from the left, as the compiled classifier adds: the sums have the same rounding.
        name: sum((weight * bands[role] for role, weight in terms), np.zeros_like(brightness))
        for name, terms in SUMS.items()
        if {role for role, _ in terms} <= bands.keys()
    }
    if len(visible) == 3:
        features["greenness"] = np.minimum(features["ndgi"], normalised_difference(bands["green"], bands["blue"]))
        deviation = np.sum([np.abs(band - brightness) for band in visible], axis=0)
        # Black has no colour: its whiteness is that of grey.
        features["whiteness"] = np.divide(deviation, brightness, out=np.zeros_like(brightness), where=brightness > 0)
    return features


def available_features(sensor: Sensor) -> tuple[str, ...]:
    """Return the names of the features that the bands of a sensor give."""
    return tuple(compute_features(np.ones((1, len(sensor.roles))), sensor))


@dataclass(frozen=True)
class FeatureSpace:
    """Space in which pixels are compared with centroids.

    Attributes
    ----------
    sensor
        Roles of the bands and their conversion to reflectance.
    features
        Names of the axes; empty where pixels are compared by their stored values.
    """

    sensor: Sensor
    features: tuple[str, ...] = ()

    def coordinates(self, values: NDArray[np.number[Any]]) -> NDArray[np.number[Any]]:
        """Return the coordinates, shape (n, axes), of stored pixel values, shape (n, bands)."""
        if not self.features:
            return values
        features = compute_features(values.astype(np.float64), self.sensor)
        axes = []
        for name in self.features:
            origin, factor = feature_axis(name)
            axes.append((features[name] - origin) * factor)
        return np.stack(axes, axis=1)


def feature_space(sensor: Sensor, features: str | Sequence[str]) -> FeatureSpace:
    """Return the feature space of a config: stored values for ``auto``, else a list of features by name.

    Raises
    ------
    ConfigError
        If a feature cannot be computed from the sensor's bands.
    """
    if isinstance(features, str):
        return FeatureSpace(sensor)
    available = available_features(sensor)
    if unknown := [name for name in features if name not in available]:
        raise ConfigError(
            f"segment.features: {sensor.key} with {' '.join(sensor.roles)} has no {', '.join(unknown)}",
            f"choose from {', '.join(available)}",
        )
    return FeatureSpace(sensor, tuple(features))
