"""Nobody is watching: two runs at once, killed runs, broken tiles among good ones."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from icepipe.errors import RunLocked
from icepipe.storage.atomic import remove_partial_outputs, replace_folder, swap_folders
from icepipe.storage.lock import run_lock
from tests.rasters import paint, write

HOLD = """
import sys, time
from pathlib import Path
from icepipe.storage.lock import run_lock

FORKED = True
with run_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(120)
"""


@pytest.fixture
def config(tmp_path):
    write(tmp_path / "tiles/a_20240701.tif", paint(["ii..", "ww.."]), nodata=0)
    write(tmp_path / "tiles/b_20240701.tif", paint(["..ii", "..ww"]), nodata=0)
    path = tmp_path / "c.yaml"
    path.write_text(json.dumps({"name": "bay", "inputs": {"scenes": "tiles"}, "publish": {"folder": "out"}}))
    return path


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "out/bay")], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_run_names_the_first_and_a_dead_owner_holds_nothing(icepipe, config, holder):
    done = icepipe("run", config)
    assert done.returncode == 5
    assert f"process {holder.pid} on" in done.stderr
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert icepipe("run", config).returncode == 0


def test_a_lock_excludes_within_one_process_too(tmp_path):
    with run_lock(tmp_path), pytest.raises(RunLocked), run_lock(tmp_path):
        pass
    with run_lock(tmp_path):
        pass


def test_a_lock_file_that_is_a_link_is_not_followed(tmp_path, icepipe, config):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "out/bay").mkdir(parents=True)
    (tmp_path / "out/bay/.lock").symlink_to(victim)
    assert icepipe("run", config).returncode == 2
    assert victim.read_text() == "mine"


def test_two_folders_change_names_in_one_step(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    assert swap_folders(tmp_path / "one", tmp_path / "other")
    assert (tmp_path / "one/file").read_text() == "other"
    assert not swap_folders(tmp_path / "one", tmp_path / "none")


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_folder_is_replaced_whole(tmp_path, monkeypatch, can_exchange):
    if not can_exchange:
        monkeypatch.setattr("icepipe.storage.atomic.swap_folders", lambda _one, _other: False)
    for text in ("first", "second"):
        with replace_folder(tmp_path / "day") as part:
            (part / "file").write_text(text)
        assert (tmp_path / "day/file").read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["day"]


def test_what_a_killed_run_left_is_cleared_and_what_stepped_aside_comes_back(tmp_path):
    for name in (".a.part", ".b.old", ".c.old", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    remove_partial_outputs(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "c"]
    assert (tmp_path / "b/file").read_text() == ".b.old"
    assert (tmp_path / "c/file").read_text() == "c"


def ice(folder):
    rows = [line.split(",") for line in (folder / "series.csv").read_text().splitlines()]
    return [row[4] for row in rows if row[3] == "ice"]


def test_a_broken_tile_fails_its_date_and_the_row_that_stood_there_stays(icepipe, config, tmp_path):
    write(tmp_path / "tiles/a_20240702.tif", paint(["iiww"]))
    assert icepipe("run", config).returncode == 0
    before = ice(tmp_path / "out/bay")
    broken = tmp_path / "tiles/b_20240701.tif"
    broken.write_bytes(b"II*\0 cut short")
    done = icepipe("run", config)
    assert done.returncode == 4
    assert "b_20240701.tif" in done.stderr
    assert ice(tmp_path / "out/bay") == before
    broken.unlink()
    assert icepipe("run", config).returncode == 0
    after = ice(tmp_path / "out/bay")
    assert after != before
    assert before[0] in (tmp_path / "out/bay/history.csv").read_text()
