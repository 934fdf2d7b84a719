"""Models and scans of mixed pixels, made by hand for tests: dark water, white ice, grey ice and brown ground."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from icepipe.arrays import Int64, StoredPixels, UInt8, UInt16
from icepipe.classes import ClassCode
from icepipe.geo.geobox import Block
from icepipe.segment.classification.strata import ClusterStrata, mask_stratum
from icepipe.segment.mixtures.mixed_pixels import MixedPixelScanner
from icepipe.segment.mixtures.shares import Mixtures
from icepipe.segment.model import Cluster, FitRecord, Model, PureSurfaces
from icepipe.segment.rules import RULE_SETS
from icepipe.sensors.table import SENSORS

RGB = SENSORS["rgb"]
UNSEEN = mask_stratum(ClassCode.UNOBSERVED)
WATER, ICE, OTHER = ClassCode.WATER, ClassCode.ICE, ClassCode.OTHER

DARK, WHITE, BROWN = 63, 240, (140, 115, 85)
"""Bytes of pure water, of pure ice, and of ground; the first two are 0.05 and 0.87 of reflectance."""


def spectrum(byte: float) -> tuple[float, float, float]:
    """Return the stored values of a grey."""
    return byte, byte, byte


def level(byte: float) -> float:
    """Return the reflectance of a byte."""
    return float(RGB.reflectance(np.array(float(byte))))


def grey(share: float) -> int:
    """Return the byte of a pixel that holds a share of pure ice and pure water otherwise."""
    light = level(DARK) + share * (level(WHITE) - level(DARK))
    return int(np.abs(RGB.reflectance(np.arange(256.0)) - light).argmin())


def cluster(
    code: ClassCode, *could_be: ClassCode, colour: Sequence[float] = (0, 0, 0), pinned: bool = False
) -> Cluster:
    """Return a cluster of a class that could be others too; where pinned, the rules give another class."""
    centroid = tuple(map(float, colour))
    ruled = code if not pinned else ClassCode.WATER if code == ClassCode.OTHER else ClassCode.OTHER
    return Cluster(centroid, centroid, code, ruled, could_be or (code,), None, "", 0.25, 0, pinned)


PURE = PureSurfaces((level(DARK),) * 3, (level(WHITE),) * 3, 1.01, 0.045, 0.11, has_water=True)
"""Ends of the line from pure water to pure ice."""


def model(clusters: Sequence[Cluster], pure: PureSurfaces | None = PURE) -> Model:
    """Return a model of a colour picture with these clusters."""
    record = FitRecord(0, 12, 1, 1, 100, 1e-4, True, 0.0)
    thresholds = RULE_SETS["rgb"].thresholds
    k = len(clusters)
    return Model(
        "rgb", RGB.roles, RGB.encoding, (), "rgb", thresholds, k, k, record, 0, 0, 0, 1.0, tuple(clusters), pure=pure
    )


def whole(shape: tuple[int, ...]) -> Block:
    """Return the block of a whole grid."""
    return Block(0, 0, *shape[-2:])


def collect(found: Iterable[Mixtures], shape: tuple[int, ...]) -> tuple[UInt8, UInt8]:
    """Return pairs and shares of a whole grid; rows that no mixtures came for have none."""
    pairs, shares = np.zeros(shape, np.uint8), np.zeros((3, *shape), np.uint8)
    for rows in found:
        pairs[rows.block.slices] = rows.pairs
        shares[:, *rows.block.slices] = rows.shares
    return pairs, shares


def scan(
    table: ClusterStrata, strata: UInt16, bands: StoredPixels, parts: Sequence[Block] | None = None
) -> tuple[UInt8, UInt8, Int64]:
    """Return what a scan of parts finds, of the whole grid by default: see :func:`collect`, and counts between."""
    scanner, found = MixedPixelScanner(table, RGB, strata.shape[1]), list[Mixtures]()
    for part in [whole(strata.shape)] if parts is None else parts:
        found += scanner.add(part, strata[part.slices], bands[:, *part.slices])
    found += scanner.finish()
    return *collect(found, strata.shape), scanner.between
