"""The colours of a segmented picture: as written, in percent, and how far they are from the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from icepipe.arrays import Float64, Int64, UInt8
from icepipe.picture.clustering.colours import Colours
from icepipe.picture.clustering.kmeans import Clusters
from icepipe.picture.image import ByteScaling, Numbers, Picture

HUNDREDTHS = 10_000
"""Percent with two digits."""


@dataclass(frozen=True)
class Palette:
    """Clusters as colours, dark to bright.

    Attributes
    ----------
    colours
        As they are written, in the picture's numbers; shape (k, channels).
    hexes
        As they are shown, ``#rrggbb``.
    percent
        Shares with two digits that add up to 100 exactly; shape (k,).
    pixels
        Shape (k,).
    """

    colours: Numbers
    hexes: tuple[str, ...]
    percent: Float64
    pixels: Int64

    def line(self, number: int) -> str:
        """One cluster for people, by its number from 1."""
        return f"{number}  {self.hexes[number - 1]}  {self.percent[number - 1]:.2f}%"


def percentages(counts: Int64) -> Float64:
    """Percent with two digits that add up to 100, by the largest remainder (Hamilton's method); the first of equals."""
    total = int(counts.sum())
    whole, left = np.divmod(counts * HUNDREDTHS, total)
    raised = np.argsort(-left, kind="stable")[: HUNDREDTHS - int(whole.sum())]
    whole[raised] += 1
    return np.asarray(whole / (HUNDREDTHS / 100))


def _apart_from_nodata(colours: Numbers, nodata: float | None) -> Numbers:
    """Colours of pixels that are seen; one that would mean "not seen" is a step beside it."""
    if nodata is not None:
        lost = np.all(colours == nodata, axis=1)
        colours[lost, -1] = nodata + 1 if nodata < np.iinfo(colours.dtype).max else nodata - 1
    return colours


def palette_hexes(colours: UInt8) -> tuple[str, ...]:
    """Red, green and blue bytes as ``#rrggbb``; shape (k, 3)."""
    return tuple("#" + "".join(f"{value:02x}" for value in colour) for colour in colours)


def build_palette(picture: Picture, clusters: Clusters, display: ByteScaling) -> Palette:
    """Colours and shares of clusters."""
    means = np.rint(clusters.centroids).astype(picture.values.dtype)
    colours = _apart_from_nodata(means, picture.kept.get("nodata"))
    return Palette(colours, palette_hexes(display.bytes_of(colours)), percentages(clusters.counts), clusters.counts)


def mean_error(colours: Colours, clusters: Clusters, palette: Palette) -> float:
    """Mean Euclidean distance of a pixel to the colour it is given, in the picture's numbers."""
    given = palette.colours.astype(np.float64)[clusters.member].T
    apart = np.sqrt(np.sum((colours.places - given) ** 2, axis=0))
    return float(np.sum(apart * colours.weights) / colours.total)
