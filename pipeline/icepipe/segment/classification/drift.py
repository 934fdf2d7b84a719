"""Whether an observation still looks like what the model was fitted on."""

from __future__ import annotations

import numpy as np

from icepipe.arrays import StoredPixels
from icepipe.segment.clustering.assignment import nearest, squared_distances
from icepipe.segment.features import FeatureSpace
from icepipe.segment.model import Model
from icepipe.sensors.sensor import REFLECTANCE_UNIT, Sensor

MAX_DRIFT = 2.0
"""An observation whose pixels lie on average (root mean square) more than twice as far from the centroids as the
sample did is flagged: most of its variance is then new to the model. A convention, and not a published bound."""

FLOOR_BYTES = 1.0
FLOOR_REFLECTANCE = 0.002
"""Distances under the rounding of a byte, or under the noise of a reflectance, are no drift."""

MAX_MISFIT = 0.01
"""An observation with a larger share of pixels whose own colour certainly has another name than their cluster has no
known area: the model has no cluster for what is there. One point is what an answer may move with k and the seed."""

DRIFT_PIXELS = 20_000
"""Pixels of an observation that are looked at."""


def model_drift(pixels: StoredPixels, model: Model, sensor: Sensor) -> float:
    """How far pixels lie from the model.

    Root mean square distance to the nearest centroid, over that of the sample that the model was fitted on.

    Parameters
    ----------
    pixels
        Shape (n, bands).
    model, sensor
        The model, and what the numbers mean.
    """
    if not len(pixels) or not model.clusters:
        return 0.0
    floor = FLOOR_BYTES if sensor.stretch and not model.features else FLOOR_REFLECTANCE / REFLECTANCE_UNIT
    places = FeatureSpace(sensor, model.features).coordinates(pixels)
    member = nearest(places, model.centroids)
    spread = float(np.mean(squared_distances(places, model.centroids, member)))
    return float(np.sqrt(max(spread, floor**2) / max(model.spread, floor**2)))
