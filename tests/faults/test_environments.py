"""The same bytes wherever and whenever a run is started."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess

import pytest

from tests.faults.injected import ICEPIPE, differences, tree
from tests.faults.runs import CLASSES, settings


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """A config of two observations, and how a run of it ends."""
    folder = tmp_path_factory.mktemp("usual")
    config = settings(folder, 2, CLASSES)
    subprocess.run([ICEPIPE, "run", config, "-q"], check=True)
    whole = tree(folder / "out/bay")
    shutil.rmtree(folder / "out")
    yield config, whole
    shutil.rmtree(folder)


def run_in(usual, prefix=(), **options):
    config, whole = usual
    out = config.parent / "out"
    try:
        done = subprocess.run([*prefix, ICEPIPE, "run", config], capture_output=True, text=True, check=False, **options)
        assert done.returncode == 0, done.stderr
        assert not (found := differences(tree(out / "bay"), whole)), found
        return done
    finally:
        shutil.rmtree(out, ignore_errors=True)


VARIABLES = [
    {"TZ": "Pacific/Kiritimati"},
    {"TZ": "America/St_Johns", "LC_ALL": "C", "LANG": "C"},
    {"PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "7", "GDAL_NUM_THREADS": "4"},
    {"GDAL_CACHEMAX": "1", "OGR_SQLITE_SYNCHRONOUS": "OFF", "GTIFF_SRS_SOURCE": "EPSG", "SHAPE_ENCODING": "CP1252"},
]


@pytest.mark.parametrize("variables", VARIABLES, ids=lambda v: " ".join(v))
def test_variables_change_nothing(usual, variables):
    run_in(usual, env=os.environ | variables)


def test_without_a_home_or_a_folder_for_temporary_files(usual):
    kept = {name: value for name, value in os.environ.items() if name not in {"HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR"}}
    done = run_in(usual, env=kept | {"HOME": "/nowhere"})
    assert "matplotlib" not in done.stderr.lower()
    run_in(usual, env=kept | {"TMPDIR": "/nowhere"})


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_another_umask(usual, umask):
    run_in(usual, umask=umask)


def test_from_a_folder_that_was_deleted(usual, tmp_path):
    gone = tmp_path / "gone"
    script = f'mkdir {gone} && cd {gone} && rmdir {gone} && exec "$@"'
    run_in(usual, prefix=["sh", "-c", script, "sh"])


def test_with_64_file_descriptors(usual):
    run_in(usual, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))


@pytest.mark.parametrize("shift", ["-1 day", "+10 years"])
def test_with_a_clock_that_is_wrong(usual, shift):
    if shutil.which("faketime") is None:
        pytest.skip("faketime is not on this machine")
    run_in(usual, prefix=["faketime", "-f", shift.replace(" days", "d").replace(" day", "d").replace(" years", "y")])


def test_with_a_clock_set_back_between_two_runs(usual):
    config, whole = usual
    out = config.parent / "out"
    subprocess.run([ICEPIPE, "run", config, "-q"], check=True)
    for path in out.rglob("*"):
        os.utime(path, (4_000_000_000, 4_000_000_000))
    done = subprocess.run([ICEPIPE, "run", config], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "2 observation(s) were up to date" in done.stdout
    assert not differences(tree(out / "bay"), whole)
    shutil.rmtree(out)


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_with_standard_streams_closed(usual, closed):
    run_in(usual, prefix=["sh", "-c", f'exec "$@" {closed}', "sh"])


@pytest.mark.parametrize("piped", ["| head -c 0", "2>&1 | head -n 1", "2>&1 >/dev/null | head -c 0"])
def test_a_reader_who_has_had_enough_ends_nothing(usual, piped):
    done = run_in(usual, prefix=["bash", "-o", "pipefail", "-c", f'"$@" {piped}', "bash"])
    assert "bug" not in done.stderr


@pytest.mark.parametrize("limit_mb", [500, 640, 700, 900])
def test_memory_that_does_not_suffice_is_told(usual, limit_mb):
    config, _ = usual
    limit = limit_mb * 2**20
    done = subprocess.run(
        [ICEPIPE, "run", config],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    shutil.rmtree(config.parent / "out", ignore_errors=True)
    assert done.returncode == 6
    assert "the memory that a process may map is limited" in done.stderr
    assert "bug" not in done.stderr


def test_a_file_size_limit_is_told(usual):
    config, _ = usual
    done = subprocess.run(
        [ICEPIPE, "run", config],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)),
    )
    shutil.rmtree(config.parent / "out", ignore_errors=True)
    assert done.returncode == 6, done.stderr
    assert "bug" not in done.stderr
