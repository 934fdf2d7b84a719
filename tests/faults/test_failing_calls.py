"""A system call that fails, once or for ever: told with its cause, nothing torn, and the next run goes on."""

from __future__ import annotations

import random
import re
import shutil
from collections import defaultdict

import pytest

from tests.faults.injected import calls, check_goes_on, differences, need_strace, run_with, torn, tree
from tests.faults.runs import CLASSES, settings

SEED = 8
ERRORS = {
    "write": "ENOSPC",
    "pwrite64": "ENOSPC",
    "fsync": "EIO",
    "fdatasync": "EIO",
    "rename": "EACCES",
    "renameat2": "ENOSYS",
    "openat": "EMFILE",
    "mkdir": "EACCES",
    "unlink": "EACCES",
    "ftruncate": "ENOSPC",
}


@pytest.fixture
def failing(tmp_path):
    """A config of two observations, how a run of it ends, and every call that touches its folder."""
    need_strace()
    config = settings(tmp_path, 2, CLASSES, workers=1)
    found = calls(config, tuple(ERRORS), tmp_path / "log")
    whole = tree(tmp_path / "out/bay")
    shutil.rmtree(tmp_path / "out")
    return config, whole, found


def _check(done, folder, whole):
    assert done.returncode in {0, 1, 2, 3, 4, 6}, "its exit code"
    assert "this is a bug" not in done.stderr, "a bug report"
    if done.returncode == 0:
        assert not (found := differences(tree(folder), whole)), found
    elif folder.exists():
        assert not (found := torn(folder)), found


def fail_at(failing, tmp_path, chosen, once):
    config, whole, _ = failing
    wrong = []
    for call in chosen:
        done = run_with(config, call.name, f"error={ERRORS[call.name]}:when={call.number}{'' if once else '+'}")
        try:
            _check(done, tmp_path / "out/bay", whole)
            if done.returncode:
                check_goes_on(config, whole)
        except AssertionError as error:
            wrong.append(f"{call} {done.returncode} {done.stderr.splitlines()[-1:]}: {error}")
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
    assert not wrong, "\n".join(wrong)
    print(f"{len(chosen)} calls failed {'once' if once else 'for ever'}: all told, nothing torn")


@pytest.mark.parametrize("once", [True, False])
def test_some_calls_fail(failing, tmp_path, once):
    fail_at(failing, tmp_path, random.Random(SEED + once).sample(failing[2], 3), once)


def kind_of(call):
    """A call by its name and its file, whatever the date and the class that the file is of."""
    path = re.search(r'/out[^">]*', call.arguments)[0]
    return call.name, re.sub(r"\d|_(ice|water|classes)\b", "", path)


def of_every_kind(found, once):
    """The first and the last call of each kind; for ever from the first."""
    kinds = defaultdict(list)
    for call in found:
        kinds[kind_of(call)].append(call)
    return [call for kind in kinds.values() for call in dict.fromkeys([kind[0], kind[-1]] if once else kind[:1])]


PARTS = 10


@pytest.mark.soak
@pytest.mark.parametrize("once", [True, False])
@pytest.mark.parametrize("part", range(PARTS))
def test_every_kind_of_call_fails_on_every_kind_of_file(failing, tmp_path, part, once):
    chosen = sorted(of_every_kind(failing[2], once), key=lambda call: (call.name, call.number))
    fail_at(failing, tmp_path, chosen[part::PARTS], once)
