"""Classify the pixels of a block: nearest cluster, and the classes of the pixel's own colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np

from icepipe.arrays import Bool, Float64, Int64, StoredPixels, UInt8, UInt16
from icepipe.classes import SEEN, ClassCode
from icepipe.inputs.reading.pixels import Layer, Pixels
from icepipe.segment.classification.drift import outlier_limits
from icepipe.segment.classification.strata import (
    FIRST_CLOUD,
    MASK_STRATA,
    UNKNOWN,
    ClusterStrata,
    StrataTable,
    encode_strata,
    mask_stratum,
    outlying_offset,
)
from icepipe.segment.features import feature_axis, feature_recipe
from icepipe.segment.model import Model
from icepipe.segment.which_ice import rules_for
from icepipe.sensors.sensor import REFLECTANCE_UNIT, Sensor


class StratumLookup(Protocol):
    """Function from the bands of pixels to their strata."""

    def strata(self, bands: StoredPixels, selected: Bool) -> UInt16:
        """Return the stratum of every selected pixel, shape (rows, columns); bands have (bands, rows, columns)."""
        ...


class KernelTables(NamedTuple):
    """Model and rules as arrays, as the compiled classifier takes them.

    Attributes
    ----------
    reflectance
        Reflectance of every byte of an image, shape (256,), or the reflectance unit of measured bands, shape (1,).
    recipes
        Recipe of each computed feature, see :func:`icepipe.segment.features.feature_recipe`, filled up with zeros.
    axes, spans
        Features by which pixels are compared, as indices of bands and then computed features, and the origin and factor
        of their axes; shapes (axes,) and (axes, 2). Empty where pixels are compared by stored values.
    centroids
        Shape (clusters, axes).
    threshold_features, levels
        Feature of each threshold, and its low, middle and high value; shapes (n,) and (3, n).
    outcomes
        Classes by the pattern of thresholds; see :func:`icepipe.segment.rules.outcome_table`.
    strata
        Stratum by cluster and outcome; shape (clusters, 2048).
    limits
        Squared distance from each cluster beyond which a pixel is an outlier; shape (clusters,).
    offset
        Added to the stratum of an outlier; shape (1,).
    """

    reflectance: Float64
    recipes: Int64
    axes: Int64
    spans: Float64
    centroids: Float64
    threshold_features: Int64
    levels: Float64
    outcomes: UInt16
    strata: UInt16
    limits: Float64
    offset: UInt16

    @classmethod
    def of(cls, model: Model, sensor: Sensor, first: int, n: int) -> KernelTables:
        """Build the tables of a model; ``first`` and ``n`` are those of :class:`DirectLookup`."""
        rules = replace(rules_for(model.rule_set, model.ice), thresholds=model.thresholds)
        # Without duplicates and in a fixed order: each feature is computed once per pixel.
        names = dict.fromkeys([*(threshold.feature for threshold in rules.thresholds), *model.features])
        computed = [name for name in names if name not in sensor.roles]
        index = {name: position for position, name in enumerate([*sensor.roles, *computed])}
        made_by = [feature_recipe(name, sensor) for name in computed]
        # The kernel reads three bands of every recipe.
        recipes = np.zeros((len(made_by), max(5, *map(len, made_by), 0)), dtype=np.int64)
        for row, recipe in zip(recipes, made_by, strict=True):
            row[: len(recipe)] = recipe
        bytes_to_reflectance = np.clip(sensor.reflectance(np.arange(256.0)), 0.0, None)
        return cls(
            reflectance=bytes_to_reflectance if sensor.stretch else np.array([REFLECTANCE_UNIT]),
            recipes=recipes,
            axes=np.array([index[name] for name in model.features], dtype=np.int64),
            spans=np.array([feature_axis(name) for name in model.features]).reshape(-1, 2),
            centroids=np.ascontiguousarray(model.centroids, dtype=np.float64),
            threshold_features=np.array([index[threshold.feature] for threshold in rules.thresholds], dtype=np.int64),
            levels=np.array([threshold.levels for threshold in rules.thresholds]).T.copy(),
            outcomes=rules.outcomes,
            strata=strata_by_outcome(model, first, n),
            limits=outlier_limits(model, sensor),
            offset=np.array([outlying_offset(n)], dtype=np.uint16),
        )


def strata_by_outcome(model: Model, first: int, n: int) -> UInt16:
    """Return the stratum of every outcome in every cluster of a model, shape (clusters, 2048).

    An outcome is a bit set of possible classes times 8, plus a class code; see
    :func:`icepipe.segment.rules.outcome_table`. ``first`` and ``n`` are those of :class:`DirectLookup`.
    """
    shape = len(model.clusters), 256, 8
    clusters, could_be, codes = np.indices(shape, dtype=np.uint8)
    return encode_strata(clusters, could_be, codes, model, first, n).reshape(len(model.clusters), -1)


class DirectLookup:
    """Strata computed pixel by pixel, for one of the models of an observation.

    Parameters
    ----------
    model, sensor
        The model, and the conversion of stored values to reflectance.
    first, n
        Index of the model's first cluster among those of all models, and number of all clusters.
    """

    def __init__(self, model: Model, sensor: Sensor, first: int, n: int) -> None:
        self._tables = KernelTables.of(model, sensor, first, n) if model.clusters else None

    def strata_for_spectra(self, values: StoredPixels) -> UInt16:
        """Return the stratum of every spectrum, shape (n,); values have shape (n, bands)."""
        return self.strata(values.T[:, None, :], np.ones((1, len(values)), dtype=bool)).reshape(-1)

    def strata(self, bands: StoredPixels, selected: Bool) -> UInt16:
        """Return the stratum of every selected pixel, shape (rows, columns); bands have (bands, rows, columns)."""
        strata = np.zeros(selected.shape, dtype=np.uint16)
        if self._tables is None:
            # The fit of a scene without a valid pixel has no clusters: nothing is known of the others either.
            strata[selected] = mask_stratum(ClassCode.UNOBSERVED)
            return strata
        # Numba takes as long to load as everything else, so commands that classify nothing do not import it.
        from icepipe.segment.classification._kernels import assign_strata

        flat = np.ascontiguousarray(bands).reshape(len(bands), -1)
        assign_strata(flat, np.ascontiguousarray(selected).reshape(-1), tuple(self._tables), strata.reshape(-1))
        return strata


class ColourLookup:
    """Strata by a table of all 24-bit colours, filled as colours occur.

    An image has far fewer colours than pixels, so most pixels cost one table access. Exact: every entry is the result
    of the direct lookup.

    Parameters
    ----------
    direct
        Lookup of colours that are not in the table yet.
    """

    def __init__(self, direct: DirectLookup) -> None:
        self._direct = direct
        self._table = np.full(2**24, UNKNOWN, dtype=np.uint16)

    def strata(self, bands: StoredPixels, selected: Bool) -> UInt16:
        """Return the stratum of every selected pixel, shape (rows, columns); bands have (3, rows, columns)."""
        from icepipe.segment.classification._kernels import look_up_colours

        flat, mask = np.ascontiguousarray(bands).reshape(3, -1), np.ascontiguousarray(selected).reshape(-1)
        strata, unknown = np.empty(len(mask), dtype=np.uint16), np.empty(len(mask), dtype=np.uint32)
        unknown = unknown[: look_up_colours(flat, mask, self._table, strata, unknown)]
        if len(unknown):
            red, green, blue = flat[:, unknown].astype(np.uint32)
            colours, position = np.unique(red << 16 | green << 8 | blue, return_inverse=True)
            values = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1).astype(np.uint8)
            # Two threads may compute the same colour; both write the same stratum, so the table needs no lock.
            self._table[colours] = new_strata = self._direct.strata_for_spectra(values)
            strata[unknown] = new_strata[position]
        return strata.reshape(selected.shape)


class PixelClassifier(Protocol):
    """Classifier of the pixels of an observation, by clusters or from class rasters."""

    @property
    def table(self) -> StrataTable:
        """Meaning of the strata."""
        ...

    @property
    def has_shared_model(self) -> bool:
        """Whether one model classifies all scenes of an observation."""
        ...

    def classify_layer(self, layer: Layer) -> Layer:
        """Return a scene's layer with strata instead of its bands."""
        ...

    def classify(self, pixels: Pixels) -> UInt16:
        """Return the strata of a block of scenes that share a model; shape (rows, columns)."""
        ...

    def apply_masks(self, strata: UInt16, pixels: Pixels) -> UInt16:
        """Return the strata with those of masks where pixels are hidden."""
        ...


class ClusterClassifier:
    """Classifier by one model for all scenes of an observation, or by one model per scene.

    Parameters
    ----------
    models
        One model, or one per scene of the observation in its order.
    sensor
        Conversion of the stored values to reflectance.
    """

    def __init__(self, models: Sequence[Model], sensor: Sensor) -> None:
        self.table = ClusterStrata(models)
        firsts = np.cumsum([0, *(len(model.clusters) for model in models)]).tolist()
        direct = [DirectLookup(m, sensor, first, self.table.n) for m, first in zip(models, firsts, strict=False)]
        # A colour table takes 32 MiB; with a model per scene it would have to be filled for each.
        use_colours = sensor.stretch is not None and len(direct) == 1
        self._lookups: tuple[StratumLookup, ...] = (ColourLookup(direct[0]),) if use_colours else tuple(direct)

    @property
    def has_shared_model(self) -> bool:
        """Whether one model classifies all scenes."""
        return len(self._lookups) == 1

    def classify_layer(self, layer: Layer) -> Layer:
        """Return a scene's layer with strata instead of its bands."""
        lookup = self._lookups[0 if self.has_shared_model else layer.scene]
        return replace(layer, bands=lookup.strata(layer.bands, layer.valid)[None])

    def classify(self, pixels: Pixels) -> UInt16:
        """Return the strata of a block of scenes that share a model; shape (rows, columns)."""
        # Pixels under cloud are classified too: their colour shows what the cloud mask may have taken for cloud.
        selected = pixels.valid | (pixels.hidden == ClassCode.CLOUD)
        return self.apply_masks(self._lookups[0].strata(pixels.bands, selected), pixels)

    def apply_masks(self, strata: UInt16, pixels: Pixels) -> UInt16:
        """Set the strata of masks in place where pixels are hidden; cloud keeps the class of its colour."""
        from icepipe.segment.classification._kernels import mask_strata

        flat = strata.reshape(-1), pixels.valid.reshape(-1), pixels.hidden.reshape(-1)
        mask_strata(*flat, MASK_STRATA, self._cloud_strata)
        return strata

    @cached_property
    def _cloud_strata(self) -> UInt16:
        """Stratum of each stratum where cloud hides it; shape (65536,)."""
        codes = self.table.codes.astype(np.uint16)
        return np.where(np.isin(codes, SEEN), FIRST_CLOUD + codes, np.uint16(mask_stratum(ClassCode.CLOUD)))


def majority_strata(votes: Sequence[UInt16], codes: UInt8) -> UInt16:
    """Return, for every pixel, a stratum of the class that most scenes give it.

    Parameters
    ----------
    votes
        Strata of one block, one array per scene; the first scene wins a tie.
    codes
        Class code of each stratum.
    """
    vote_codes = np.stack([codes[vote] for vote in votes])
    counts = np.stack([np.sum(vote_codes == code, axis=0) for code in SEEN])
    most = counts.max(axis=0)
    result = votes[0].copy()
    decided = np.zeros(result.shape, dtype=bool)
    # The stratum, not only the class, is taken from a scene: its certainty belongs to that scene's colour.
    for vote, vote_code in zip(votes, vote_codes, strict=True):
        for position, code in enumerate(SEEN):
            wins = ~decided & (vote_code == code) & (counts[position] == most)
            result[wins] = vote[wins]
            decided |= wins
    return result
