"""What a run over years of observations costs when one is new, or none: `python benchmarks/years.py [count]`.

One observation is made by icepipe, and then stands for all: its tile and its folder are copied under other dates, with
records that say so. The next run finds them in order, fills the ledger and writes the series; what follows is timed.
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


def tile(path: Path) -> None:
    """A picture of 16 by 16 pixels, half ice and half water."""
    pixels = np.empty((3, 16, 16), np.uint8)
    pixels[:] = np.array([20, 40, 60])[:, None, None]
    pixels[:, :8] = np.array([220, 225, 230])[:, None, None]
    where = {"crs": "EPSG:3413", "transform": Affine(250, 0, -650_000, 0, -250, -1_350_000)}
    with rasterio.open(path, "w", "GTiff", 16, 16, 3, dtype="uint8", photometric="RGB", **where) as dataset:
        dataset.write(pixels)


def copied(observations: Path, tiles: Path, first: str, key: str) -> None:
    """Another date that the first stands for."""
    shutil.copyfile(tiles / f"t_{first}.tif", tiles / f"t_{key}.tif")
    target = observations / key
    target.mkdir()
    for path in (observations / first).iterdir():
        shutil.copyfile(path, target / path.name.replace(first, key))
    document = ObservationPaths(target).record
    document.write_text(document.read_text().replace(first, key))
    old = last_record(target)
    assert old is not None
    rewrite_record(target, old, old.made, ())


def timed(*command: str) -> float:
    """Seconds of a whole process."""
    start = time.monotonic()
    subprocess.run([Path(sys.executable).parent / "icepipe", *command], check=True, capture_output=True)  # noqa: S603
    return time.monotonic() - start


def main(count: int) -> None:
    """Print a line a case."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        tiles, folder, config = root / "tiles", root / "out" / NAME, root / "config.yaml"
        tiles.mkdir()
        days = [(dt.date(1990, 1, 1) + dt.timedelta(days=number)).isoformat() for number in range(count + 1)]
        tile(tiles / f"t_{days[0]}.tif")
        settings = {"name": NAME, "inputs": {"scenes": "tiles"}, "publish": {"folder": "out", "change": False}}
        config.write_text(json.dumps(settings))
        print(f"one observation, first run: {timed('run', str(config)):.2f} s", flush=True)
        for day in days[1:count]:
            copied(folder / "observations", tiles, days[0], day)
        time.sleep(3)
        print(f"{count} observations, no ledger of them yet: {timed('run', str(config)):.2f} s", flush=True)
        print(f"nothing new: {min(timed('run', str(config)) for _ in range(3)):.2f} s")
        print(f"status: {min(timed('status', str(folder)) for _ in range(3)):.2f} s")
        tile(tiles / f"t_{days[count]}.tif")
        print(f"one new: {timed('run', str(config)):.2f} s")
        print(f"ledger: {(folder / 'ledger.sqlite').stat().st_size / count:.0f} bytes an observation")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
