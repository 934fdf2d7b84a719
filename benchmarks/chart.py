"""Draw the figure of docs/explanation/performance.md from benchmarks/figures.json: `python benchmarks/chart.py`."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

HERE = Path(__file__).resolve().parent
PICTURE = HERE.parent / "docs/explanation/pictures/performance.png"
MINE, OTHERS, DECODING = "#0077bb", "#bbbbbb", "#222222"


def draw_case(figure: Figure, position: tuple[int, int, int], case: str, measured: dict[str, Any]) -> None:
    """Draw a bar of seconds for every tool of a case, the fastest on top, and a line for decoding alone."""
    axes = figure.add_subplot(*position)
    seconds = {name: statistics.median(run["wall_s"] for run in all_) for name, all_ in measured["runs"].items()}
    # Starts are not a tool; the longest bar comes first, as matplotlib draws upwards.
    names = sorted((name for name in seconds if not name.startswith("start")), key=seconds.__getitem__, reverse=True)
    colours = [MINE if name.startswith("icepipe") else OTHERS for name in names]
    axes.barh(names, [seconds[name] for name in names], color=colours)
    axes.axvline(statistics.median(measured["floors"]), color=DECODING, linewidth=1)
    axes.set_xlabel("seconds; the line is decoding alone")
    axes.set_title(f"{case}: {measured['mpx']:.0f} million pixels", loc="left")
    axes.spines[["top", "right"]].set_visible(False)


def main() -> None:
    """Draw the cases with a whole Sentinel-2 tile."""
    figures = json.loads((HERE / "figures.json").read_text())
    cases = [case for case in ("B", "C") if case in figures]
    figure = Figure(figsize=(8, 2.6 * len(cases)), layout="constrained")
    for number, case in enumerate(cases, start=1):
        draw_case(figure, (len(cases), 1, number), case, figures[case])
    figure.savefig(PICTURE, dpi=110, metadata={"Software": None})  # no version of matplotlib in the file


if __name__ == "__main__":
    main()
