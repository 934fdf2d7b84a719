"""What is drawn and written of one picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from icepipe.arrays import UInt8
from icepipe.picture.cluster_mask import ClusterMask, write_outline
from icepipe.picture.clustering.colours import Counted, count_colours
from icepipe.picture.clustering.palette import Palette
from icepipe.picture.drawing import figures as sheets
from icepipe.picture.drawing.colour_space import drawn_pixels, write_space
from icepipe.picture.drawing.write import write_mask, write_recoloured
from icepipe.picture.image import ByteScaling, Picture
from icepipe.picture.segment_image import Segmented


@dataclass(frozen=True)
class PicturePlotData:
    """A picture with what every drawing of it needs.

    Attributes
    ----------
    picture, counted
        Its pixels and its distinct colours.
    display, frame
        How its numbers become bytes, and which of its pixels are drawn.
    original
        What a sheet shows of it; shape (rows, columns, 3).
    """

    picture: Picture
    counted: Counted
    display: ByteScaling
    frame: sheets.PicturePanel
    original: UInt8

    @classmethod
    def of(cls, picture: Picture) -> PicturePlotData:
        """Count the colours of a picture, and make it small enough to draw."""
        display = ByteScaling.of(picture.values, picture.valid)
        frame = sheets.PicturePanel.of((picture.valid.shape[0], picture.valid.shape[1]))
        valid = frame.small(picture.valid)
        original = sheets.on_chequers(display.bytes_of(frame.small(picture.values)), valid)
        return cls(picture, count_colours(picture.values, picture.valid), display, frame, original)

    def coloured(self, palette: Palette, labels: UInt8) -> UInt8:
        """What a sheet shows of the picture in the colours of a palette."""
        small, valid = self.frame.small(labels), self.frame.small(self.picture.valid)
        table = np.zeros((256, palette.colours.shape[1]), dtype=palette.colours.dtype)
        table[: len(palette.colours)] = palette.colours
        return sheets.on_chequers(self.display.bytes_of(table[small]), valid)


def colour_caption(count: int) -> str:
    """How many colours, for people."""
    return "1 colour" if count == 1 else f"{count} colours"


def write_copy(
    folder: Path, stem: str, work: PicturePlotData, found: Segmented, palette: Palette, error: float
) -> list[str]:
    """Write the picture in its colours, and both side by side; give the files' names."""
    names = [f"{stem}_colours{'.tif' if work.picture.is_tiff else '.png'}", f"{stem}_sheet.png"]
    write_recoloured(folder / names[0], work.picture, palette, found.labels)
    said = f"{colour_caption(len(palette.hexes))}, mean error {error:.2f}"
    coloured = work.coloured(palette, found.labels)
    sheets.write_comparison(folder / names[1], work.original, coloured, palette, work.frame, said)
    return names


def write_pick(folder: Path, stem: str, work: PicturePlotData, picked: ClusterMask, title: str) -> list[str]:
    """Write a cluster's mask, its outline where the picture has a place, and a drawing; give the files' names."""
    picture, names = work.picture, [f"{stem}_pick{'.tif' if work.picture.is_tiff else '.png'}"]
    write_mask(folder / names[0], picture, picked.inside)
    if picked.layer is not None:
        names.append(f"{stem}_pick.gpkg")
        write_outline(folder / names[1], picked.layer)
    names.append(f"{stem}_pick_outline.png")
    sheets.write_picked(folder / names[-1], work.original, work.frame.small(picked.inside), work.frame, title)
    return names


def draw_space(path: Path, work: PicturePlotData, found: Segmented, palette: Palette, seed: int) -> None:
    """Draw colour space before and after."""
    valid = work.picture.valid
    drawn = drawn_pixels(int(valid.sum()), seed)
    places = np.flatnonzero(valid)[drawn]
    pixels = work.picture.values.reshape(-1, work.picture.values.shape[2])[places]
    colours = work.display.bytes_of(palette.colours)
    write_space(path, work.display.bytes_of(pixels), found.labels.ravel()[places], colours)
