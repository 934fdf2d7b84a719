"""A segmented picture as a notebook shows it: drawn in its colours, and its palette as a table."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from icepipe.arrays import Float64, Int64, UInt8
from icepipe.picture.clustering.palette import Palette, palette_hexes, percentages
from icepipe.picture.drawing.figures import PicturePanel, draw_coloured, on_chequers
from icepipe.picture.image import ByteScaling

if TYPE_CHECKING:
    from icepipe.publish.images.figure import Plot


def displayed_palette(centroids: Float64, counts: Int64, display: ByteScaling) -> Palette:
    """Colours and shares of clusters, as they are shown.

    Parameters
    ----------
    centroids
        In the picture's own numbers; shape (k, channels).
    counts
        Pixels of each; shape (k,).
    display
        How numbers become bytes.
    """
    hexes = palette_hexes(display.bytes_of(centroids))
    return Palette(np.rint(centroids).astype(np.uint16), hexes, percentages(counts), counts)


def draw(labels: UInt8, palette: Palette, said: str) -> Plot:
    """The picture in its colours, chequers where a pixel takes no part, and the palette under it.

    Parameters
    ----------
    labels
        Cluster of every pixel, beyond the palette where it takes no part; shape (rows, columns).
    palette
        The colours.
    said
        Stands above it.
    """
    frame = PicturePanel.of(labels.shape)
    small = frame.small(labels)
    colours = np.zeros((256, 3), dtype=np.uint8)
    colours[: len(palette.hexes)] = [list(bytes.fromhex(colour[1:])) for colour in palette.hexes]
    drawn = on_chequers(colours[small], small < len(palette.hexes))
    return draw_coloured(drawn, palette, frame.aspect, said)


def palette_html(palette: Palette, said: Sequence[str]) -> str:
    """The palette as a table, counted from 0 as labels are, and sentences under it."""
    lines = []
    shares = zip(palette.hexes, palette.percent.tolist(), palette.pixels.tolist(), strict=True)
    for label, (colour, percent, pixels) in enumerate(shares):
        swatch = f'<span style="display: inline-block; width: 3em; background: {colour}">&nbsp;</span>'
        cells = (str(label), swatch, colour, f"{percent:.2f}%", f"{pixels:,}")
        lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    head = "".join(f"<th>{name}</th>" for name in ("label", "", "colour", "share", "pixels"))
    told = "".join(f"<li>{escape(sentence)}</li>" for sentence in said)
    return f"<div><table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table><ul>{told}</ul></div>"
