"""The space that pixels are compared in: their bands as they are kept, or features that the config lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from icepipe.errors import ConfigError
from icepipe.inputs.sensors import REFLECTANCE_UNIT, Sensor
from icepipe.segment.features import features_known, features_of, range_of

RANGE = 1 / REFLECTANCE_UNIT
"""Length of a feature's whole range, so that a listed reflectance is the number that is kept of a measured band."""


@dataclass(frozen=True)
class Space:
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
        found = features_of(values.astype(np.float64), self.sensor)
        axes = []
        for name in self.features:
            low, length, scale = span_of(name)
            axes.append((found[name] - low) / length * scale)
        return np.stack(axes, axis=1)


def span_of(feature: str) -> tuple[float, float, float]:
    """Least value of a feature, length of its range, and length of its axis."""
    low, high = range_of(feature)
    return low, high - low, RANGE


def space_of(sensor: Sensor, asked: str | Sequence[str]) -> Space:
    """The space a config asks for.

    Raises
    ------
    ConfigError
        If a feature cannot be made from the sensor's bands.
    """
    if isinstance(asked, str):
        return Space(sensor)
    known = features_known(sensor)
    if unknown := [name for name in asked if name not in known]:
        raise ConfigError(
            f"segment.features: {sensor.key} with {' '.join(sensor.roles)} has no {', '.join(unknown)}",
            f"choose from {', '.join(known)}",
        )
    return Space(sensor, tuple(asked))
