"""Write the output files of a picture: its copy, sheets, and the isolated cluster."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from icepipe.arrays import UInt8
from icepipe.picture.cluster_mask import ClusterMask, write_outline
from icepipe.picture.clustering.colours import ColourCounts, count_colours
from icepipe.picture.clustering.palette import Palette
from icepipe.picture.drawing import figures
from icepipe.picture.drawing.colour_space import choose_points, write_colour_space
from icepipe.picture.drawing.write import colour_table, write_mask, write_recoloured
from icepipe.picture.image import ByteScaling, Picture
from icepipe.picture.segment_image import Segmented


@dataclass(frozen=True)
class PicturePlotData:
    """A picture with the data that all of its drawings share.

    Attributes
    ----------
    picture, counted
        Its pixels and its distinct colours.
    display
        Scaling of its pixel values to bytes.
    panel
        Rows and columns that are drawn.
    original
        The drawn pixels as bytes; shape (rows, columns, 3).
    """

    picture: Picture
    counted: ColourCounts
    display: ByteScaling
    panel: figures.PicturePanel
    original: UInt8

    @classmethod
    def of(cls, picture: Picture) -> PicturePlotData:
        """Count the colours of a picture, and decimate it to the size of a panel."""
        display = ByteScaling.of(picture.values, picture.valid)
        panel = figures.PicturePanel.of((picture.valid.shape[0], picture.valid.shape[1]))
        # Drawings are decimated before they are coloured: a picture may have 100 million pixels, a panel has 620 x 620.
        original = figures.over_checkerboard(
            display.to_rgb(panel.decimate(picture.values)), panel.decimate(picture.valid)
        )
        return cls(picture, count_colours(picture.values, picture.valid), display, panel, original)

    def recolour(self, palette: Palette, labels: UInt8) -> UInt8:
        """Return the drawn pixels in the colours of a palette; shape (rows, columns, 3)."""
        colours = colour_table(palette)[self.panel.decimate(labels)]
        return figures.over_checkerboard(self.display.to_rgb(colours), self.panel.decimate(self.picture.valid))


def colour_caption(count: int, error: float | None = None) -> str:
    """Return a number of colours, with their mean error if given, as a caption."""
    colours = "1 colour" if count == 1 else f"{count} colours"
    return colours if error is None else f"{colours}, mean error {error:.2f}"


def write_copy(
    folder: Path, stem: str, plot_data: PicturePlotData, segmented: Segmented, palette: Palette, error: float
) -> list[str]:
    """Write the picture in the colours of its clusters, and both side by side; return the file names."""
    names = [f"{stem}_colours{'.tif' if plot_data.picture.is_tiff else '.png'}", f"{stem}_sheet.png"]
    write_recoloured(folder / names[0], plot_data.picture, palette, segmented.labels)
    recoloured = plot_data.recolour(palette, segmented.labels)
    title = colour_caption(len(palette.hexes), error)
    figures.write_comparison(folder / names[1], plot_data.original, recoloured, palette, plot_data.panel, title)
    return names


def write_cluster(folder: Path, stem: str, plot_data: PicturePlotData, cluster: ClusterMask, title: str) -> list[str]:
    """Write a cluster's mask, its polygons if it has any, and a drawing of them; return the file names."""
    picture, names = plot_data.picture, [f"{stem}_pick{'.tif' if plot_data.picture.is_tiff else '.png'}"]
    write_mask(folder / names[0], picture, cluster.inside)
    if cluster.layer is not None:
        names.append(f"{stem}_pick.gpkg")
        write_outline(folder / names[1], cluster.layer)
    names.append(f"{stem}_pick_outline.png")
    inside = plot_data.panel.decimate(cluster.inside)
    figures.write_highlighted(folder / names[-1], plot_data.original, inside, plot_data.panel, title)
    return names


def draw_colour_space(
    path: Path, plot_data: PicturePlotData, segmented: Segmented, palette: Palette, seed: int
) -> None:
    """Draw a sample of the pixels in colour space, in their own colours and in those of their clusters."""
    valid = plot_data.picture.valid
    # Flat indexes into the picture, of valid pixels only.
    indexes = np.flatnonzero(valid)[choose_points(int(valid.sum()), seed)]
    pixels = plot_data.picture.values.reshape(-1, plot_data.picture.values.shape[2])[indexes]
    colours = plot_data.display.to_rgb(palette.colours)
    write_colour_space(path, plot_data.display.to_rgb(pixels), segmented.labels.ravel()[indexes], colours)
