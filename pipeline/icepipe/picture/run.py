"""One picture from file to files: the order of the steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from icepipe.errors import ConfigError
from icepipe.picture.cluster_mask import Pick, check_pick, pick, picked_number
from icepipe.picture.clustering.elbow import Elbow, find_elbow
from icepipe.picture.clustering.kmeans import METHODS, Clusters
from icepipe.picture.clustering.palette import Palette, mean_error, palette_of
from icepipe.picture.drawing import figures as sheets
from icepipe.picture.image import Picture
from icepipe.picture.outputs import Work, colours_told, draw_space, write_copy, write_pick
from icepipe.picture.read import read_picture
from icepipe.picture.segment_image import Segmented, check_asked, cluster, labels_of, segmented
from icepipe.storage.atomic import check_writable

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
    pick
        The isolated cluster, where one was asked for.
    swept
        The contact sheet's numbers.
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
    pick: Pick | None
    swept: tuple[Swept, ...] = ()
    files: tuple[str, ...] = ()


def _check(asked: Asked, picture: Picture) -> None:
    for k in (*asked.sweep, 1 if asked.k is None else asked.k):
        check_asked(picture.values.dtype, k, asked.method)
    if len(asked.sweep) > MAX_SWEEP:
        raise ConfigError(f"--sweep names {len(asked.sweep)} numbers of colours", f"choose at most {MAX_SWEEP}")
    if asked.pick:
        check_pick(asked.pick)


def _clusters(work: Work, asked: Asked, k: int) -> Clusters:
    return cluster(work.counted, k, asked.method, asked.seed, asked.iterations)


def _chosen(work: Work, asked: Asked) -> tuple[int, Elbow | None]:
    """Number of colours, and the curve where it was looked at."""
    if asked.k is not None and not asked.elbow:
        return asked.k, None
    elbow = find_elbow(work.counted.colours, asked.seed)
    return elbow.k if asked.k is None else asked.k, elbow


def _sweep(work: Work, asked: Asked, path: Path) -> tuple[Swept, ...]:
    swept, panels = [], [("the picture", work.original)]
    for k in asked.sweep:
        clusters = _clusters(work, asked, k)
        palette = palette_of(work.picture, clusters, work.display)
        labels = labels_of(work.counted, clusters, work.picture.valid)
        error = mean_error(work.counted.colours, clusters, palette)
        swept.append(Swept(len(clusters.counts), error, clusters.inertia))
        panels.append((f"{colours_told(len(clusters.counts))}, mean error {error:.2f}", work.coloured(palette, labels)))
    sheets.write_contact_sheet(path, panels, work.frame)
    return tuple(swept)


def _notes(asked: Asked, k: int, work: Work) -> list[str]:
    """What is other than asked for, and what numbers of 16 bits look like."""
    notes, distinct = [], work.counted.colours.count
    if asked.method != "article" and k > distinct:
        notes.append(f"it has {colours_told(distinct)}, so k is {distinct} and not {k}")
    if work.picture.values.dtype != np.uint8:
        notes.append(f"numbers from {work.display.low:.0f} to {work.display.high:.0f} are shown from black to white")
    return notes


def _written(made: Made, work: Work, folder: Path, stem: str) -> Made:
    """Write all that was asked for."""
    asked, found, palette = made.asked, made.found, made.palette
    files, swept = write_copy(folder, stem, work, found, palette, made.mean_colour_error), made.swept
    if asked.sweep:
        files.append(f"{stem}_sweep.png")
        swept = _sweep(work, asked, folder / files[-1])
    if asked.elbow and made.elbow:
        files.append(f"{stem}_elbow.png")
        sheets.write_elbow(folder / files[-1], made.elbow.mean_squared, made.elbow.k, len(palette.hexes))
    if asked.space:
        files.append(f"{stem}_space.png")
        draw_space(folder / files[-1], work, found, palette, asked.seed)
    if made.pick:
        files += write_pick(folder, stem, work, made.pick, palette.line(made.pick.number))
    return replace(made, swept=swept, files=(*files, "palette.json"))


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
    work = Work.of(picture)
    k, elbow = _chosen(work, asked)
    clusters = _clusters(work, asked, k)
    found = segmented(work.counted, clusters, picture.valid, work.display, asked.method, asked.seed)
    palette = palette_of(picture, clusters, work.display)
    made = Made(
        asked=asked,
        picture=picture.noted(*_notes(asked, k, work)),
        found=found,
        palette=palette,
        mean_colour_error=mean_error(work.counted.colours, clusters, palette),
        max_iterations=asked.iterations or METHODS[asked.method][1],
        elbow=elbow,
        pick=pick(picture, found.labels, picked_number(asked.pick, palette)) if asked.pick else None,
    )
    return _written(made, work, folder, path.stem)
