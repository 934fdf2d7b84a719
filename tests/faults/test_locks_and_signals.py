"""Two schedulers at once, dead owners, suspended runs, and signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from icepipe.errors import RunLocked
from icepipe.storage.lock import run_lock
from tests.faults.injected import ICEPIPE, check_goes_on, differences, rerun, torn, tree
from tests.faults.runs import CLASSES, settings

HOLDERS = """
import os, sys, time
from pathlib import Path
from icepipe.storage.lock import run_lock
from icepipe.errors import RunLocked
folder, mark, until = Path(sys.argv[1]), Path(sys.argv[2]), time.monotonic() + float(sys.argv[3])
held = refused = 0
while time.monotonic() < until:
    start = time.monotonic()
    try:
        with run_lock(folder):
            mark.mkdir()
            time.sleep(0.002)
            mark.rmdir()
            held += 1
    except RunLocked:
        assert time.monotonic() - start < 1
        refused += 1
    except FileExistsError:
        print("two holders at once")
        os._exit(1)
print(held, refused)
"""


def contend(tmp_path, processes, seconds):
    (tmp_path / "run").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "run")
    arguments = [tmp_path / "mark", str(seconds)]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", HOLDERS, tmp_path / ("link" if number % 2 else "run"), *arguments],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(processes)
    ]
    told = [process.communicate()[0].strip() for process in running]
    assert {process.returncode for process in running} == {0}, told
    held, refused = (sum(int(line.split()[i]) for line in told) for i in (0, 1))
    assert held > processes
    print(f"{processes} processes in {seconds} s: held {held} times, refused {refused} times, never two at once")


def test_many_processes_never_hold_one_folder_together(tmp_path):
    contend(tmp_path, 10, 4)


@pytest.mark.soak
def test_forty_processes_for_a_minute(tmp_path):
    contend(tmp_path, 40, 60)


def started(config, **options):
    """A run that minds signals, whatever the shell of these tests has set to be ignored."""
    options.setdefault("preexec_fn", lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    return subprocess.Popen([ICEPIPE, "run", str(config)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, **options)


def two_at_once(config, whole):
    runs = [started(config) for _ in range(2)]
    told = [run.communicate()[1].decode() for run in runs]
    codes = sorted(run.returncode for run in runs)
    folder = config.parent / "out/bay"
    assert codes in ([0, 5], [0, 0]), told
    if codes == [0, 5]:
        first, second = (run for run in sorted(runs, key=lambda run: run.returncode))
        assert f"process {first.pid} on" in told[runs.index(second)]
    assert not (found := differences(tree(folder), whole)), found
    assert not (found := torn(folder)), found
    return codes


def both(tmp_path, tries):
    config = settings(tmp_path, 2, CLASSES)
    assert rerun(config).returncode == 0
    whole = tree(tmp_path / "out/bay")
    refused = 0
    for _ in range(tries):
        subprocess.run(["rm", "-rf", tmp_path / "out"], check=True)
        refused += two_at_once(config, whole) == [0, 5]
    assert refused > tries / 2
    print(f"{tries} times two runs at once: one worked, and {refused} times the other was told so by exit code 5")


def test_two_runs_at_once(tmp_path):
    both(tmp_path, 2)


@pytest.mark.soak
@pytest.mark.parametrize("tries", [10] * 5)
def test_two_runs_at_once_fifty_times(tmp_path, tries):
    both(tmp_path, tries)


def test_a_lock_that_names_a_stranger_who_lives_is_no_lock(tmp_path):
    config = settings(tmp_path, 1, CLASSES)
    (tmp_path / "out/bay").mkdir(parents=True)
    stranger = {"host": os.uname().nodename, "pid": 1, "boot": "another"}
    (tmp_path / "out/bay/.lock").write_text(json.dumps(stranger))
    assert rerun(config).returncode == 0


SLOW = """
import fcntl, json, sys, time
with open(sys.argv[1], "w") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    print("held", flush=True)
    time.sleep(0.2)
    file.write(sys.argv[2])
    file.flush()
    time.sleep(60)
"""


@pytest.mark.parametrize(
    ("written", "said"), [('{"pid": 77, "host": "far"}', "process 77 on far is running"), ("", "another process is")]
)
def test_who_has_just_got_the_lock_is_named_once_they_have_written(tmp_path, written, said):
    command = [sys.executable, "-c", SLOW, tmp_path / ".lock", written]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(RunLocked, match=said), run_lock(tmp_path):
            pass
        holder.kill()


def test_nobody_is_named_once_a_run_is_over(tmp_path):
    (tmp_path / "kept").write_text("x")
    with run_lock(tmp_path):
        assert json.loads((tmp_path / ".lock").read_text())["pid"] == os.getpid()
    assert (tmp_path / ".lock").read_text() == ""


def test_a_suspended_run_still_holds_its_folder_and_goes_on(tmp_path):
    config = settings(tmp_path, 4, workers=1)
    assert rerun(config).returncode == 0
    whole = tree(tmp_path / "out/bay")
    subprocess.run(["rm", "-rf", tmp_path / "out"], check=True)
    first = started(config)
    assert b"2024-07-01" in _until(first, b"2024-07")
    first.send_signal(signal.SIGSTOP)
    second = rerun(config)
    assert second.returncode == 5
    assert f"process {first.pid} on" in second.stderr
    first.send_signal(signal.SIGCONT)
    first.communicate()
    assert first.returncode == 0
    assert not differences(tree(tmp_path / "out/bay"), whole)


def _until(process, text):
    for line in process.stderr:
        if text in line:
            return line
    raise AssertionError(f"{text} was never told")


@pytest.mark.parametrize(
    ("numbers", "code"),
    [
        ([signal.SIGINT], 130),
        ([signal.SIGTERM], 143),
        ([signal.SIGHUP], 129),
        ([signal.SIGTERM, signal.SIGTERM], 143),
    ],
    ids=str,
)
def test_a_signal_ends_a_run_within_ten_seconds_and_the_next_goes_on(tmp_path, numbers, code):
    config = settings(tmp_path, 6, CLASSES)
    assert rerun(config).returncode == 0
    whole = tree(tmp_path / "out/bay")
    subprocess.run(["rm", "-rf", tmp_path / "out"], check=True)
    process = started(config)
    _until(process, b"2024-07")
    for number in numbers:
        process.send_signal(number)
        time.sleep(0.05)
    told = process.communicate(timeout=10)[1]
    assert process.returncode in {code, -numbers[-1]}, "a shell tells both alike"
    assert b"bug" not in told
    assert b"Traceback" not in told
    check_goes_on(config, whole)


def test_a_signal_that_the_caller_ignores_stays_ignored(tmp_path):
    config = settings(tmp_path, 3, workers=1)
    process = started(config, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    _until(process, b"2024-07")
    process.send_signal(signal.SIGHUP)
    process.communicate()
    assert process.returncode == 0
