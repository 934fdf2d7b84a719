"""Encode the 16-bit stratum of a pixel: its cluster and how its own colour differs, or the mask that hides it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Protocol

import numpy as np

from icepipe.arrays import UInt8, UInt16
from icepipe.classes import SEEN, ClassCode
from icepipe.errors import ConfigError
from icepipe.segment.model import Cluster, Model

N_STRATA = 2**16
FIRST_MASK = 65_280
"""First stratum without a cluster: this plus a class code; 65 535 is outside the region."""

UNKNOWN = N_STRATA - 1
"""Entry of a colour table that is not computed yet. No colour is outside the region, so the number is free."""

EXTRAS, KINDS, RANGES = 8, 3, 2
"""Sets of classes that are possible for a pixel but not for its cluster, kinds of mismatch between the two, and ranges
of the distance between them: near, and outlying."""

VARIANTS = EXTRAS * KINDS * RANGES
"""Strata of a cluster."""

FIRST_CLOUD = 65_400
"""First stratum of cloud whose colour a cluster describes: this plus the class code of the cluster."""

FIRST_SIEVED = 65_440
"""First stratum of sieved patches: this plus four times the class before, plus the class after."""

_ONE_CLASS = np.uint8(1) << np.arange(8, dtype=np.uint8)


def mask_stratum(code: ClassCode) -> int:
    """Return the stratum of pixels that no cluster describes."""
    return FIRST_MASK + code


def sieved_stratum(before: ClassCode, after: ClassCode) -> int:
    """Return the stratum of pixels of a small patch that the sieve gave the class around it."""
    return FIRST_SIEVED + 4 * before + after


def sieved_strata() -> Iterator[tuple[int, ClassCode, ClassCode]]:
    """Yield the strata of sieved patches, each with the class before and after."""
    for before in SEEN:
        for after in SEEN:
            if before != after:
                yield sieved_stratum(before, after), before, after


SIEVED = np.zeros((256, 256), dtype=np.uint16)
for _stratum, _before, _after in sieved_strata():
    SIEVED[_before, _after] = _stratum
"""Stratum of a sieved pixel by its class before and after."""

MASK_STRATA = np.full(256, mask_stratum(ClassCode.UNOBSERVED), dtype=np.uint16)
for _code in (ClassCode.CLOUD, ClassCode.LAND, ClassCode.OUTSIDE):
    MASK_STRATA[_code] = mask_stratum(_code)
"""Stratum of a hidden pixel by the class code of its mask."""


class StrataTable(Protocol):
    """Meaning of strata, of clusters or of class rasters."""

    @property
    def models(self) -> tuple[Model, ...]:
        """Models; empty for class rasters."""
        ...

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        """Clusters of all models, by index."""
        ...

    @property
    def codes(self) -> UInt8:
        """Class code of each stratum; shape (65536,)."""
        ...

    @property
    def seen(self) -> Sequence[int]:
        """Strata of all pixels whose surface was seen."""
        ...

    @property
    def misnamed(self) -> Sequence[int]:
        """Strata of pixels whose own colour has another class than their cluster."""
        ...

    @property
    def strays(self) -> Sequence[int]:
        """Strata of pixels whose own colour has another class under every threshold."""
        ...

    @property
    def from_concentration(self) -> bool:
        """Whether strata of ice hold concentrations of the input."""
        ...

    @property
    def outlying(self) -> Sequence[int]:
        """Strata of pixels that are far from every cluster."""
        ...

    def cluster_strata(self, cluster: int) -> Sequence[int]:
        """Return all strata of a cluster."""
        ...

    def class_strata(self, code: ClassCode) -> Sequence[int]:
        """Return the strata of a class under the middle thresholds."""
        ...

    def certain(self, code: ClassCode) -> Sequence[int]:
        """Return the strata that have a class under every threshold."""
        ...

    def possible(self, code: ClassCode) -> Sequence[int]:
        """Return the strata that have a class under any threshold."""
        ...

    def concentration(self, code: ClassCode) -> dict[int, float] | None:
        """Return the concentration of each stratum of a class that has one; None where no stratum can have one."""
        ...


class ClusterStrata:
    """Strata of one or more models, whose clusters are numbered consecutively.

    With ``n`` clusters, pixels of cluster ``c`` have stratum ``c + n * (extra + 8 * (kind + 3 * outlying))``. ``extra``
    is the set of classes (bits 1 water, 2 ice, 4 other) that are possible for the pixel's own colour and not for its
    cluster. ``kind`` is 0 where pixel and cluster have the same class, 1 where the pixel's own class is another, and 2
    where it is another under every threshold. ``outlying`` is 1 where the pixel is far from every cluster, else 0.

    Parameters
    ----------
    models
        In the order of their clusters' indices.

    Raises
    ------
    ConfigError
        If the models have more clusters than 16 bits can encode.
    """

    from_concentration = False

    def __init__(self, models: Sequence[Model]) -> None:
        self.models = tuple(models)
        self.clusters: tuple[Cluster, ...] = tuple(cluster for model in models for cluster in model.clusters)
        if self.n * VARIANTS > FIRST_MASK:
            raise ConfigError(
                f"{len(models)} scenes of one observation have {self.n} clusters in total, more than the limit of "
                f"{FIRST_MASK // VARIANTS}",
                "set segment.fit: observation, or run",
            )

    @property
    def n(self) -> int:
        """Number of clusters."""
        return len(self.clusters)

    def variants(self, cluster: int) -> Iterator[tuple[int, int, int, bool]]:
        """Yield the strata of a cluster, each with its extra classes, its kind of mismatch, and whether it is far."""
        for outlying, kind, extra in itertools.product((False, True), range(KINDS), range(EXTRAS)):
            yield cluster + self.n * (extra + EXTRAS * (kind + KINDS * outlying)), extra, kind, outlying

    def cluster_strata(self, cluster: int) -> list[int]:
        """Return all strata of a cluster, first that of pixels without any mismatch."""
        return [stratum for stratum, _, _, _ in self.variants(cluster)]

    @property
    def misnamed(self) -> list[int]:
        """Strata of pixels whose own colour has another class than their cluster."""
        return [stratum for c in range(self.n) for stratum, _, kind, _ in self.variants(c) if kind >= 1]

    @property
    def strays(self) -> list[int]:
        """Strata of pixels whose own colour has another class under every threshold."""
        return [stratum for c in range(self.n) for stratum, _, kind, _ in self.variants(c) if kind == 2]

    @property
    def outlying(self) -> list[int]:
        """Strata of pixels that are far from every cluster."""
        return list(range(outlying_offset(self.n), VARIANTS * self.n))

    @property
    def clustered(self) -> list[int]:
        """Strata of all pixels that belong to a cluster."""
        return list(range(VARIANTS * self.n))

    @property
    def seen(self) -> list[int]:
        """Strata of all pixels whose surface was seen."""
        return [*self.clustered, *(stratum for stratum, _, _ in sieved_strata())]

    @cached_property
    def codes(self) -> UInt8:
        """Class code of each stratum; shape (65536,)."""
        # Unused numbers are outside the region, so that a wrong stratum adds to no published area.
        table = np.full(N_STRATA, ClassCode.OUTSIDE, dtype=np.uint8)
        cluster_codes = np.array([cluster.code for cluster in self.clusters], dtype=np.uint8)
        table[: len(self.clustered)] = np.tile(cluster_codes, VARIANTS)
        for stratum, _, after in sieved_strata():
            table[stratum] = after
        for code in (ClassCode.UNOBSERVED, ClassCode.CLOUD, ClassCode.LAND):
            table[mask_stratum(code)] = code
        for code in SEEN:
            table[FIRST_CLOUD + code] = ClassCode.CLOUD
        return table

    def class_strata(self, code: ClassCode) -> list[int]:
        """Return the strata of a class under the middle thresholds."""
        return np.flatnonzero(self.codes == code).tolist()

    def certain(self, code: ClassCode) -> list[int]:
        """Return the strata that have a class under every threshold, by their cluster and by their own colour."""
        if code not in SEEN:
            return self.class_strata(code)
        clusters = [c for c, cluster in enumerate(self.clusters) if cluster.could_be == (code,)]
        # Sieved patches are left out, as the class of their own pixels was another, and so are outliers: a surface that
        # the model has not seen is in no class for certain.
        return [stratum for c in clusters for stratum, extra, _, far in self.variants(c) if not extra and not far]

    def possible(self, code: ClassCode) -> list[int]:
        """Return the strata that have a class under any threshold, by their cluster or by their own colour."""
        if code not in SEEN:
            return self.class_strata(code)
        strata = [
            stratum
            for c, cluster in enumerate(self.clusters)
            for stratum, extra, _, _ in self.variants(c)
            if code in cluster.could_be or extra >> SEEN.index(code) & 1
        ]
        # A sieved patch may be what it was, or what surrounds it.
        return [*strata, *(stratum for stratum, *classes in sieved_strata() if code in classes)]

    def concentration(self, code: ClassCode) -> dict[int, float] | None:  # noqa: ARG002
        """Return None: clusters have no concentration."""
        return None


def outlying_offset(n: int) -> int:
    """Return what is added to the stratum of a pixel that is far from every one of ``n`` clusters."""
    return n * EXTRAS * KINDS


def encode_strata(clusters: UInt8, could_be: UInt8, codes: UInt8, model: Model, first: int, n: int) -> UInt16:
    """Encode the strata of pixels of one model that are near its clusters.

    Parameters
    ----------
    clusters
        Index of each pixel's cluster within the model; any shape.
    could_be, codes
        Possible classes of each pixel's own colour, as a bit set, and its class under the middle thresholds.
    model
        The model.
    first, n
        Index of its first cluster among those of all models, and number of all clusters.
    """
    # In a cluster that the config pins, the class by the rules is no mismatch either: the user has judged it.
    expected = np.array([sum(1 << code for code in {*c.could_be, c.ruled}) for c in model.clusters], dtype=np.uint8)
    ruled = np.array([cluster.ruled for cluster in model.clusters], dtype=np.uint8)
    # Bit 0 is the class 0, unobserved, which no colour can be: shifted out.
    extra = (could_be & ~expected[clusters]) >> 1
    misnamed = (codes != model.codes[clusters]) & (codes != ruled[clusters])
    kind = misnamed * np.uint16(1) + (misnamed & np.isin(could_be, _ONE_CLASS))
    variant = extra.astype(np.uint16) + np.uint16(EXTRAS) * kind.astype(np.uint16)
    return np.asarray(clusters.astype(np.uint16) + np.uint16(first) + np.uint16(n) * variant, dtype=np.uint16)
