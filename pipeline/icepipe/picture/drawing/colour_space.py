"""Pixels and centroids in colour space, before and after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from icepipe.arrays import UInt8
from icepipe.picture.drawing.figures import save

Axes3D = Any
"""Axes of matplotlib's third dimension, which is untyped."""

DRAWN = 4_000
"""Pixels that are drawn; more hide each other."""


def drawn_pixels(count: int, seed: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Positions of the pixels that are drawn, of all that take part."""
    if count <= DRAWN:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, DRAWN, replace=False, shuffle=False))


def _axes(axes: Axes3D, title: str) -> None:
    axes.set_title(title, fontsize=12)
    for name, set_label, set_limits, set_ticks in (
        ("red", axes.set_xlabel, axes.set_xlim, axes.set_xticks),
        ("green", axes.set_ylabel, axes.set_ylim, axes.set_yticks),
        ("blue", axes.set_zlabel, axes.set_zlim, axes.set_zticks),
    ):
        set_label(name)
        set_limits(0, 255)
        set_ticks([0, 64, 128, 192, 255])
    axes.view_init(elev=22, azim=-60)


def _centroids(axes: Axes3D, colours: UInt8) -> None:
    """Centroids as large points with their numbers, in front of the pixels."""
    from matplotlib.patheffects import withStroke

    halo = [withStroke(linewidth=3, foreground="white")]
    axes.scatter(*colours.T, c=colours / 255, s=160, edgecolors="black", linewidths=1.2, depthshade=False, zorder=10)
    for number, colour in enumerate(colours, start=1):
        axes.text(*(colour + 12.0), str(number), fontsize=11, weight="bold", zorder=11, path_effects=halo)


def write_space(path: Path, pixels: UInt8, label: UInt8, colours: UInt8) -> None:
    """Write two scatters: pixels in their own colours, and in those of their clusters.

    Parameters
    ----------
    path
        PNG to write.
    pixels
        Red, green and blue bytes of the pixels that are drawn; shape (n, 3).
    label
        Cluster of each; shape (n,).
    colours
        Red, green and blue bytes of the clusters; shape (k, 3).
    """
    import mpl_toolkits.mplot3d  # noqa: F401

    from icepipe.publish.images.figure import Plot

    figure = Plot(13, 6.4)
    titles = f"{len(pixels):,} pixels in their own colours", f"the same in {len(colours)} colours"
    for place, title, shown in zip((0, 1), titles, (pixels, colours[label]), strict=True):
        axes: Axes3D = figure.add_axes((0.01 + 0.49 * place, 0.03, 0.47, 0.9), projection="3d")
        axes.computed_zorder = False
        axes.scatter(*pixels.T, c=shown / 255, s=5, linewidths=0, depthshade=False)
        _centroids(axes, colours)
        _axes(axes, title)
    save(figure, path)
