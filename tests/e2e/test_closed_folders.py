"""Folders of tiles that cannot be listed: each is reported, and its files do not count as removed."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from icepipe.inputs.discover import find_files, unlisted_folders
from tests.rasters import TRANSFORM, paint, write

OBEYS_MODES = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
"""Root opens what is closed to others, unless it gives up the right to."""

pytestmark = pytest.mark.skipif(
    bool(OBEYS_MODES) and shutil.which("setpriv") is None, reason="root is stopped by no folder's mode without setpriv"
)

DAYS = {"a": ("20240701", "20240702"), "b": ("20240701", "20240703")}


def run(config, *arguments):
    command = [*OBEYS_MODES, Path(sys.executable).parent / "icepipe", "run", config, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture
def tiles(tmp_path):
    """Two folders: of the first day each holds one half, of the others one holds all."""
    for folder, days in DAYS.items():
        for day in days:
            place = TRANSFORM @ Affine.translation(0 if folder == "a" else 12, 0)
            half = paint([row * 3 for row in ("iiww", "iwww")] * 3)
            write(tmp_path / f"tiles/{folder}/{folder}_{day}.tif", half, transform=place)
    yield tmp_path / "tiles"
    for folder in DAYS:
        (tmp_path / "tiles" / folder).chmod(0o755)


@pytest.fixture
def config(tiles):
    """A config that names the tiles by ``pattern``."""

    def make(pattern="tiles/*/*.tif"):
        path = tiles.parent / "bay.yaml"
        settings = {"name": "bay", "inputs": {"scenes": pattern}, "publish": {"folder": "out", "report": False}}
        path.write_text(json.dumps(settings))
        return path

    return make


def series(config):
    return (config.parent / "out/bay/series.csv").read_bytes()


@pytest.mark.parametrize("pattern", ["tiles/*/*.tif", "tiles/**/*.tif", "tiles/?/?_*.tif", ["tiles/a", "tiles/b"]])
def test_a_closed_folder_is_told_and_keeps_what_it_gave(config, tiles, pattern):
    path = config(pattern)
    assert run(path).returncode == 0
    before = series(path)
    (tiles / "b").chmod(0)
    done = run(path)
    assert done.returncode == 4 if isinstance(pattern, str) else done.returncode in {3, 4}
    assert "b: cannot be listed (Permission denied); check the disk and its permissions" in done.stderr
    assert series(path) == before, "a day whose other half is out of sight stays as it was"
    assert run(path, "--force").returncode == done.returncode
    assert series(path) == before
    (tiles / "b").chmod(0o755)
    assert run(path).returncode == 0
    assert series(path) == before


def test_new_tiles_elsewhere_are_worked_on(config, tiles):
    path = config()
    assert run(path).returncode == 0
    (tiles / "b").chmod(0)
    shutil.copy(tiles / "a/a_20240702.tif", tiles / "a/a_20240709.tif")
    assert run(path).returncode == 4
    with (path.parent / "out/bay/series.csv").open(newline="") as file:
        dates = {row["date"] for row in csv.DictReader(file)}
    assert dates == {"2024-07-01", "2024-07-02", "2024-07-03", "2024-07-09"}


def test_a_folder_that_was_always_closed_is_told_every_time(config, tiles):
    """Also where a glance would find nothing new."""
    (tiles / "b").chmod(0)
    path = config()
    assert run(path).returncode == 4
    assert run(path).returncode == 4


@pytest.mark.parametrize("mode", [0, 0o444, 0o111])
@pytest.mark.parametrize("pattern", ["tiles/b/*.tif", "tiles/b"])
def test_alone_it_is_no_usable_input(config, tiles, pattern, mode):
    path = config(pattern)
    (tiles / "b").chmod(mode)
    done = run(path)
    assert done.returncode == 3
    assert "tiles/b: cannot be listed (Permission denied)" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_lets_no_one_through_hides_what_lies_below(config, tiles):
    path = config(["tiles/a", "tiles/b/b_20240703.tif"])
    (tiles / "b").chmod(0)
    done = run(path)
    assert done.returncode == 3
    assert "tiles/b: cannot be listed" in done.stderr


def test_open_folders_and_absent_ones_are_no_fault(tiles):
    (tiles / "c").write_text("")
    patterns = [f"{tiles}/*/*.tif", f"{tiles}/**/x.tif", f"{tiles}/c/*", f"{tiles}/none/*", str(tiles / "a"), "*.tif"]
    assert unlisted_folders(patterns) == ()
    assert len(find_files(patterns[:1])) == 4


def test_a_closed_tile_fails_its_day_and_no_other(config, tiles):
    path = config()
    assert run(path).returncode == 0
    before = series(path)
    tile = tiles / "b/b_20240701.tif"
    tile.chmod(0)
    shutil.copy(tiles / "a/a_20240702.tif", tiles / "a/a_20240709.tif")
    done = run(path)
    assert done.returncode == 4
    assert "b_20240701.tif: cannot be read (Permission denied); check the disk and its permissions" in done.stderr
    assert series(path).startswith(before)
    assert b"2024-07-09" in series(path)


def test_a_scene_whose_mask_is_out_of_sight_is_no_scene_without_cloud(config, tiles):
    path = config("tiles/a/*.tif")
    settings = json.loads(path.read_text())
    settings["inputs"]["cloud"] = {"path": "masks/{stem}.tif"}
    path.write_text(json.dumps(settings))
    masks = tiles.parent / "masks"
    for tile in (tiles / "a").iterdir():
        write(masks / tile.name, np.zeros((1, 6, 12), np.uint8))
    assert run(path).returncode == 0
    before = series(path)
    masks.chmod(0)
    try:
        done = run(path, "--force")
        assert done.returncode == 3
        assert "cannot be read" in done.stderr
        assert "Permission denied" in done.stderr
        assert series(path) == before
    finally:
        masks.chmod(0o755)
