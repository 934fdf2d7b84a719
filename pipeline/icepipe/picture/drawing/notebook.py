"""Show a segmented picture in a notebook: the drawn picture, and its palette as a table."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from icepipe.arrays import Float64, Int64, UInt8
from icepipe.picture.clustering.palette import Palette, palette_hexes, percentages
from icepipe.picture.drawing.figures import PicturePanel, draw_with_palette, over_checkerboard
from icepipe.picture.image import ByteScaling

if TYPE_CHECKING:
    from icepipe.publish.images.figure import Plot


def displayed_palette(centroids: Float64, counts: Int64, display: ByteScaling) -> Palette:
    """Return the displayed colours and the shares of clusters.

    Parameters
    ----------
    centroids
        Pixel values; shape (k, channels).
    counts
        Number of pixels of each cluster; shape (k,).
    display
        Scaling of pixel values to bytes.
    """
    hexes = palette_hexes(display.to_rgb(centroids))
    return Palette(np.rint(centroids).astype(np.uint16), hexes, percentages(counts), counts)


def draw_segmented(labels: UInt8, palette: Palette, title: str) -> Plot:
    """Draw a segmented picture, with a checkerboard for pixels that are not valid, and its palette.

    Parameters
    ----------
    labels
        Cluster of every pixel, at least k where it is not valid; shape (rows, columns).
    palette
        The colours.
    title
        Title of the picture.
    """
    panel = PicturePanel.of(labels.shape)
    drawn = panel.decimate(labels)
    # 256 rows, so that every byte is an index; rows beyond the palette are hidden by the checkerboard.
    colours = np.zeros((256, 3), dtype=np.uint8)
    colours[: len(palette.hexes)] = [list(bytes.fromhex(colour[1:])) for colour in palette.hexes]
    return draw_with_palette(over_checkerboard(colours[drawn], drawn < len(palette.hexes)), palette, panel, title)


def palette_html(palette: Palette, summary: str) -> str:
    """Return a palette as an HTML table, numbered from 0 as labels are, with a sentence below."""
    lines = []
    shares = zip(palette.hexes, palette.percent.tolist(), palette.pixels.tolist(), strict=True)
    for label, (colour, percent, pixels) in enumerate(shares):
        swatch = f'<span style="display: inline-block; width: 3em; background: {colour}">&nbsp;</span>'
        cells = (str(label), swatch, colour, f"{percent:.2f}%", f"{pixels:,}")
        lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    head = "".join(f"<th>{name}</th>" for name in ("label", "", "colour", "share", "pixels"))
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    return f"<div>{table}<ul><li>{escape(summary)}</li></ul></div>"
