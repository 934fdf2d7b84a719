"""One picture from file to files: the order of the steps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from icepipe.errors import ConfigError
from icepipe.picture import sheets
from icepipe.picture.colours import Counted, count_colours
from icepipe.picture.elbow import Elbow, find_elbow
from icepipe.picture.kmeans import METHODS, Clusters
from icepipe.picture.palette import Palette, mean_error, palette_of
from icepipe.picture.pick import Pick, check_pick, pick, picked_number, write_outline
from icepipe.picture.read import read_picture
from icepipe.picture.segmented import Segmented, check_asked, cluster, segmented
from icepipe.picture.source import Display, Picture
from icepipe.picture.space_plot import drawn_pixels, write_space
from icepipe.picture.write import write_mask, write_recoloured
from icepipe.publish.atomic import check_writable
from icepipe.records import UInt8

MAX_SWEEP = 11


@dataclass(frozen=True)
class Asked:
    """What is asked for.

    Attributes
    ----------
    k
        Colours; None to let the elbow choose.
    sweep
        Numbers of colours of the contact sheet; empty for none.
    elbow, space
        Whether to draw the curve, and colour space.
    pick
        Number or colour of the cluster to isolate; empty for none.
    method, seed, iterations
        As for :func:`icepipe.segment_image`.
    """

    k: int | None = 5
    sweep: tuple[int, ...] = ()
    elbow: bool = False
    space: bool = False
    pick: str = ""
    method: str = "lloyd"
    seed: int = 0
    iterations: int | None = None


@dataclass(frozen=True)
class Swept:
    """A number of colours of the contact sheet: how many there are, and what they cost."""

    k: int
    mean_colour_error: float
    inertia: float


@dataclass(frozen=True)
class Made:
    """What became of a picture.

    Attributes
    ----------
    asked
        What was asked for.
    picture
        What was read, with notes.
    found
        Its clusters and labels.
    palette
        Their colours and shares.
    mean_colour_error
        Mean distance of a pixel to its colour.
    max_iterations
        Iterations that the method might take.
    elbow
        The curve, where it was looked at.
    swept
        The contact sheet's numbers.
    pick
        The isolated cluster, where one was asked for.
    files
        Names of what was written, in order.
    """

    asked: Asked
    picture: Picture
    found: Segmented
    palette: Palette
    mean_colour_error: float
    max_iterations: int
    elbow: Elbow | None
    swept: tuple[Swept, ...]
    pick: Pick | None
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Work:
    """A picture with what every drawing of it needs."""

    picture: Picture
    counted: Counted
    display: Display
    frame: sheets.Frame
    original: UInt8

    @classmethod
    def of(cls, picture: Picture) -> _Work:
        display, frame = Display.of(picture), sheets.Frame.of((picture.valid.shape[0], picture.valid.shape[1]))
        valid = frame.small(picture.valid)
        original = sheets.on_chequers(display.bytes_of(frame.small(picture.values)), valid)
        return cls(picture, count_colours(picture.values, picture.valid), display, frame, original)

    def clusters(self, asked: Asked, k: int) -> Clusters:
        return cluster(self.counted, k, asked.method, asked.seed, asked.iterations)

    def coloured(self, palette: Palette, labels: UInt8) -> UInt8:
        """What a sheet shows of the picture in the colours of a palette."""
        small, valid = self.frame.small(labels), self.frame.small(self.picture.valid)
        table = np.zeros((256, palette.colours.shape[1]), dtype=palette.colours.dtype)
        table[: len(palette.colours)] = palette.colours
        return sheets.on_chequers(self.display.bytes_of(table[small]), valid)


def _check(asked: Asked, picture: Picture) -> None:
    for k in (*asked.sweep, 1 if asked.k is None else asked.k):
        check_asked(picture.values.dtype, k, asked.method)
    if len(asked.sweep) > MAX_SWEEP:
        raise ConfigError(f"--sweep names {len(asked.sweep)} numbers of colours", f"choose at most {MAX_SWEEP}")
    if asked.pick:
        check_pick(asked.pick)


def _chosen(work: _Work, asked: Asked) -> tuple[int, Elbow | None]:
    """Number of colours, and the curve where it was looked at."""
    if asked.k is not None and not asked.elbow:
        return asked.k, None
    elbow = find_elbow(work.counted.colours, asked.seed)
    return elbow.k if asked.k is None else asked.k, elbow


def _sweep(work: _Work, asked: Asked, path: Path) -> tuple[Swept, ...]:
    swept, panels = [], [("the picture", work.original)]
    for k in asked.sweep:
        clusters = work.clusters(asked, k)
        palette = palette_of(work.picture, clusters, work.display)
        labels = segmented(work.counted, clusters, work.picture.valid, asked.method, asked.seed).labels
        error = mean_error(work.counted.colours, clusters, palette)
        swept.append(Swept(len(clusters.counts), error, clusters.inertia))
        panels.append((f"{_colours(len(clusters.counts))}, mean error {error:.2f}", work.coloured(palette, labels)))
    sheets.write_contact_sheet(path, panels, work.frame)
    return tuple(swept)


def _colours(count: int) -> str:
    return "1 colour" if count == 1 else f"{count} colours"


def _notes(asked: Asked, k: int, work: _Work) -> list[str]:
    """What is other than asked for, and what numbers of 16 bits look like."""
    notes, distinct = [], work.counted.colours.count
    if asked.method != "article" and k > distinct:
        notes.append(f"it has {_colours(distinct)}, so k is {distinct} and not {k}")
    if work.picture.values.dtype != np.uint8:
        notes.append(f"numbers from {work.display.low:.0f} to {work.display.high:.0f} are shown from black to white")
    return notes


def _write_pick(folder: Path, stem: str, work: _Work, picked: Pick, title: str) -> list[str]:
    picture, names = work.picture, [f"{stem}_pick{'.tif' if work.picture.is_tiff else '.png'}"]
    write_mask(folder / names[0], picture, picked.inside)
    if picked.layer is not None:
        names.append(f"{stem}_pick.gpkg")
        write_outline(folder / names[1], picked.layer)
    names.append(f"{stem}_pick_outline.png")
    sheets.write_picked(folder / names[-1], work.original, work.frame.small(picked.inside), work.frame, title)
    return names


def _draw_space(path: Path, work: _Work, found: Segmented, palette: Palette, seed: int) -> None:
    valid = work.picture.valid
    drawn = drawn_pixels(int(valid.sum()), seed)
    places = np.flatnonzero(valid)[drawn]
    pixels = work.picture.values.reshape(-1, work.picture.values.shape[2])[places]
    colours = work.display.bytes_of(palette.colours)
    write_space(path, work.display.bytes_of(pixels), found.labels.ravel()[places], colours)


def make_picture(path: Path, folder: Path, asked: Asked) -> Made:
    """Read a picture, group its pixels, and write all that is asked for but the palette's document.

    Parameters
    ----------
    path
        GeoTIFF, PNG or JPEG.
    folder
        Where files go.
    asked
        What to make.

    Raises
    ------
    ConfigError
        If something cannot be as asked for.
    InputError
        If the picture cannot be used.
    IntegrityError
        If a file cannot be written.
    """
    check_writable(folder, "--out")
    picture = read_picture(path)
    _check(asked, picture)
    work, stem = _Work.of(picture), path.stem
    k, elbow = _chosen(work, asked)
    clusters = work.clusters(asked, k)
    found = segmented(work.counted, clusters, picture.valid, asked.method, asked.seed)
    palette = palette_of(picture, clusters, work.display)
    error = mean_error(work.counted.colours, clusters, palette)
    picked = pick(picture, found.labels, picked_number(asked.pick, palette)) if asked.pick else None

    files = [f"{stem}_colours{'.tif' if picture.is_tiff else '.png'}", f"{stem}_sheet.png"]
    write_recoloured(folder / files[0], picture, palette, found.labels)
    said = f"{_colours(len(palette.hexes))}, mean error {error:.2f}"
    sheets.write_comparison(
        folder / files[1], work.original, work.coloured(palette, found.labels), palette, work.frame, said
    )
    swept: tuple[Swept, ...] = ()
    if asked.sweep:
        files.append(f"{stem}_sweep.png")
        swept = _sweep(work, asked, folder / files[-1])
    if asked.elbow and elbow:
        files.append(f"{stem}_elbow.png")
        sheets.write_elbow(folder / files[-1], elbow.mean_squared, elbow.k, len(palette.hexes))
    if asked.space:
        files.append(f"{stem}_space.png")
        _draw_space(folder / files[-1], work, found, palette, asked.seed)
    if picked:
        files += _write_pick(folder, stem, work, picked, palette.line(picked.number))
    return Made(
        asked=asked,
        picture=picture.noted(*_notes(asked, k, work)),
        found=found,
        palette=palette,
        mean_colour_error=error,
        max_iterations=asked.iterations or METHODS[asked.method][1],
        elbow=elbow,
        swept=swept,
        pick=picked,
        files=(*files, "palette.json"),
    )
