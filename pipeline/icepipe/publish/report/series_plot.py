"""The series as a picture of its own: area over time with bounds, as PNG and SVG."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from icepipe.classes import CLASS_COLOURS, ClassCode
from icepipe.flags import EXCLUDING
from icepipe.inputs.observation_key import ObservationKey
from icepipe.measure.area.series import Row
from icepipe.publish.report.published_run import PublishedRun

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from icepipe.publish.images.figure import Plot


PLOTTED = ((ClassCode.ICE, "o"), (ClassCode.WATER, "s"))
"""Classes and the marks that tell them apart without colour."""

MOST_REGIONS = 12
"""Panels of one picture; the page shows all."""

CASING = "#33475b"
SETTINGS = {"svg.hashsalt": "icepipe", "svg.fonttype": "path", "font.family": "DejaVu Sans", "font.size": 10}


@dataclass(frozen=True)
class PlotPoint:
    """An area that is known, with its bounds and whether it counts in a line.

    ``most`` is what it would be at most if all that was not seen were of the class.
    """

    when: dt.datetime
    km2: float
    low: float
    high: float
    most: float
    usable: bool
    flagged: bool


def plot_points(
    rows: Mapping[ObservationKey, Mapping[str, Row]], label: str, starts: Mapping[ObservationKey, str]
) -> list[PlotPoint | None]:
    """A class's areas in the order of time; None where it is not known."""
    found: list[PlotPoint | None] = []
    for date, by_class in rows.items():
        row = by_class.get(label)
        if row is None or row.area_km2 is None or row.area_low_km2 is None or row.area_high_km2 is None:
            found.append(None)
            continue
        when = dt.datetime.fromisoformat(starts[date]).replace(tzinfo=None)
        most = row.area_high_km2 + row.unknown_km2
        usable = row.flags.isdisjoint(EXCLUDING)
        found.append(PlotPoint(when, row.area_km2, row.area_low_km2, row.area_high_km2, most, usable, bool(row.flags)))
    return found


def usable_stretches(found: Sequence[PlotPoint | None]) -> Iterator[list[PlotPoint]]:
    """Usable areas with none between them that is unknown or unusable."""
    run: list[PlotPoint] = []
    for spot in (*found, None):
        if spot is not None and spot.usable:
            run.append(spot)
        elif run:
            yield run
            run = []


def _draw_class(axes: Axes, code: ClassCode, marker: str, found: Sequence[PlotPoint | None]) -> None:
    from matplotlib.patheffects import withStroke

    red, green, blue = (value / 255 for value in CLASS_COLOURS[code])
    colour, cased = (red, green, blue), [withStroke(linewidth=4, foreground=CASING)]
    for run in usable_stretches(found):
        when = [spot.when for spot in run]
        axes.fill_between(
            when,  # type: ignore[arg-type]
            [spot.low for spot in run],
            [spot.high for spot in run],
            facecolor=colour,
            alpha=0.5,
            edgecolor=CASING,
            linewidth=0.5,
        )
        axes.plot(when, [s.km2 for s in run], color=colour, linewidth=2, path_effects=cased)  # type: ignore[arg-type]
    _draw_spots(axes, colour, marker, [spot for spot in found if spot])


def _draw_spots(axes: Axes, colour: tuple[float, float, float], marker: str, found: Sequence[PlotPoint]) -> None:
    """Marks with their bounds, and dotted what each would be with all that was not seen; alike ones in one go."""
    unseen = [spot for spot in found if spot.most > spot.high]
    when = [spot.when for spot in unseen]
    tops = [spot.most for spot in unseen]
    axes.vlines(when, [s.high for s in unseen], tops, colors=CASING, linewidth=1, linestyles=":")  # type: ignore[arg-type]
    axes.plot(when, tops, color=CASING, marker="_", linestyle="none")  # type: ignore[arg-type]
    for flagged, face in ((False, colour), (True, "white")):
        alike = [spot for spot in found if spot.flagged == flagged]
        when, km2 = [spot.when for spot in alike], [spot.km2 for spot in alike]
        bounds = [[spot.km2 - spot.low for spot in alike], [spot.high - spot.km2 for spot in alike]]
        look = {"color": CASING, "marker": marker, "markersize": 6, "linestyle": "none", "markerfacecolor": face}
        axes.errorbar(when, km2, yerr=bounds, elinewidth=1, capsize=2, **look)  # type: ignore[arg-type]


def _legend(axes: Axes) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Line2D | Patch] = []
    for code, marker in PLOTTED:
        red, green, blue = (value / 255 for value in CLASS_COLOURS[code])
        look = {"color": CASING, "marker": marker, "linestyle": "none", "markerfacecolor": (red, green, blue)}
        handles.append(Line2D([], [], label=code.label, **look))  # type: ignore[arg-type]
    handles.append(Patch(facecolor="#bbbbbb", label="low to high"))
    handles.append(Line2D([], [], color=CASING, marker="o", linestyle="none", markerfacecolor="white", label="flagged"))
    handles.append(Line2D([], [], color=CASING, linewidth=1, linestyle=":", label="with all that was not seen"))
    axes.legend(handles=handles, ncols=5, loc="lower left", bbox_to_anchor=(0, 1.0), frameon=False)


def _dates(axes: Axes) -> None:
    from matplotlib.dates import AutoDateLocator, DateFormatter

    axes.xaxis.set_major_locator(AutoDateLocator(minticks=3, maxticks=7))  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(DateFormatter("%Y-%m-%d"))  # type: ignore[no-untyped-call]


def _draw_region(axes: Axes, published: PublishedRun, region: str, title: str) -> None:
    starts = {shown.key: shown.start for shown in published.observations}
    rows = published.rows_of(region)
    for code, marker in reversed(PLOTTED):
        _draw_class(axes, code, marker, plot_points(rows, code.label, starts))
    axes.set_ylim(bottom=0)
    axes.set_ylabel("area, km²")
    axes.grid(color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(title, loc="left", fontsize=12, pad=30, parse_math=False)
    axes.ticklabel_format(axis="y", style="plain", useOffset=False)
    _dates(axes)
    _legend(axes)


def _title(name: str, region: str) -> str:
    """Letters that the bundled font lacks, and those that turn the direction of text, are shown as escapes."""
    text = name if region == name else f"{name}: {region}"
    return "".join(letter if letter.isprintable() and ord(letter) < 0x530 else ascii(letter)[1:-1] for letter in text)


def draw_series(published: PublishedRun) -> Plot:
    """Area of ice and water over time; flagged areas are hollow, and what is not known breaks the line."""
    import matplotlib

    with matplotlib.rc_context(SETTINGS):  # type: ignore[arg-type]
        return _figure(published)


def _figure(published: PublishedRun) -> Plot:
    from icepipe.publish.images.figure import Plot

    regions = published.regions[:MOST_REGIONS]
    figure = Plot(10, 0.4 + 4.5 * max(1, len(regions)), "constrained")
    for axes, region in zip(figure.subplots(max(1, len(regions)), squeeze=False)[:, 0], regions, strict=False):
        _draw_region(axes, published, region, _title(published.name, region))
    if len(published.regions) > MOST_REGIONS:
        figure.supxlabel(f"{MOST_REGIONS} of {len(published.regions)} regions", fontsize=10)
    return figure


def _saved(published: PublishedRun, form: str, metadata: Mapping[str, str | None]) -> bytes:
    import matplotlib

    held = io.BytesIO()
    with matplotlib.rc_context(SETTINGS):  # type: ignore[arg-type]
        _figure(published).savefig(held, format=form, metadata=dict(metadata))
    return held.getvalue()


def series_png(published: PublishedRun) -> bytes:
    """The series as pixels; see :func:`draw_series`."""
    return _saved(published, "png", {"Software": None})


def series_svg(published: PublishedRun) -> bytes:
    """The same as lines, for print."""
    return _saved(published, "svg", {"Date": None, "Creator": None})
