"""The palette of a segmented picture: written and displayed colours, and shares in percent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from icepipe.arrays import Float64, Int64, UInt8
from icepipe.picture.clustering.colours import Colours
from icepipe.picture.clustering.kmeans import Clusters
from icepipe.picture.image import ByteScaling, Picture, PixelValues

HUNDREDTHS = 10_000
"""Hundredths of a percent in the whole."""


@dataclass(frozen=True)
class Palette:
    """Colours and shares of clusters, dark to bright.

    Attributes
    ----------
    colours
        Colours in pixel values, as they are written; shape (k, channels).
    hexes
        Colours as they are displayed, ``#rrggbb``.
    percent
        Shares with two decimal places that sum to exactly 100; shape (k,).
    pixels
        Numbers of pixels; shape (k,).
    """

    colours: PixelValues
    hexes: tuple[str, ...]
    percent: Float64
    pixels: Int64

    def line(self, number: int) -> str:
        """Format a cluster, given by its number from 1."""
        return f"{number}  {self.hexes[number - 1]}  {self.percent[number - 1]:.2f}%"


def percentages(counts: Int64) -> Float64:
    """Return counts in percent with two decimal places that sum to 100, by the largest remainder method (Hamilton)."""
    total = int(counts.sum())
    # Integers: rounding each share on its own can miss 100 by several hundredths.
    quotas, remainders = np.divmod(counts * HUNDREDTHS, total)
    # A stable sort gives the first of equal remainders the next hundredth.
    raised = np.argsort(-remainders, kind="stable")[: HUNDREDTHS - int(quotas.sum())]
    quotas[raised] += 1
    return np.asarray(quotas / (HUNDREDTHS / 100))


def palette_hexes(colours: UInt8) -> tuple[str, ...]:
    """Return red, green and blue bytes, shape (k, 3), as ``#rrggbb``."""
    return tuple("#" + "".join(f"{value:02x}" for value in colour) for colour in colours)


def build_palette(picture: Picture, clusters: Clusters, display: ByteScaling) -> Palette:
    """Return the palette of the clusters of a picture."""
    colours = np.rint(clusters.centroids).astype(picture.values.dtype)
    nodata = picture.profile.get("nodata")
    if nodata is not None:
        # A mean colour equal to nodata would hide valid pixels of the copy: move its last channel by one.
        is_nodata = np.all(colours == nodata, axis=1)
        colours[is_nodata, -1] = nodata + 1 if nodata < np.iinfo(colours.dtype).max else nodata - 1
    return Palette(colours, palette_hexes(display.to_rgb(colours)), percentages(clusters.counts), clusters.counts)


def mean_error(colours: Colours, clusters: Clusters, palette: Palette) -> float:
    """Return the mean Euclidean distance of a pixel to the written colour of its cluster, in pixel values."""
    written = palette.colours.astype(np.float64)[clusters.member].T
    distances = np.sqrt(np.sum((colours.places - written) ** 2, axis=0))
    return float(np.sum(distances * colours.weights) / colours.total)
