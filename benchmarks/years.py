"""Time a run over years of observations with one new observation, or none: `python benchmarks/years.py [count]`.

icepipe processes one observation; its tile and its folder are then copied to other dates, and the records adapted. The
next run finds them up to date, fills the ledger and writes the series; the runs after it are timed.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

from icepipe.publish.run_folder.paths import ObservationPaths
from icepipe.publish.run_folder.record import last_record, rewrite_record

NAME = "years"


def write_tile(path: Path) -> None:
    """Write a picture of 16 by 16 pixels, half ice and half water."""
    pixels = np.empty((3, 16, 16), np.uint8)
    pixels[:] = np.array([20, 40, 60])[:, None, None]
    pixels[:, :8] = np.array([220, 225, 230])[:, None, None]
    georeference = {"crs": "EPSG:3413", "transform": Affine(250, 0, -650_000, 0, -250, -1_350_000)}
    with rasterio.open(path, "w", "GTiff", 16, 16, 3, dtype="uint8", photometric="RGB", **georeference) as dataset:
        dataset.write(pixels)


def copy_observation(observations: Path, tiles: Path, first: str, key: str) -> None:
    """Copy the first observation to another date."""
    shutil.copyfile(tiles / f"t_{first}.tif", tiles / f"t_{key}.tif")
    target = observations / key
    target.mkdir()
    for path in (observations / first).iterdir():
        shutil.copyfile(path, target / path.name.replace(first, key))
    document = ObservationPaths(target).record
    document.write_text(document.read_text().replace(first, key))
    old = last_record(target)
    assert old is not None
    # The record lists fingerprints of its files, which now have other names.
    rewrite_record(target, old, old.made, ())


def seconds(*command: str) -> float:
    """Return the seconds that a whole process takes."""
    start = time.monotonic()
    subprocess.run([Path(sys.executable).parent / "icepipe", *command], check=True, capture_output=True)  # noqa: S603
    return time.monotonic() - start


def main(count: int) -> None:
    """Print a line for each case."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        tiles, folder, config = root / "tiles", root / "out" / NAME, root / "config.yaml"
        tiles.mkdir()
        days = [(dt.date(1990, 1, 1) + dt.timedelta(days=number)).isoformat() for number in range(count + 1)]
        write_tile(tiles / f"t_{days[0]}.tif")
        settings = {"name": NAME, "inputs": {"scenes": "tiles"}, "publish": {"folder": "out", "change": False}}
        config.write_text(json.dumps(settings))
        print(f"one observation, first run: {seconds('run', str(config)):.2f} s", flush=True)
        for day in days[1:count]:
            copy_observation(folder / "observations", tiles, days[0], day)
        # Files younger than the resolution of file times are read again; let them grow older.
        time.sleep(3)
        print(f"{count} observations, no ledger of them yet: {seconds('run', str(config)):.2f} s", flush=True)
        print(f"nothing new: {min(seconds('run', str(config)) for _ in range(3)):.2f} s")
        print(f"status: {min(seconds('status', str(folder)) for _ in range(3)):.2f} s")
        write_tile(tiles / f"t_{days[count]}.tif")
        print(f"one new: {seconds('run', str(config)):.2f} s")
        print(f"ledger: {(folder / 'ledger.sqlite').stat().st_size / count:.0f} bytes per observation")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
