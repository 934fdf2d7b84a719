"""Whether an observation still looks like what the model was fitted on."""

from __future__ import annotations

import numpy as np

from icepipe.inputs.sensors import REFLECTANCE_UNIT, Sensor
from icepipe.records import Kept, Model
from icepipe.segment.cluster import nearest, spread_of
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


def drift(pixels: Kept, model: Model, sensor: Sensor) -> float:
    """Root mean square distance of pixels to the model's centroids, over that of the sample it was fitted on.

    Parameters
    ----------
    pixels
        Shape (n, bands).
    model, sensor
        The model, and what the numbers mean.
    """
    floor = FLOOR_BYTES if sensor.stretch else FLOOR_REFLECTANCE / REFLECTANCE_UNIT
    spread = spread_of(pixels, np.ones(len(pixels), dtype=np.int64), model.centroids)
    return float(np.sqrt(max(spread, floor**2) / max(model.spread, floor**2)))


def misfit(pixels: Kept, model: Model, sensor: Sensor) -> float:
    """Share of pixels that every threshold agrees on calling something else than their nearest cluster is called.

    Parameters
    ----------
    pixels
        Shape (n, bands).
    model, sensor
        The model, and what the numbers mean.
    """
    if not len(pixels):
        return 0.0
    rules, features = RULE_SETS[sensor.rule_set], features_of(pixels.astype(np.float64), sensor)
    certain = np.isin(rules.could_be(features), 1 << np.arange(8))
    return float(np.mean(certain & (rules.codes(features) != model.codes[nearest(pixels, model.centroids)])))
