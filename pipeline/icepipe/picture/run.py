"""One picture from file to files: the order of the steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from icepipe.errors import ConfigError
from icepipe.picture.cluster_mask import ClusterMask, check_pick, pick, picked_number
from icepipe.picture.clustering.elbow import Elbow, find_elbow
from icepipe.picture.clustering.kmeans import Clusters
from icepipe.picture.clustering.palette import Palette, build_palette, mean_error
from icepipe.picture.drawing import figures as sheets
from icepipe.picture.image import Picture
from icepipe.picture.options import ITERATIONS, MAX_SWEEP, PictureOptions
from icepipe.picture.outputs import PicturePlotData, colour_caption, draw_space, write_copy, write_pick
from icepipe.picture.read import read_picture
from icepipe.picture.segment_image import Segmented, check_options, cluster, label_image, segment_pixels
from icepipe.storage.atomic import check_writable


@dataclass(frozen=True)
class SweepResult:
    """A number of colours of the contact sheet: how many there are, and what they cost."""

    k: int
    mean_colour_error: float
    inertia: float


@dataclass(frozen=True)
class PictureResult:
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

    asked: PictureOptions
    picture: Picture
    found: Segmented
    palette: Palette
    mean_colour_error: float
    max_iterations: int
    elbow: Elbow | None
    pick: ClusterMask | None
    swept: tuple[SweepResult, ...] = ()
    files: tuple[str, ...] = ()


def _check(asked: PictureOptions, picture: Picture) -> None:
    for k in (*asked.sweep, 1 if asked.k is None else asked.k):
        check_options(picture.values.dtype, k, asked.method)
    if len(asked.sweep) > MAX_SWEEP:
        raise ConfigError(f"--sweep names {len(asked.sweep)} numbers of colours", f"choose at most {MAX_SWEEP}")
    if asked.pick:
        check_pick(asked.pick)


def _clusters(work: PicturePlotData, asked: PictureOptions, k: int) -> Clusters:
    return cluster(work.counted, k, asked.method, asked.seed, asked.iterations)


def _chosen(work: PicturePlotData, asked: PictureOptions) -> tuple[int, Elbow | None]:
    """Number of colours, and the curve where it was looked at."""
    if asked.k is not None and not asked.elbow:
        return asked.k, None
    elbow = find_elbow(work.counted.colours, asked.seed)
    return elbow.k if asked.k is None else asked.k, elbow


def _sweep(work: PicturePlotData, asked: PictureOptions, path: Path) -> tuple[SweepResult, ...]:
    swept, panels = [], [("the picture", work.original)]
    for k in asked.sweep:
        clusters = _clusters(work, asked, k)
        palette = build_palette(work.picture, clusters, work.display)
        labels = label_image(work.counted, clusters, work.picture.valid)
        error = mean_error(work.counted.colours, clusters, palette)
        swept.append(SweepResult(len(clusters.counts), error, clusters.inertia))
        panels.append(
            (f"{colour_caption(len(clusters.counts))}, mean error {error:.2f}", work.coloured(palette, labels))
        )
    sheets.write_contact_sheet(path, panels, work.frame)
    return tuple(swept)


def _notes(asked: PictureOptions, k: int, work: PicturePlotData) -> list[str]:
    """What is other than asked for, and what numbers of 16 bits look like."""
    notes, distinct = [], work.counted.colours.count
    if asked.method != "article" and k > distinct:
        notes.append(f"it has {colour_caption(distinct)}, so k is {distinct} and not {k}")
    if work.picture.values.dtype != np.uint8:
        notes.append(f"numbers from {work.display.low:.0f} to {work.display.high:.0f} are shown from black to white")
    return notes


def _written(made: PictureResult, work: PicturePlotData, folder: Path, stem: str) -> PictureResult:
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


def make_picture(path: Path, folder: Path, asked: PictureOptions) -> PictureResult:
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
    work = PicturePlotData.of(picture)
    k, elbow = _chosen(work, asked)
    clusters = _clusters(work, asked, k)
    found = segment_pixels(work.counted, clusters, picture.valid, work.display, asked.method, asked.seed)
    palette = build_palette(picture, clusters, work.display)
    made = PictureResult(
        asked=asked,
        picture=picture.noted(*_notes(asked, k, work)),
        found=found,
        palette=palette,
        mean_colour_error=mean_error(work.counted.colours, clusters, palette),
        max_iterations=asked.iterations or ITERATIONS[asked.method],
        elbow=elbow,
        pick=pick(picture, found.labels, picked_number(asked.pick, palette)) if asked.pick else None,
    )
    return _written(made, work, folder, path.stem)
