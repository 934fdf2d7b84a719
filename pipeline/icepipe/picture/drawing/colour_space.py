"""Draw pixels and centroids in colour space, before and after the segmentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from icepipe.arrays import Int64, UInt8
from icepipe.picture.drawing.figures import save

Axes3D = Any
"""Matplotlib's three-dimensional axes, which are untyped."""

MAX_POINTS = 4_000
"""Pixels that are drawn; more would hide each other."""


def choose_points(count: int, seed: int) -> Int64:
    """Return the sorted indexes of a random sample of the valid pixels; all of them if they are few."""
    if count <= MAX_POINTS:
        return np.arange(count)
    # Shuffling would be wasted time, as the indexes are sorted.
    return np.sort(np.random.default_rng(seed).choice(count, MAX_POINTS, replace=False, shuffle=False))


def draw_centroids(axes: Axes3D, colours: UInt8) -> None:
    """Draw centroids as large points with their numbers, in front of the pixels."""
    from matplotlib.patheffects import withStroke

    halo = [withStroke(linewidth=3, foreground="white")]
    axes.scatter(*colours.T, c=colours / 255, s=160, edgecolors="black", linewidths=1.2, depthshade=False, zorder=10)
    for number, colour in enumerate(colours, start=1):
        axes.text(*(colour + 12.0), str(number), fontsize=11, weight="bold", zorder=11, path_effects=halo)


def write_colour_space(path: Path, pixels: UInt8, labels: UInt8, colours: UInt8) -> None:
    """Write two scatter plots: pixels in their own colours, and in the colours of their clusters.

    Parameters
    ----------
    path
        PNG to write.
    pixels
        Red, green and blue bytes of the drawn pixels; shape (n, 3).
    labels
        Cluster of each; shape (n,).
    colours
        Red, green and blue bytes of the clusters; shape (k, 3).
    """
    import mpl_toolkits.mplot3d  # noqa: F401 (registers the projection "3d")

    from icepipe.publish.images.figure import Plot

    figure = Plot(13, 6.4)
    titles = f"{len(pixels):,} pixels in their own colours", f"the same in {len(colours)} colours"
    limits, ticks = (0, 255), [0, 64, 128, 192, 255]
    for column, title, point_colours in zip((0, 1), titles, (pixels, colours[labels]), strict=True):
        axes: Axes3D = figure.add_axes((0.01 + 0.49 * column, 0.03, 0.47, 0.9), projection="3d")
        # Matplotlib would order artists by their mean depth and put centroids behind pixels.
        axes.computed_zorder = False
        axes.scatter(*pixels.T, c=point_colours / 255, s=5, linewidths=0, depthshade=False)
        draw_centroids(axes, colours)
        axes.set_title(title, fontsize=12)
        axes.set(xlabel="red", xlim=limits, xticks=ticks, ylabel="green", ylim=limits, yticks=ticks)
        axes.set(zlabel="blue", zlim=limits, zticks=ticks)
        axes.view_init(elev=22, azim=-60)
    save(figure, path)
