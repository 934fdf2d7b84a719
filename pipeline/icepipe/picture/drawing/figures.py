"""Draw a segmented picture: next to the original, on a contact sheet, with a highlighted cluster; and the elbow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from icepipe.arrays import Bool, Float64, Int64, UInt8
from icepipe.picture.clustering.palette import Palette
from icepipe.storage.atomic import replace_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from icepipe.publish.images.figure import Plot


Scalar = TypeVar("Scalar", bound=np.generic)

PANEL_PX = 620
"""Longest side of a decimated picture."""

MAX_ASPECT = 4.0
"""Pictures that are more elongated than this are drawn with distorted proportions."""

SQUARE_PX = 8
CHECKERBOARD = np.array([[204, 236], [236, 204]], dtype=np.uint8)

SWATCHES_PER_ROW = 8
SWATCH_ROW_IN = 1.0

DARK_LUMA = 110
"""Colours of a higher luma, 0..255, carry black text, darker ones white text."""


@dataclass(frozen=True)
class PicturePanel:
    """Decimation and proportions of a picture on a panel.

    Attributes
    ----------
    rows, cols
        Rows and columns of the picture that are drawn.
    aspect
        Width of a panel divided by its height.
    """

    rows: Int64
    cols: Int64
    aspect: float

    @classmethod
    def of(cls, shape: tuple[int, int]) -> PicturePanel:
        """Choose evenly spaced rows and columns of a picture, at most as many as fit on a panel."""
        height, width = shape
        step = max(1.0, max(height, width) / PANEL_PX)
        # i * side // count spreads the rows over the whole side in integers, without an accumulated rounding error.
        rows, cols = (np.arange(max(1, round(side / step))) * side for side in (height, width))
        rows, cols = rows // max(1, round(height / step)), cols // max(1, round(width / step))
        return cls(rows, cols, float(np.clip(width / height, 1 / MAX_ASPECT, MAX_ASPECT)))

    def decimate(self, pixels: NDArray[Scalar]) -> NDArray[Scalar]:
        """Return the drawn pixels of an array of shape (rows, columns, ...)."""
        return np.asarray(pixels[self.rows[:, None], self.cols[None, :]])

    def fit(self, width_in: float, height_in: float) -> tuple[float, float]:
        """Return width and height, in inches, of the largest panel that fits into a space."""
        if width_in / self.aspect <= height_in:
            return width_in, width_in / self.aspect
        return height_in * self.aspect, height_in


def over_checkerboard(colours: UInt8, valid: Bool) -> UInt8:
    """Return colours, with a checkerboard where pixels are not valid."""
    row, col = np.indices(valid.shape) // SQUARE_PX % 2
    return np.where(valid[..., None], colours, CHECKERBOARD[row, col][..., None])


def _new_figure(width_in: float, height_in: float) -> Plot:
    # Imported when the first figure is drawn: Matplotlib takes long to load.
    from icepipe.publish.images.figure import Plot

    return Plot(width_in, height_in)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG, byte-identical for the same figure.

    Raises
    ------
    IntegrityError
        If the file cannot be written.
    """
    with replace_file(path) as part:
        # Matplotlib writes its version into the field Software.
        figure.savefig(part, format="png", metadata={"Software": None})


def add_image(figure: Figure, box: Sequence[float], image: UInt8, title: str) -> None:
    """Draw an image with a title in a box of left, top, width and height, in inches from the top left."""
    width, height = figure.get_size_inches()
    left, top, box_width, box_height = box
    # Matplotlib's axes are fractions of the figure from the bottom left.
    axes = figure.add_axes((left / width, 1 - (top + box_height) / height, box_width / width, box_height / height))
    axes.imshow(image, interpolation="nearest", aspect="auto")
    axes.set_title(title, fontsize=11, loc="left")
    axes.set_xticks([])
    axes.set_yticks([])


def palette_height(palette: Palette) -> float:
    """Return the height of a drawn palette, in inches."""
    return SWATCH_ROW_IN * -(-len(palette.hexes) // SWATCHES_PER_ROW)


def add_palette(figure: Figure, palette: Palette, top_in: float, first: int = 1) -> None:
    """Draw a palette with its shares, below the images; its colours are numbered from ``first``."""
    width, height = figure.get_size_inches()
    count, rows_in = len(palette.hexes), palette_height(palette)
    axes = figure.add_axes((0.25 / width, 1 - (top_in + rows_in) / height, 1 - 0.5 / width, rows_in / height))
    for index, (colour, percent) in enumerate(zip(palette.hexes, palette.percent, strict=True)):
        row, column = divmod(index, SWATCHES_PER_ROW)
        red, green, blue = bytes.fromhex(colour[1:])
        ink = "black" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > DARK_LUMA else "white"
        axes.bar(column, 0.6, width=0.96, bottom=-row, color=colour, edgecolor="#555555", linewidth=0.8)
        number = str(index + first)
        axes.text(column, 0.3 - row, number, color=ink, ha="center", va="center", fontsize=12, weight="bold")
        label = f"{colour}\n{percent:.2f}%"
        axes.text(column, -0.05 - row, label, ha="center", va="top", fontsize=9, linespacing=1.3)
    # Swatches of short palettes do not stretch to the whole width.
    axes.set_xlim(-0.5, max(min(count, SWATCHES_PER_ROW), 4) - 0.5)
    axes.set_ylim(-rows_in + 0.55, 0.65)
    axes.axis("off")


def write_comparison(
    path: Path, original: UInt8, recoloured: UInt8, palette: Palette, panel: PicturePanel, title: str
) -> None:
    """Write the picture and its copy side by side, with the palette below.

    Parameters
    ----------
    path
        PNG to write.
    original, recoloured
        Drawn pixels of each; shape (rows, columns, 3).
    palette
        The colours.
    panel
        Proportions of both.
    title
        Title of the copy.
    """
    panel_width, panel_height = panel.fit(6.2, 6.2)
    width = max(2 * panel_width + 0.75, 8.6)
    figure = _new_figure(width, panel_height + 0.7 + palette_height(palette) + 0.2)
    left = (width - 2 * panel_width - 0.25) / 2
    add_image(figure, (left, 0.4, panel_width, panel_height), original, "the picture")
    add_image(figure, (left + panel_width + 0.25, 0.4, panel_width, panel_height), recoloured, title)
    add_palette(figure, palette, panel_height + 0.6)
    save(figure, path)


def draw_with_palette(recoloured: UInt8, palette: Palette, panel: PicturePanel, title: str) -> Plot:
    """Draw a picture in its colours, with the palette below, numbered from 0 as labels are.

    Parameters
    ----------
    recoloured
        Drawn pixels; shape (rows, columns, 3).
    palette
        The colours.
    panel
        Proportions of the picture.
    title
        Title of the picture.
    """
    panel_width, panel_height = panel.fit(8.0, 6.2)
    figure = _new_figure(8.6, panel_height + 0.7 + palette_height(palette) + 0.2)
    add_image(figure, ((8.6 - panel_width) / 2, 0.4, panel_width, panel_height), recoloured, title)
    add_palette(figure, palette, panel_height + 0.6, first=0)
    return figure


def write_contact_sheet(path: Path, images: Sequence[tuple[str, UInt8]], panel: PicturePanel) -> None:
    """Write titled copies of a picture on one sheet, three in a row."""
    columns = min(len(images), 3)
    rows = -(-len(images) // columns)
    panel_width, panel_height = panel.fit(4.2, 4.2)
    # Titles need some width, even above a narrow picture.
    cell = max(panel_width, 3.0)
    figure = _new_figure(columns * (cell + 0.25) + 0.25, rows * (panel_height + 0.55) + 0.2)
    for index, (title, image) in enumerate(images):
        row, column = divmod(index, columns)
        left = 0.25 + column * (cell + 0.25) + (cell - panel_width) / 2
        add_image(figure, (left, 0.4 + row * (panel_height + 0.55), panel_width, panel_height), image, title)
    save(figure, path)


def write_highlighted(path: Path, original: UInt8, inside: Bool, panel: PicturePanel, title: str) -> None:
    """Write the picture with one cluster in full colour and outlined, and the other pixels pale."""
    # Blend 40 % of the colour with 60 % of a light grey.
    pale = (original.astype(np.uint16) * 2 + 3 * 235) // 5
    image = np.where(inside[..., None], original, pale.astype(np.uint8))
    panel_width, panel_height = panel.fit(8.0, 8.0)
    figure = _new_figure(max(panel_width, 6.0) + 0.5, panel_height + 0.65)
    left = (figure.get_size_inches()[0] - panel_width) / 2
    add_image(figure, (left, 0.4, panel_width, panel_height), image, title)
    # Matplotlib warns of a contour that does not exist, and needs at least 2 x 2 pixels.
    if min(inside.shape) > 1 and inside.any() and not inside.all():
        figure.axes[0].contour(inside, levels=[0.5], colors="#d62728", linewidths=0.6)
    save(figure, path)


def write_elbow(path: Path, mean_squared: Sequence[float], elbow: int, used: int) -> None:
    """Write the curve of the squared error over the number of colours, with the elbow and the number that is used."""
    figure = _new_figure(7.5, 4.6)
    axes = figure.add_axes((0.12, 0.13, 0.84, 0.76))
    ks: Float64 = np.arange(1.0, len(mean_squared) + 1)
    axes.plot(ks, mean_squared, marker="o", color="#004488")
    axes.axvline(elbow, color="#bb5566", linestyle="--", label=f"elbow: {elbow}")
    if used not in {elbow, 0} and used <= len(mean_squared):
        axes.axvline(used, color="#555555", linestyle=":", label=f"used: {used}")
    # The error is 0 with as many colours as the picture has, and a logarithmic axis cannot show that.
    if min(mean_squared) > 0:
        axes.set_yscale("log")
    axes.set_xticks(ks)
    axes.set_xlabel("colours")
    axes.set_ylabel("mean squared error")
    axes.set_title("What each further colour gains", fontsize=11, loc="left")
    axes.grid(visible=True, which="both", color="#dddddd", linewidth=0.6)
    axes.legend()
    save(figure, path)
