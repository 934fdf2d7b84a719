"""The hot path: pixels of a block to clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np

from icepipe.arrays import Bool, Float64, Int64, StoredPixels, UInt8, UInt16
from icepipe.classes import SEEN, ClassCode
from icepipe.inputs.reading.pixels import Layer, Pixels
from icepipe.segment.classification.strata import (
    FIRST_CLOUD,
    MASK_STRATA,
    UNKNOWN,
    ClusterStrata,
    StrataTable,
    encode_strata,
    mask_stratum,
)
from icepipe.segment.features import feature_axis, feature_recipe
from icepipe.segment.model import Model
from icepipe.segment.rules import RULE_SETS
from icepipe.sensors.sensor import REFLECTANCE_UNIT, Sensor


class StratumLookup(Protocol):
    """A way to find the stratum of every pixel by its bands."""

    def strata(self, bands: StoredPixels, wanted: Bool) -> UInt16:
        """Stratum of every pixel that is wanted; bands have shape (bands, rows, columns)."""
        ...


class KernelTables(NamedTuple):
    """Everything that tells the stratum of a pixel.

    Attributes
    ----------
    reflectance
        Of every byte of a picture; of measured bands, the one unit that they are kept in.
    recipes
        How each feature is made that is no band's reflectance; shape (features, 2 + bands).
    axes, spans
        Features that pixels are compared by, bands first and then those that are made, and their least value and the
        length of the axis over that of the feature's range; shapes (axes,) and (axes, 2). None where the kept numbers
        themselves are compared.
    centroids
        Shape (clusters, axes).
    of, levels
        Feature of each threshold, and its low, middle and high value; shapes (n,) and (3, n).
    outcomes
        Classes that are possible, and class, by the thresholds met; see :attr:`icepipe.segment.rules.RuleSet.outcomes`.
    strata
        By cluster and outcome.
    """

    reflectance: Float64
    recipes: Int64
    axes: Int64
    spans: Float64
    centroids: Float64
    of: Int64
    levels: Float64
    outcomes: UInt16
    strata: UInt16


class DirectLookup:
    """Strata pixel by pixel, for one model of several.

    Parameters
    ----------
    model, sensor
        The clusters, and what the numbers mean.
    first, n
        Number of the model's first cluster among all models', and how many there are.
    """

    def __init__(self, model: Model, sensor: Sensor, first: int, n: int) -> None:
        self._tables = _tables(model, sensor, first, n) if model.clusters else None

    def strata_for_spectra(self, values: StoredPixels) -> UInt16:
        """Stratum of every item; shape (n, bands)."""
        return self.strata(values.T[:, None, :], np.ones((1, len(values)), dtype=bool)).reshape(-1)

    def strata(self, bands: StoredPixels, wanted: Bool) -> UInt16:
        """Stratum of every pixel that is wanted; bands have shape (bands, rows, columns)."""
        found = np.zeros(wanted.shape, dtype=np.uint16)
        if self._tables is None:
            found[wanted] = mask_stratum(ClassCode.UNOBSERVED)
            return found
        from icepipe.segment.classification._kernels import assign_strata

        flat = np.ascontiguousarray(bands).reshape(len(bands), -1)
        assign_strata(flat, np.ascontiguousarray(wanted).reshape(-1), tuple(self._tables), found.reshape(-1))
        return found


def _tables(model: Model, sensor: Sensor, first: int, n: int) -> KernelTables:
    """A model as the compiled search takes it; see :class:`DirectSearch`."""
    rules = replace(RULE_SETS[model.rule_set], thresholds=model.thresholds)
    asked = dict.fromkeys([*(threshold.feature for threshold in rules.thresholds), *model.features])
    made = [name for name in asked if name not in sensor.roles]
    number = {name: place for place, name in enumerate([*sensor.roles, *made])}
    return KernelTables(
        reflectance=np.clip(sensor.reflectance(np.arange(256.0)), 0.0, None)
        if sensor.stretch
        else np.array([REFLECTANCE_UNIT]),
        recipes=_recipes(made, sensor),
        axes=np.array([number[name] for name in model.features], dtype=np.int64),
        spans=np.array([_span(name) for name in model.features]).reshape(-1, 2),
        centroids=np.ascontiguousarray(model.centroids, dtype=np.float64),
        of=np.array([number[threshold.feature] for threshold in rules.thresholds], dtype=np.int64),
        levels=np.array([threshold.levels for threshold in rules.thresholds]).T.copy(),
        outcomes=rules.outcomes,
        strata=encode_strata(*_every_outcome(len(model.clusters)), model, first, n).reshape(len(model.clusters), -1),
    )


def _span(feature: str) -> tuple[float, float]:
    """Least value of a feature, and what it is multiplied by: exact, for ranges have powers of two as lengths."""
    low, length, scale = feature_axis(feature)
    return low, scale / length


def _recipes(names: Sequence[str], sensor: Sensor) -> Int64:
    """How each feature is made, as the hot path takes it: kind, number of bands, and the bands."""
    found = np.zeros((len(names), 2 + max(3, len(sensor.roles))), dtype=np.int64)
    for row, name in zip(found, names, strict=True):
        kind, bands = feature_recipe(name, sensor)
        row[:2] = kind, len(bands)
        row[2 : 2 + len(bands)] = bands
    return found


def _every_outcome(clusters: int) -> tuple[UInt8, UInt8, UInt8]:
    """Every cluster, bit set of classes and class; each of shape (clusters, 256, 8)."""
    shape = clusters, 256, 8
    cluster, could_be, code = (np.arange(size, dtype=np.uint8) for size in shape)
    return (
        np.broadcast_to(cluster[:, None, None], shape),
        np.broadcast_to(could_be[None, :, None], shape),
        np.broadcast_to(code, shape),
    )


class ColourLookup:
    """Stratum of every 8-bit colour, filled as colours turn up.

    A picture has far fewer colours than pixels, so most pixels cost one look-up. Exact: an entry is the answer of
    the search.
    """

    def __init__(self, search: DirectLookup) -> None:
        self._search = search
        self._table = np.full(2**24, UNKNOWN, dtype=np.uint16)

    def strata(self, bands: StoredPixels, wanted: Bool) -> UInt16:
        """Stratum of every pixel that is wanted; bands have shape (bands, rows, columns)."""
        from icepipe.segment.classification._kernels import look_up_colours

        flat, asked = np.ascontiguousarray(bands).reshape(3, -1), np.ascontiguousarray(wanted).reshape(-1)
        found, unknown = np.empty(len(asked), dtype=np.uint16), np.empty(len(asked), dtype=np.uint32)
        unknown = unknown[: look_up_colours(flat, asked, self._table, found, unknown)]
        if len(unknown):
            red, green, blue = flat[:, unknown].astype(np.uint32)
            colours, place = np.unique(red << 16 | green << 8 | blue, return_inverse=True)
            values = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1).astype(np.uint8)
            self._table[colours] = strata = self._search.strata_for_spectra(values)
            found[unknown] = strata[place]
        return found.reshape(wanted.shape)


class PixelClassifier(Protocol):
    """Gives the strata of what scenes show, from clusters or from class rasters."""

    @property
    def table(self) -> StrataTable:
        """What the strata mean."""
        ...

    @property
    def has_shared_model(self) -> bool:
        """Whether all scenes are named alike."""
        ...

    def classify_layer(self, layer: Layer) -> Layer:
        """A scene's layer with strata in the place of its bands."""
        ...

    def classify(self, pixels: Pixels) -> UInt16:
        """Strata of what scenes that are named alike show; shape (rows, columns)."""
        ...

    def apply_masks(self, strata: UInt16, pixels: Pixels) -> UInt16:
        """Put what hides pixels in the place of their own strata."""
        ...


class ClusterClassifier:
    """Names pixels by one model for all scenes, or by one a scene.

    Parameters
    ----------
    models
        One, or one a scene of the observation in its order.
    sensor
        What the numbers mean.
    """

    def __init__(self, models: Sequence[Model], sensor: Sensor) -> None:
        self.table = ClusterStrata(models)
        firsts = np.cumsum([0, *(len(model.clusters) for model in models)]).tolist()
        direct = [DirectLookup(m, sensor, first, self.table.n) for m, first in zip(models, firsts, strict=False)]
        one_picture = sensor.stretch is not None and len(direct) == 1
        self._searches: tuple[StratumLookup, ...] = (ColourLookup(direct[0]),) if one_picture else tuple(direct)

    @property
    def has_shared_model(self) -> bool:
        """Whether all scenes are named by one model."""
        return len(self._searches) == 1

    def classify_layer(self, layer: Layer) -> Layer:
        """A scene's layer with strata in the place of its bands."""
        search = self._searches[0 if self.has_shared_model else layer.scene]
        return replace(layer, bands=search.strata(layer.bands, layer.valid)[None])

    def classify(self, pixels: Pixels) -> UInt16:
        """Strata of what scenes that share a model show; shape (rows, columns)."""
        shown = pixels.valid | (pixels.hidden == ClassCode.CLOUD)
        return self.apply_masks(self._searches[0].strata(pixels.bands, shown), pixels)

    def apply_masks(self, strata: UInt16, pixels: Pixels) -> UInt16:
        """Put what hides pixels in the place of their own strata, there; cloud keeps what it looks like."""
        from icepipe.segment.classification._kernels import mask_strata

        mask_strata(
            strata.reshape(-1), pixels.valid.reshape(-1), pixels.hidden.reshape(-1), MASK_STRATA, self._under_cloud
        )
        return strata

    @cached_property
    def _under_cloud(self) -> UInt16:
        """Stratum that each one is where cloud hides it."""
        looks = self.table.codes.astype(np.uint16)
        return np.where(np.isin(looks, SEEN), FIRST_CLOUD + looks, np.uint16(mask_stratum(ClassCode.CLOUD)))


def majority_strata(votes: Sequence[UInt16], codes: UInt8) -> UInt16:
    """Of the strata that several scenes give a pixel, one of the class named most often.

    Parameters
    ----------
    votes
        Strata of one block, one array a scene, in the order that wins a tie.
    codes
        Class code of each stratum.
    """
    named = np.stack([codes[vote] for vote in votes])
    share = np.stack([np.sum(named == code, axis=0) for code in SEEN])
    most = share.max(axis=0)
    result = votes[0].copy()
    settled = np.zeros(result.shape, dtype=bool)
    for vote, name in zip(votes, named, strict=True):
        for position, code in enumerate(SEEN):
            wins = ~settled & (name == code) & (share[position] == most)
            result[wins] = vote[wins]
            settled |= wins
    return result
