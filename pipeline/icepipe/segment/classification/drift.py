"""Measure how far an observation is from the sample that its model was fitted on."""

from __future__ import annotations

import numpy as np

from icepipe.arrays import StoredPixels
from icepipe.segment.clustering.assignment import nearest, squared_distances
from icepipe.segment.features import FeatureSpace
from icepipe.segment.model import Model
from icepipe.sensors.sensor import REFLECTANCE_UNIT, Sensor

MAX_DRIFT = 2.0
"""Root mean square distance to the centroids, relative to that of the sample, above which an observation is flagged: at
a ratio of 2, three quarters of its mean squared distance are new to the model. A convention, not a published bound."""

MAX_MISFIT = 0.01
"""Share of pixels whose own colour has another class than their cluster under every threshold, above which an
observation has no known area: the model has no cluster for its surface. One percentage point is also the limit on how
far an area may move with k and the seed."""

FLOOR_BYTES = 1.0
FLOOR_REFLECTANCE = 0.002
"""Distances below the rounding of a byte, or below the noise of a reflectance, are not drift."""

DRIFT_PIXELS = 20_000
"""Pixels of an observation that are sampled for its drift."""


def model_drift(pixels: StoredPixels, model: Model, sensor: Sensor) -> float:
    """Return the distance of pixels from a model, relative to the sample that it was fitted on.

    The distance is the root mean square distance to the nearest centroid; 0 without pixels or clusters.

    Parameters
    ----------
    pixels
        Stored values, shape (n, bands).
    model, sensor
        The model, and the conversion of stored values to reflectance.
    """
    if not len(pixels) or not model.clusters:
        return 0.0
    floor = FLOOR_BYTES if sensor.stretch and not model.features else FLOOR_REFLECTANCE / REFLECTANCE_UNIT
    coordinates = FeatureSpace(sensor, model.features).coordinates(pixels)
    member = nearest(coordinates, model.centroids)
    spread = float(np.mean(squared_distances(coordinates, model.centroids, member)))
    # Both spreads have the floor: a model of one flat colour has a spread of 0, and any noise would be infinitely far.
    return float(np.sqrt(max(spread, floor**2) / max(model.spread, floor**2)))
