"""The picture of the speed page, drawn from the figures that `compare.py` keeps: `python benchmarks/chart.py`."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

HERE = Path(__file__).resolve().parent
PICTURE = HERE.parent / "docs/explanation/pictures/performance.png"
MINE, OTHERS, DECODING = "#0077bb", "#bbbbbb", "#222222"


def bars(figure: Figure, place: tuple[int, int, int], case: str, found: dict[str, Any]) -> None:
    """Seconds of every tool of a case, the quickest on top, and a line for decoding alone."""
    axes = figure.add_subplot(*place)
    runs = {name: statistics.median(run["wall_s"] for run in all_) for name, all_ in found["runs"].items()}
    names = sorted((name for name in runs if not name.startswith("start")), key=runs.__getitem__, reverse=True)
    colours = [MINE if name.startswith("icepipe") else OTHERS for name in names]
    axes.barh(names, [runs[name] for name in names], color=colours)
    axes.axvline(statistics.median(found["floors"]), color=DECODING, linewidth=1)
    axes.set_xlabel("seconds; the line is decoding alone")
    axes.set_title(f"{case}: {found['mpx']:.0f} million pixels", loc="left")
    axes.spines[["top", "right"]].set_visible(False)


def main() -> None:
    """Draw the cases of a whole Sentinel-2 tile."""
    figures = json.loads((HERE / "figures.json").read_text())
    shown = [case for case in ("B", "C") if case in figures]
    figure = Figure(figsize=(8, 2.6 * len(shown)), layout="constrained")
    for number, case in enumerate(shown, start=1):
        bars(figure, (len(shown), 1, number), case, figures[case])
    figure.savefig(PICTURE, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    main()
