"""Segment one picture from its file to its output files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from icepipe.errors import ConfigError
from icepipe.picture.cluster_mask import ClusterMask, check_pick, find_cluster, isolate_cluster
from icepipe.picture.clustering.elbow import Elbow, find_elbow
from icepipe.picture.clustering.palette import Palette, build_palette, mean_error
from icepipe.picture.drawing import figures
from icepipe.picture.image import Picture
from icepipe.picture.options import ITERATIONS, MAX_SWEEP, PictureOptions
from icepipe.picture.outputs import PicturePlotData, colour_caption, draw_colour_space, write_cluster, write_copy
from icepipe.picture.read import read_picture
from icepipe.picture.segment_image import Segmented, check_options, cluster_colours, label_pixels, segment_pixels
from icepipe.storage.atomic import check_writable


@dataclass(frozen=True)
class SweepResult:
    """Errors with one of the numbers of colours on the contact sheet."""

    k: int
    mean_colour_error: float
    inertia: float


@dataclass(frozen=True)
class PictureResult:
    """A segmented picture and the files that were written.

    Attributes
    ----------
    options
        Options of the run.
    picture
        The decoded picture, with notes.
    segmented
        Its clusters and labels.
    palette
        Colours and shares of the clusters.
    mean_colour_error
        Mean distance of a pixel to the colour of its cluster.
    max_iterations
        Limit of the iterations.
    elbow
        The elbow curve, if it was computed.
    pick
        The isolated cluster, if there is one.
    swept
        Errors of the panels on the contact sheet.
    files
        Names of the written files, in order.
    """

    options: PictureOptions
    picture: Picture
    segmented: Segmented
    palette: Palette
    mean_colour_error: float
    max_iterations: int
    elbow: Elbow | None
    pick: ClusterMask | None
    swept: tuple[SweepResult, ...] = ()
    files: tuple[str, ...] = ()


def check_picture_options(options: PictureOptions, picture: Picture) -> None:
    """Check the options against a picture before anything is computed.

    Raises
    ------
    ConfigError
        If an option is out of range.
    """
    for k in (*options.sweep, 1 if options.k is None else options.k):
        check_options(picture.values.dtype, k, options.method)
    if len(options.sweep) > MAX_SWEEP:
        raise ConfigError(f"--sweep names {len(options.sweep)} numbers of colours", f"choose at most {MAX_SWEEP}")
    if options.pick:
        check_pick(options.pick)


def write_sweep(plot_data: PicturePlotData, options: PictureOptions, path: Path) -> tuple[SweepResult, ...]:
    """Segment the picture into each number of colours, and write the copies on one contact sheet."""
    results, panels = [], [("the picture", plot_data.original)]
    for k in options.sweep:
        clusters = cluster_colours(plot_data.counted, k, options.method, options.seed, options.iterations)
        palette = build_palette(plot_data.picture, clusters, plot_data.display)
        labels = label_pixels(plot_data.counted, clusters, plot_data.picture.valid)
        error = mean_error(plot_data.counted.colours, clusters, palette)
        # The picture may have fewer colours than k.
        n_clusters = len(clusters.counts)
        results.append(SweepResult(n_clusters, error, clusters.inertia))
        panels.append((colour_caption(n_clusters, error), plot_data.recolour(palette, labels)))
    figures.write_contact_sheet(path, panels, plot_data.panel)
    return tuple(results)


def picture_notes(options: PictureOptions, k: int, plot_data: PicturePlotData) -> list[str]:
    """Return notes on a reduced k and on the scaling of 16-bit values, in sentences."""
    notes, n_colours = [], plot_data.counted.colours.count
    if options.method != "article" and k > n_colours:
        notes.append(f"it has {colour_caption(n_colours)}, so k is {n_colours} and not {k}")
    if plot_data.picture.values.dtype != np.uint8:
        display = plot_data.display
        notes.append(f"numbers from {display.low:.0f} to {display.high:.0f} are shown from black to white")
    return notes


def write_outputs(result: PictureResult, plot_data: PicturePlotData, folder: Path) -> PictureResult:
    """Write all files but `palette.json`, and return the result with their names and the errors of the sweep."""
    options, segmented, palette = result.options, result.segmented, result.palette
    stem, swept = result.picture.path.stem, result.swept
    files = write_copy(folder, stem, plot_data, segmented, palette, result.mean_colour_error)
    if options.sweep:
        files.append(f"{stem}_sweep.png")
        swept = write_sweep(plot_data, options, folder / files[-1])
    if options.elbow and result.elbow:
        files.append(f"{stem}_elbow.png")
        figures.write_elbow(folder / files[-1], result.elbow.mean_squared, result.elbow.k, len(palette.hexes))
    if options.space:
        files.append(f"{stem}_space.png")
        draw_colour_space(folder / files[-1], plot_data, segmented, palette, options.seed)
    if result.pick:
        files += write_cluster(folder, stem, plot_data, result.pick, palette.line(result.pick.number))
    # The command writes palette.json last: it lists all other files.
    return replace(result, swept=swept, files=(*files, "palette.json"))


def make_picture(path: Path, folder: Path, options: PictureOptions) -> PictureResult:
    """Read a picture, segment it, and write all outputs but `palette.json`.

    Parameters
    ----------
    path
        GeoTIFF, PNG or JPEG.
    folder
        Output folder.
    options
        Number of colours, method and optional outputs.

    Raises
    ------
    ConfigError
        If an option is out of range or the folder is not writable.
    InputError
        If the picture cannot be used.
    IntegrityError
        If a file cannot be written.
    """
    # Fail before minutes of work if the results cannot be written.
    check_writable(folder, "--out")
    picture = read_picture(path)
    check_picture_options(options, picture)
    plot_data = PicturePlotData.of(picture)
    k, elbow = options.k, None
    # The curve is also drawn for a k that the user has chosen, to compare it with the elbow.
    if k is None or options.elbow:
        elbow = find_elbow(plot_data.counted.colours, options.seed)
        k = elbow.k if k is None else k
    clusters = cluster_colours(plot_data.counted, k, options.method, options.seed, options.iterations)
    segmented = segment_pixels(
        plot_data.counted, clusters, picture.valid, plot_data.display, options.method, options.seed
    )
    palette = build_palette(picture, clusters, plot_data.display)
    cluster = None
    if options.pick:
        cluster = isolate_cluster(picture, segmented.labels, find_cluster(options.pick, palette))
    result = PictureResult(
        options=options,
        picture=replace(picture, notes=(*picture.notes, *picture_notes(options, k, plot_data))),
        segmented=segmented,
        palette=palette,
        mean_colour_error=mean_error(plot_data.counted.colours, clusters, palette),
        max_iterations=options.iterations or ITERATIONS[options.method],
        elbow=elbow,
        pick=cluster,
    )
    return write_outputs(result, plot_data, folder)
