"""Run the command in a process that is forked from one with its libraries loaded, which saves seconds in each test.

Tests of imports, environment variables, memory and signals start a new process instead.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import IO

from icepipe.runtime.gdal_environment import apply_gdal_settings

ROOT = Path(__file__).resolve().parents[1]

LOADED = (
    "icepipe.cli.main",
    "icepipe.picture.run",
    "icepipe.publish.images.figure",
    "icepipe.publish.report.write",
    "icepipe.segment.classification._kernels",
    "icepipe.workflow.run",
    "jinja2",
    "pyogrio",
    "sklearn.cluster",
)
"""Modules that a run, a picture or a report imports late."""


class Forker:
    """A process that has loaded the libraries, and forks a child for each command."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.forked"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, arguments: Sequence[str], cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a command and wait for it."""
        with tempfile.TemporaryDirectory() as folder:
            streams = [Path(folder) / name for name in ("out", "err")]
            request = {"arguments": arguments, "cwd": str(cwd), "streams": list(map(str, streams))}
            print(json.dumps(request), file=_open(self._process.stdin), flush=True)
            code = json.loads(_open(self._process.stdout).readline())
            out, err = (stream.read_text(encoding="utf-8") for stream in streams)
        return subprocess.CompletedProcess(["icepipe", *arguments], code, out, err)

    def close(self) -> None:
        """End the process."""
        _open(self._process.stdin).close()
        self._process.wait()
        _open(self._process.stdout).close()


def _open(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


def run_and_exit(arguments: list[str], cwd: str, streams: list[str]) -> None:
    """Run the command in this process, and exit."""
    from icepipe.cli.main import main

    os.chdir(cwd)
    for number, path in enumerate(("/dev/null", *streams)):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.argv = ["icepipe", *arguments]
    code: object = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


def serve() -> None:
    """Run the commands that come as lines of JSON, one after the other, and answer each with its exit code."""
    apply_gdal_settings()
    for name in LOADED:
        import_module(name)
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            run_and_exit(**json.loads(line))
        _, status = os.waitpid(child, 0)
        print(json.dumps(os.waitstatus_to_exitcode(status)), file=answers, flush=True)


if __name__ == "__main__":
    serve()
