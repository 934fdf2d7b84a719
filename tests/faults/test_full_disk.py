"""A disk that fills up at any point of a run: told with path and bytes, old outputs whole, and the next run goes on."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from tests.faults.injected import ICEPIPE, rerun, torn, tree
from tests.faults.runs import CLASSES, settings

SIZES_KB = [400, 1400]
EVERY_SIZE_KB = [size for size in range(60, 1500, 40) if size not in SIZES_KB]


def can_mount():
    return subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode == 0


@pytest.fixture
def disk(tmp_path):
    """Runs commands with a small disk as ``out``: what they print, and the folder as it stood at the end."""
    if shutil.which("unshare") is None or not can_mount():
        pytest.skip("this machine does not let a test mount a disk of its own")
    config = settings(tmp_path, 4, CLASSES, workers=1)
    (tmp_path / "out").mkdir()

    def call(size_kb, script):
        steps = f"mount -t tmpfs -o size={size_kb}k tmpfs out\n{script}\ncp -a out/. copy"
        command = ["unshare", "-rm", "bash", "-c", steps]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return config, call


def fill(disk, tmp_path, size_kb):
    config, call = disk
    (tmp_path / "copy").mkdir()
    done = call(size_kb, f"{ICEPIPE} run {config} -q; echo code $?")
    code = re.search(r"code (\d+)", done.stdout)[1]
    if code == "0":
        pytest.fail(f"{size_kb} kB are enough")
    assert code == "6", done.stderr
    assert str(tmp_path / "out/bay") in done.stderr
    assert "bytes are left" in done.stderr or "ledger.sqlite" in done.stderr
    left = tmp_path / "copy/bay"
    assert not (found := torn(left)), found
    assert not [path for path in left.rglob(".*") if path.name != ".lock"]
    shutil.rmtree(tmp_path / "out")
    shutil.copytree(tmp_path / "copy", tmp_path / "out")
    assert rerun(config).returncode == 0
    shutil.copytree(tmp_path / "out/bay", tmp_path / "gone_on")
    shutil.rmtree(tmp_path / "out/bay")
    assert rerun(config).returncode == 0
    assert tree(tmp_path / "gone_on") == tree(tmp_path / "out/bay")


@pytest.mark.parametrize("size_kb", SIZES_KB)
def test_a_disk_that_is_full(disk, tmp_path, size_kb):
    fill(disk, tmp_path, size_kb)


@pytest.mark.soak
@pytest.mark.parametrize("size_kb", EVERY_SIZE_KB)
def test_a_disk_that_is_full_at_any_size(disk, tmp_path, size_kb):
    fill(disk, tmp_path, size_kb)


def test_a_full_disk_under_a_finished_run_leaves_it_as_it_was(disk, tmp_path):
    config, call = disk
    shutil.copy(tmp_path / "tiles/x_20240704.tif", tmp_path / "later.tif")
    (tmp_path / "tiles/x_20240704.tif").unlink()
    (tmp_path / "copy").mkdir()
    fill = "dd if=/dev/zero of=out/filler bs=1k count=20000 2>/dev/null"
    run = f"{ICEPIPE} run {config} -q"
    again = f"cp later.tif tiles/x_20240704.tif; cp -a out/bay before; {fill}; {run}; echo code $?; rm out/filler"
    done = call(4000, f"{run} && {again}")
    assert "code 6" in done.stdout, done.stderr
    assert tree(tmp_path / "copy/bay") == tree(tmp_path / "before")


@pytest.mark.parametrize("where", ["log", "stdout"])
def test_a_log_or_an_answer_that_cannot_be_written_leaves_the_data_published(disk, tmp_path, where):
    config, call = disk
    (tmp_path / "copy").mkdir()
    option = "--log-json /dev/full" if where == "log" else "> /dev/full"
    done = call(8000, f"{ICEPIPE} run {config} {option}; echo code $? >&2")
    assert "code 6" in done.stderr
    assert ("/dev/full: the log could not be written" if where == "log" else "standard output") in done.stderr
    assert (tmp_path / "copy/bay/series.csv").is_file()
    assert (tmp_path / "copy/bay/manifest.json").is_file()
