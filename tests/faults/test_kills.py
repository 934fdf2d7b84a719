"""A run killed at any instant leaves whole files only, and the next run ends as one that was never killed."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import time

import pytest

from tests.faults.injected import ICEPIPE, Call, calls, check_goes_on, need_strace, rerun, run_with, tree
from tests.faults.runs import CLASSES, settings

SEED = 8
BOUNDARIES = ("rename", "renameat2", "fsync", "fdatasync", "unlink", "rmdir", "mkdir", "ftruncate")


@pytest.fixture
def twelve(tmp_path):
    """A config of twelve observations, how a run of it ends, and its seconds."""
    config = settings(tmp_path, 12)
    start = time.monotonic()
    assert rerun(config).returncode == 0
    seconds = time.monotonic() - start
    whole = tree(tmp_path / "out/bay")
    shutil.rmtree(tmp_path / "out")
    return config, whole, seconds


def killed(config, after_s):
    """Whether a run was still going when it was killed."""
    process = subprocess.Popen([ICEPIPE, "run", str(config)], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    time.sleep(after_s)
    process.kill()
    return process.wait() == -signal.SIGKILL


def kill_and_go_on(twelve, tmp_path, kills, seed):
    config, whole, seconds = twelve
    draw, hit = random.Random(seed), 0
    for _ in range(kills):
        hit += killed(config, draw.uniform(0.2, seconds))
        check_goes_on(config, whole)
        shutil.rmtree(tmp_path / "out")
    print(f"{kills} kills of 12 observations, seed {seed}: {hit} in the run, nothing torn, the same bytes in the end")


def test_killed_at_random(twelve, tmp_path):
    kill_and_go_on(twelve, tmp_path, 2, SEED)


def test_killed_again_and_again(twelve):
    config, whole, seconds = twelve
    draw = random.Random(SEED)
    for _ in range(3):
        killed(config, draw.uniform(0.5, seconds))
    check_goes_on(config, whole)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(20))
def test_killed_at_two_hundred_instants(twelve, tmp_path, part):
    kill_and_go_on(twelve, tmp_path, 10, SEED + 1 + part)


@pytest.fixture
def boundaries(tmp_path) -> tuple[object, dict, list[Call]]:
    """A config of two observations, how a run of it ends, and every step at which it touches the disk."""
    need_strace()
    config = settings(tmp_path, 2, CLASSES, workers=1)
    found = calls(config, BOUNDARIES, tmp_path / "log")
    whole = tree(tmp_path / "out/bay")
    shutil.rmtree(tmp_path / "out")
    return config, whole, found


def kill_at(boundaries, tmp_path, chosen):
    config, whole, _ = boundaries
    for call in chosen:
        run_with(config, call.name, f"signal=SIGKILL:when={call.number}")
        check_goes_on(config, whole)
        shutil.rmtree(tmp_path / "out")
    print(f"killed at {len(chosen)} of {len(boundaries[2])} renames, syncs, removals and new folders: all went on")


def test_killed_at_some_steps(boundaries, tmp_path):
    kill_at(boundaries, tmp_path, random.Random(SEED).sample(boundaries[2], 4))


@pytest.mark.soak
@pytest.mark.parametrize("part", range(20))
def test_killed_at_every_step(boundaries, tmp_path, part):
    kill_at(boundaries, tmp_path, boundaries[2][part::20])
