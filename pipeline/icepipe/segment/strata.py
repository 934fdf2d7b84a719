"""What the numbers mean that a block is sorted into: a cluster, pixels that do not belong in it, or what hides them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from icepipe.classes import SEEN, ClassCode
from icepipe.models import Cluster, Model
from icepipe.records import UInt8, UInt16

N_STRATA = 2**16
FIRST_MASK = 65_280
"""Strata from here on have no cluster: this plus a class code, and outside the region the last of all."""

FIRST_CLOUD = 65_400
"""Cloud whose colour a cluster describes: this plus the class code of the cluster."""


def stratum_of(code: ClassCode) -> int:
    """Stratum of pixels that no cluster describes."""
    return FIRST_MASK + code


class Strata:
    """Strata of some models, whose clusters are numbered on from one to the next.

    With ``n`` clusters, stratum ``c`` below ``n`` is cluster ``c``; the next three times ``n`` are pixels of cluster
    ``c`` whose own colour certainly is water, ice or other, and their cluster is not.

    Parameters
    ----------
    models
        In the order of their clusters' numbers.
    """

    def __init__(self, models: Sequence[Model]) -> None:
        self.models = tuple(models)
        self.clusters: tuple[Cluster, ...] = tuple(cluster for model in models for cluster in model.clusters)

    @property
    def n(self) -> int:
        """Number of clusters."""
        return len(self.clusters)

    def own(self, cluster: int) -> list[int]:
        """All strata of a cluster."""
        return [cluster + i * self.n for i in range(1 + len(SEEN))]

    def strays_to(self, code: ClassCode) -> list[int]:
        """Strata of pixels that certainly are ``code`` and are called something else."""
        start = (1 + SEEN.index(code)) * self.n
        return list(range(start, start + self.n))

    @property
    def strays(self) -> list[int]:
        """Strata of all pixels that certainly are something else than they are called."""
        return list(range(self.n, (1 + len(SEEN)) * self.n))

    @property
    def seen(self) -> list[int]:
        """Strata of all pixels that a cluster names."""
        return list(range((1 + len(SEEN)) * self.n))

    @cached_property
    def codes(self) -> UInt8:
        """Class code of each stratum; shape (65536,)."""
        table = np.full(N_STRATA, ClassCode.OUTSIDE, dtype=np.uint8)
        named = np.array([cluster.code for cluster in self.clusters], dtype=np.uint8)
        table[: len(self.seen)] = np.tile(named, 1 + len(SEEN))
        for code in (ClassCode.UNOBSERVED, ClassCode.CLOUD, ClassCode.LAND):
            table[stratum_of(code)] = code
        for code in SEEN:
            table[FIRST_CLOUD + code] = ClassCode.CLOUD
        return table

    def of(self, code: ClassCode) -> list[int]:
        """Strata called ``code`` under the middle thresholds."""
        return np.flatnonzero(self.codes == code).tolist()

    def surely(self, code: ClassCode) -> list[int]:
        """Strata that are ``code`` under every threshold, less pixels that certainly are not."""
        if code not in SEEN:
            return self.of(code)
        return [c for c, cluster in enumerate(self.clusters) if cluster.could_be == (code,)]

    def possibly(self, code: ClassCode) -> list[int]:
        """Strata that are ``code`` under any threshold, and pixels that certainly are although their cluster is not."""
        if code not in SEEN:
            return self.of(code)
        found = {s for c, cluster in enumerate(self.clusters) if code in cluster.could_be for s in self.own(c)}
        return sorted(found | set(self.strays_to(code)))


def marked(clusters: UInt8, certain: UInt8, model: Model, first: int, n: int) -> UInt16:
    """Strata of pixels of one model.

    Parameters
    ----------
    clusters
        Number of each pixel's cluster within the model; any shape.
    certain
        Class that each pixel's own colour certainly is, ``UNOBSERVED`` where thresholds disagree. It does not count in
        a cluster that was named by hand.
    model
        The model.
    first, n
        Number of its first cluster among all, and how many there are.
    """
    strata = clusters.astype(np.uint16) + np.uint16(first)
    by_rules = np.array([not cluster.pinned for cluster in model.clusters], dtype=bool)
    stray = (certain != ClassCode.UNOBSERVED) & (certain != model.codes[clusters]) & by_rules[clusters]
    for position, code in enumerate(SEEN, start=1):
        strata[stray & (certain == code)] += np.uint16(position * n)
    return strata
