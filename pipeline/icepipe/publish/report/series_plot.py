"""Plot of the series: area over time with its bounds, as PNG and SVG."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from icepipe.classes import CLASS_COLOURS, ClassCode
from icepipe.flags import EXCLUDING_FLAGS
from icepipe.inputs.observation_key import ObservationKey
from icepipe.measure.area.quantity import Quantity
from icepipe.measure.area.series import Row
from icepipe.publish.report.published_run import PublishedRun

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from icepipe.publish.images.figure import Plot


PLOTTED = ((ClassCode.ICE, "o"), (ClassCode.WATER, "s"))
"""Classes, and markers that distinguish them without colour."""

MOST_REGIONS = 12
"""Largest number of panels; the page shows all regions."""

CASING = "#33475b"
"""Colour of outlines and markers, dark enough to be seen around light classes."""

SETTINGS = {"svg.hashsalt": "icepipe", "svg.fonttype": "path", "font.family": "DejaVu Sans", "font.size": 10}
"""Settings of matplotlib; the salt makes the ids of an SVG the same in every run."""


@dataclass(frozen=True)
class PlotPoint:
    """A known area with its bounds.

    Attributes
    ----------
    time
        First possible second of the observation.
    km2, low, high
        Area and bounds in km2.
    most
        Area in km2 if every unobserved pixel were of the class.
    usable
        Whether it is part of a line.
    flagged
        Whether it has any flag.
    """

    time: dt.datetime
    km2: float
    low: float
    high: float
    most: float
    usable: bool
    flagged: bool


def plot_points(
    rows: Mapping[ObservationKey, Mapping[str, Row]],
    label: str,
    quantity: Quantity,
    starts: Mapping[ObservationKey, str],
) -> list[PlotPoint | None]:
    """Return the areas of a class in the order of time; None for an area that is not known."""
    points: list[PlotPoint | None] = []
    for key, by_class in rows.items():
        row = by_class.get(label)
        km2 = quantity.area_km2(row) if row else None
        if row is None or km2 is None or row.area_low_km2 is None or row.area_high_km2 is None:
            points.append(None)
            continue
        # Matplotlib plots aware times in the zone of a setting; all times are UTC.
        time = dt.datetime.fromisoformat(starts[key]).replace(tzinfo=None)
        most = row.area_high_km2 + row.unknown_km2
        usable = row.flags.isdisjoint(EXCLUDING_FLAGS)
        points.append(PlotPoint(time, km2, row.area_low_km2, row.area_high_km2, most, usable, bool(row.flags)))
    return points


def usable_stretches(points: Sequence[PlotPoint | None]) -> Iterator[list[PlotPoint]]:
    """Yield consecutive usable areas; an unknown or unusable one ends a stretch."""
    stretch: list[PlotPoint] = []
    for point in (*points, None):
        if point is not None and point.usable:
            stretch.append(point)
        elif stretch:
            yield stretch
            stretch = []


def draw_class(axes: Axes, code: ClassCode, marker: str, points: Sequence[PlotPoint | None]) -> None:
    """Draw the lines and bands of bounds of a class, and its markers."""
    from matplotlib.patheffects import withStroke

    red, green, blue = (value / 255 for value in CLASS_COLOURS[code])
    colour = (red, green, blue)
    cased = [withStroke(linewidth=4, foreground=CASING)]
    for stretch in usable_stretches(points):
        times = [point.time for point in stretch]
        low, high = [point.low for point in stretch], [point.high for point in stretch]
        band = {"facecolor": colour, "alpha": 0.5, "edgecolor": CASING, "linewidth": 0.5}
        axes.fill_between(times, low, high, **band)  # type: ignore[arg-type]
        km2 = [point.km2 for point in stretch]
        axes.plot(times, km2, color=colour, linewidth=2, path_effects=cased)  # type: ignore[arg-type]
    draw_markers(axes, colour, marker, [point for point in points if point])


def draw_markers(axes: Axes, colour: tuple[float, float, float], marker: str, points: Sequence[PlotPoint]) -> None:
    """Draw markers with error bars, and dotted lines up to the areas with every unobserved pixel."""
    # Each kind of mark is one artist for all points: an artist per point is slow for long series.
    unseen = [point for point in points if point.most > point.high]
    times, tops = [point.time for point in unseen], [point.most for point in unseen]
    high = [point.high for point in unseen]
    axes.vlines(times, high, tops, colors=CASING, linewidth=1, linestyles=":")  # type: ignore[arg-type]
    axes.plot(times, tops, color=CASING, marker="_", linestyle="none")  # type: ignore[arg-type]
    for flagged, face in ((False, colour), (True, "white")):
        alike = [point for point in points if point.flagged == flagged]
        times, km2 = [point.time for point in alike], [point.km2 for point in alike]
        # A surface may be outside its bounds by a rounding error, which matplotlib refuses to draw.
        below = [max(0.0, point.km2 - point.low) for point in alike]
        above = [max(0.0, point.high - point.km2) for point in alike]
        style = {"color": CASING, "marker": marker, "markersize": 6, "linestyle": "none", "markerfacecolor": face}
        axes.errorbar(times, km2, yerr=[below, above], elinewidth=1, capsize=2, **style)  # type: ignore[arg-type]


def add_legend(axes: Axes) -> None:
    """Add the legend above a panel."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Line2D | Patch] = []
    for code, marker in PLOTTED:
        red, green, blue = (value / 255 for value in CLASS_COLOURS[code])
        style = {"color": CASING, "marker": marker, "linestyle": "none", "markerfacecolor": (red, green, blue)}
        handles.append(Line2D([], [], label=code.label, **style))  # type: ignore[arg-type]
    handles.append(Patch(facecolor="#bbbbbb", label="low to high"))
    handles.append(Line2D([], [], color=CASING, marker="o", linestyle="none", markerfacecolor="white", label="flagged"))
    handles.append(Line2D([], [], color=CASING, linewidth=1, linestyle=":", label="with all that was not seen"))
    axes.legend(handles=handles, ncols=5, loc="lower left", bbox_to_anchor=(0, 1.0), frameon=False)


def panel_title(name: str, region: str) -> str:
    """Return the title of a panel, with escapes for letters that the font lacks or that change the text direction."""
    text = name if region == name else f"{name}: {region}"
    # Blocks from U+0530 on (Armenian, Hebrew, Arabic ...) are not all in the font that matplotlib ships.
    return "".join(letter if letter.isprintable() and ord(letter) < 0x530 else ascii(letter)[1:-1] for letter in text)


def draw_region(axes: Axes, published: PublishedRun, region: str) -> None:
    """Draw the panel of a region."""
    from matplotlib.dates import AutoDateLocator, DateFormatter

    starts = {observation.key: observation.start for observation in published.observations}
    rows = published.region_rows(region)
    # Ice is drawn last, over water.
    for code, marker in reversed(PLOTTED):
        draw_class(axes, code, marker, plot_points(rows, code.label, published.quantity, starts))
    axes.set_ylim(bottom=0)
    axes.set_ylabel(f"{published.quantity}, km²")
    axes.grid(color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    title = panel_title(published.name, region)
    axes.set_title(title, loc="left", fontsize=12, pad=30, parse_math=False)
    axes.ticklabel_format(axis="y", style="plain", useOffset=False)
    axes.xaxis.set_major_locator(AutoDateLocator(minticks=3, maxticks=7))  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(DateFormatter("%Y-%m-%d"))  # type: ignore[no-untyped-call]
    add_legend(axes)


def draw_series(published: PublishedRun) -> Plot:
    """Draw surface or pixel area of ice and water over time; flagged areas are hollow, unknown ones break the line."""
    import matplotlib

    from icepipe.publish.images.figure import Plot

    with matplotlib.rc_context(SETTINGS):  # type: ignore[arg-type]
        regions = published.regions[:MOST_REGIONS]
        n_panels = max(1, len(regions))
        figure = Plot(10, 0.4 + 4.5 * n_panels, "constrained")
        for axes, region in zip(figure.subplots(n_panels, squeeze=False)[:, 0], regions, strict=False):
            draw_region(axes, published, region)
        if len(published.regions) > MOST_REGIONS:
            figure.supxlabel(f"{MOST_REGIONS} of {len(published.regions)} regions", fontsize=10)
        return figure


def plot_bytes(published: PublishedRun, file_format: str, metadata: Mapping[str, str | None]) -> bytes:
    """Return the plot in a file format of matplotlib; metadata of None are left out of the file."""
    import matplotlib

    buffer = io.BytesIO()
    # The settings are also read when the figure is saved.
    with matplotlib.rc_context(SETTINGS):  # type: ignore[arg-type]
        draw_series(published).savefig(buffer, format=file_format, metadata=dict(metadata))
    return buffer.getvalue()


def series_png(published: PublishedRun) -> bytes:
    """Return the plot as a PNG without the version of matplotlib."""
    return plot_bytes(published, "png", {"Software": None})


def series_svg(published: PublishedRun) -> bytes:
    """Return the plot as an SVG without date and version of matplotlib."""
    return plot_bytes(published, "svg", {"Date": None, "Creator": None})
