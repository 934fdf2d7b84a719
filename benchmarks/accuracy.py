"""Compare the accuracy of icepipe with other tools: `python benchmarks/accuracy.py --python PEERS/bin/python`.

Every labelled scene of ../shared/data (labelled_scenes.py) is classified by the command icepipe and by the peers, and
each water and ice mask is compared with the labels. The tables are written to docs/explanation/accuracy.md, the
figures to accuracy.json. Peers run under the Python named with ``--python``; for a peer whose library is not installed
the output names the library, and the tables have "not installed".

    python benchmarks/accuracy.py brazil canberra --icepipe OTHER/bin/icepipe

runs some scenes, with another installation of icepipe; the figures of other scenes stay. The peers get the
reflectances and masks that the package next to this script reads from the same files.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from compare import replace_table
from labelled_scenes import DATA, SCENES, Label, LabelledScene
from pyproj import Proj

from icepipe.arrays import Bool, Float64
from icepipe.classes import ClassCode
from icepipe.config.schema import Config
from icepipe.geo.geobox import Block, GeoBox
from icepipe.workflow.plan import make_plan

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs/explanation/accuracy.md"
FIGURES = HERE / "accuracy.json"
ICEPIPE = str(Path(sys.executable).parent / "icepipe")
MASKS = "icepipe"
"""Key of the masks of icepipe among those of the peers."""


@dataclass(frozen=True)
class Peer:
    """Another way to classify a scene: its title, the library it needs, and the bands it cannot do without."""

    title: str
    module: str
    needs: frozenset[str] = frozenset()


PEERS = {
    "waterdetect": Peer("WaterDetect", "waterdetect", frozenset({"green", "red", "nir", "swir1", "swir2"})),
    "otsu": Peer("Otsu", "skimage"),
    "indices": Peer("fixed indices", "rasterio", frozenset({"green", "nir", "swir1"})),
    "kmeans3": Peer("k-means, 3", "sklearn"),
    "kmeans6": Peer("k-means, 6", "sklearn"),
}


def iou(found: Bool, truth: Bool) -> float | None:
    """Return the intersection over the union of two masks of one shape; None if the truth is empty.

    Without truth every mask but the empty one has an IoU of 0, however small: the area shows the error.
    """
    if not truth.any():
        return None
    return float(np.count_nonzero(found & truth) / np.count_nonzero(found | truth))


def pixel_km2(grid: GeoBox) -> Float64:
    """Return the true area of every pixel in km2, shape (rows, columns).

    It is the area on the map over the areal scale of the projection at the centre (Snyder 1987, Map Projections,
    section 4), by pyproj and not by icepipe.
    """
    rows, cols = np.indices(grid.shape, dtype=np.float64)
    projection = Proj(grid.crs)
    longitude, latitude = projection(*grid.to_map(cols + 0.5, rows + 0.5), inverse=True)
    return np.asarray(grid.planar_pixel_area / projection.get_factors(longitude, latitude).areal_scale / 1e6)


@dataclass(frozen=True)
class Reading:
    """The pixels of a scene as icepipe reads them: bands by role (reflectances or bytes), and which were seen."""

    grid: GeoBox
    bands: dict[str, Float64]
    seen: Bool


def read_scene(config: dict[str, Any]) -> Reading:
    """Read the only observation of a config."""
    plan = make_plan(Config.model_validate(config))
    (observation,) = plan.observations
    with plan.reader(observation) as reader:
        pixels = reader.read(Block(0, 0, plan.grid.height, plan.grid.width))
    assert plan.sensor is not None
    # Measured bands are stored in steps of 0.0001.
    step = 1e-4 if pixels.bands.dtype == np.int16 else 1.0
    bands = dict(zip(plan.sensor.roles, pixels.bands * step, strict=True))
    return Reading(plan.grid, bands, pixels.valid)


def write_bands(reading: Reading, path: Path) -> None:
    """Write the raster that peers read."""
    grid, bands = reading.grid, reading.bands
    profile = {"crs": grid.crs, "transform": grid.transform, "nodata": np.nan, "dtype": "float32"}
    with rasterio.open(path, "w", "GTiff", grid.width, grid.height, len(bands), **profile) as dataset:
        for number, (role, band) in enumerate(bands.items(), 1):
            dataset.write(np.where(reading.seen, band, np.nan).astype("float32"), number)
            dataset.set_band_description(number, role)


def peer_masks(python: str, key: str, bands: Path) -> dict[str, Bool] | None:
    """Return the masks of the classes that a peer names, by class; None if it fails, with a message."""
    out = bands.with_name(f"{key}.tif")
    command = [python, str(HERE / "peers/water_and_ice.py"), str(bands), str(out), key]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        print(f"{PEERS[key].title} failed: {done.stderr.splitlines()[-1]}")
        return None
    with rasterio.open(out) as dataset:
        return dict(zip(dataset.descriptions, dataset.read() == 1, strict=True))


def run_icepipe(icepipe: str, config: dict[str, Any], grid: GeoBox) -> tuple[dict[str, Bool], list[dict[str, str]]]:
    """Run icepipe; return the masks of water and ice, and the rows of its series.

    Raises
    ------
    SystemExit
        If the run fails, or its class raster has another grid than the labels.
    """
    folder = Path(config["publish"]["folder"])
    path = folder / "accuracy.yaml"
    path.write_text(json.dumps(config))
    done = subprocess.run([icepipe, "run", "-q", str(path)], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        sys.exit(f"{icepipe} run failed with exit code {done.returncode}\n{done.stderr[-1500:]}")
    (raster,) = (folder / config["name"]).glob("observations/*/*_classes.tif")
    with rasterio.open(raster) as dataset:
        if dataset.shape != grid.shape or not dataset.transform.almost_equals(grid.transform):
            sys.exit(f"{raster} has another grid than the labels")
        classes = dataset.read(1)
    with (folder / config["name"] / "series.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {code.label: classes == code for code in (ClassCode.WATER, ClassCode.ICE)}, rows


def score(label: Label, masks: dict[str, dict[str, Bool]], seen: Bool, km2: Float64) -> dict[str, Any]:
    """Return the area of a class by its label, and IoU and area of each tool that names the class.

    Pixels that were not labelled or not seen do not count.
    """
    where = label.where & seen
    truth = label.km2 if label.mask is None else float(km2[label.mask & where].sum())
    tools = {}
    for name, classes in masks.items():
        if label.class_ in classes:
            found = classes[label.class_] & where
            shared = None if label.mask is None else iou(found, label.mask & where)
            tools[name] = {"iou": shared, "km2": float(km2[found].sum())}
    return {"class": label.class_, "truth_km2": truth, "tools": tools}


ROW_CELLS = ("area_km2", "weighted_km2", "area_low_km2", "area_high_km2", "flags")


def row_cells(rows: list[dict[str, str]], region: str | None, class_: str) -> dict[str, float | str | None]:
    """Return the areas and flags of a class from the series of a run; a cell that is empty or missing is None."""
    (row,) = (row for row in rows if row["class"] == class_ and region in (None, row["region"]))
    cells: dict[str, float | str | None] = {key: float(row[key]) if row.get(key) else None for key in ROW_CELLS[:-1]}
    return cells | {"flags": row["flags"]}


def measure(scene: LabelledScene, icepipe: str, python: str, peers: list[str]) -> dict[str, Any]:
    """Classify a scene with every tool, and return all figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        publish = {"folder": name, "report": False, "polygons": {"classes": []}}
        config = {"name": "run", "inputs": scene.make_inputs(folder), "publish": publish}
        reading = read_scene(config)
        own, rows = run_icepipe(icepipe, config, reading.grid)
        write_bands(reading, folder / "bands.tif")
        able = [key for key, peer in PEERS.items() if key != scene.derived_from and peer.needs <= set(reading.bands)]
        named = {key: peer_masks(python, key, folder / "bands.tif") for key in able if key in peers}
    masks = {MASKS: own} | {key: found for key, found in named.items() if found is not None}
    missing = {key: "failed" if key in named else "not installed" for key in able if key not in masks}
    km2 = pixel_km2(reading.grid)
    labels = [
        score(label, masks, reading.seen, km2) | {"row": row_cells(rows, scene.region, label.class_)}
        for label in scene.read_labels(reading.grid)
    ]
    return {"missing": missing, "labels": labels}


def number(value: float | None, digits: int) -> str:
    """Return a number as a cell of a table; a dash for None."""
    return "-" if value is None else f"{value:,.{digits}f}"


def area(value: float | None) -> str:
    """Return an area in km2 with about four significant digits."""
    size = abs(value or 0)
    return number(value, 0 if size >= 1000 else 1 if size >= 100 else 3)


def table(header: list[str], lines: list[list[str]]) -> str:
    """Return a Markdown table."""
    rows = [header, ["---"] * len(header), *lines]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def iou_cells(tools: dict[str, Any], missing: dict[str, str]) -> list[str]:
    """Return the IoU of icepipe and of every peer, the highest in bold."""
    cells = {name: number(tools.get(name, {}).get("iou"), 3) for name in (MASKS, *PEERS)}
    best = max(cell for cell in cells.values() if cell != "-")
    return [f"**{cell}**" if cell == best else missing.get(name, cell) for name, cell in cells.items()]


def bounds(row: dict[str, Any]) -> str:
    """Return low and high area of icepipe."""
    low, high = row["area_low_km2"], row["area_high_km2"]
    return "-" if low is None else f"{area(low)} .. {area(high)}"


def holds(row: dict[str, Any], truth_km2: float) -> bool:
    """Return whether the bounds of icepipe hold an area; an unknown area has none."""
    return row["area_low_km2"] is not None and row["area_low_km2"] <= truth_km2 <= row["area_high_km2"]


def scene_tables(scenes: list[LabelledScene], figures: dict[str, Any]) -> str:
    """Return a table of the IoU of every tool, one of areas, and how often the bounds hold the labels' area."""
    titles = [peer.title for peer in PEERS.values()]
    shares, areas, n_within = [], [], 0
    for scene in scenes:
        missing = figures[scene.key]["missing"]
        for found in figures[scene.key]["labels"]:
            name, tools, row = f"{scene.title}: {found['class']}", found["tools"], found["row"]
            if any(tool["iou"] is not None for tool in tools.values()):
                shares.append([name, *iou_cells(tools, missing)])
            # Shares of a pixel come from its neighbours, too.
            surface = "-" if scene.is_thinned else area(row["weighted_km2"])
            others = [missing.get(peer, area(tools.get(peer, {}).get("km2"))) for peer in PEERS]
            areas.append([name, area(found["truth_km2"]), area(row["area_km2"]), surface, bounds(row), *others])
            n_within += holds(row, found["truth_km2"])
    return "\n\n".join(
        (
            table(["IoU", "icepipe", *titles], shares),
            table(["km2", "labels", "icepipe", "icepipe, surface", "low .. high", *titles], areas),
            f"The area of the labels is within low .. high in {n_within} of {len(areas)} rows.",
        )
    )


def page(text: str, figures: dict[str, Any]) -> str:
    """Return the page with its tables replaced."""
    for mark, is_truth in (("truth", True), ("references", False)):
        scenes = [scene for scene in SCENES if scene.is_truth is is_truth and scene.key in figures]
        text = replace_table(text, mark, scene_tables(scenes, figures))
    return text


def installed_peers(python: str) -> list[str]:
    """Return the peers whose library a Python has, and print the others."""
    found = []
    for key, peer in PEERS.items():
        if subprocess.run([python, "-c", f"import {peer.module}"], capture_output=True, check=False).returncode:  # noqa: S603
            print(f"{peer.title}: {peer.module} is not installed")
        else:
            found.append(key)
    return found


def main() -> None:
    """Measure the scenes of the command line, by default all, and update the figures and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    keys = [scene.key for scene in SCENES]
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=f"some of {', '.join(keys)}; by default all")
    parser.add_argument("--python", default=sys.executable, help="Python of the peers")
    parser.add_argument("--icepipe", default=ICEPIPE, help="path of the icepipe command")
    options = parser.parse_args()
    wanted = options.scenes or keys
    if unknown := [key for key in wanted if key not in keys]:
        parser.error(f"no such scene: {', '.join(unknown)}")
    if not DATA.is_dir():
        sys.exit("the folder ../shared/data with the labelled scenes is not on this machine")
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    peers = installed_peers(options.python)
    for scene in SCENES:
        if scene.key in wanted:
            figures[scene.key] = measure(scene, options.icepipe, options.python, peers)
            print(scene_tables([scene], figures), flush=True)
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n")
    PAGE.write_text(page(PAGE.read_text(), figures))


if __name__ == "__main__":
    main()
