"""A picture as an array, grouped into k colours: the call for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from icepipe.arrays import Bool, Float64, Int64, UInt8
from icepipe.errors import ConfigError
from icepipe.picture.clustering.colours import Counted, count_colours
from icepipe.picture.clustering.kmeans import METHODS, Clusters, dark_to_bright
from icepipe.picture.image import ByteScaling
from icepipe.picture.options import DEFAULT_K, ITERATIONS, MAX_K, Method
from icepipe.segment.clustering.kmeans import Iteration

if TYPE_CHECKING:
    from icepipe.publish.images.figure import Plot


HIDDEN = 255
"""Label of a pixel that takes no part."""

ARTICLE_TYPES = {"uint8"}
"""The article's starts are bytes."""


@dataclass(frozen=True)
class Segmented:
    """A picture in k colours, numbered from 0, dark to bright; a notebook shows its palette.

    Attributes
    ----------
    labels
        Number of the cluster of every pixel, 255 where it takes no part; shape (rows, columns).
    centroids
        Colour of each cluster, in the picture's own numbers; shape (k, channels).
    shares
        Part of the pixels in each; shape (k,).
    history
        Every iteration: centroids, how far they moved, pixels of each.
    counts
        Pixels of each; shape (k,).
    inertia
        Squared distances of all pixels to their centroid, summed.
    start
        Centroids before the first iteration; shape (k, channels).
    converged
        Whether the last iteration moved nothing that counts.
    method, seed
        What it was made with.
    display
        How its numbers become colours for the eye.
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

    def plot(self) -> Plot:
        """A matplotlib figure: the picture in its colours, and the palette with shares.

        Pixels that take no part are chequered. Of 16 bits, numbers between the darkest and the brightest half percent
        are shown from black to white.
        """
        from icepipe.picture.drawing.notebook import displayed_palette, draw

        return draw(self.labels, displayed_palette(self.centroids, self.counts, self.display), self._told)

    @property
    def _told(self) -> str:
        done = "settled" if self.converged else "not settled"
        return f"{len(self.counts)} colours, {len(self.history)} iterations of {self.method}, {done}"

    def _repr_html_(self) -> str:
        from icepipe.picture.drawing.notebook import displayed_palette, palette_html

        return palette_html(displayed_palette(self.centroids, self.counts, self.display), [self._told])


def cluster(counted: Counted, k: int, method: Method, seed: int, iterations: int | None) -> Clusters:
    """Clusters of the colours of a picture, dark to bright; fewer than k where it has fewer colours.

    The article's algorithm keeps k, as it does not look at the picture for its starts.
    """
    possible = k if method == "article" else min(k, counted.colours.count)
    return dark_to_bright(METHODS[method](counted.colours, possible, seed, iterations or ITERATIONS[method]))


def check_options(dtype: np.dtype[Any], k: int, method: str) -> None:
    """Stop at what cannot be done.

    Raises
    ------
    ConfigError
        If k or the method is unknown, or the method does not fit the picture's numbers.
    """
    if not 1 <= k <= MAX_K:
        raise ConfigError(f"k is {k}", f"choose 1 to {MAX_K} colours")
    if method not in METHODS:
        raise ConfigError(f"there is no method {method!r}", f"choose one of {', '.join(METHODS)}")
    if method == "article" and dtype.name not in ARTICLE_TYPES:
        raise ConfigError(
            f"the article's method starts from colours of 0 to 255, and the picture's numbers are {dtype.name}",
            "choose lloyd, or scale the picture to 8 bits first",
        )


def _pixels(array: NDArray[np.unsignedinteger[Any]]) -> NDArray[np.unsignedinteger[Any]]:
    pixels = array[..., None] if array.ndim == 2 else array
    if pixels.ndim != 3 or pixels.shape[2] not in {1, 3} or array.dtype.name not in {"uint8", "uint16"}:
        raise ConfigError(
            f"an array of {array.dtype} with shape {array.shape} is no picture",
            "give uint8 or uint16 of shape (rows, columns) or (rows, columns, 3)",
        )
    return pixels


def label_image(counted: Counted, clusters: Clusters, valid: Bool) -> UInt8:
    """Number of the cluster of every pixel, 255 where it takes no part; shape (rows, columns)."""
    labels = np.full(valid.shape, HIDDEN, dtype=np.uint8)
    labels[valid] = clusters.member[counted.number]
    return labels


def segment_pixels(
    counted: Counted, clusters: Clusters, valid: Bool, display: ByteScaling, method: Method, seed: int
) -> Segmented:
    """Clusters of colours as labels of pixels."""
    return Segmented(
        labels=label_image(counted, clusters, valid),
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


def segment_image(
    array: NDArray[np.unsignedinteger[Any]],
    k: int = DEFAULT_K,
    *,
    method: Method = "lloyd",
    seed: int = 0,
    iterations: int | None = None,
    valid: Bool | None = None,
) -> Segmented:
    """Group the pixels of a picture into k colours.

    Parameters
    ----------
    array
        uint8 or uint16, shape (rows, columns) or (rows, columns, 3).
    k
        Colours, 1 to 64; fewer where the picture has fewer.
    method
        ``lloyd`` (full iterations on all pixels from the best of ten starts), ``minibatch``, or ``article`` (random
        start in 0..255, means rounded to whole numbers).
    seed
        Start of the random numbers.
    iterations
        At most so many; 300, 100 mini-batches, or 10 where none are given.
    valid
        True where a pixel takes part; shape (rows, columns). All do where it is not given.

    Raises
    ------
    ConfigError
        If the array is no picture, no pixel takes part, or k or the method cannot be.
    """
    pixels = _pixels(array)
    check_options(pixels.dtype, k, method)
    if iterations is not None and iterations < 1:
        raise ConfigError(f"iterations is {iterations}", "choose at least 1")
    part = np.ones(pixels.shape[:2], dtype=bool) if valid is None else valid
    if part.shape != pixels.shape[:2] or not part.any():
        raise ConfigError("no pixel of the picture takes part", "give a mask of its shape that is True somewhere")
    counted = count_colours(pixels, part)
    found = cluster(counted, k, method, seed, iterations)
    return segment_pixels(counted, found, part, ByteScaling.of(pixels, part), method, seed)
