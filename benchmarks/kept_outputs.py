"""Check that a change of the code changes no published byte.

    python benchmarks/kept_outputs.py WORK --save before.json --icepipe OTHER/icepipe
    python benchmarks/kept_outputs.py WORK --against before.json

Run the samples, five MODIS scenes, NSIDC concentrations, a Landsat and a Sentinel-2 folder, and ``picture`` on three
images, with and without named regions; hash every file with SHA-256. WORK is emptied first, and must be the same folder
both times, as some outputs contain absolute paths. Cases whose data are not on this machine are skipped by name.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared/data"
LEFT_OUT = ("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm", ".lock")
"""Files that contain times, by design."""

CONCENTRATION = {
    "0..150": "water",
    "150..1000": "ice",
    "2510": "ice",
    "2530": "land",
    "2540": "land",
    "2550": "unobserved",
    "weight": 0.001,
}
SENTINEL2_BANDS = {"blue": "B02", "green": "B03", "red": "B04", "nir": "B08", "swir1": "B11", "swir2": "B12"}


@dataclass(frozen=True)
class Case:
    """A run of a config, or a picture, to hash the outputs of; a case without scenes gets tiles of several years."""

    name: str
    scenes: str
    settings: dict[str, Any] = field(default_factory=dict)
    picture: tuple[str, ...] = ()


CASES = (
    Case(
        "samples",
        f"{ROOT}/data/samples/arctic/*.tif",
        {
            "inputs": {
                "cloud": {"path": f"{ROOT}/data/samples/masks/{{stem}}_cloud.tif", "values": [1]},
                "land": f"{ROOT}/data/samples/land.geojson",
            },
            "measure": {"min_patch_m2": 100000, "alerts": {"class": "ice", "under_km2": 3000}},
            "publish": {
                "polygons": {"format": ["shapefile", "geopackage", "geoparquet", "flatgeobuf"], "simplify_m": 300}
            },
        },
    ),
    Case("years", "", {"measure": {"baseline": ["2020-01-01", "2022-12-31"], "dates_under_km2": {"ice": 3000}}}),
    Case(
        "modis",
        f"{SHARED}/modis-sea-ice/*/*truecolor*",
        {"inputs": {"sensor": "modis-truecolor"}, "segment": {"k": "elbow"}},
    ),
    Case(
        "modis-721",
        f"{SHARED}/modis-ne-greenland/*20220914*/*falsecolor*",
        {"inputs": {"sensor": "modis-721"}, "measure": {"period": "scene"}},
    ),
    Case(
        "modis-mosaic",
        f"{SHARED}/modis-ne-greenland/*/truecolor.tiff",
        {
            "inputs": {"sensor": "modis-truecolor"},
            "segment": {"fit": "observation"},
            "measure": {"prefer": "mode"},
            "publish": {"polygons": {"format": "flatgeobuf", "crs": "EPSG:4326"}},
        },
    ),
    Case(
        "modis-land",
        f"{SHARED}/modis-ne-greenland/*aqua*/truecolor.tiff",
        {"inputs": {"sensor": "modis-truecolor", "land": "{folder}/landmask.tiff"}, "measure": {"prefer": "clearest"}},
    ),
    Case(
        "nsidc",
        f"{SHARED}/nsidc-seaice-geotiff/geotiff/*_concentration_v3.0.tif",
        {"inputs": {"sensor": "classes", "classes": CONCENTRATION, "regions": "REGIONS"}},
    ),
    Case("landsat", f"{SHARED}/landsat-generations/LC08*/*.TIF", {"inputs": {"cloud": {"quality": "landsat-c2"}}}),
    Case("landsat5", f"{SHARED}/landsat5-1988/*.TIF", {"segment": {"features": ["green", "nir", "swir1", "mndwi"]}}),
    Case(
        "sentinel2",
        f"{SHARED}/sentinel2-parana/*.tif",
        {"inputs": {"bands": SENTINEL2_BANDS, "scale": {"gain": 0.0001, "offset": -0.1}}},
    ),
    Case("picture-sample", f"{ROOT}/data/samples/arctic/bay_20240610_a.tif", picture=("--sweep", "2,4,6")),
    Case("picture-modis", f"{SHARED}/landsat7-everest-2000/*_RGB.tif", picture=("--k", "auto", "--elbow")),
    Case(
        "picture-photo", f"{SHARED}/awkward-rasters-2/cog_rgb_mask.tif", picture=("--k", "5", "--space", "--pick", "2")
    ),
)


def matching_files(pattern: str) -> list[Path]:
    """Return the files that match an absolute pattern, sorted."""
    return sorted(Path("/").glob(pattern.removeprefix("/")))


def write_regions(work: Path) -> str:
    """Write the five Hudson Bay regions as one file, and return its path."""
    features = []
    for path in matching_files(f"{SHARED}/nsidc-seaice-geotiff/regions/*_polygon.geojson"):
        name = path.name.removesuffix("_polygon.geojson")
        outlines = json.loads(path.read_text())["features"]
        features += [outline | {"properties": {"name": name}} for outline in outlines]
    path = work / "regions.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return str(path)


def copy_tiles_to_years(work: Path) -> str:
    """Copy sample tiles to dates of four years, so that there are trends, seasons and steps; return their glob."""
    folder = work / "tiles"
    folder.mkdir(exist_ok=True)
    tiles = matching_files(f"{ROOT}/data/samples/arctic/*_a.tif")
    for number, (year, month) in enumerate(product(range(2020, 2024), (3, 6, 9))):
        shutil.copy(tiles[(5 * number + number // 5) % len(tiles)], folder / f"bay_{year}{month:02d}15.tif")
    return f"{folder}/*.tif"


def case_command(icepipe: str, case: Case, work: Path) -> list[str]:
    """Return the command of a case; write its config first."""
    if case.picture:
        return [icepipe, "picture", str(matching_files(case.scenes)[0]), "--out", str(work / case.name), *case.picture]
    settings = json.loads(json.dumps(case.settings))  # a deep copy, as keys are added
    inputs = settings.setdefault("inputs", {})
    inputs["scenes"] = case.scenes or copy_tiles_to_years(work)
    if inputs.get("regions"):
        inputs["regions"] = write_regions(work)
    settings.setdefault("publish", {})["folder"] = str(work)
    config = work / f"{case.name}.yaml"
    config.write_text(json.dumps({"name": case.name, **settings}))
    return [icepipe, "run", "-q", str(config)]


def file_hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder, by relative path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in LEFT_OUT)
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def outputs(icepipe: str, work: Path, wanted: list[str]) -> dict[str, dict[str, str]]:
    """Run every case and return the hash of every file, by case."""
    hashes = {}
    for case in CASES:
        if wanted and case.name not in wanted:
            continue
        if case.scenes and not matching_files(case.scenes):
            print(f"{case.name}: skipped, its data are not on this machine", file=sys.stderr)
            continue
        done = subprocess.run(case_command(icepipe, case, work), capture_output=True, text=True, check=False)  # noqa: S603
        hashes[case.name] = {"exit code": str(done.returncode)} | file_hashes(work / case.name)
        print(f"{case.name}: exit code {done.returncode}, {len(hashes[case.name]) - 1} files", file=sys.stderr)
        if done.returncode:
            print(done.stderr[-500:], file=sys.stderr)
    return hashes


def differences(before: dict[str, dict[str, str]], now: dict[str, dict[str, str]]) -> list[str]:
    """Return a line for every file that is new, missing, or has other bytes."""
    lines = []
    # A case that ran on one machine only says nothing.
    for case in sorted(before.keys() & now.keys()):
        old, new = before[case], now[case]
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) != new.get(name):
                state = "missing" if name not in new else "new" if name not in old else "other bytes"
                lines.append(f"{case}/{name}: {state}")
    return lines


def main() -> None:
    """Save the hashes of this version, or compare them with saved ones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path, help="folder to run in; emptied first")
    parser.add_argument("--icepipe", default=str(Path(sys.executable).parent / "icepipe"), help="the command to run")
    parser.add_argument("--save", type=Path, help="write the hashes to this file")
    parser.add_argument("--against", type=Path, help="compare with the hashes in this file")
    parser.add_argument("--cases", default="", help="names, separated by commas; all if not given")
    options = parser.parse_args()
    work = options.work.resolve()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    now = outputs(options.icepipe, work, [name for name in options.cases.split(",") if name])
    if options.save:
        options.save.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n")
    if options.against:
        before = json.loads(options.against.read_text())
        missing = sorted(before.keys() ^ now.keys())
        lines = differences(before, now)
        print("\n".join([*lines, *(f"{case}: only in one of the two" for case in missing if not options.cases)]))
        print(f"{len(lines)} of {sum(map(len, now.values()))} files and exit codes differ, in {len(now)} cases")
        sys.exit(1 if lines or (missing and not options.cases) else 0)


if __name__ == "__main__":
    main()
