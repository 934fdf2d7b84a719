"""Physical quantities that rules look at, from the reflectance of the bands."""

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
"""Normalised differences by name: the two bands, and the source."""

OTHER_FEATURES: dict[str, str] = {
    "brightness": "mean of red, green and blue (of all bands where not all three are there)",
    "whiteness": "sum of abs(band - mean) / mean over red, green and blue; 0 is grey. Gomez-Chova and others (2007), "
    "IEEE GRSL 4, as Zhu and Woodcock (2012), Remote Sens. Environ. 118, use it",
    "greenness": "the smaller of (green - red) / (green + red) and (green - blue) / (green + blue). Motohka and "
    "others (2010), Remote Sensing 2; the second keeps turquoise water out",
}
"""Features that are no normalised difference, and what they are."""

_RANGES: dict[str, tuple[float, float]] = {
    **dict.fromkeys(INDICES, (-1.0, 1.0)),
    "greenness": (-1.0, 1.0),
    "whiteness": (0.0, 4.0),
}
_REFLECTANCE_RANGE = (0.0, 1.0)


def feature_range(feature: str) -> tuple[float, float]:
    """What a feature can be: fixed, so that distances mean the same in every run. Reflectances are 0 to 1."""
    return _RANGES.get(feature, _REFLECTANCE_RANGE)


class FeatureKind(IntEnum):
    """How a feature is made of bands."""

    MEAN = 0
    DIFFERENCE = 1
    SMALLER_DIFFERENCE = 2
    WHITENESS = 3


def feature_recipe(feature: str, sensor: Sensor) -> tuple[FeatureKind, tuple[int, ...]]:
    """How a feature that is no band is made, for the compiled hot path: its kind and its bands' numbers."""
    number = {role: position for position, role in enumerate(sensor.roles)}
    visible = tuple(number[role] for role in ("red", "green", "blue") if role in number)
    if feature == "brightness":
        return FeatureKind.MEAN, visible if len(visible) == 3 else tuple(number.values())
    if feature == "whiteness":
        return FeatureKind.WHITENESS, visible
    if feature == "greenness":
        return FeatureKind.SMALLER_DIFFERENCE, (number["green"], number["red"], number["blue"])
    first, second, _ = INDICES[feature]
    return FeatureKind.DIFFERENCE, (number[first], number[second])


def normalised_difference(a: Float64, b: Float64) -> Float64:
    """(a - b) / (a + b) of reflectances, 0 where the sum is not positive."""
    total = a + b
    return np.divide(a - b, total, out=np.zeros_like(total), where=total > 0)


def compute_features(values: Float64, sensor: Sensor) -> Features:
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
        Every role's reflectance by its name, every index whose bands are there, and the other features.
    """
    bands = dict(zip(sensor.roles, np.clip(sensor.reflectance(values), 0.0, None).T, strict=True))
    features = dict(bands)
    visible = [bands[role] for role in ("red", "green", "blue") if role in bands]
    features["brightness"] = np.mean(visible if len(visible) == 3 else list(bands.values()), axis=0)
    features |= {
        name: normalised_difference(bands[a], bands[b]) for name, (a, b, _) in INDICES.items() if {a, b} <= bands.keys()
    }
    if len(visible) == 3:
        features["greenness"] = np.minimum(features["ndgi"], normalised_difference(bands["green"], bands["blue"]))
        features["whiteness"] = _whiteness(visible, features["brightness"])
    return features


def _whiteness(visible: Sequence[Float64], mean: Float64) -> Float64:
    apart = np.sum([np.abs(band - mean) for band in visible], axis=0)
    return np.asarray(np.divide(apart, mean, out=np.zeros_like(mean), where=mean > 0))


def available_features(sensor: Sensor) -> tuple[str, ...]:
    """Names of the features that a sensor's bands give."""
    return tuple(compute_features(np.ones((1, len(sensor.roles))), sensor))


AXIS_LENGTH = 1 / REFLECTANCE_UNIT
"""Length of a feature's whole range, so that a listed reflectance is the number that is kept of a measured band."""


@dataclass(frozen=True)
class FeatureSpace:
    """Where pixels are compared.

    Attributes
    ----------
    sensor
        What the kept numbers mean.
    features
        Names of the axes; none where pixels are compared by their bands as they are kept.
    """

    sensor: Sensor
    features: tuple[str, ...] = ()

    def coordinates(self, values: NDArray[np.number[Any]]) -> NDArray[np.number[Any]]:
        """Place of every item: kept numbers of shape (n, bands) to shape (n, axes)."""
        if not self.features:
            return values
        found = compute_features(values.astype(np.float64), self.sensor)
        axes = []
        for name in self.features:
            low, length, scale = feature_axis(name)
            axes.append((found[name] - low) / length * scale)
        return np.stack(axes, axis=1)


def feature_axis(feature: str) -> tuple[float, float, float]:
    """Least value of a feature, length of its range, and length of its axis."""
    low, high = feature_range(feature)
    return low, high - low, AXIS_LENGTH


def feature_space(sensor: Sensor, asked: str | Sequence[str]) -> FeatureSpace:
    """The space a config asks for.

    Raises
    ------
    ConfigError
        If a feature cannot be made from the sensor's bands.
    """
    if isinstance(asked, str):
        return FeatureSpace(sensor)
    known = available_features(sensor)
    if unknown := [name for name in asked if name not in known]:
        raise ConfigError(
            f"segment.features: {sensor.key} with {' '.join(sensor.roles)} has no {', '.join(unknown)}",
            f"choose from {', '.join(known)}",
        )
    return FeatureSpace(sensor, tuple(asked))
