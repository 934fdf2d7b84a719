"""Judge how well a model fits an observation, by shares of all its pixels that were seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from icepipe.arrays import Float64
from icepipe.segment.model import Model
from icepipe.sensors.sensor import REFLECTANCE_UNIT, Sensor

OUTLYING = 2.0
"""A pixel is an outlier beyond this multiple of its cluster's reach, within which 99 % of the cluster's sample lies. A
quantile of the distances of the sample is the usual limit of one-class classification (Tax and Duin 2004, Machine
Learning 54:45-66); at twice that distance, the tail of the sample itself makes no outliers. The factor is a
convention."""

MAX_OUTLYING = 0.005
"""Share of outliers above which an observation has drifted: half a percentage point, as far as the surface of a class
may move with k and the seed."""

MAX_MISFIT = 0.01
"""Share of pixels whose own colour has another class than their cluster. Above it an observation is noisy; by so much
more than the sample of the model, it has drifted. If they have another class under every threshold, it has no known
area: the model has no cluster for its surface. One percentage point is also the limit on how far an area may move with
k and the seed."""

FLOOR_BYTES = 1.0
FLOOR_REFLECTANCE = 0.002
"""Distances below the rounding of a byte, or below the noise of a reflectance, make no outlier."""

THREE_SIGMA = 3.0
"""Root mean square distances that replace the missing reach of a cluster: at least 95 % of any distribution with one
mode lies within three of them (Pukelsheim 1994, The American Statistician 48:88-91)."""


def outlier_limits(model: Model, sensor: Sensor) -> Float64:
    """Return the squared distance from each cluster beyond which a pixel is an outlier; shape (clusters,).

    A reach counts as at least the root mean square distance of the whole sample: a cluster of few sampled pixels does
    not show how far its surface scatters.
    """
    floor = FLOOR_BYTES if sensor.stretch and not model.features else FLOOR_REFLECTANCE / REFLECTANCE_UNIT
    rms = float(np.sqrt(model.spread))
    reaches = [THREE_SIGMA * rms if c.reach is None else c.reach for c in model.clusters]
    return np.asarray((OUTLYING * np.maximum(reaches, max(rms, floor))) ** 2, dtype=np.float64)


def has_drifted(outlying: float, misnamed: float, models: Sequence[Model]) -> bool:
    """Return whether an observation looks unlike what its models were fitted on.

    Parameters
    ----------
    outlying, misnamed
        Shares of its seen pixels that are outliers, and whose own colour has another class than their cluster.
    models
        Its models; none for class rasters, which cannot drift.
    """
    own = max((model.own_misnamed for model in models), default=0.0)
    return outlying > MAX_OUTLYING or misnamed > MAX_MISFIT + own


def is_noisy(misnamed: float, models: Sequence[Model]) -> bool:
    """Return whether many colours are misnamed, and as many in the sample of a model: no further cluster would help."""
    return MAX_MISFIT < misnamed <= MAX_MISFIT + max((model.own_misnamed for model in models), default=0.0)


def is_unfit(misfit: float, models: Sequence[Model]) -> bool:
    """Return whether models have no cluster for an observation; ``misfit`` is its share of certain strays."""
    return misfit > MAX_MISFIT + max((model.own_strays for model in models), default=0.0)
