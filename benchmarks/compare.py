"""Compare the speed of icepipe with other tools: `python benchmarks/compare.py A B C E Q1 Q2 S M --rounds 3`.

Whole processes run one after the other, round by round; each round also measures the decoding of the files alone on two
threads. The table of each case is printed and written to docs/explanation/performance.md, its figures to figures.json.
Peers run under the Python named with ``--python``; a peer whose library is not installed is skipped with a message.

    python benchmarks/compare.py B S --against OTHER/bin/icepipe --rounds 5

compares this version with the command of another installation, round by round in alternating order, and prints the
medians of both and the median of the ratios of each round. It changes neither the page nor the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs/explanation/performance.md"
FIGURES = HERE / "figures.json"

ICEPIPE = str(Path(sys.executable).parent / "icepipe")
ROLES = ["blue", "green", "red", "nir"]
BANDS = {"bands": {"blue": 1, "green": 2, "red": 3, "nir": 4}, "scale": {"gain": 0.0001, "offset": 0}}

PEERS = {
    "usual script": ("sklearn", "usual_script.py {in} {out} {k}"),
    "usual script, no polygons": ("sklearn", "usual_script.py {in} {out} {k} --raster-only"),
    "raster2poly": ("raster2poly", "raster2poly_run.py {in} {out} {k}"),
    "OpenCV, no polygons": ("cv2", "all_pixels.py {in} {out} {k} opencv"),
    "faiss, no polygons": ("faiss", "all_pixels.py {in} {out} {k} faiss"),
    "SciPy, no polygons": ("scipy", "all_pixels.py {in} {out} {k} scipy"),
    "scikit-learn, all pixels, no polygons": ("sklearn", "all_pixels.py {in} {out} {k} minibatch"),
    "NumPy loop of the article, no polygons": ("numpy", "all_pixels.py {in} {out} {k} article"),
}
CASE_PEERS = {
    "A": [*PEERS],
    "B": [name for name in PEERS if "article" not in name and "all pixels" not in name and name != "raster2poly"],
    "C": ["usual script", "usual script, no polygons", "faiss, no polygons"],
    "S": ["usual script"],
    "M": ["usual script"],
}
"""Peers by case; all others would take minutes and tens of gigabytes."""


@dataclass(frozen=True)
class Run:
    """One process: wall time and processor time in seconds, and peak memory in MB."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def is_measured(case: str) -> bool:
    """Whether the scenes of a case have measured bands; otherwise they are pictures."""
    return case[0] in "BEMQT"


def write_config(case: str, raster: Path, out: Path, features: list[str] | None, regions: str | None = None) -> Path:
    """Write the config of icepipe for a case, and return its path."""
    measured, dated = is_measured(case), case in {"S", "M"}
    date = {} if dated else {"date": "2024-07-01"}
    scenes = f"{raster}/*.tif" if dated else str(raster)
    outlines = {"regions": regions} if regions else {}
    polygons = {"format": "geoparquet", "classes": ["ice", "water", "other"]}
    config = {
        "name": "bench",
        "inputs": {"scenes": scenes, **date, **(BANDS if measured else {}), **outlines},
        "segment": {"k": 7 if case == "A" else 6, **({"features": features} if features else {})},
        "publish": {"folder": str(out), "report": False, "polygons": polygons},
    }
    path = out / "bench.yaml"
    path.write_text(json.dumps(config))
    return path


START = "icepipe, 64 by 64 pixels"
"""A run whose pixels do not matter: its time is that of the start."""

Command = Callable[[Path], list[str]]
"""Returns the command of a tool, given a new folder."""


def icepipe_run(
    icepipe: str, case: str, raster: Path, features: list[str] | None, regions: str | None, out: Path
) -> list[str]:
    """Return the command that runs a case with icepipe."""
    return [icepipe, "run", "-q", str(write_config(case, raster, out, features, regions))]


def peer_run(python: str, line: str, case: str, raster: Path, out: Path) -> list[str]:
    """Return the command that runs a case with the script of a peer."""
    values = {"{in}": str(raster), "{out}": str(out), "{k}": "7" if case == "A" else "6"}
    return [python, *(values.get(word, word) for word in f"{HERE}/peers/{line}".split())]


def commands(case: str, raster: Path, wanted: list[str], python: str) -> dict[str, Command]:
    """Return the tools of a case by name."""
    features = ROLES if is_measured(case) else None
    tools: dict[str, Command] = {"icepipe": partial(icepipe_run, ICEPIPE, case, raster, features, None)}
    if case == "B":
        outlines = script_lines("rasters.py", "regions")[0]
        tools["icepipe, with indices"] = partial(icepipe_run, ICEPIPE, case, raster, [*ROLES, "ndwi"], None)
        tools["icepipe, three regions"] = partial(icepipe_run, ICEPIPE, case, raster, features, outlines)
    small = "T" if features else "P"
    tools[START] = partial(icepipe_run, ICEPIPE, small, Path(script_lines("rasters.py", small)[0]), features, None)
    for name in wanted:
        module, line = PEERS[name]
        if subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False).returncode:  # noqa: S603
            print(f"{name}: {module} is not installed")
            continue
        tools[name] = partial(peer_run, python, line, case, raster)
    tools["start of Python with NumPy and rasterio"] = lambda _: [sys.executable, "-c", "import numpy, rasterio"]
    return tools


def run_process(command: list[str], log: Path) -> Run:
    """Run a process and measure it.

    Raises
    ------
    SystemExit
        If it fails, with the end of its log.
    """
    start = time.perf_counter()
    with log.open("wb") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=sink)  # noqa: S603
        # wait4 gives the time and memory of this child alone.
        _, status, used = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)}\n{log.read_text()[-1500:]}")
    return Run(wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6)


def script_lines(script: str, *arguments: str) -> list[str]:
    """Return the lines that a script next to this one prints."""
    # In a process of its own: the peak memory of a child starts at that of its parent, which must stay small.
    command = [sys.executable, str(HERE / script), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()  # noqa: S603


def run_once(command: Command, parent: Path) -> Run:
    """Run a tool in a new folder next to the scenes, on the same disk."""
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        return run_process(command(Path(folder)), Path(folder) / "log.txt")


def measure(case: str, rounds: int, wanted: list[str], python: str) -> dict[str, Any]:
    """Run every tool of a case, round by round, and return all figures."""
    raster = Path(script_lines("rasters.py", case)[0]).resolve()
    tools = commands(case, raster, wanted, python)
    runs: dict[str, list[Run]] = {name: [] for name in tools}
    floors = []
    for number in range(rounds):
        mpx, floor_s = map(float, script_lines("floor.py", str(raster)))
        floors.append(floor_s)
        for name, command in tools.items():
            run = run_once(command, raster.parent)
            print(f"{case} {number + 1}/{rounds} {name}: {run.wall_s:.2f} s, {run.peak_mb:.0f} MB", flush=True)
            runs[name].append(run)
    return {
        "mpx": mpx,
        "floors": floors,
        "runs": {name: [asdict(run) for run in measured] for name, measured in runs.items()},
    }


def case_table(figures: dict[str, Any]) -> str:
    """Return a Markdown table of the medians of a case, and of the medians of the ratios within each round."""
    floor = statistics.median(figures["floors"])
    lines = [
        f"{figures['mpx']:.1f} million pixels, {len(figures['floors'])} round(s). Decoding alone: {floor:.2f} s.",
        "",
        "| tool | s | processor s | peak MB | times icepipe | times decoding |",
        "|---|---|---|---|---|---|",
    ]
    # Ratios within a round: a machine that is busy for a while slows down all tools of that round.
    mine = figures["runs"]["icepipe"]
    for name, runs in figures["runs"].items():
        wall, cpu, peak = (statistics.median(run[key] for run in runs) for key in ("wall_s", "cpu_s", "peak_mb"))
        ratio = statistics.median(run["wall_s"] / own["wall_s"] for run, own in zip(runs, mine, strict=True))
        floors = statistics.median(run["wall_s"] / low for run, low in zip(runs, figures["floors"], strict=True))
        lines.append(f"| {name} | {wall:.2f} | {cpu:.2f} | {peak:.0f} | {ratio:.2f} | {floors:.1f} |")
    return "\n".join(lines)


def measure_versions(case: str, rounds: int, other: str) -> list[tuple[Run, Run]]:
    """Run this version and another one in turns, this one first in every second round; return a pair for each round."""
    raster = Path(script_lines("rasters.py", case)[0]).resolve()
    features = ROLES if is_measured(case) else None
    versions = [partial(icepipe_run, icepipe, case, raster, features, None) for icepipe in (ICEPIPE, other)]
    pairs = []
    for number in range(rounds):
        order = (0, 1) if number % 2 == 0 else (1, 0)
        runs = {version: run_once(versions[version], raster.parent) for version in order}
        pairs.append((runs[0], runs[1]))
        print(f"{case} {number + 1}/{rounds}: {runs[0].wall_s:.2f} s, other {runs[1].wall_s:.2f} s", flush=True)
    return pairs


def versions_table(case: str, pairs: list[tuple[Run, Run]]) -> str:
    """Return a Markdown table of the medians of both versions, and of the median of their ratio within each round."""
    lines = [f"{case}, {len(pairs)} round(s)", "", "| | this | other | this / other |", "|---|---|---|---|"]
    for name, key, digits in (("s", "wall_s", 2), ("processor s", "cpu_s", 2), ("peak MB", "peak_mb", 0)):
        both = [(getattr(this, key), getattr(other, key)) for this, other in pairs]
        this, other = (statistics.median(column) for column in zip(*both, strict=True))
        ratio = statistics.median(mine / theirs for mine, theirs in both)
        lines.append(f"| {name} | {this:.{digits}f} | {other:.{digits}f} | {ratio:.3f} |")
    return "\n".join(lines)


def replace_table(text: str, case: str, table: str) -> str:
    """Return the page with the table of a case replaced."""
    mark = re.compile(rf"(<!-- {case} -->\n).*?(<!-- /{case} -->)", re.DOTALL)
    return mark.sub(lambda match: f"{match[1]}{table}\n{match[2]}", text)


def main() -> None:
    """Measure the cases of the command line, and update the figures and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", help="without any, only write the page again from the figures")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default=None, help="names, separated by commas; by default those of the case")
    parser.add_argument("--python", default=sys.executable, help="Python of the peers")
    parser.add_argument("--against", metavar="OTHER_ICEPIPE", help="path of another installation's icepipe command")
    options = parser.parse_args()
    if options.against:
        for case in options.cases:
            print(versions_table(case, measure_versions(case, options.rounds, options.against)))
        return
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    for case in options.cases:
        wanted = (
            CASE_PEERS.get(case, []) if options.peers is None else [name for name in options.peers.split(",") if name]
        )
        figures[case] = measure(case, options.rounds, wanted, options.python)
        print(case_table(figures[case]))
        FIGURES.write_text(json.dumps(figures, indent=1) + "\n")
    if PAGE.exists():
        text = PAGE.read_text()
        for case, measured in figures.items():
            text = replace_table(text, case, case_table(measured))
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
