"""Segment an array into k colours: the public function for programs, and its result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from icepipe.arrays import Bool, Float64, Int64, UInt8
from icepipe.errors import ConfigError
from icepipe.picture.clustering.colours import ColourCounts, count_colours
from icepipe.picture.clustering.kmeans import METHODS, Clusters, dark_to_bright
from icepipe.picture.image import ByteScaling, PixelValues
from icepipe.picture.options import DEFAULT_K, ITERATIONS, MAX_K, Method
from icepipe.segment.clustering.kmeans import Iteration

if TYPE_CHECKING:
    from icepipe.publish.images.figure import Plot


INVALID_LABEL = 255
"""Label of pixels that are not valid."""

ARTICLE_DTYPES = {"uint8"}
"""The article's method draws its initial centroids from 0..255."""


@dataclass(frozen=True)
class Segmented:
    """A picture segmented into k colours, numbered from 0, dark to bright; a notebook shows its palette.

    Attributes
    ----------
    labels
        Cluster of every pixel, 255 where it is not valid; shape (rows, columns).
    centroids
        Colour of each cluster, in pixel values; shape (k, channels).
    shares
        Fraction of the valid pixels in each cluster; shape (k,).
    history
        Every iteration: centroids, how far they moved, and the pixels of each.
    counts
        Number of pixels in each cluster; shape (k,).
    inertia
        Sum of the squared distances of all valid pixels to their centroid.
    start
        Initial centroids; shape (k, channels).
    converged
        Whether the centroids stopped moving before the last permitted iteration.
    method, seed
        Options that the result was computed with.
    display
        Scaling of pixel values to bytes.
    """

    labels: UInt8
    centroids: Float64
    shares: Float64
    history: tuple[Iteration, ...]
    counts: Int64
    inertia: float
    start: Float64
    converged: bool
    method: Method
    seed: int
    display: ByteScaling

    @property
    def summary(self) -> str:
        """Number of colours and iterations, method and convergence."""
        converged = "converged" if self.converged else "not converged"
        return f"{len(self.counts)} colours, {len(self.history)} iterations of {self.method}, {converged}"

    def plot(self) -> Plot:
        """Draw the picture in its colours, with the palette and its shares, as a matplotlib figure.

        Pixels that are not valid are shown as a checkerboard. Values of 16-bit pictures are scaled from the 0.5th to
        the 99.5th percentile.
        """
        from icepipe.picture.drawing.notebook import displayed_palette, draw_segmented

        palette = displayed_palette(self.centroids, self.counts, self.display)
        return draw_segmented(self.labels, palette, self.summary)

    def _repr_html_(self) -> str:
        from icepipe.picture.drawing.notebook import displayed_palette, palette_html

        return palette_html(displayed_palette(self.centroids, self.counts, self.display), self.summary)


def cluster_colours(counted: ColourCounts, k: int, method: Method, seed: int, iterations: int | None) -> Clusters:
    """Cluster the colours of a picture, dark to bright; fewer than k clusters if it has fewer colours.

    The article's method always returns k clusters, as it draws its initial centroids without looking at the picture.
    """
    n_clusters = k if method == "article" else min(k, counted.colours.count)
    return dark_to_bright(METHODS[method](counted.colours, n_clusters, seed, iterations or ITERATIONS[method]))


def check_options(dtype: np.dtype[Any], k: int, method: str) -> None:
    """Check k and the method against a picture's dtype.

    Raises
    ------
    ConfigError
        If k is out of range, the method is unknown, or the method does not support the dtype.
    """
    if not 1 <= k <= MAX_K:
        raise ConfigError(f"k is {k}", f"choose 1 to {MAX_K} colours")
    if method not in METHODS:
        raise ConfigError(f"unknown method {method!r}", f"choose one of {', '.join(METHODS)}")
    if method == "article" and dtype.name not in ARTICLE_DTYPES:
        raise ConfigError(
            f"the method article supports pixel values of 0 to 255 only, and the picture has {dtype.name}",
            "choose lloyd, or scale the picture to 8 bits first",
        )


def label_pixels(counted: ColourCounts, clusters: Clusters, valid: Bool) -> UInt8:
    """Return the cluster of every pixel, 255 where it is not valid; shape (rows, columns)."""
    labels = np.full(valid.shape, INVALID_LABEL, dtype=np.uint8)
    labels[valid] = clusters.member[counted.index]
    return labels


def segment_pixels(
    counted: ColourCounts, clusters: Clusters, valid: Bool, display: ByteScaling, method: Method, seed: int
) -> Segmented:
    """Return the segmented picture of clustered colours."""
    return Segmented(
        labels=label_pixels(counted, clusters, valid),
        centroids=clusters.centroids,
        shares=clusters.counts / clusters.counts.sum(),
        history=clusters.history,
        counts=clusters.counts,
        inertia=clusters.inertia,
        start=clusters.start,
        converged=clusters.converged,
        method=method,
        seed=seed,
        display=display,
    )


def check_array(array: NDArray[Any]) -> PixelValues:
    """Check that an array is a picture, and return it with shape (rows, columns, channels).

    Raises
    ------
    ConfigError
        If it has another shape or dtype than a picture.
    """
    pixels = array[..., None] if array.ndim == 2 else array
    if pixels.ndim != 3 or pixels.shape[2] not in {1, 3} or array.dtype.name not in {"uint8", "uint16"}:
        raise ConfigError(
            f"an array of {array.dtype} with shape {array.shape} is not a picture",
            "pass uint8 or uint16 of shape (rows, columns) or (rows, columns, 3)",
        )
    return pixels


def segment_image(
    array: NDArray[np.unsignedinteger[Any]],
    k: int = DEFAULT_K,
    *,
    method: Method = "lloyd",
    seed: int = 0,
    iterations: int | None = None,
    valid: Bool | None = None,
) -> Segmented:
    """Segment the pixels of a picture into k colours.

    Parameters
    ----------
    array
        uint8 or uint16, shape (rows, columns) or (rows, columns, 3).
    k
        Number of colours, 1 to 64; fewer if the picture has fewer.
    method
        ``lloyd`` (full iterations on all pixels from the best of ten initialisations), ``minibatch``, or ``article``
        (random initial centroids in 0..255, means rounded to integers).
    seed
        Seed of the random numbers.
    iterations
        Maximum number of iterations; None for the default of the method: 300, 100 mini-batches, or 10.
    valid
        Pixels to cluster; shape (rows, columns). None for all.

    Raises
    ------
    ConfigError
        If the array is not a picture, no pixel is valid, or k, the method or the iterations are out of range.
    """
    pixels = check_array(array)
    check_options(pixels.dtype, k, method)
    if iterations is not None and iterations < 1:
        raise ConfigError(f"iterations is {iterations}", "choose at least 1")
    mask = np.ones(pixels.shape[:2], dtype=bool) if valid is None else valid
    if mask.shape != pixels.shape[:2] or not mask.any():
        raise ConfigError("no pixel of the picture is valid", "pass a mask of its shape that is True somewhere")
    # Clustering distinct colours with their counts is exact, and much faster than clustering pixels.
    counted = count_colours(pixels, mask)
    clusters = cluster_colours(counted, k, method, seed, iterations)
    return segment_pixels(counted, clusters, mask, ByteScaling.of(pixels, mask), method, seed)
