"""Whether an observation still looks like what the model was fitted on."""

from __future__ import annotations

import numpy as np

from icepipe.inputs.sensors import REFLECTANCE_UNIT, Sensor
from icepipe.models import Model
from icepipe.records import Kept
from icepipe.segment.cluster import nearest
from icepipe.segment.features import features_of
from icepipe.segment.rules import RULE_SETS

LARGEST_RATIO = 2.0
"""An observation whose pixels lie on average (root mean square) more than twice as far from the centroids as the
sample did is flagged: most of its variance is then new to the model. A convention, and not a published bound."""

FLOOR_BYTES = 1.0
FLOOR_REFLECTANCE = 0.002
"""Distances under the rounding of a byte, or under the noise of a reflectance, are no drift."""

LARGEST_MISFIT = 0.01
"""An observation with a larger share of pixels whose own colour certainly has another name than their cluster has no
known area: the model has no cluster for what is there. One point is what an answer may move with k and the seed."""

PIXELS = 20_000
"""Pixels of an observation that are looked at."""


def drift_and_misfit(pixels: Kept, model: Model, sensor: Sensor) -> tuple[float, float]:
    """How far pixels lie from the model, and how many of them it calls what they certainly are not.

    Parameters
    ----------
    pixels
        Shape (n, bands).
    model, sensor
        The model, and what the numbers mean.

    Returns
    -------
    drift
        Root mean square distance to the nearest centroid, over that of the sample that the model was fitted on.
    misfit
        Share of pixels that every threshold agrees on calling something else than their nearest cluster is called.
    """
    if not len(pixels):
        return 0.0, 0.0
    floor = FLOOR_BYTES if sensor.stretch else FLOOR_REFLECTANCE / REFLECTANCE_UNIT
    values, member = pixels.astype(np.float64), nearest(pixels, model.centroids)
    spread = float(np.mean(np.sum((values - model.centroids[member]) ** 2, axis=1)))
    rules, features = RULE_SETS[sensor.rule_set], features_of(values, sensor)
    certain = np.isin(rules.could_be(features), 1 << np.arange(8))
    misnamed = certain & (rules.codes(features) != model.codes[member])
    return float(np.sqrt(max(spread, floor**2) / max(model.spread, floor**2))), float(np.mean(misnamed))
