"""Pictures for people: side by side, several k on one sheet, one cluster picked out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from icepipe.arrays import Bool, Float64, UInt8
from icepipe.picture.clustering.palette import Palette
from icepipe.storage.atomic import replace_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from icepipe.publish.images.figure import Plot


Kind = TypeVar("Kind", bound=np.generic)

PANEL_PX = 620
LONGEST = 4.0
"""A picture that is more times as long as wide is drawn with other proportions."""

SQUARE_PX = 8
CHEQUERS = np.array([[204, 236], [236, 204]], dtype=np.uint8)

PER_ROW = 8


@dataclass(frozen=True)
class PicturePanel:
    """How a picture is drawn on a panel.

    Attributes
    ----------
    rows, cols
        Rows and columns of the picture that are drawn.
    aspect
        Width of a panel by its height.
    """

    rows: np.ndarray[tuple[int], np.dtype[np.int64]]
    cols: np.ndarray[tuple[int], np.dtype[np.int64]]
    aspect: float

    @classmethod
    def of(cls, shape: tuple[int, int]) -> PicturePanel:
        """Every n-th pixel of a picture, so that it fills a panel."""
        height, width = shape
        step = max(1.0, max(height, width) / PANEL_PX)
        rows, cols = (np.arange(max(1, round(side / step))) * side for side in (height, width))
        rows, cols = rows // max(1, round(height / step)), cols // max(1, round(width / step))
        return cls(rows, cols, float(np.clip(width / height, 1 / LONGEST, LONGEST)))

    def small(self, pixels: NDArray[Kind]) -> NDArray[Kind]:
        """The pixels that are drawn, of an array of shape (rows, columns, ...)."""
        return np.asarray(pixels[self.rows[:, None], self.cols[None, :]])


def on_chequers(colours: UInt8, valid: Bool) -> UInt8:
    """Colours, with chequers where nothing is seen."""
    row, col = np.indices(valid.shape) // SQUARE_PX % 2
    return np.where(valid[..., None], colours, CHEQUERS[row, col][..., None])


def _sheet(width_in: float, height_in: float) -> Plot:
    from icepipe.publish.images.figure import Plot

    return Plot(width_in, height_in)


def save(figure: Figure, path: Path) -> None:
    """Write a drawing, the same bytes every time.

    Raises
    ------
    IntegrityError
        If it cannot be written.
    """
    with replace_file(path) as part:
        figure.savefig(part, format="png", metadata={"Software": None})


def _panel(figure: Figure, place: Sequence[float], image: UInt8, title: str) -> None:
    """A picture at a place, in inches from the top left: left, top, width, height."""
    width, height = figure.get_size_inches()
    left, top, wide, high = place
    axes = figure.add_axes((left / width, 1 - (top + high) / height, wide / width, high / height))
    axes.imshow(image, interpolation="nearest", aspect="auto")
    axes.set_title(title, fontsize=11, loc="left")
    axes.set_xticks([])
    axes.set_yticks([])


def _swatch(axes: Axes, number: int, palette: Palette, first: int) -> None:
    colour, column, row = palette.hexes[number - 1], (number - 1) % PER_ROW, (number - 1) // PER_ROW
    red, green, blue = bytes.fromhex(colour[1:])
    ink = "black" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 110 else "white"
    axes.bar(column, 0.6, width=0.96, bottom=-row, color=colour, edgecolor="#555555", linewidth=0.8)
    axes.text(
        column, 0.3 - row, str(number - 1 + first), color=ink, ha="center", va="center", fontsize=12, weight="bold"
    )
    label = f"{colour}\n{palette.percent[number - 1]:.2f}%"
    axes.text(column, -0.05 - row, label, ha="center", va="top", fontsize=9, linespacing=1.3)


def _swatches(figure: Figure, palette: Palette, top_in: float, first: int = 1) -> None:
    """The palette under what is drawn, its colours counted from ``first``."""
    width, height = figure.get_size_inches()
    count = len(palette.hexes)
    across, down = min(count, PER_ROW), -(-count // PER_ROW)
    high = 1.0 * down
    axes = figure.add_axes((0.25 / width, 1 - (top_in + high) / height, 1 - 0.5 / width, high / height))
    for number in range(1, count + 1):
        _swatch(axes, number, palette, first)
    axes.set_xlim(-0.5, max(across, 4) - 0.5)
    axes.set_ylim(-down + 0.55, 0.65)
    axes.axis("off")


def _panel_size(aspect: float, wide: float, high: float) -> tuple[float, float]:
    """Inches of a panel of this aspect that fits a space."""
    return (wide, wide / aspect) if wide / aspect <= high else (high * aspect, high)


def write_comparison(
    path: Path, original: UInt8, coloured: UInt8, palette: Palette, frame: PicturePanel, said: str
) -> None:
    """Write the picture and its copy side by side, and the palette under them.

    Parameters
    ----------
    path
        PNG to write.
    original, coloured
        What is drawn of each; shape (rows, columns, 3).
    palette
        The colours.
    frame
        How they are drawn.
    said
        Stands above the copy.
    """
    wide, high = _panel_size(frame.aspect, 6.2, 6.2)
    width = max(2 * wide + 0.75, 8.6)
    down = -(-len(palette.hexes) // PER_ROW)
    figure = _sheet(width, high + 0.7 + 1.0 * down + 0.2)
    left = (width - 2 * wide - 0.25) / 2
    _panel(figure, (left, 0.4, wide, high), original, "the picture")
    _panel(figure, (left + wide + 0.25, 0.4, wide, high), coloured, said)
    _swatches(figure, palette, high + 0.6)
    save(figure, path)


def draw_coloured(coloured: UInt8, palette: Palette, aspect: float, said: str) -> Plot:
    """Draw a picture in its colours, and the palette under it, counted from 0 as labels are.

    Parameters
    ----------
    coloured
        What is drawn; shape (rows, columns, 3).
    palette
        The colours.
    aspect
        Width of the panel by its height.
    said
        Stands above it.
    """
    wide, high = _panel_size(aspect, 8.0, 6.2)
    figure = _sheet(8.6, high + 0.7 + 1.0 * -(-len(palette.hexes) // PER_ROW) + 0.2)
    _panel(figure, ((8.6 - wide) / 2, 0.4, wide, high), coloured, said)
    _swatches(figure, palette, high + 0.6, first=0)
    return figure


def write_contact_sheet(path: Path, panels: Sequence[tuple[str, UInt8]], frame: PicturePanel) -> None:
    """Write several copies of a picture on one sheet, with a title each."""
    across = min(len(panels), 3)
    down = -(-len(panels) // across)
    wide, high = _panel_size(frame.aspect, 4.2, 4.2)
    cell = max(wide, 3.0)
    figure = _sheet(across * (cell + 0.25) + 0.25, down * (high + 0.55) + 0.2)
    for number, (title, image) in enumerate(panels):
        left = 0.25 + (number % across) * (cell + 0.25) + (cell - wide) / 2
        _panel(figure, (left, 0.4 + (number // across) * (high + 0.55), wide, high), image, title)
    save(figure, path)


def write_picked(path: Path, original: UInt8, inside: Bool, frame: PicturePanel, title: str) -> None:
    """Write the picture with one cluster in full colour and outlined, and the rest pale."""
    pale = (original.astype(np.uint16) * 2 + 3 * 235) // 5
    image = np.where(inside[..., None], original, pale.astype(np.uint8))
    wide, high = _panel_size(frame.aspect, 8.0, 8.0)
    figure = _sheet(max(wide, 6.0) + 0.5, high + 0.65)
    left = (figure.get_size_inches()[0] - wide) / 2
    _panel(figure, (left, 0.4, wide, high), image, title)
    if min(inside.shape) > 1 and inside.any() and not inside.all():
        figure.axes[0].contour(inside, levels=[0.5], colors="#d62728", linewidths=0.6)
    save(figure, path)


def write_elbow(path: Path, mean_squared: Sequence[float], chosen: int, used: int) -> None:
    """Write the curve of the squared error, with the elbow and the number that was used."""
    figure = _sheet(7.5, 4.6)
    axes = figure.add_axes((0.12, 0.13, 0.84, 0.76))
    ks: Float64 = np.arange(1.0, len(mean_squared) + 1)
    axes.plot(ks, mean_squared, marker="o", color="#004488")
    axes.axvline(chosen, color="#bb5566", linestyle="--", label=f"elbow: {chosen}")
    if used not in {chosen, 0} and used <= len(mean_squared):
        axes.axvline(used, color="#555555", linestyle=":", label=f"used: {used}")
    if min(mean_squared) > 0:
        axes.set_yscale("log")
    axes.set_xticks(ks)
    axes.set_xlabel("colours")
    axes.set_ylabel("mean squared error")
    axes.set_title("What each further colour gains", fontsize=11, loc="left")
    axes.grid(visible=True, which="both", color="#dddddd", linewidth=0.6)
    axes.legend()
    save(figure, path)
