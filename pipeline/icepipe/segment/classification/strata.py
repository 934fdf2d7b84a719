"""What the numbers mean that a block is sorted into: a cluster, pixels that do not belong in it, or what hides them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Protocol

import numpy as np

from icepipe.arrays import UInt8, UInt16
from icepipe.classes import SEEN, ClassCode
from icepipe.errors import ConfigError
from icepipe.segment.model import Cluster, Model

N_STRATA = 2**16
FIRST_MASK = 65_280
"""Strata from here on have no cluster: this plus a class code, and outside the region the last of all."""

UNKNOWN = N_STRATA - 1
"""In the place of a stratum that is not known yet."""

EXTRAS, KINDS = 8, 3
"""Sets of classes that a pixel could be beside what its cluster could, and ways in which it can differ from it."""

FIRST_CLOUD = 65_400
"""Cloud whose colour a cluster describes: this plus the class code of the cluster."""


FIRST_SIEVED = 65_440
"""Small patches that went to their surroundings: this plus four times the class before, plus the class after."""


def mask_stratum(code: ClassCode) -> int:
    """Stratum of pixels that no cluster describes."""
    return FIRST_MASK + code


def sieved_stratum(before: ClassCode, after: ClassCode) -> int:
    """Stratum of pixels of a small patch that went to its surroundings."""
    return FIRST_SIEVED + 4 * before + after


def sieved_strata() -> Iterator[tuple[int, ClassCode, ClassCode]]:
    """Strata of small patches, with the class before and after."""
    for before in SEEN:
        for after in SEEN:
            if before != after:
                yield sieved_stratum(before, after), before, after


SIEVED = np.zeros((256, 256), dtype=np.uint16)
for _number, _before, _after in sieved_strata():
    SIEVED[_before, _after] = _number
"""Stratum of pixels of a small patch that went to its surroundings, by their class before and after."""

MASK_STRATA = np.full(256, mask_stratum(ClassCode.UNOBSERVED), dtype=np.uint16)
for _code in (ClassCode.CLOUD, ClassCode.LAND, ClassCode.OUTSIDE):
    MASK_STRATA[_code] = mask_stratum(_code)
"""Stratum of each reason why a pixel is hidden."""


class StrataTable(Protocol):
    """What strata mean, whether clusters or class rasters give them."""

    @property
    def models(self) -> tuple[Model, ...]:
        """Models, where there are any."""
        ...

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        """Clusters of all models, in the order of their numbers."""
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
        """Strata of pixels whose own colour has another name than they are called by."""
        ...

    @property
    def strays(self) -> Sequence[int]:
        """Strata of pixels that certainly are something else than they are called."""
        ...

    def cluster_strata(self, cluster: int) -> Sequence[int]:
        """All strata of a cluster."""
        ...

    def class_strata(self, code: ClassCode) -> Sequence[int]:
        """Strata called ``code`` under the middle thresholds."""
        ...

    def certain(self, code: ClassCode) -> Sequence[int]:
        """Strata that are ``code`` under every threshold."""
        ...

    def possible(self, code: ClassCode) -> Sequence[int]:
        """Strata that are ``code`` under any threshold."""
        ...

    def concentration(self, code: ClassCode) -> dict[int, float] | None:
        """Concentration of the strata of a class that have one; None where none can."""
        ...


class ClusterStrata:
    """Strata of some models, whose clusters are numbered on from one to the next.

    With ``n`` clusters, stratum ``c + n * (extra + 8 * kind)`` is pixels of cluster ``c``. ``extra`` is the set of
    classes (1 water, 2 ice, 4 other) that their own colour could be and the cluster could not. ``kind`` is 0 where
    pixel and cluster have one name, 1 where the pixel's own is another, 2 where it is so under every threshold.

    Parameters
    ----------
    models
        In the order of their clusters' numbers.

    Raises
    ------
    ConfigError
        If they have more clusters than strata can tell apart.
    """

    def __init__(self, models: Sequence[Model]) -> None:
        self.models = tuple(models)
        self.clusters: tuple[Cluster, ...] = tuple(cluster for model in models for cluster in model.clusters)
        if self.n * KINDS * EXTRAS > FIRST_MASK:
            raise ConfigError(
                f"{len(models)} scenes of one observation have {self.n} clusters together, over the "
                f"{FIRST_MASK // (KINDS * EXTRAS)} that can be told apart",
                "set segment.fit: observation, or run",
            )

    @property
    def n(self) -> int:
        """Number of clusters."""
        return len(self.clusters)

    def _parts(self, cluster: int) -> Iterator[tuple[int, int, int]]:
        """Strata of a cluster, each with its extra classes and its kind."""
        for kind in range(KINDS):
            for extra in range(EXTRAS):
                yield cluster + self.n * (extra + EXTRAS * kind), extra, kind

    def cluster_strata(self, cluster: int) -> list[int]:
        """All strata of a cluster; the first is that of pixels like it."""
        return [number for number, _, _ in self._parts(cluster)]

    def _of_kind(self, least: int) -> list[int]:
        return [number for c in range(self.n) for number, _, kind in self._parts(c) if kind >= least]

    @property
    def misnamed(self) -> list[int]:
        """Strata of pixels whose own colour has another name than their cluster."""
        return self._of_kind(1)

    @property
    def strays(self) -> list[int]:
        """Strata of pixels that certainly are something else than they are called."""
        return self._of_kind(2)

    @property
    def named(self) -> list[int]:
        """Strata of all pixels that a cluster names."""
        return list(range(KINDS * EXTRAS * self.n))

    @property
    def seen(self) -> list[int]:
        """Strata of all pixels whose surface was seen."""
        return [*self.named, *(number for number, _, _ in sieved_strata())]

    @cached_property
    def codes(self) -> UInt8:
        """Class code of each stratum; shape (65536,)."""
        table = np.full(N_STRATA, ClassCode.OUTSIDE, dtype=np.uint8)
        named = np.array([cluster.code for cluster in self.clusters], dtype=np.uint8)
        table[: len(self.named)] = np.tile(named, KINDS * EXTRAS)
        for number, _, after in sieved_strata():
            table[number] = after
        for code in (ClassCode.UNOBSERVED, ClassCode.CLOUD, ClassCode.LAND):
            table[mask_stratum(code)] = code
        for code in SEEN:
            table[FIRST_CLOUD + code] = ClassCode.CLOUD
        return table

    def class_strata(self, code: ClassCode) -> list[int]:
        """Strata called ``code`` under the middle thresholds."""
        return np.flatnonzero(self.codes == code).tolist()

    def certain(self, code: ClassCode) -> list[int]:
        """Strata that are ``code`` under every threshold, by their cluster and by their own colour."""
        if code not in SEEN:
            return self.class_strata(code)
        sure = [c for c, cluster in enumerate(self.clusters) if cluster.could_be == (code,)]
        return [number for c in sure for number, extra, _ in self._parts(c) if not extra]

    def possible(self, code: ClassCode) -> list[int]:
        """Strata that are ``code`` under any threshold, by their cluster or by their own colour."""
        if code not in SEEN:
            return self.class_strata(code)
        found = [
            number
            for c, cluster in enumerate(self.clusters)
            for number, extra, _ in self._parts(c)
            if code in cluster.could_be or extra >> SEEN.index(code) & 1
        ]
        return [*found, *(number for number, *classes in sieved_strata() if code in classes)]

    def concentration(self, code: ClassCode) -> dict[int, float] | None:  # noqa: ARG002
        """Clusters have no concentration."""
        return None


def encode_strata(clusters: UInt8, could_be: UInt8, names: UInt8, model: Model, first: int, n: int) -> UInt16:
    """Strata of pixels of one model.

    Parameters
    ----------
    clusters
        Number of each pixel's cluster within the model; any shape.
    could_be, names
        Bit set of the classes that each pixel's own colour could be, and its class under the middle thresholds.
    model
        The model. In a cluster that was named by hand, what the rules say is right too.
    first, n
        Number of its first cluster among all, and how many there are.
    """
    own_bits = np.array([_bits((*c.could_be, c.ruled)) for c in model.clusters], dtype=np.uint8)
    ruled = np.array([cluster.ruled for cluster in model.clusters], dtype=np.uint8)
    extra = (could_be & ~own_bits[clusters]) >> 1
    misnamed = (names != model.codes[clusters]) & (names != ruled[clusters])
    kind = misnamed * np.uint16(1) + (misnamed & np.isin(could_be, _ONE_CLASS))
    part = extra.astype(np.uint16) + np.uint16(EXTRAS) * kind.astype(np.uint16)
    return np.asarray(clusters.astype(np.uint16) + np.uint16(first) + np.uint16(n) * part, dtype=np.uint16)


def _bits(codes: Iterable[ClassCode]) -> int:
    return sum(1 << code for code in set(codes))


_ONE_CLASS = np.uint8(1) << np.arange(8, dtype=np.uint8)
